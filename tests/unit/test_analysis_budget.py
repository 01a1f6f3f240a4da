"""Modes of a model are compared at the same number of tokens, each spending them as it can."""

import numpy as np
import pytest

from sandbox import Exit
from solver.analysis.arms import stored_trials
from solver.analysis.budget import budgets_of
from solver.report import write_report, write_tables
from solver.report.runs import stored_run
from solver.report.show import show_run
from solver.stats.paired import holm, mcnemar, mean_interval
from tests.stored import problem, said, stored, trial

N = 9
PROBLEMS = [problem(n) for n in range(N)]
CRASH = said(exit=Exit.CRASHED)


def words(n, repeat, right, tokens=(10, 20)):
    answer = said("1" if right else "2", code=False, tokens=tokens)
    return trial(f"p{n}", answer, right=right, mode="cot", repeat=repeat)


def retried_and_cheap(folder, **manifest):
    """Programs: wrong at first, right with a retry, 60 tokens. Words: 1 of 2 right, 30 tokens."""
    trials = [
        one
        for n in range(N)
        for r in (0, 1)
        for one in (
            trial(f"p{n}", CRASH, said("1"), right=True, repeat=r),
            words(n, r, right=r == n % 2),
        )
    ]
    return stored(folder, PROBLEMS, trials, **manifest)


def budgets(store, **options):
    found = budgets_of(stored_trials(store), **options)
    store.close()
    return found


def test_an_attempt_is_set_against_a_trial_and_a_retry_against_a_vote(tmp_path):
    equal = budgets(retried_and_cheap(tmp_path)).equal
    assert [(each.tokens, each.a.name, each.b.name) for each in equal] == [
        (30, "1 attempt", "one trial"),
        (60, "one trial", "vote of 2"),
    ]
    assert [(each.a.accuracy, each.b.accuracy) for each in equal] == [(0, 0.5), (1, 0.5)]
    assert [each.difference.value for each in equal] == [-0.5, 0.5]
    assert {each.n_problems for each in equal} == {N}


def test_nobody_spends_more_than_the_budget(tmp_path):
    for each in budgets(retried_and_cheap(tmp_path)).equal:
        assert max(each.a.tokens, each.b.tokens) <= each.tokens + 1e-9


def test_interval_and_p_are_paired_by_problem_and_adjusted_together(tmp_path):
    equal = budgets(retried_and_cheap(tmp_path)).equal
    low, high, p = mean_interval(np.full(N, 0.5))
    ours = equal[1].difference
    assert (ours.low, ours.high, ours.p_value) == pytest.approx((low, high, p))
    assert [each.adjusted for each in equal] == holm([each.difference.p_value for each in equal])


def test_single_trials_are_compared_as_by_mcnemar(tmp_path):
    trials = [
        one
        for n in range(N)
        for one in (trial(f"p{n}", said("1"), right=n < 6), words(n, 0, right=n == 8))
    ]
    (equal,) = budgets(stored(tmp_path, PROBLEMS, trials)).equal
    assert equal.difference.p_value == mcnemar(6, 1)
    assert equal.difference.low <= 0


def test_arms_whose_tokens_nobody_counted_are_left_out(tmp_path):
    trials = [
        one
        for n in range(N)
        for one in (
            trial(f"p{n}", said("1", tokens=(0, 0)), right=True),
            words(n, 0, right=True, tokens=(0, 0)),
        )
    ]
    assert budgets(stored(tmp_path, PROBLEMS, trials)).arms == ()


def test_every_arm_has_a_point_for_each_attempt_and_each_vote(tmp_path):
    code, cot = budgets(retried_and_cheap(tmp_path)).arms
    assert [(each.name, each.tokens) for each in code.policies] == [
        ("1 attempt", 30),
        ("one trial", 60),
        ("vote of 2", 120),
    ]
    assert [(each.name, each.tokens) for each in cot.policies] == [
        ("one trial", 30),
        ("vote of 2", 60),
    ]
    assert code.estimates[1].n_problems == N


def test_a_problem_with_an_unscored_trial_is_left_out_on_both_sides(tmp_path):
    undecided = [trial("p0", said("1"), mode="code")] + [
        one
        for n in range(1, 3)
        for one in (trial(f"p{n}", said("1"), right=True), words(n, 0, right=True))
    ]
    undecided.append(words(0, 0, right=True))
    (equal,) = budgets(stored(tmp_path, PROBLEMS, undecided)).equal
    assert equal.n_problems == 2


def test_a_mode_that_has_nothing_to_spend_tokens_on_is_said_to(tmp_path, capsys):
    trials = [
        one
        for n in range(N)
        for one in (
            trial(f"p{n}", CRASH, CRASH, said("1", tokens=(100, 400)), right=True),
            words(n, 0, right=True),
        )
    ]
    store = stored(tmp_path, PROBLEMS, trials)
    show_run(stored_run(store))
    store.close()
    shown = " ".join(capsys.readouterr().out.split())
    assert "For the same tokens" in shown
    assert "1 attempt" in shown  # whose 30 tokens are those of the words


def test_a_single_attempt_and_a_single_trial_have_no_section(tmp_path, capsys):
    trials = [
        one for n in range(N) for one in (trial(f"p{n}", said("1"), right=True), words(n, 0, True))
    ]
    store = stored(tmp_path, PROBLEMS, trials)
    show_run(stored_run(store))
    store.close()
    assert "For the same tokens" not in capsys.readouterr().out


def test_dear_words_without_repeats_to_set_against_are_named(tmp_path, capsys):
    trials = [
        one
        for n in range(N)
        for one in (
            trial(f"p{n}", CRASH, said("1"), right=True),
            words(n, 0, right=True, tokens=(1000, 2000)),
        )
    ]
    store = stored(tmp_path, PROBLEMS, trials)
    show_run(stored_run(store))
    store.close()
    shown = " ".join(capsys.readouterr().out.split())
    assert "code has no repeats that could vote with the 3,000 tokens a problem of cot" in shown


def test_the_comparison_is_in_page_and_markdown(tmp_path):
    retried_and_cheap(tmp_path).close()
    page = write_report([tmp_path]).read_text(encoding="utf-8")
    assert "At the same tokens" in page
    (table,) = [path for path in write_tables([tmp_path], "md") if path.stem == "equal-tokens"]
    assert "vote of 2" in table.read_text(encoding="utf-8")


def test_votes_can_be_compared_as_text(tmp_path):
    (*_, last) = budgets(retried_and_cheap(tmp_path), same=str.__eq__).equal
    assert last.b.accuracy == 0.5
