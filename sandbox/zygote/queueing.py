"""Measures how long a program could not run: others had the processor, or the disk was slow.

The kernel counts the time without a processor. The time without an answer of the disk is sampled,
since few kernels count it: the files of the image that a program is the first to read come from
there. Time that a hypervisor takes away is not included.
"""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class CpuTimes:
    """How long some processes ran and how long their threads waited for a processor, in seconds."""

    ran: float
    """All processes together, including the children they waited for."""
    waited: dict[int, float]
    """By thread: time ready to run but not running."""


def cpu_times(pids: Iterable[int]) -> CpuTimes:
    """Read the times of some processes; one that ends meanwhile, or is not counted, adds 0."""
    ran, waited = 0.0, {}
    for pid in pids:
        with contextlib.suppress(OSError):
            ran += seconds_run(pid)
            for thread in os.listdir(f"/proc/{pid}/task"):
                line = Path(f"/proc/{pid}/task/{thread}/schedstat").read_text()
                waited[int(thread)] = int(line.split()[1]) / 1e9
    return CpuTimes(ran, waited)


def seconds_run(pid: int) -> float:
    """Read the CPU seconds of a process and of the children it waited for."""
    return sum(map(int, _stat(pid)[11:15])) / _TICKS


def own_seconds(pid: int) -> float:
    """Read the CPU seconds of a process without its children; 0 for one that is gone."""
    with contextlib.suppress(OSError):
        return sum(map(int, _stat(pid)[11:13])) / _TICKS
    return 0.0


def waits_for_disk(pid: int) -> bool:
    """Tell whether the main thread of a process is in a wait that nothing interrupts, state D."""
    with contextlib.suppress(OSError):
        return _stat(pid)[0] == "D"
    return False


def _stat(pid: int) -> list[str]:
    """Read the fields of /proc/PID/stat behind the name, the state first. Raises OSError."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def longest_wait(before: CpuTimes, now: CpuTimes) -> float:
    """Return the longest time that one thread waited for a processor between two readings."""
    waits = (time - before.waited.get(thread, 0.0) for thread, time in now.waited.items())
    return max(waits, default=0.0)


def seconds_lost(waited: float, ran: float, seconds: float) -> float:
    """Return how many of these seconds a program lost to other processes and to the disk.

    That is the time it waited, but at most the time in which the program as a whole did not run.
    So its own processes gain nothing by competing with each other.
    """
    return max(0.0, min(waited, seconds - ran))
