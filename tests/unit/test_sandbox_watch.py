"""Watching a program, with pipes that this process has filled."""

import os
import sys
import time
from collections.abc import Iterator

import pytest

from sandbox.zygote.child import CLOCK
from sandbox.zygote.settings import Allowance, Box
from sandbox.zygote.watch import Forked, Watch

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="boxes are Linux")

BOX = Box((), None, "/tmp", (), sockets=False, cgroup=True, landlock=False)
ALLOWANCE = Allowance(60, 61, 64, 8, output_kb=1, file_mb=1, scratch_mb=1, open_files=8)


class Pipes:
    """A process that never ends, and both ends of its pipes."""

    def __init__(self) -> None:
        self.pairs = {name: os.pipe() for name in ("ready", "out", "err", "todo", "done")}
        for read, _ in self.pairs.values():
            os.set_blocking(read, False)
        ends = {name: read for name, (read, _) in self.pairs.items()}
        self.forked = Forked(os.getpid(), os.pidfd_open(os.getpid()), **ends)
        self.channel, self.host = os.pipe()

    def write(self, name: str, data: bytes) -> None:
        os.write(self.pairs[name][1], data)

    def close(self) -> None:
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
