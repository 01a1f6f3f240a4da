"""Watching a program, with pipes that this process has filled."""

import os
import select
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sandbox.zygote.child import CLOCK
from sandbox.zygote.queueing import own_seconds
from sandbox.zygote.settings import Allowance, Box
from sandbox.zygote.watch import Forked, Watch

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="boxes are Linux")

BOX = Box((), None, "/tmp", (), sockets=False, cgroup=True, landlock=False)
ALLOWANCE = Allowance(60, 180, 61, 64, 8, output_kb=1, file_mb=1, scratch_mb=1, open_files=8)


class Pipes:
    """A process that ends when it is told to, and both ends of its pipes."""

    def __init__(self) -> None:
        self._stay, self._leave = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._leave)
            if os.read(self._stay, 1):
                while not select.select([self._stay], [], [], 0)[0]:
                    pass
            os._exit(0)
        self.pairs = {name: os.pipe() for name in ("ready", "out", "err", "todo", "done")}
        for read, _ in self.pairs.values():
            os.set_blocking(read, False)
        ends = {name: read for name, (read, _) in self.pairs.items()}
        self.forked = Forked(self.pid, os.pidfd_open(self.pid), **ends)
        self.channel, self.host = os.pipe()

    def write(self, name: str, data: bytes) -> None:
        os.write(self.pairs[name][1], data)

    def work(self) -> None:
        """Let the process use a processor until it ends."""
        os.write(self._leave, b"!")

    def end(self) -> None:
        """End the process, and return when it has ended."""
        if self._leave >= 0:
            os.close(self._leave)
            self._leave = -1
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

    def close(self) -> None:
        self.end()
        os.waitpid(self.pid, 0)
        os.close(self._stay)
        self.forked.close()
        for number in (self.channel, self.host, *(write for _, write in self.pairs.values())):
            os.close(number)


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    made = Pipes()
    yield made
    made.close()


@pytest.mark.parametrize("in_session", [False, True])
def test_a_program_that_at_once_prints_too_much_has_started(pipes: Pipes, in_session: bool) -> None:
    if in_session:
        pipes.write("done", b"!")
    else:
        pipes.write("ready", CLOCK.pack(time.monotonic()))
    pipes.write("out", b"x" * 2000)
    watch = Watch(pipes.forked, BOX, ALLOWANCE, {}, pipes.channel, in_session=in_session)
    watch.follow()
    assert (watch.stopped, watch.broken, watch.out.size) == ("output", "", 1024)
    watch.close()


def test_a_program_that_prints_without_a_start_has_not_started(pipes: Pipes) -> None:
    pipes.write("err", b"x" * 2000)
    watch = Watch(pipes.forked, BOX, ALLOWANCE, {}, pipes.channel)
    watch.follow()
    assert watch.broken == "output"
    watch.close()


SIGNS = {
    "started": lambda pipes, when: pipes.write("ready", CLOCK.pack(when)),
    "flood": lambda pipes, when: pipes.write("out", b"x" * 2000),
    "complaint": lambda pipes, when: pipes.write("err", b"y" * 2000),
    "ended": lambda pipes, when: pipes.end(),
}
STEPS = {**SIGNS, "started": lambda pipes, when: pipes.write("done", b"!")}
STEPS["done"] = lambda pipes, when: pipes.write("done", b"\0")


@pytest.mark.parametrize("late", [0, 1000])
@pytest.mark.parametrize("more", [set(SIGNS) & {a, b} for a in SIGNS for b in SIGNS if a <= b])
def test_signs_heard_at_once_are_read_in_the_order_in_which_they_happened(
    pipes: Pipes, more: set[str], late: float
) -> None:
    if not more - {"started"}:
        more = more | {"ended"}  # else nothing would come
    for sign in ["started", *(more - {"started"})]:
        SIGNS[sign](pipes, time.monotonic() - late)
    watch = Watch(pipes.forked, BOX, ALLOWANCE, {}, pipes.channel)
    watch.follow()
    assert watch.broken == ""
    if late == 0 or "ended" in more:
        flooded = more & {"flood", "complaint"}
        assert (watch.stopped, watch.ended) == (("output", False) if flooded else ("", True))
    else:
        assert watch.stopped in ("output", "deadline")
    watch.close()


@pytest.mark.parametrize("more", [set(), {"flood"}, {"complaint"}, {"ended"}, {"flood", "ended"}])
def test_a_step_that_is_done_is_heard_beside_any_other_sign(pipes: Pipes, more: set[str]) -> None:
    for sign in ["started", "done", *more]:
        STEPS[sign](pipes, time.monotonic())
    watch = Watch(pipes.forked, BOX, ALLOWANCE, {}, pipes.channel, in_session=True)
    watch.follow()
    assert watch.broken == ""
    assert watch.stopped == ("output" if more & {"flood", "complaint"} else "")
    assert watch.stopped or watch.ended or watch.status == 0
    watch.close()


def test_a_program_that_ended_while_its_watch_had_no_processor_is_not_out_of_time(
    pipes: Pipes,
) -> None:
    pipes.write("ready", CLOCK.pack(time.monotonic() - 1000))
    pipes.end()
    watch = Watch(pipes.forked, BOX, ALLOWANCE, {}, pipes.channel)
    watch.follow()
    assert (watch.stopped, watch.ended) == ("", True)
    watch.close()


def test_a_setup_that_was_done_while_its_watch_had_no_processor_is_not_broken(
    pipes: Pipes,
) -> None:
    pipes.write("ready", CLOCK.pack(time.monotonic()))
    watch = Watch(pipes.forked, BOX, ALLOWANCE, {}, pipes.channel)
    watch._deadline = time.monotonic() - 1
    pipes.end()
    watch.follow()
    assert watch.broken == ""
    watch.close()


@pytest.mark.parametrize(("wall", "expected"), [(0.1, 0.2), (0.5, 0.5), (60, 0.6)])
def test_time_in_which_the_watch_had_no_processor_is_given_back_up_to_the_wall_limit(
    pipes: Pipes, wall: float, expected: float
) -> None:
    allowance = replace(ALLOWANCE, seconds=0.2, wall_seconds=wall)
    pipes.write("ready", CLOCK.pack(time.monotonic() - 0.4))
    watch = Watch(pipes.forked, BOX, allowance, {}, pipes.channel)
    watch.follow()
    assert watch.stopped == "deadline"
    given = watch._deadline - watch.started
    assert given == pytest.approx(expected) if wall < 60 else given >= expected
    watch.close()


def test_a_program_with_little_processor_time_is_stopped_for_that(pipes: Pipes) -> None:
    pipes.write("ready", CLOCK.pack(time.monotonic()))
    pipes.work()
    allowance = replace(ALLOWANCE, cpu_seconds=0.05)
    watch = Watch(pipes.forked, BOX, allowance, {}, pipes.channel)
    watch.follow()
    assert watch.stopped == "cpu"
    assert 0.05 <= own_seconds(pipes.pid) < 1
    watch.close()
