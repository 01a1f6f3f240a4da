"""Measures how long a program could not run: others had the processor, or the disk was slow.

The kernel counts the time without a processor. The time without an answer of the disk is sampled,
since few kernels count it: the files of the image that a program is the first to read come from
there. Time that a hypervisor takes away is not included.
"""

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")


class Thread(NamedTuple):
    """What the kernel has counted of one thread, in seconds."""

    ran: float = 0.0
    waited: float = 0.0
    """Ready to run but not running. A wait is added when it is over."""
    ready: bool = False
    """Whether it runs, or is ready to run."""


class Waits:
    """How long a program waited for a processor while it was ready to run, in seconds.

    The kernel counts a wait when it is over, and forgets it when the thread ends. So the program
    has to be read again and again. What starts and ends between two readings is not seen.
    """

    def __init__(self, pid: int) -> None:
        self._at = time.monotonic()
        self._ran, self._threads = read_times([pid])
        self._ran_at_start = self._ran
        self._waiting: dict[int, float] = {}
        """By thread: when it was first seen in a wait that was not over at the last reading."""
        self._waited = 0.0
        """The waits that are over: the longest of a thread between two readings, summed."""

    def read(self, pids: Iterable[int]) -> None:
        """Read the times of all processes of the program."""
        at, before = time.monotonic(), self._threads
        ran, now = read_times(pids)
        waits = [now[number].waited - before.get(number, Thread()).waited for number in now]
        for number in self._waiting.keys() - now.keys():  # ended: it waited while nothing ran
            waits.append(at - self._waiting[number] - max(0.0, ran - self._ran))
        self._waited += max(waits, default=0.0)
        self._waiting = {
            number: self._waiting.get(number, at) if thread == before.get(number) else at
            for number, thread in now.items()
            if thread.ready
        }
        self._at, self._ran, self._threads = at, ran, now

    def lost(self, seconds: float, disk: float) -> float:
        """Return how many of these seconds the program lost to others, or waiting for the disk.

        That is the time it waited, but at most the time in which the program as a whole did not
        run. So its own processes gain nothing by competing with each other.
        """
        waiting = max((self._at - since for since in self._waiting.values()), default=0.0)
        return max(
            0.0, min(self._waited + waiting + disk, seconds - self._ran + self._ran_at_start)
        )


def read_times(pids: Iterable[int]) -> tuple[float, dict[int, Thread]]:
    """Read the CPU seconds of some processes, and each of their threads.

    The seconds include the children they waited for. A process that ends meanwhile adds nothing.
    """
    ran, threads = 0.0, {}
    for pid in pids:
        with contextlib.suppress(OSError):
            ran += seconds_run(pid)
            for number in map(int, os.listdir(f"/proc/{pid}/task")):
                counts = Path(f"/proc/{pid}/task/{number}/schedstat").read_text().split()
                ready = _stat(number)[0] == "R"
                threads[number] = Thread(int(counts[0]) / 1e9, int(counts[1]) / 1e9, ready)
    return ran, threads


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
    after = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2]  # a name is any bytes
    return after.decode().split()
