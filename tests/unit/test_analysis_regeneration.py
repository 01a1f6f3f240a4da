"""What regeneration changed, against the mode it belongs to."""

import pytest

from sandbox import Exit
from solver.analysis.arms import stored_rows
from solver.analysis.regeneration import regeneration_of
from solver.records import Intervention
from solver.stats.paired import mean_difference
from tests.stored import changed, problem, said, stored, trial

PROBLEMS = [problem(n) for n in range(1, 5)]


def of(folder, trials, **manifest):
    """What was done in a run that holds these trials."""
    store = stored(folder, PROBLEMS, trials, **manifest)
    found = regeneration_of(store, stored_rows(store))
    store.close()
    return found


def arms(first, others, mode="code+guided"):
    """Trials of `code` and of a control; each is (turns, right), by problem."""
    return [
        trial(f"p{number}", *turns, right=right, mode=name)
        for name, told in (("code", first), (mode, others))
        for number, (turns, right) in enumerate(told, start=1)
    ]


def test_plain_code_comes_first_and_is_compared_with_nothing(tmp_path):
    trials = arms([([said("1")], True)], [([said("1")], True)])
    ((plain, guided),) = of(tmp_path, trials[::-1])
    assert (plain.mode, guided.mode) == ("code", "code+guided")
    nothing = (
        plain.difference,
        plain.execution_seconds,
        plain.attempts,
        plain.same,
        plain.differs_at,
    )
    assert nothing == (None,) * 5


def test_differences_are_the_control_minus_plain_code(tmp_path):
    fixed = [said(exit=Exit.CRASHED), said("1")]
    plain = [(fixed, True), (fixed, True), ([said("7")], False), ([said("7")], False)]
    others = [([said("1")], True)] * 4
    ((code, guided),) = of(tmp_path, arms(plain, others))
    assert (code.accuracy, guided.accuracy) == (0.5, 1.0)
    assert guided.difference.value == 0.5
    assert (guided.difference.counts.only_a, guided.difference.counts.only_b) == (2, 0)
    assert guided.attempts.value == -0.5
    assert guided.execution_seconds == mean_difference([-0.25, -0.25, 0, 0])


def test_only_trials_that_all_arms_have_are_compared(tmp_path):
    trials = [
        *arms([([said("1")], True)] * 4, [([said("1")], True)] * 2),
        trial("p2", said("7"), right=False, mode="code+literal"),
        trial("p3", said("7"), right=False, mode="code+literal"),
    ]
    (found,) = of(tmp_path, trials)
    assert {arm.mode: (arm.trials, arm.accuracy) for arm in found} == {
        "code": (1, 1.0),
        "code+guided": (1, 1.0),
        "code+literal": (1, 0.0),
    }


def test_repeats_do_not_pass_for_independent_problems(tmp_path):
    slow = said(exit=Exit.CRASHED)
    trials = [
        trial(f"p{n}", *turns, right=True, mode=mode, repeat=repeat)
        for n in (1, 2)
        for repeat in range(2)
        for mode, turns in (
            ("code", [said("1")]),
            ("code+guided", [*[slow] * (n * (1 + repeat)), said("1")]),
        )
    ]
    ((_, guided),) = of(tmp_path, trials)
    assert guided.attempts == mean_difference([1.5, 3.0])


def test_a_trial_without_a_verdict_counts_as_wrong_in_both_arms(tmp_path):
    trials = arms([([said("maybe")], None)], [([said("1")], True)])
    ((code, guided),) = of(tmp_path, trials)
    assert (code.accuracy, guided.difference.value) == (0.0, 1.0)


def test_the_cost_is_a_mean_over_trials_and_interventions_a_count(tmp_path):
    made = tuple(Intervention(kind=kind, at=0) for kind in ("unparsable", "closed"))
    busy = changed(said("1", tokens=(100, 40)), requests=9, interventions=made)
    trials = arms([([said("1")], True)] * 2, [([busy], True), ([said("1")], True)])
    ((code, guided),) = of(tmp_path, trials)
    assert (code.spent.requests, guided.spent.requests) == (1, 5)
    assert (guided.spent.input_tokens, guided.spent.output_tokens) == (55, 30)
    assert guided.spent.model_seconds == 0.5
    assert (code.interventions, guided.interventions) == ({}, {"unparsable": 1, "closed": 1})


def test_refused_programs_are_counted_by_arm(tmp_path):
    refused = said(refused="network")
    trials = arms([([refused, said("1")], True)], [([said("1")], True)])
    ((code, guided),) = of(tmp_path, trials)
    assert (code.refused, code.programs) == (1, 2)
    assert (guided.refused, guided.programs) == (0, 1)


@pytest.mark.parametrize(
    ("regenerated", "same", "differs_at"),
    [
        (["abcd", "wxyz"], 2, None),
        (["ab", ""], 2, None),
        (["abXd", "wxyz"], 1, 2),
        (["abcX", "Xxyz"], 0, 0),
        (["abcdef", "wxyz"], 1, 4),
    ],
)
def test_first_replies_are_compared_with_the_plain_ones_up_to_where_they_differ(
    tmp_path, regenerated, same, differs_at
):
    def told(texts):
        return [([said("1", text=text), said("1", text="later")], True) for text in texts]

    trials = arms(told(["abcd", "wxyz"]), told(regenerated), mode="code+literal")
    ((_, literal),) = of(tmp_path, trials)
    assert (literal.same, literal.differs_at) == (same, differs_at)


def test_each_model_has_its_own_arms(tmp_path):
    trials = [
        trial("p1", said("1"), right=True, mode=mode, model=model)
        for model in ("m/x", "m/y")
        for mode in ("code", "code+guided")
    ]
    found = of(tmp_path, trials)
    assert [{arm.model for arm in each} for each in found] == [{"m/x"}, {"m/y"}]


def test_trials_that_ended_in_an_error_of_ours_are_counted_nowhere(tmp_path):
    gone = trial("p1", said("1"), mode="code+guided", error="ModelError: gone")
    assert of(tmp_path, [gone, trial("p1", said("1"), right=True)]) == ()
