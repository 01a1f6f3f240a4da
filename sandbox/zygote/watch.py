"""Watches one program from outside until it ends or has to be stopped."""

import contextlib
import os
import select
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import child, proc, queueing
from .settings import MOST_FILES, Allowance, Box
from .text import Text

_SETUP_SECONDS = 30
_CHECK_SECONDS = 0.02
"""Seconds between two looks at what a program uses."""
_MB = 2**20


class HostGone(Exception):
    """The channel has closed, so the host no longer waits for a result."""


@dataclass
class Forked:
    """One forked process and the fork server's ends of its pipes."""

    pid: int
    descriptor: int
    """The pidfd. It becomes readable when the process ends."""
    ready: int
    out: int
    err: int
    todo: int
    """Programs are written to this pipe."""
    done: int
    """In a session: gives one byte when a program starts and one when it is done."""

    def close(self) -> None:
        """Close the fork server's ends of the pipes."""
        for number in (self.descriptor, self.ready, self.out, self.err, self.todo, self.done):
            os.close(number)


class Watch:
    """What was observed of one program. Nothing here relies on what the program reports."""

    def __init__(
        self,
        forked: Forked,
        box: Box,
        allowance: Allowance,
        base: Mapping[str, int],
        channel: int,
        *,
        in_session: bool = False,
        resumed: bool = False,
    ) -> None:
        self.truncated = False
        self.stopped = ""
        """Why it was stopped: setup, deadline, cpu, output, files, memory, processes; or empty."""
        self.ended = False
        self.status: int | None = None
        """In a session: the exit status that its process reported for this program."""
        self.started = 0.0
        self.seconds = 0.0
        self.broken = ""
        """Why the program never started; else empty."""
        self._forked = forked
        self._box = box
        self._allowance = allowance
        self._base = base
        self._channel = channel
        self._limit = int(allowance.output_kb * 1024)
        self.out, self.err = Text(self._limit + 1), Text(self._limit + 1)
        self._open = {forked.out: self.out, forked.err: self.err}
        """Output pipes that are still open, and the buffers they are read into."""
        self._poll = select.poll()
        start = forked.done if in_session else forked.ready
        for number in (forked.out, forked.err, forked.descriptor, channel, start):
            self._poll.register(number, select.POLLIN)
        self._session_started = False
        self._waits: queueing.Waits
        """What it waited for a processor, from its start on."""
        self._next_reading = self._own_at_start = 0.0
        self._late = 0.0
        """How long after the program's start this process noticed it."""
        self._last_check = 0.0
        self._disk = 0.0
        """For how many seconds the program waited for the disk, by what the checks saw."""
        self._deadline = time.monotonic() + _SETUP_SECONDS
        if resumed:
            # a session that does not start the program was broken by an earlier program of its
            # own, which is no failure of the sandbox: so the time counts from now
            self._start(time.monotonic())

    def follow(self) -> None:
        """Return when the program is done, has ended, or must be stopped. Raises HostGone."""
        while not (self.stopped or self.ended or self.status is not None):
            readable = self._wait()
            if self._channel in readable:
                raise HostGone
            # a start is read before any output, so that a program that at once prints too much is
            # not taken for one that never started
            if self._forked.ready in readable:
                self._read_start_time()
            starts = self._forked.done in readable and not self._session_started
            if starts:
                self._read_session_byte()
            self._read_output(readable)
            if self.stopped:
                break
            if self._forked.done in readable and not starts:
                self._read_session_byte()
            if self._forked.descriptor in readable and self.status is None:
                self.ended = True
        self.seconds = time.monotonic() - self.started if self.started else 0.0
        if not self.started:
            self.broken = self.stopped or "the process ended before the program started"
        if self.status is not None:
            self.read_remaining_output()

    def read_remaining_output(self) -> None:
        """Read what is left in the pipes once the program writes no more."""
        for number in tuple(self._open):
            self.truncated |= not self._read_pipe(number)

    def close(self) -> None:
        """Free the memory of the program's output."""
        self.out.close()
        self.err.close()

    def _wait(self) -> set[int]:
        """Wait for an event and return the readable descriptors; none if the program must stop."""
        left = self._seconds_left()
        if left <= 0:
            # on a starved machine this process may come here long after the program has ended
            if self._is_there_news():
                return self._readable(0)
            self.stopped = "deadline" if self.started else "setup"
        elif self.started:
            self.stopped = self._exceeded()
            left = min(left, _CHECK_SECONDS)
        return set() if self.stopped else self._readable(max(1, left * 1000))

    def _is_there_news(self) -> bool:
        """Tell whether the program has ended, has started or is done, so that it need not stop."""
        signs = {self._forked.descriptor, self._forked.ready, self._forked.done}
        return bool(self._readable(0) & signs)

    def _readable(self, milliseconds: float) -> set[int]:
        """Wait for an event; return the readable descriptors."""
        return {number for number, _ in self._poll.poll(milliseconds)}

    def _seconds_left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0 and self.started:
            # computed only when the time seems to be up, because it reads many files of /proc
            self._deadline = self._fair_deadline()
            left = self._deadline - time.monotonic()
        return left

    def _fair_deadline(self) -> float:
        """Extend the deadline by the time in which the program was kept from running."""
        self._read_waits(proc.others())
        lost = self._waits.lost(time.monotonic() - self.started, self._disk)
        return self.started + self._longest(self._late + lost)

    def _read_waits(self, pids: Sequence[int]) -> None:
        """Read how long the program waited for a processor, in at most a tenth of the time."""
        begun = time.monotonic()
        self._waits.read(pids)
        self._next_reading = begun + 10 * (time.monotonic() - begun)

    def _longest(self, lost: float) -> float:
        """Return how long the program may run if it was kept from running for so many seconds."""
        seconds = self._allowance.seconds
        return max(seconds, min(seconds + lost, self._allowance.wall_seconds))

    def _start(self, when: float) -> None:
        self.started = when
        self._late = max(0.0, time.monotonic() - when)
        self._last_check, self._disk = when, 0.0
        self._deadline = when + self._longest(self._late)
        self._waits = queueing.Waits(self._forked.pid)
        self._own_at_start = queueing.own_seconds(self._forked.pid)
        self._next_reading = 0.0

    def _read_output(self, readable: set[int]) -> None:
        for number in readable & self._open.keys():
            if not self._read_pipe(number):
                self.truncated, self.stopped = True, "output"

    def _read_pipe(self, number: int) -> bool:
        """Read what a pipe holds, up to the output limit. Return whether the limit was kept."""
        text = self._open[number]
        while text.size <= self._limit:
            try:
                taken = text.read_from(number)
            except BlockingIOError:
                return True
            if not taken:
                self._poll.unregister(number)
                del self._open[number]
                return True
        text.cut(self._limit)
        return False

    def _read_start_time(self) -> None:
        """Read the time at which the forked process started the program."""
        self._poll.unregister(self._forked.ready)
        if clock := os.read(self._forked.ready, child.CLOCK.size):
            self._start(*child.CLOCK.unpack(clock))

    def _read_session_byte(self) -> None:
        """Read one byte of a session: first that the program started, later its exit status."""
        byte = os.read(self._forked.done, 1)
        if not byte:
            self._poll.unregister(self._forked.done)
        elif not self._session_started:
            self._session_started = True
            self._start(time.monotonic())
        else:
            self.status = byte[0]

    def _exceeded(self) -> str:
        """Return which limit the box as a whole exceeds, or "".

        Memory and processes are left to the kernel where the box has a cgroup.
        """
        now = time.monotonic()
        if now < self._last_check + _CHECK_SECONDS:
            return ""
        if queueing.waits_for_disk(self._forked.pid):
            self._disk += now - self._last_check
        self._last_check = now
        used = queueing.own_seconds(self._forked.pid) - self._own_at_start
        if used > self._allowance.cpu_seconds:
            return "cpu"
        pids = proc.others()
        if now >= self._next_reading:
            self._read_waits(pids)
        files_held, held, processes = 0, 0, 0
        for folder in (self._box.scratch, *self._box.other_scratch):
            with contextlib.suppress(OSError):
                if os.path.ismount(folder):
                    size, files = proc.held_by(folder)
                    files_held += size
                    if files > MOST_FILES:
                        return "files"
        if self._box.cgroup:
            return ""
        for pid in pids:
            with contextlib.suppress(OSError, KeyError):  # the process may end meanwhile
                memory = proc.memory_of(pid)
                held += max(0, memory["RssAnon"] - self._base["RssAnon"]) + memory["RssShmem"]
                processes += memory["Threads"]
        most = self._allowance.memory_mb * _MB
        if files_held + held > most and files_held + self._shared_out(pids) > most:
            return "memory"
        return "processes" if processes > self._allowance.processes + 2 else ""

    def _shared_out(self, pids: Sequence[int]) -> float:
        """Return the memory of all processes, with what several share counted once."""
        with proc.as_user(self._box.user):
            return max(0, sum(map(proc.share_of, pids)) - self._base["RssAnon"])
