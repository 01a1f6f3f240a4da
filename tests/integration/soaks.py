"""Hostile and ordinary programs in random order, and what disturbs them while they run."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox import Exit, Limits, Sandbox
from tests.integration.attacks import ATTACKS, PROCESSES, STALLING
from tests.integration.boxes import WALL_SECONDS

LIMITS = Limits(
    seconds=3, memory_mb=256, processes=32, scratch_mb=16, file_mb=8,
    wall_seconds=WALL_SECONDS,
)  # fmt: skip
SEED = 20240229

SLOW = {attack.name for attack in (*PROCESSES, *STALLING) if Exit.TIMEOUT in attack.exits}
"""Attacks that use a worker until their time is up; a few are enough."""


@dataclass(frozen=True)
class Expected:
    """A program and the only line it may print; None where it is hostile and anything goes."""

    program: str
    line: str | None


def mix(chance: random.Random, *, ordinary: int, hostile: int, stalling: int) -> list[Expected]:
    """Put programs in random order. Each ordinary one has an answer of its own."""
    swift = [attack for attack in ATTACKS if Exit.TIMEOUT not in attack.exits]
    slow = [attack for attack in ATTACKS if attack.name in SLOW]
    attacks = chance.choices(swift, k=hostile) + chance.choices(slow, k=stalling)
    programs = [Expected(attack.program, None) for attack in attacks]
    programs += [sum_up(chance) for _ in range(ordinary)]
    chance.shuffle(programs)
    return programs


def sum_up(chance: random.Random) -> Expected:
    """Make an ordinary program of one of five kinds, around a number nobody can guess."""
    number = chance.randrange(10**9)
    programs = (
        f"print({number} * 2)",
        f"import sympy\nx = sympy.Symbol('x')\nprint(sympy.integrate({number}*4*x, (x, 0, 1)))",
        f"import numpy as np\nprint(int(np.full(2, {number}, dtype=np.int64).sum()))",
        f"from fractions import Fraction\nprint(Fraction({number}, 7) * 14)",
        f"open('n', 'w').write('{number}')\nprint(sum(int(open('n').read()) for _ in range(2)))",
    )
    return Expected(chance.choice(programs), str(number * 2))


async def soak(
    sandbox: Sandbox,
    programs: list[Expected],
    disturb: Callable[[], Awaitable[None]] | None = None,
    *,
    every: int = 8,
) -> list[str]:
    """Run all, as many at a time as there are workers. Return a line for each wrong result.

    `disturb` is called whenever so many programs more have ended.
    """
    wrong: list[str] = []
    ended = 0

    async def check(expected: Expected) -> None:
        nonlocal ended
        execution = await sandbox.run(expected.program)
        if expected.line and (execution.exit, execution.stdout.strip()) != (Exit.OK, expected.line):
            wrong.append(f"{expected.program!r} should print {expected.line}, but: {execution}")
        ended += 1
        if disturb is not None and ended % every == 0:
            await disturb()

    await asyncio.gather(*(check(expected) for expected in programs))
    return wrong


def children_of(parent: int, *, wait: bool = False) -> set[int]:
    """Return the children of a process; with `wait`, as soon as it has any."""
    found: set[int] = set()
    deadline = time.monotonic() + 60
    while True:
        for task in Path(f"/proc/{parent}/task").iterdir():
            with contextlib.suppress(OSError):
                found |= {int(pid) for pid in (task / "children").read_text().split()}
        if found or not wait or time.monotonic() > deadline:
            return found
        time.sleep(0.05)
