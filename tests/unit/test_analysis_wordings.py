"""Wordings of a prompt: their spread is shown beside what chance alone does."""

import numpy as np
import pytest

from solver.analysis.wordings import sensitivities
from solver.report.runs import stored_run
from solver.report.show import show_run
from solver.stats.spread import spread
from tests.stored import problem, said, stored, trial


def arms(rights):
    """Single trials of each arm, by problem."""
    return [{f"p{n}": [bool(right)] for n, right in enumerate(arm)} for arm in rights]


def test_wordings_that_are_alike_are_told_apart_once_in_twenty_times():
    draws = np.random.default_rng(7)
    ease = draws.uniform(size=60)
    worlds = [
        spread(arms(draws.uniform(size=(5, 60)) < ease), seed=world, draws=200).p_value < 0.05
        for world in range(200)
    ]
    assert np.mean(worlds) <= 0.05 + 2 * (0.05 * 0.95 / 200) ** 0.5


def test_a_wording_that_half_of_the_problems_need_is_seen():
    found = spread(arms([[1] * 40, [1] * 40, [1, 0] * 20]))
    assert found.width == 0.5
    assert found.p_value < 0.001
    assert found.beyond_chance > 0.2


def test_with_two_single_trials_the_test_is_mcnemars():
    rights = [[1] * 9 + [0] * 3 + [1] * 10, [0] * 9 + [1] * 3 + [1] * 10]
    found = spread(arms(rights))
    assert found.p_value == pytest.approx(0.146, abs=0.03)  # 12 discordant pairs, 9 against 3


def test_repeats_of_a_problem_count_as_one_problem():
    once, many = spread(arms([[1, 0], [0, 1]])), [{"p": [True] * 50}, {"p": [True] * 50}]
    assert once.n_problems == 2
    assert spread(many).n_problems == 1
    assert spread(many).p_value == 1


def test_only_problems_that_every_wording_has_are_compared():
    assert spread([{"a": [True], "b": [True]}, {"b": [False], "c": [True]}]).n_problems == 1
    assert spread([{"a": [True]}, {"b": [True]}]) is None
    assert spread([{"a": [True]}]) is None


def test_the_wordings_of_a_mode_are_shown_together(tmp_path, capsys):
    modes = {"cot": [1, 1, 1, 0], "cot@wording-2": [1, 0, 0, 0], "cot@qwen-boxed": [1, 1, 1, 1]}
    trials = [
        trial(f"p{n}", said("1", code=False), right=bool(right), mode=mode)
        for mode, rights in modes.items()
        for n, right in enumerate(rights)
    ]
    store = stored(tmp_path / "run", [problem(n) for n in range(4)], trials)
    (found,) = sensitivities(store.trials())
    assert found.wordings == ("cot", "cot@wording-2")
    assert found.spread.width == 0.5
    show_run(stored_run(store))
    assert "cot: 2 wordings lie 50.0 points apart (25.0 % to 75.0 %)" in capsys.readouterr().out
    store.close()
