"""Do `solver sandbox bench`: time programs in the sandbox and in a bare Python, on this machine.

The comparison with other sandboxes is `tests/bench/sandbox.py`.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sandbox import Exit, SandboxError, open_sandbox

PROGRAMS = {
    "print(42)": "print(42)",
    "numpy, sympy, scipy": "import numpy, sympy, scipy.optimize\nprint(sympy.Rational(1, 3))",
    "solve a quadratic": "import sympy\nx = sympy.Symbol('x')\nprint(sympy.solve(x**2 - x - 1))",
}
TIMES = 20
BARE_TIMES = 3


@dataclass(frozen=True)
class Timing:
    """One program's median wall time, in seconds."""

    name: str
    sandbox: float
    bare: float
    """In a new interpreter, without any isolation."""


def time_sandbox(kind: str) -> tuple[str, list[Timing]]:
    """Time each program, and return the kind of sandbox that was opened with the timings.

    Raises SandboxError where there is no such sandbox.
    """
    return asyncio.run(_time(kind))


async def _time(kind: str) -> tuple[str, list[Timing]]:
    """Time each program, one at a time."""
    sandbox = await open_sandbox(kind, workers=1)

    async def in_sandbox(program: str) -> None:
        execution = await sandbox.run(program)
        if execution.exit is not Exit.OK:
            raise SandboxError(f"a harmless program ended as {execution.exit}: {execution.stderr}")

    async def in_bare_python(program: str) -> None:
        command = [sys.executable, "-c", program]
        await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)

    try:
        timings = [
            Timing(
                name,
                await _median(in_sandbox, program, TIMES),
                await _median(in_bare_python, program, BARE_TIMES),
            )
            for name, program in PROGRAMS.items()
        ]
    finally:
        await sandbox.close()
    return sandbox.kind, timings


async def _median(run: Callable[[str], Awaitable[None]], program: str, times: int) -> float:
    """Run a program so many times and return its median wall time."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        await run(program)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
