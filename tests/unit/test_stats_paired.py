"""Two runs side by side: tests against scipy, statsmodels and enumeration, coverage, and power."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, binomtest, permutation_test, ttest_1samp
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from solver.stats.paired import (
    Counts,
    bootstrap_interval,
    holm,
    mcnemar,
    mean_difference,
    paired_difference,
    sign_flip,
    sign_flip_drawn,
    sign_flip_exact,
    smallest_detectable,
)


def run(*rows):
    return {f"p{i}": [bool(each) for each in row] for i, row in enumerate(rows)}


def test_single_repeats_are_compared_by_exact_mcnemar():
    a = run([1], [1], [1], [1], [1], [1], [1], [0])
    b = run([1], [0], [0], [0], [0], [0], [0], [0])
    ours = paired_difference(a, b)
    assert (ours.value, ours.test, ours.n_problems) == (0.75, "exact McNemar", 8)
    assert ours.counts == Counts(both=1, only_a=6, only_b=0, neither=1)
    assert ours.p_value == pytest.approx(2 * 0.5**6)
    assert 0 < ours.low < 0.75 < ours.high <= 1


def test_many_repeats_are_compared_by_permutation():
    ours = paired_difference(run([1, 1], [1, 0]), run([0, 0], [0, 0]))
    assert ours.test == "exact sign-flip permutation"
    assert (ours.value, ours.p_value) == (0.75, 0.5)


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


def test_the_same_seed_gives_the_same_interval():
    differences = np.linspace(-0.3, 0.5, 30)
    assert bootstrap_interval(differences, seed=1) == bootstrap_interval(differences, seed=1)
    assert bootstrap_interval(differences, seed=1) != bootstrap_interval(differences, seed=2)


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


def test_the_permutation_test_equals_a_count_of_every_choice_of_signs():
    rng = np.random.default_rng(0)
    for _ in range(50):
        steps = rng.integers(-5, 8, rng.integers(1, 9)).tolist()
        sums = [abs(np.dot(signs, steps)) for signs in product((-1, 1), repeat=len(steps))]
        assert sign_flip_exact(steps) == pytest.approx(np.mean(np.array(sums) >= abs(sum(steps))))


def test_the_permutation_test_equals_scipy():
    rng = np.random.default_rng(1)
    a, b = rng.binomial(4, 0.7, 10), rng.binomial(4, 0.4, 10)
    theirs = permutation_test(
        (a, b), lambda x, y: np.sum(x - y), permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip([Fraction(int(each), 4) for each in a - b])[0] == pytest.approx(theirs.pvalue)


def test_with_single_repeats_the_permutation_test_is_mcnemar():
    steps = [1] * 31 + [-1] * 17 + [0] * 50
    assert sign_flip_exact(steps) == pytest.approx(mcnemar(31, 17), rel=1e-12)


def test_random_signs_agree_with_all_signs():
    steps = np.random.default_rng(4).integers(-20, 22, 400).tolist()
    exact = sign_flip_exact(steps)
    assert 0.01 < exact < 0.5
    assert sign_flip_drawn(steps) == pytest.approx(exact, abs=0.005)


def test_random_signs_never_give_a_p_value_of_zero():
    assert sign_flip_drawn([1] * 200) == 1 / 100_001


def test_a_test_too_long_to_count_is_drawn_and_says_so():
    # Repeats of many different numbers have no small common unit.
    primes = [101, 103, 107, 109, 113, 127, 131, 137]
    p_value, test = sign_flip([Fraction(1, prime) for prime in primes])
    assert test == "sign-flip permutation, 100,000 draws"
    assert p_value == pytest.approx(2 * 0.5**8, abs=0.002)


def test_runs_that_agree_everywhere_differ_by_chance():
    ours = paired_difference(run([1, 1], [0, 0]), run([1, 1], [0, 0]))
    assert (ours.value, ours.p_value) == (0, 1)


def test_agreeing_on_three_problems_is_no_proof_of_equality():
    low, high = bootstrap_interval(np.zeros(3))
    assert low <= -0.3
    assert high >= 0.3


@pytest.mark.parametrize("n", [3, 10, 35])
@pytest.mark.parametrize("repeats", [1, 8])
def test_the_interval_covers_the_true_difference(n, repeats):
    rng = np.random.default_rng(8)
    for truth, likeness in ((0, 0.5), (0.1, 5), (0.3, 1)):
        covered = []
        for world in range(100):
            a = rng.beta(0.5 * likeness, 0.5 * likeness, n)
            b = np.where(rng.random(n) < truth / 0.5, 1, a)
            differences = (rng.binomial(repeats, b) - rng.binomial(repeats, a)) / repeats
            low, high = bootstrap_interval(differences, seed=world)
            covered.append(low <= truth <= high)
        assert np.mean(covered) >= 0.91


def test_a_large_sample_has_the_textbook_interval():
    differences = np.random.default_rng(0).choice([-1.0, 0, 0, 1.0], 5_000)
    half = 1.96 * differences.std(ddof=1) / np.sqrt(5_000)
    textbook = (differences.mean() - half, differences.mean() + half)
    assert bootstrap_interval(differences) == pytest.approx(textbook, abs=0.002)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_holm_equals_statsmodels(size):
    rng = np.random.default_rng(size)
    for _ in range(20):
        p_values = rng.random(size) ** 4
        theirs = multipletests(p_values, method="holm")[1]
        assert holm(p_values.tolist()) == pytest.approx(theirs.tolist(), rel=1e-12)


def test_holm_of_no_tests_is_empty():
    assert holm([]) == []


def test_connors_sample_size_is_inverted():
    # alpha 0.05 one-sided, power 0.9, 45 % against 5 %: 23 pairs are enough and 22 are not.
    assert smallest_detectable(23, 0.5, power=0.9, alpha=0.1) <= 0.4
    assert smallest_detectable(22, 0.5, power=0.9, alpha=0.1) > 0.4


@pytest.mark.parametrize("n", [20, 35, 100, 500, 945])
@pytest.mark.parametrize("discordance", [0.05, 0.2, 0.4])
def test_the_detectable_difference_is_found_about_4_times_in_5(n, discordance):
    difference = smallest_detectable(n, discordance)
    discordance = max(discordance, difference)
    power = 0.0
    for disagree in range(1, n + 1):
        only_a = np.arange(disagree + 1)
        found = [mcnemar(int(x), int(disagree - x)) <= 0.05 for x in only_a]
        split = binom.pmf(only_a, disagree, (1 + difference / discordance) / 2)
        power += binom.pmf(disagree, n, discordance) * split[found].sum()
        if binom.sf(disagree, n, discordance) < 1e-9:
            break
    assert 0.74 <= power <= 0.81


def test_no_difference_shows_in_five_problems():
    assert smallest_detectable(5, 0.2) is None
    assert smallest_detectable(6, 0.2) < 1


def test_a_discordance_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match="discordance must lie between 0 and 1"):
        smallest_detectable(100, 20)


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
