"""Runs one program in a box and shows how it ended: `python -m sandbox program.py`."""

import argparse
import asyncio
import sys
from pathlib import Path

from sandbox.execution import Execution, Exit, Limits, SandboxError
from sandbox.opening import KINDS, open_sandbox

_CANNOT = 2
"""Exit status if there is no box or no program file. A program that failed gives 1."""


def main() -> int:
    """Run the program named on the command line and show its output; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("program", help="a file, or - for standard input")
    parser.add_argument("--kind", choices=KINDS, default="auto", help="which box (default: auto)")
    parser.add_argument("--timeout", type=float, default=Limits.seconds, help="seconds")
    parser.add_argument("--memory", type=int, default=Limits.memory_mb, help="MB")
    arguments = parser.parse_args()
    try:
        if arguments.program == "-":
            program = sys.stdin.read()
        else:
            program = Path(arguments.program).read_text(encoding="utf-8")
        limits = Limits(seconds=arguments.timeout, memory_mb=arguments.memory)
        kind, execution = asyncio.run(_run(program, arguments.kind, limits))
    except (SandboxError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return _CANNOT
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(execution.stdout)
    sys.stderr.write(execution.stderr)
    print(
        f"[{kind}] {execution.exit} after {execution.seconds:.3f} s, "
        f"{execution.cpu_seconds:.3f} s of CPU, {execution.peak_memory_mb:.0f} MB"
        f"{', output cut' if execution.truncated else ''}",
        file=sys.stderr,
    )
    return 0 if execution.exit is Exit.OK else 1


async def _run(program: str, kind: str, limits: Limits) -> tuple[str, Execution]:
    sandbox = await open_sandbox(kind, limits=limits, workers=1, owner="python -m sandbox")
    try:
        return sandbox.kind, await sandbox.run(program)
    finally:
        await sandbox.close()


if __name__ == "__main__":
    sys.exit(main())
