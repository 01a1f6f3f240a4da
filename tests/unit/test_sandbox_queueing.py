"""The time a program lost to other processes, computed from what the kernel counted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.zygote.queueing import (
    CpuTimes,
    cpu_times,
    longest_wait,
    own_seconds,
    seconds_lost,
    waits_for_disk,
)

START = CpuTimes(ran=5.0, waited={7: 2.0})


@pytest.mark.parametrize(
    ("ran", "waited", "seconds", "expected"),
    [
        pytest.param(0.0, {7: 0.0}, 1.0, 0.0, id="it slept"),
        pytest.param(1.0, {7: 0.0}, 1.0, 0.0, id="it had a core to itself"),
        pytest.param(0.25, {7: 0.75}, 1.0, 0.75, id="it waited for a core"),
        pytest.param(1.0, {7: 0.5, 8: 0.5}, 1.0, 0.0, id="its own threads took turns"),
        pytest.param(0.5, {7: 0.5, 8: 0.75}, 1.0, 0.5, id="its threads took turns with others"),
        pytest.param(2.0, {7: 0.5}, 1.0, 0.0, id="it had two cores"),
        pytest.param(0.5, {}, 1.0, 0.0, id="the kernel does not count"),
    ],
)
def test_only_time_lost_to_others_counts(
    ran: float, waited: dict[int, float], seconds: float, expected: float
) -> None:
    now = CpuTimes(
        START.ran + ran,
        {thread: START.waited.get(thread, 0.0) + wait for thread, wait in waited.items()},
    )
    waited = longest_wait(START, now)
    assert seconds_lost(waited, now.ran - START.ran, seconds) == pytest.approx(expected)


def test_time_without_the_disk_counts_while_the_program_does_not_run() -> None:
    assert seconds_lost(waited=0.25 + 0.25, ran=0.25, seconds=1.0) == pytest.approx(0.5)
    assert seconds_lost(waited=0.25 + 2.0, ran=0.25, seconds=1.0) == pytest.approx(0.75)


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
    before, own = cpu_times([os.getpid()]), own_seconds(os.getpid())
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    now = cpu_times([os.getpid()])
    assert 0.05 < now.ran - before.ran < 0.5
    assert 0.05 < own_seconds(os.getpid()) - own < 0.5


def test_a_process_that_is_gone_adds_nothing() -> None:
    assert cpu_times([2**22 + 1]) == CpuTimes(0.0, {})
    assert own_seconds(2**22 + 1) == 0.0
