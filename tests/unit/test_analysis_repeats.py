"""Numbers over repeats: which trials count, which answers vote together."""

from fractions import Fraction

import pytest

from solver.analysis.repeats import repeats_of, usual_ks
from solver.report.runs import stored_run
from solver.report.show import show_run
from solver.stats.metrics import g_pass_at_k, mg_pass_at_k, pass_at_k
from tests.stored import problem, said, stored, trial

PROBLEMS = [problem(1), problem(2)]


def rows_of(folder, answers, *, name="run"):
    """Trials of repeats; each is (answer, right), right None where the judge was undecided."""
    trials = [
        trial(problem_id, said(answer), right=right, repeat=repeat)
        for problem_id, given in answers.items()
        for repeat, (answer, right) in enumerate(given)
    ]
    store = stored(folder / name, PROBLEMS, trials, config={"repeats": 4})
    rows = store.trials()
    store.close()
    return rows


RIGHT, WRONG, UNDECIDED, SILENT = ("1", True), ("7", False), ("maybe", None), (None, None)


def test_values_are_means_of_the_paper_s_formulas(tmp_path):
    rows = rows_of(tmp_path, {"p1": [RIGHT] * 3 + [WRONG], "p2": [RIGHT] + [WRONG] * 3})
    (found,) = repeats_of(rows)
    for at in found.of_all.at:
        k = at.k
        assert at.pass_at.value == pytest.approx((pass_at_k(4, 3, k) + pass_at_k(4, 1, k)) / 2)
        assert at.mg_pass.value == pytest.approx(
            (mg_pass_at_k(4, 3, k) + mg_pass_at_k(4, 1, k)) / 2
        )
        for tau, estimate in at.g_pass.items():
            each = [g_pass_at_k(4, c, k, Fraction(tau)) for c in (3, 1)]
            assert estimate.value == pytest.approx(sum(each) / 2)


def test_pass_at_1_is_the_accuracy(tmp_path):
    rows = rows_of(tmp_path, {"p1": [RIGHT, WRONG, SILENT], "p2": [WRONG, WRONG, WRONG]})
    (found,) = repeats_of(rows)
    assert found.of_all.at[0].k == 1
    assert found.of_all.at[0].pass_at.value == pytest.approx(found.of_all.accuracy.value)


def test_problems_with_an_unscored_trial_are_in_one_reading_alone(tmp_path):
    rows = rows_of(tmp_path, {"p1": [RIGHT] * 4, "p2": [RIGHT, RIGHT, RIGHT, UNDECIDED]})
    (found,) = repeats_of(rows)
    assert found.unscored == 1
    assert (found.of_scored.problems, found.of_all.problems) == (1, 2)
    assert found.of_scored.accuracy.value == 1
    assert found.of_all.accuracy.value == pytest.approx(7 / 8)


def test_both_readings_are_one_where_all_is_scored(tmp_path):
    (found,) = repeats_of(rows_of(tmp_path, {"p1": [RIGHT] * 2, "p2": [SILENT] * 2}))
    assert found.unscored == 0
    assert found.of_scored == found.of_all


def test_no_problem_without_unscored_trials_leaves_one_reading(tmp_path):
    (found,) = repeats_of(rows_of(tmp_path, {"p1": [RIGHT, UNDECIDED]}))
    assert found.of_scored is None


def test_only_the_rounds_that_every_problem_went_through_count(tmp_path):
    rows = rows_of(tmp_path, {"p1": [RIGHT, RIGHT, WRONG], "p2": [RIGHT, RIGHT]})
    (found,) = repeats_of(rows)
    assert found.repeats == 2
    assert found.of_all.accuracy.value == 1
    assert found.of_all.accuracy.n_trials == 4


def test_a_single_repeat_has_no_stability(tmp_path):
    assert repeats_of(rows_of(tmp_path, {"p1": [RIGHT]})) == ()


def test_equal_wrong_answers_vote_together_however_they_are_written(tmp_path):
    # Two right, three wrong: wrong wins the vote of five only if 1/2, 0.5 and \frac12 are one.
    wrong = [("1/2", False), ("0.5", False), ("\\frac12", False)]
    (found,) = repeats_of(rows_of(tmp_path, {"p1": [RIGHT, ("1.0", True), *wrong]}))
    assert found.of_all.at[-1].majority.value == 0


def test_different_wrong_answers_do_not_vote_together(tmp_path):
    wrong = [("1/2", False), ("0.6", False), ("seven", False)]
    (found,) = repeats_of(rows_of(tmp_path, {"p1": [RIGHT, ("1.0", True), *wrong]}))
    assert found.of_all.at[-1].majority.value == 1


def test_an_undecided_answer_votes_and_is_never_right(tmp_path):
    (found,) = repeats_of(rows_of(tmp_path, {"p1": [RIGHT, UNDECIDED, UNDECIDED]}))
    assert found.of_all.at[-1].majority.value == 0


def test_the_vote_does_not_see_which_answers_are_right(tmp_path):
    # Right answers that the rules cannot tell to be equal are three classes, as wrong ones are.
    spelt = [("the red circle", True), ("a circle in red", True), ("the red one", True)]
    (found,) = repeats_of(rows_of(tmp_path, {"p1": [*spelt, WRONG, WRONG]}))
    assert found.of_all.at[-1].majority.value == 0


