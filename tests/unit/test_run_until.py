"""A run may end once every difference between its arms is known well enough."""

from pathlib import Path

import pytest

from solver.analysis.comparable import read_run
from solver.analysis.compare import compare_runs
from solver.errors import ConfigError
from solver.models.scripted import Scripted
from solver.report.runs import stored_run
from solver.report.show import show_run
from solver.run.loop import run
from solver.run.start import prepare
from solver.run.until import run_until, widest_difference
from solver.run.watch import Watch
from solver.store import Store
from tests.fakes import config_of, parts_of, program
from tests.stored import problem

PROBLEMS = [problem(n, answer="1") for n in range(120)]
RIGHT = program("print(1)") + "\nso \\boxed{1}"
UNDECIDED = program("print(1)") + "\nso \\boxed{maybe}"
CONFIG = config_of(mode="code,cot")


async def run_to(folder, points, *, reply=RIGHT, watch=None, config=CONFIG):
    watch = watch or Watch()
    store = Store.create_or_open(folder)
    store.add_problems(PROBLEMS)
    parts = parts_of(config, Scripted(replies=[reply]), watch=watch)

    async def do(problems):
        await run(config, problems, parts, store, watch)

    await run_until(points, do, PROBLEMS, store, watch)
    return store


@pytest.mark.parametrize(("points", "tried"), [(0.1, 70), (0.05, 105), (0.01, 120)])
async def test_a_run_ends_at_the_second_look_that_finds_its_difference_known(
    tmp_path, points, tried
):
    store = await run_to(tmp_path, points)
    assert len({row.problem_id for row in store.rows()}) == tried
    (found,) = compare_runs([read_run(store)])
    widest = widest_difference(store, PROBLEMS)
    assert widest == (found.difference.high - found.difference.low) / 2
    assert (widest <= points) is (tried < 120)
    store.close()


async def test_the_run_says_that_it_was_ended_and_is_not_called_partial(tmp_path, capsys):
    store = await run_to(tmp_path, 0.1)
    show_run(stored_run(store))
    store.close()
    shown = capsys.readouterr().out
    assert "ended after 70 of 120 problems: ± 10 points known" in shown
    assert "as every difference between its arms was known to ± 10 points (--until)" in shown
    assert "partial" not in shown


async def test_the_same_command_asks_nothing_more_and_a_smaller_width_goes_on(tmp_path):
    (await run_to(tmp_path, 0.1)).close()
    again, further = Watch(), Watch()
    (await run_to(tmp_path, 0.1, watch=again)).close()
    (await run_to(tmp_path, 0.05, watch=further)).close()
    assert (again.done, further.done) == (0, 70)


async def test_without_it_the_run_is_finished(tmp_path):
    store = await run_to(tmp_path, 0.1)
    watch = Watch()
    await run(CONFIG, PROBLEMS, parts_of(CONFIG, Scripted(replies=[RIGHT])), store, watch)
    assert (watch.before, watch.done) == (140, 100)
    store.close()


async def test_progress_counts_what_is_done_once(tmp_path):
    watch = Watch()
    (await run_to(tmp_path, 0.05, watch=watch)).close()
    assert (watch.before, watch.done, watch.total) == (0, 210, 210)


async def test_a_difference_that_nobody_could_score_is_never_known(tmp_path):
    store = await run_to(tmp_path, 1.0, reply=UNDECIDED)
    assert widest_difference(store, PROBLEMS) is None
    assert len(list(store.rows())) == 240
    store.close()


async def test_ctrl_c_ends_the_run_between_two_looks(tmp_path):
    watch = Watch()
    watch.stop()
    store = await run_to(tmp_path, 0.1, watch=watch)
    assert store.is_empty()
    store.close()


def test_one_arm_has_no_difference_to_know(tmp_path):
    with pytest.raises(ConfigError, match="one model in one mode"):
        prepare(
            Path("configs/quickstart.yaml"), {"mode": "code"}, name=None, runs=tmp_path, until=0.05
        )
