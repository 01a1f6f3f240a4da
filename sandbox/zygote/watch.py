"""Follows one program from outside, until it is done or has used up what it may."""

import contextlib
import os
import select
import time
from collections.abc import Mapping
from dataclasses import dataclass

from . import child, proc, queueing
from .settings import LONGEST, Allowance, Box
from .text import Text

_SETUP_SECONDS = 30
_LOOK_EVERY = 0.02
"""Seconds between two looks at the memory of a box that no cgroup counts."""
_MB = 2**20


class HostGone(Exception):
    """The channel has closed, so nobody waits for an answer any more."""


@dataclass
class Forked:
    """One forked process and this end of its pipes."""

    pid: int
    descriptor: int
    """Becomes readable when the process ends."""
    ready: int
    out: int
    err: int
    todo: int
    """Programs go in here."""
    done: int
    """In a session: a byte comes out when a program is done."""

    def close(self) -> None:
        """Close this end of every pipe."""
        for number in (self.descriptor, self.ready, self.out, self.err, self.todo, self.done):
            os.close(number)


class Watch:
    """What was seen of one program: nothing in it is the program's own word."""

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
        """Why this process ended the program: deadline, output, memory, processes; else empty."""
        self.ended = False
        self.status: int | None = None
        """A session's word for how its program ended; else the kernel's follows."""
        self.started = 0.0
        self.seconds = 0.0
        self.broken = ""
        """Why the program never started."""
        self._forked = forked
        self._box = box
        self._allowance = allowance
        self._base = base
        self._channel = channel
        self._limit = int(allowance.output_kb * 1024)
        self.out, self.err = Text(self._limit + 1), Text(self._limit + 1)
        self._open = {forked.out: self.out, forked.err: self.err}
        """Pipes that have not come to their end, and where they go."""
        self._poll = select.poll()
        start = forked.done if in_session else forked.ready
        for number in (forked.out, forked.err, forked.descriptor, channel, start):
            self._poll.register(number, select.POLLIN)
        self._taken_up = False
        self._next_look = 0.0
        self._at_start = queueing.Standing(0.0, {})
        self._deadline = time.monotonic() + _SETUP_SECONDS
        if resumed:  # if it never takes the program up, an earlier one of the session is to blame
            self._start(time.monotonic())

    def follow(self) -> None:
        """Return when the program is done, or ended, or has to be stopped. Raises HostGone."""
        while not (self.stopped or self.ended or self.status is not None):
            signs = self._next_signs()
            if self._channel in signs:
                raise HostGone
            self._take_output(signs)
            if self.stopped:
                break
            if self._forked.ready in signs:
                self._hear_the_clock()
            if self._forked.done in signs:
                self._hear_the_session()
            if self._forked.descriptor in signs and self.status is None:
                self.ended = True
        self.seconds = time.monotonic() - self.started if self.started else 0.0
        if not self.started:
            self.broken = self.stopped or "the process ended before the program started"
        if self.status is not None:
            self.take_the_rest()

    def take_the_rest(self) -> None:
        """Take what the pipes still hold, now that the program writes no more."""
        for number in tuple(self._open):
            self.truncated |= not self._collect(number)

    def close(self) -> None:
        """Forget what the program printed."""
        self.out.close()
        self.err.close()

    def _next_signs(self) -> set[int]:
        """Wait for something to happen, and say which descriptors show it."""
        left = self._seconds_left()
        if left <= 0:
            self.stopped = "deadline" if self.started else "setup"
        elif self.started and not self._box.cgroup:
            self.stopped = self._overdrawn()
            left = min(left, _LOOK_EVERY)
        if self.stopped:
            return set()
        return {number for number, _ in self._poll.poll(max(1, left * 1000))}

    def _seconds_left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0 and self.started:
            # asked for only now, so that it costs nothing while there is time
            self._deadline = self._fair_deadline()
            left = self._deadline - time.monotonic()
        return left

    def _fair_deadline(self) -> float:
        """Add what the program lost to others, up to a few times what it was promised."""
        now = queueing.standing(proc.others())
        lost = queueing.held_up(self._at_start, now, time.monotonic() - self.started)
        seconds = self._allowance.seconds
        return self.started + min(seconds + lost, LONGEST * seconds)

    def _start(self, when: float) -> None:
        self.started = when
        self._deadline = when + self._allowance.seconds
        self._at_start = queueing.standing([self._forked.pid])

    def _take_output(self, signs: set[int]) -> None:
        for number in signs & self._open.keys():
            if not self._collect(number):
                self.truncated, self.stopped = True, "output"

    def _collect(self, number: int) -> bool:
        """Take what a pipe holds, up to the limit. Say whether it was within it."""
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

    def _hear_the_clock(self) -> None:
        self._poll.unregister(self._forked.ready)
        if clock := os.read(self._forked.ready, child.CLOCK.size):
            self._start(*child.CLOCK.unpack(clock))

    def _hear_the_session(self) -> None:
        """Take one byte: first that the program was taken up, then how it ended."""
        word = os.read(self._forked.done, 1)
        if not word:
            self._poll.unregister(self._forked.done)
        elif not self._taken_up:
            self._taken_up = True
            self._start(time.monotonic())
        else:
            self.status = word[0]

    def _overdrawn(self) -> str:
        """Name what the box as a whole has used up, where no cgroup counts for us."""
        if time.monotonic() < self._next_look:
            return ""
        self._next_look = time.monotonic() + _LOOK_EVERY
        held, processes = 0, 0
        for pid in proc.others():
            with contextlib.suppress(OSError, KeyError):  # it may end while we look
                memory = proc.memory_of(pid)
                held += max(0, memory["RssAnon"] - self._base["RssAnon"]) + memory["RssShmem"]
                processes += memory["Threads"]
        for folder in (self._box.scratch, *self._box.other_scratch):
            with contextlib.suppress(OSError):
                if os.path.ismount(folder):
                    held += proc.held_by(folder)
        if held > self._allowance.memory_mb * _MB:
            return "memory"
        return "processes" if processes > self._allowance.processes + 2 else ""
