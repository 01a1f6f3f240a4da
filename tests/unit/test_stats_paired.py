"""Two runs side by side: the test, the interval, and that they never contradict each other."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest, t, ttest_1samp
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from solver.stats.paired import Counts, holm, mcnemar, mean_difference, paired_difference
from solver.stats.permutation import Tally, permutation_exact


def run(*rows):
    return {f"p{i}": [bool(each) for each in row] for i, row in enumerate(rows)}


def tallies(a, b):
    return [Tally(len(a[p]), sum(a[p]), len(b[p]), sum(b[p])) for p in a]


def test_single_repeats_are_compared_by_exact_mcnemar():
    a = run([1], [1], [1], [1], [1], [1], [1], [0])
    b = run([1], [0], [0], [0], [0], [0], [0], [0])
    ours = paired_difference(a, b)
    assert (ours.value, ours.test, ours.n_problems) == (0.75, "exact McNemar", 8)
    assert ours.counts == Counts(both=1, only_a=6, only_b=0, neither=1)
    assert ours.p_value == pytest.approx(2 * 0.5**6)
    assert 0 < ours.low < 0.75 < ours.high <= 1


def test_many_repeats_are_compared_by_permutation():
    a, b = run(*[[1] * 8] * 4, *[[1] * 6 + [0] * 2] * 36), run(*[[1] * 6 + [0] * 2] * 40)
    ours = paired_difference(a, b)
    assert ours.test == "exact label permutation"
    assert (ours.value, ours.p_value) == (pytest.approx(0.025), permutation_exact(tallies(a, b)))


def test_a_difference_that_a_few_problems_make_is_held_to_their_number():
    # 3 problems leave little doubt about themselves, and tell nothing of others.
    a, b = run(*[[1] * 48] * 3), run(*[[0] * 47 + [1]] * 3)
    ours = paired_difference(a, b)
    assert ours.test == "paired t over problems"
    assert ours.p_value > 0.05 > ours.again.p_value
    assert ours.low <= 0 < ours.again.low


def test_equal_models_are_not_told_apart_because_one_is_greedy():
    # One repeat against 48: nearly every problem leans the same way, by next to nothing.
    ours = paired_difference(run(*[[1]] * 20), run(*[[1] * 47 + [0]] * 20))
    assert ours.p_value == pytest.approx(1)
    assert ours.low < 0 < ours.high


@pytest.mark.parametrize("repeats", [(1, 48), (2, 16), (4, 4), (48, 48)])
@pytest.mark.parametrize("n", [5, 20, 35])
def test_equal_models_are_rarely_told_apart(n, repeats):
    rng = np.random.default_rng(n)
    for rate in (0.5, 0.97):
        found = again = 0
        for _ in range(200):
            a, b = (run(*(rng.random((n, k)) < rate)) for k in repeats)
            ours = paired_difference(a, b)
            found += ours.p_value <= 0.05
            again += ours.again is not None and ours.again.p_value <= 0.05
        assert max(found, again) <= binom.ppf(0.999, 200, 0.05)


def test_models_that_differ_by_problem_but_not_on_average_are_not_told_apart():
    rng = np.random.default_rng(4)
    found = []
    for _ in range(200):
        a, b = (run(*np.repeat(rng.random((40, 1)) < 0.5, 48, axis=1)) for _ in "ab")
        found.append(paired_difference(a, b).p_value <= 0.05)
    assert np.mean(found) <= binom.ppf(0.999, 200, 0.05) / 200


@pytest.mark.parametrize("n", [5, 8, 20, 43, 54, 105, 200])
def test_the_t_test_is_wrong_in_5_5_percent_or_less(n):
    """Enumerate all ways in which runs alike on average win problems outright, each as often."""
    quantile = t.ppf(0.975, n + 1)
    found = np.zeros(n + 1)
    for differ in range(n + 1):
        won = np.arange(differ + 1)
        middles = (2 * won - differ) / (n + 2)
        errors = np.sqrt(((differ + 2) / (n + 2) - middles**2) / (n + 2))
        found[differ] = binom.pmf(won, differ, 0.5)[np.abs(middles) > quantile * errors].sum()
    shares = np.linspace(0.01, 0.95, 60)
    assert max(binom.pmf(np.arange(n + 1), n, share) @ found for share in shares) <= 0.055


def test_repeats_that_agree_say_no_more_than_one():
    once = run(*[[1]] * 6, *[[0]] * 2), run(*[[0]] * 6, *[[1]] * 2)
    often = run(*[[1] * 9] * 6, *[[0] * 9] * 2), run(*[[0] * 9] * 6, *[[1] * 9] * 2)
    ours = paired_difference(*often)
    assert (ours.p_value, ours.test) == (mcnemar(6, 2), "exact McNemar")
    assert (ours.low, ours.high) == pytest.approx(tuple(vars(paired_difference(*once))[end]
                                                        for end in ("low", "high")))  # fmt: skip
    assert ours.again.p_value < 0.001  # on these problems they tell the runs apart


def test_an_interval_excludes_0_exactly_where_the_test_does():
    rng = np.random.default_rng(7)
    for _ in range(300):
        n, k_a, k_b = rng.integers(2, 60), *rng.choice([1, 1, 4, 16], 2)
        rate = rng.beta(2, 2, (n, 1))
        a = run(*(rng.random((n, k_a)) < rate))
        b = run(*(rng.random((n, k_b)) < rate ** rng.uniform(1, 2.5)))
        ours = paired_difference(a, b)
        for each in filter(None, (ours, ours.again)):
            assert (each.p_value < 0.05) is not (each.low <= 0 <= each.high)
        assert ours.low <= ours.value <= ours.high


@pytest.mark.parametrize("n", [5, 6, 8, 35, 105])
def test_mcnemar_never_excludes_0_where_the_interval_would_not(n):
    for only_a in range(n + 1):
        for only_b in range(min(only_a, n - only_a + 1)):
            low, _ = single_interval(n, only_a, only_b)
            assert low > 0 or mcnemar(only_a, only_b) >= 0.05


def single_interval(n, only_a, only_b):
    """Return Bonett and Price's interval by their formula, with Student's quantile."""
    p_a, p_b = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    half = t.ppf(0.975, n + 1) * np.sqrt((p_a + p_b - (p_a - p_b) ** 2) / (n + 2))
    return max(-1, p_a - p_b - half), min(1, p_a - p_b + half)


def test_single_repeats_get_the_interval_of_bonett_and_price():
    a = run(*[[1]] * 12, *[[0]] * 3, *[[1]] * 20)
    b = run(*[[0]] * 12, *[[1]] * 3, *[[1]] * 20)
    ours = paired_difference(a, b)
    assert (ours.low, ours.high) == pytest.approx(single_interval(35, 12, 3))


@pytest.mark.parametrize("n", [5, 10, 20, 35, 105])
def test_the_interval_covers_with_single_repeats(n):
    """Enumerate every table of 2 by 2, also where only one run ever wins."""
    for discordance in (0.02, 0.15, 0.3, 0.9):
        for share in (0.5, 0.8, 1):
            truth, covered = discordance * (2 * share - 1), 0.0
            for differ in range(n + 1):
                weight = binom.pmf(differ, n, discordance) * binom.pmf(
                    np.arange(differ + 1), differ, share
                )
                for only_a in np.flatnonzero(weight > 1e-9):
                    low, high = single_interval(n, only_a, differ - only_a)
                    covered += weight[only_a] * (low <= truth + 1e-12 and truth <= high + 1e-12)
            assert covered >= 0.943


@pytest.mark.parametrize("n", [5, 20, 50])
@pytest.mark.parametrize("repeats", [(4, 4), (1, 48), (48, 48)])
def test_the_interval_covers_with_repeats(n, repeats):
    rng = np.random.default_rng(8)
    for truth, likeness in ((0.02, 0), (0.15, 0), (0.5, 0), (0, 0.4), (0, 1e9)):
        covered = []
        for _ in range(200):
            # Likeness 0: run a solves some problems always that run b never solves.
            chances = (
                [(rng.random((n, 1)) < truth) * 1.0, np.zeros((n, 1))]
                if likeness == 0
                else [rng.beta(0.6 * likeness, 0.4 * likeness, (n, 1))] * 2
            )
            rows = [rng.random((n, k)) < rate for k, rate in zip(repeats, chances, strict=True)]
            ours = paired_difference(*(run(*each) for each in rows))
            covered.append(ours.low <= truth <= ours.high)
        assert np.sum(covered) >= binom.ppf(0.001, 200, 0.94)


@pytest.mark.parametrize(("n", "repeats"), [(5, 4), (5, 48), (35, 2), (35, 16)])
def test_the_interval_for_these_problems_covers_over_runs_of_them(n, repeats):
    rng = np.random.default_rng(9)
    for shape in (0.1, 1, 20):
        chances = rng.beta(shape, shape / 2, (2, n, 1))
        truth = chances.mean(axis=1)[:, 0] @ [1, -1]
        covered = []
        for _ in range(200):
            a, b = (run(*(rng.random((n, repeats)) < side)) for side in chances)
            again = paired_difference(a, b).again
            covered.append(again.low <= truth <= again.high)
        assert np.sum(covered) >= binom.ppf(0.001, 200, 0.94)


def test_single_repeats_tell_nothing_of_another_run_of_the_same_problems():
    assert paired_difference(run([1], [1]), run([0], [1])).again is None
    assert paired_difference(run([1, 1], [1, 1]), run([0, 0], [1])).again is None


def test_five_to_nothing_of_105_problems_is_no_proof_to_test_or_interval():
    ours = paired_difference(run(*[[1]] * 5, *[[0]] * 100), run(*[[0]] * 105))
    assert ours.p_value == pytest.approx(0.0625)
    assert ours.low <= 0


def test_repeats_count_in_what_could_be_detected():
    ours = paired_difference(run(*[[1] * 44 + [0] * 4] * 35), run(*[[1] * 42 + [0] * 6] * 35))
    # Sure for these problems; for others like them, fewer points than 9 would not show.
    assert ours.again.p_value < 0.001
    assert ours.p_value > 0.05
    assert ours.value < ours.detectable < 0.1


def test_a_detectable_difference_is_no_larger_than_one_that_was_found():
    ours = paired_difference(run(*[[1] * 44 + [0] * 4] * 35), run(*[[1] * 34 + [0] * 14] * 35))
    assert ours.p_value < 0.05
    assert ours.detectable < ours.value


def test_counts_with_repeats_are_expected_counts():
    # p0: 1/2 against 1/2 by chance alone; p1: 1 against 1/4.
    ours = paired_difference(run([1, 0], [1, 1]), run([0, 1], [1, 0, 0, 0]))
    assert ours.counts == Counts(both=0.5, only_a=1, only_b=0.25, neither=0.25)


def test_swapping_the_runs_mirrors_the_comparison():
    rng = np.random.default_rng(2)
    a, b = (run(*rng.integers(0, 2, (40, 4))) for _ in "ab")
    there, back = paired_difference(a, b), paired_difference(b, a)
    assert (back.value, back.p_value) == (-there.value, there.p_value)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=0.01)


def test_the_order_of_problems_changes_nothing():
    a, b = run([1, 0], [1, 1], [0, 0]), run([0, 0], [1, 0], [0, 1])
    assert paired_difference(a, b) == paired_difference(dict(reversed(a.items())), b)


def test_agreeing_on_three_problems_is_no_proof_of_equality():
    ours = paired_difference(*[run([1] * 48, [0] * 48, [1] * 48)] * 2)
    assert ours.low <= -0.3
    assert ours.high >= 0.3


def test_a_large_sample_has_the_textbook_interval():
    rates = np.random.default_rng(0).binomial(4, 0.5, (2, 2_000)) / 4
    a, b = (run(*([1] * int(4 * x) + [0] * int(4 - 4 * x) for x in side)) for side in rates)
    differences = rates[0] - rates[1]
    half = 1.96 * differences.std(ddof=1) / np.sqrt(differences.size)
    ours = paired_difference(a, b)
    textbook = (differences.mean() - half, differences.mean() + half)
    assert (ours.low, ours.high) == pytest.approx(textbook, abs=0.002)


def test_runs_over_different_problems_are_refused_by_name():
    with pytest.raises(ValueError, match="the second run has none of problem p1"):
        paired_difference(run([1], [1]), run([1]))
    with pytest.raises(ValueError, match="the first run has none of problem p1"):
        paired_difference(run([1]), run([1], [1]))


def test_a_problem_without_trials_is_refused_by_name():
    with pytest.raises(ValueError, match="the first run has none of problem p1"):
        paired_difference(run([1], []), run([1], [1]))


def test_a_comparison_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one problem"):
        paired_difference({}, {})


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (6, 0), (10, 3), (3, 10), (7, 7), (300, 240)])
def test_mcnemar_equals_statsmodels_and_the_binomial(b, c):
    theirs = statsmodels_mcnemar([[5, b], [c, 9]], exact=True).pvalue
    assert mcnemar(b, c) == pytest.approx(theirs, rel=1e-12)
    if b + c:
        assert mcnemar(b, c) == pytest.approx(binomtest(b, b + c).pvalue, rel=1e-12)


def test_runs_that_agree_everywhere_differ_by_chance():
    ours = paired_difference(run([1, 1], [0, 0]), run([1, 1], [0, 0]))
    assert (ours.value, ours.p_value) == (0, 1)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_holm_equals_statsmodels(size):
    rng = np.random.default_rng(size)
    for _ in range(20):
        p_values = rng.random(size) ** 4
        theirs = multipletests(p_values, method="holm")[1]
        assert holm(p_values.tolist()) == pytest.approx(theirs.tolist(), rel=1e-12)


def test_holm_of_no_tests_is_empty():
    assert holm([]) == []


@pytest.mark.parametrize("n", [2, 3, 35, 945])
def test_the_range_of_a_mean_is_scipy_s(n):
    drawn = np.random.default_rng(n).normal(0.3, 2.0, n)
    theirs = ttest_1samp(drawn, 0).confidence_interval(0.95)
    ours = mean_difference(drawn.tolist())
    assert ours.value == pytest.approx(drawn.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_the_same_difference_everywhere_leaves_no_range():
    ours = mean_difference([0.5] * 4)
    assert (ours.low, ours.value, ours.high) == (0.5, 0.5, 0.5)


def test_one_problem_tells_no_range():
    ours = mean_difference([2.0])
    assert ours.value == 2.0
    assert np.isnan([ours.low, ours.high]).all()


def test_a_mean_over_no_problem_is_refused():
    with pytest.raises(ValueError, match="at least one problem"):
        mean_difference([])
