"""How long a program stood in line for a processor that others had, which is no doing of its own.

The kernel counts both numbers this rests on. Time that a hypervisor takes is not among them.
"""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Standing:
    """What some processes have had of the processors so far, in seconds."""

    ran: float
    """All of them together, and the children they waited for."""
    waited: dict[int, float]
    """Each thread: ready to run, and not running."""


def standing(pids: Iterable[int]) -> Standing:
    """Ask the kernel. A process that ends meanwhile, or a kernel that does not count, adds 0."""
    ran, waited = 0.0, {}
    for pid in pids:
        with contextlib.suppress(OSError):
            ran += seconds_run(pid)
            for thread in os.listdir(f"/proc/{pid}/task"):
                line = Path(f"/proc/{pid}/task/{thread}/schedstat").read_text()
                waited[int(thread)] = int(line.split()[1]) / 1e9
    return Standing(ran, waited)


def seconds_run(pid: int) -> float:
    """Read the processor seconds of a process and of the children it waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / _TICKS


def held_up(before: Standing, now: Standing, seconds: float) -> float:
    """Say how many of these seconds a program lost to others.

    That is the longest that one of its threads waited, but no more than the time in which the
    program as a whole was not running: its own processes that wait for each other lose nothing.
    """
    waits = [time - before.waited.get(thread, 0.0) for thread, time in now.waited.items()]
    idle = seconds - (now.ran - before.ran)
    return max(0.0, min(max(waits, default=0.0), idle))
