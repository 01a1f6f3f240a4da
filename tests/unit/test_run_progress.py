"""What a run says of itself as it goes: accuracy per arm, from the store, and the time left."""

import pytest

from solver.run.pace import Count, Pace
from solver.run.progress import estimate, headline
from solver.run.watch import Watch
from solver.text import duration
from tests.fakes import PROBLEMS, config_of, finished_run, program


def arms(**counts):
    return Pace(arms={("m", mode): count for mode, count in counts.items()})


def test_what_is_left_counts_each_arm_at_its_own_length():
    pace = arms(code=Count(10, 5, model_seconds=10.0), cot=Count(10, 1, model_seconds=8.0))
    # 5 trials of 2 s and 9 of 8 s are left; in 9 s one request at a time answered
    assert pace.seconds_left(9.0, {}, elapsed=9.0, now=9.0) == pytest.approx(82.0)


def test_two_requests_at_a_time_take_half_as_long():
    pace = arms(code=Count(10, 5, model_seconds=10.0))
    assert pace.seconds_left(10.0, {}, elapsed=5.0, now=5.0) == pytest.approx(5.0)


def test_a_reply_that_takes_long_moves_the_estimate_no_more_than_what_it_takes():
    pace = arms(code=Count(10, 5, model_seconds=10.0))
    early = pace.seconds_left(10.0, {1: 10.0}, elapsed=12.0, now=12.0)
    late = pace.seconds_left(10.0, {1: 10.0}, elapsed=200.0, now=200.0)
    assert late == pytest.approx(early, abs=0.1)


def test_nothing_is_estimated_before_a_trial_has_ended():
    assert arms(code=Count(10)).seconds_left(3.0, {1: 0.0}, elapsed=9.0, now=9.0) is None
    assert estimate(Watch(pace=arms(code=Count(10)))) is None


def test_an_estimate_waits_for_a_trial_of_every_arm():
    seen = Count(10, 1, model_seconds=4.0)
    assert not arms(code=seen, cot=Count(10)).all_seen()
    assert arms(code=seen, cot=seen).all_seen()


async def test_progress_after_a_resume_counts_the_whole_run_arm_by_arm(tmp_path):
    config = config_of(mode=("code", "cot"))
    replies = [program("print(1)"), "so \\boxed{7}"]
    async with finished_run(tmp_path, replies, config=config, problems=PROBLEMS[:1]):
        pass
    watch = Watch()
    async with finished_run(tmp_path, replies, config=config, problems=PROBLEMS[:2], watch=watch):
        pass
    assert headline(watch).startswith("4/4 trials · code ")
    assert "/2 (" in headline(watch).split(" · ")[1]


@pytest.mark.parametrize(
    ("seconds", "said"), [(45, "45 s"), (200, "3 min 20 s"), (3720, "1 h 02 min")]
)
def test_a_time_is_written_in_the_units_people_use(seconds, said):
    assert duration(seconds) == said