def test_silence_does_not_vote(tmp_path):
    (found,) = repeats_of(rows_of(tmp_path, {"p1": [RIGHT, SILENT, SILENT]}))
    assert found.of_all.at[-1].majority.value == 1


@pytest.mark.parametrize(
    ("n", "ks"), [(1, [1]), (2, [1, 2]), (5, [1, 2, 4, 5]), (48, [1, 2, 4, 8, 16, 32, 48])]
)
def test_ks_are_powers_of_two_and_all_repeats(n, ks):
    assert usual_ks(n) == ks


def test_larger_ks_than_there_are_repeats_are_left_out(tmp_path):
    (found,) = repeats_of(rows_of(tmp_path, {"p1": [RIGHT] * 3}), ks=[2, 3, 4])
    assert [at.k for at in found.of_all.at] == [2, 3]


def test_greedy_stands_beside_over_the_same_problems(tmp_path):
    rows = rows_of(tmp_path, {"p1": [RIGHT, WRONG]})
    greedy = rows_of(tmp_path, {"p1": [RIGHT], "p2": [WRONG]}, name="greedy")
    (found,) = repeats_of(rows, greedy=[greedy])
    assert (found.greedy.value, found.greedy.n_problems) == (1, 1)


def test_a_headline_over_half_the_problems_says_so(tmp_path, capsys):
    answers = {"p1": [RIGHT] * 4, "p2": [RIGHT, RIGHT, RIGHT, UNDECIDED]}
    trials = [
        trial(problem_id, said(answer), right=right, repeat=repeat)
        for problem_id, given in answers.items()
        for repeat, (answer, right) in enumerate(given)
    ]
    store = stored(tmp_path, PROBLEMS, trials, config={"repeats": 4})
    show_run(stored_run(store))
    store.close()
    printed = " ".join(capsys.readouterr().out.split())
    assert "1 of 2 (50.0 %) problems are left out" in printed
    assert "right in 100.0 % of the others, and in 50.0 % of all problems" in printed


def test_the_table_is_shown_with_repeats_and_not_without(tmp_path, capsys):
    for repeats, shown in ((4, True), (1, False)):
        trials = [trial("p1", said("1"), right=True, repeat=r) for r in range(repeats)]
        store = stored(tmp_path / str(repeats), PROBLEMS, trials, config={"repeats": repeats})
        show_run(stored_run(store), greedy=stored_run(store))
        store.close()
        printed = capsys.readouterr().out
        assert ("G-Pass@k" in printed and "τ 0.75" in printed) is shown
        assert ("code: greedy, 100.0 %" in printed) is shown


def test_among_more_than_128_repeats_the_first_64_vote(tmp_path):
    # The first 64 are wrong; all 130 would be right by two votes.
    answers = {"p1": [WRONG] * 64 + [RIGHT] * 66}
    (found,) = repeats_of(rows_of(tmp_path, answers))
    votes = {at.k: at.majority and at.majority.value for at in found.of_all.at}
    assert votes == {1: 66 / 130, **dict.fromkeys((2, 4, 8, 16, 32, 64), 0), 128: None, 130: None}


# ---- the vote of self-verified answers ----


def verified_vote(folder, given, weights, *, mode="csv"):
    """The vote over repeats of one problem; each is (answer, right) with its weight."""
    trials = [
        trial("p1", said(answer), right=right, repeat=repeat, mode=mode)
        for repeat, (answer, right) in enumerate(given)
    ]
    store = stored(folder, PROBLEMS, trials)
    rows = store.trials()
    store.close()
    by_key = {key: weights[r] for key, r in zip(rows.keys(), rows.repeat, strict=True)}
    (found,) = repeats_of(rows, weights=by_key)
    return found.verified


def test_a_heavy_answer_beats_the_majority(tmp_path):
    vote = verified_vote(tmp_path, [RIGHT, WRONG, WRONG], [1.0, 0.2, 0.2])
    assert vote.value == 1


def test_with_equal_weights_the_majority_wins(tmp_path):
    vote = verified_vote(tmp_path, [RIGHT, WRONG, WRONG], [1.0, 1.0, 1.0])
    assert vote.value == 0


def test_a_tie_counts_its_share(tmp_path):
    vote = verified_vote(tmp_path, [RIGHT, WRONG, WRONG], [0.4, 0.2, 0.2])
    assert vote.value == 0.5


def test_answers_without_weight_do_not_outvote_a_light_one(tmp_path):
    vote = verified_vote(tmp_path, [RIGHT, WRONG, WRONG], [0.1, 0.0, 0.0])
    assert vote.value == 1


def test_silence_has_no_weight(tmp_path):
    vote = verified_vote(tmp_path, [RIGHT, SILENT, SILENT], [0.1, 1.0, 1.0])
    assert vote.value == 1


def test_nobody_s_vote_is_wrong(tmp_path):
    assert verified_vote(tmp_path, [SILENT, SILENT], [1.0, 1.0]).value == 0


def test_only_self_verified_answers_have_such_a_vote(tmp_path):
    assert verified_vote(tmp_path, [RIGHT, WRONG], [1.0, 0.1], mode="code") is None
