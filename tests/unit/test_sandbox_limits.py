"""What a program may use, and how that is told to the fork server."""

import pytest

from sandbox.boxes.sizing import default_workers
from sandbox.execution import Limits
from sandbox.worker import allowance
from sandbox.zygote.settings import Allowance


@pytest.mark.parametrize("name", ["seconds", "memory_mb", "processes", "output_kb", "scratch_mb"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_that_allows_nothing_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        Limits(**{name: value})


def test_the_fork_server_understands_every_limit_it_is_told() -> None:
    told = Allowance(**allowance(Limits(seconds=3, memory_mb=100)))
    assert (told.seconds, told.memory_mb) == (3, 100)


def test_processor_seconds_follow_from_seconds_unless_they_are_given() -> None:
    assert allowance(Limits(seconds=3))["cpu_seconds"] == 4
    assert allowance(Limits(seconds=3, cpu_seconds=9))["cpu_seconds"] == 9


def test_the_longest_wall_time_follows_from_seconds_unless_it_is_given() -> None:
    assert allowance(Limits(seconds=3))["wall_seconds"] == 9
    assert allowance(Limits(seconds=3, wall_seconds=4))["wall_seconds"] == 4
    with pytest.raises(ValueError, match="wall_seconds"):
        Limits(wall_seconds=0)


def test_a_program_that_needs_all_memory_gets_one_worker() -> None:
    assert default_workers(Limits(memory_mb=10**9)) == 1
