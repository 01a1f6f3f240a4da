"""The time a program lost to other processes, computed from what the kernel counted."""

import os
import sys
import time

import pytest

from sandbox.zygote.queueing import CpuTimes, cpu_times, seconds_lost

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
    assert seconds_lost(START, now, seconds) == pytest.approx(expected)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone has /proc/PID/stat")
def test_the_kernel_counts_what_this_process_ran() -> None:
    before = cpu_times([os.getpid()])
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    now = cpu_times([os.getpid()])
    assert 0.05 < now.ran - before.ran < 0.5


def test_a_process_that_is_gone_adds_nothing() -> None:
    assert cpu_times([2**22 + 1]) == CpuTimes(0.0, {})
