"""The time a program lost to other processes, computed from what the kernel counted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.zygote import queueing
from sandbox.zygote.queueing import Thread, Waits, own_seconds, read_times, waits_for_disk


class Readings:
    """A program whose times and clock the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **threads: Thread) -> None:
        self._patch = monkeypatch
        self._at = 100.0
        self._put(0.0, 5.0, threads)
        self.waits = Waits(7)

    def _put(self, seconds: float, ran: float, threads: dict[str, Thread]) -> None:
        self._at += seconds
        self._ran = ran
        numbered = {int(name.removeprefix("t")): thread for name, thread in threads.items()}
        self._patch.setattr(queueing.time, "monotonic", lambda: self._at)
        self._patch.setattr(queueing, "read_times", lambda _: (self._ran, numbered))

    def read(self, seconds: float, ran: float, **threads: Thread) -> None:
        """Let so many seconds pass in which the program ran, then read it."""
        self._put(seconds, self._ran + ran, threads)
        self.waits.read([7])

    def lost(self, disk: float = 0.0) -> float:
        return self.waits.lost(self._at - 100.0, disk)


@pytest.mark.parametrize(
    ("ran", "waited", "expected"),
    [
        pytest.param(0.0, {"t7": 0.0}, 0.0, id="it slept"),
        pytest.param(1.0, {"t7": 0.0}, 0.0, id="it had a core to itself"),
        pytest.param(0.25, {"t7": 0.75}, 0.75, id="it waited for a core"),
        pytest.param(1.0, {"t7": 0.5, "t8": 0.5}, 0.0, id="its own threads took turns"),
        pytest.param(0.5, {"t7": 0.5, "t8": 0.75}, 0.5, id="its threads took turns with others"),
        pytest.param(2.0, {"t7": 0.5}, 0.0, id="it had two cores"),
        pytest.param(0.5, {}, 0.0, id="the kernel does not count"),
    ],
)
def test_only_time_lost_to_others_counts(
    monkeypatch: pytest.MonkeyPatch, ran: float, waited: dict[str, float], expected: float
) -> None:
    program = Readings(monkeypatch, t7=Thread(waited=2.0))
    later = {t: Thread(waited=wait + 2.0 * (t == "t7")) for t, wait in waited.items()}
    program.read(1.0, ran, **later)
    assert program.lost() == pytest.approx(expected)


def test_time_without_the_disk_counts_while_the_program_does_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = Readings(monkeypatch, t7=Thread())
    program.read(1.0, 0.25, t7=Thread(waited=0.25))
    assert program.lost(disk=0.25) == pytest.approx(0.5)
    assert program.lost(disk=2.0) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("ready", "ran", "expected"),
    [
        pytest.param(True, 0.25, 0.75, id="it was ready to run"),
        pytest.param(False, 0.25, 0.0, id="it slept"),
        pytest.param(True, 1.0, 0.0, id="the program had a core"),
        pytest.param(True, -0.5, 1.0, id="its time went with it"),
    ],
)
def test_a_thread_that_ended_waited_while_the_program_did_not_run(
    monkeypatch: pytest.MonkeyPatch, ready: bool, ran: float, expected: float
) -> None:
    program = Readings(monkeypatch, t7=Thread())
    program.read(0.0, 0.0, t7=Thread(), t8=Thread(ready=ready))
    program.read(1.0, ran, t7=Thread())
    assert program.lost() == pytest.approx(expected)
    program.read(1.0, 0.0, t7=Thread())
    assert program.lost() == pytest.approx(expected), "counted once"


def test_a_wait_counts_before_the_kernel_has_counted_it(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Readings(monkeypatch, t7=Thread())
    program.read(0.5, 0.5, t7=Thread(ran=0.5, ready=True))
    for _ in range(3):
        program.read(0.25, 0.0, t7=Thread(ran=0.5, ready=True))
    assert program.lost() == pytest.approx(0.75)
    program.read(0.25, 0.0, t7=Thread(ran=0.5, waited=1.0, ready=True))
    assert program.lost() == pytest.approx(1.0), "counted once"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone has /proc/PID/stat")
def test_what_is_ready_to_run_is_told_from_what_sleeps() -> None:
    program = "import threading, time; threading.Thread(target=time.sleep, args=[60]).start()\n"
    with subprocess.Popen([sys.executable, "-c", program + "while True: pass"]) as process:
        try:
            deadline = time.monotonic() + 120
            ready: dict[int, bool] = {}
            while not (len(ready) == 2 and ready[process.pid] and sum(ready.values()) == 1):
                assert time.monotonic() < deadline, ready
                _, threads = read_times([process.pid])
                ready = {number: thread.ready for number, thread in threads.items()}
        finally:
            process.kill()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone has /proc/PID/stat")
def test_a_wait_that_nothing_interrupts_is_seen() -> None:
    """A parent waits so while a child that was made with CLONE_VFORK has not ended."""
    held = """
import ctypes, os, signal, time
CLONE_VFORK = 0x4000
if ctypes.CDLL(None).syscall({"x86_64": 56, "aarch64": 220}[os.uname().machine],
                             CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0) == 0:
    time.sleep(60)
    os._exit(0)
"""
    with subprocess.Popen([sys.executable, "-c", held]) as process:
        try:
            deadline = time.monotonic() + 120
            while not waits_for_disk(process.pid) and time.monotonic() < deadline:
                time.sleep(0.01)
            assert waits_for_disk(process.pid)
            assert not waits_for_disk(os.getpid())
            assert not waits_for_disk(2**22 + 1)
        finally:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            for child in children.split():
                os.kill(int(child), signal.SIGKILL)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone has /proc/PID/stat")
def test_the_kernel_counts_what_this_process_ran() -> None:
    (before, _), own = read_times([os.getpid()]), own_seconds(os.getpid())
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    now, _ = read_times([os.getpid()])
    assert 0.05 < now - before < 0.5
    assert 0.05 < own_seconds(os.getpid()) - own < 0.5


def test_a_process_that_is_gone_adds_nothing() -> None:
    assert read_times([2**22 + 1]) == (0.0, {})
    assert own_seconds(2**22 + 1) == 0.0
