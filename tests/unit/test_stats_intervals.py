"""Accuracy and its interval: the clustered standard error, and coverage over many worlds."""

from math import isnan, sqrt

import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from solver.stats.metrics import accuracy, clopper_pearson, estimate


def test_accuracy_is_the_mean_over_problems_of_the_mean_over_repeats():
    ours = accuracy({"a": [True, True, True, True], "b": [False, True]})
    assert (ours.value, ours.n_problems, ours.n_trials) == (0.75, 2, 6)


def test_lists_and_mappings_give_the_same_accuracy():
    assert accuracy([[True], [False]]) == accuracy({"a": [True], "b": [False]})


def test_the_standard_error_is_clustered_by_problem():
    # 4 problems all or nothing, 10 repeats each: the evidence is 4 problems, not 40 trials.
    ours = accuracy([[True] * 10, [True] * 10, [False] * 10, [False] * 10])
    assert ours.stderr == pytest.approx(sqrt(0.5 * 0.5 / 3))
    assert (ours.low, ours.high) == pytest.approx(clopper_pearson(2, 4))


def test_one_problem_has_an_interval_but_no_standard_error():
    ours = accuracy([[True, True, True]])
    assert isnan(ours.stderr)
    assert (ours.low, ours.high) == pytest.approx((0.025, 1))


@pytest.mark.parametrize("repeats", [1, 48])
def test_three_problems_all_solved_are_no_proof_of_perfection(repeats):
    ours = accuracy([[True] * repeats] * 3)
    assert (ours.stderr, ours.high) == (0, 1)
    assert ours.low == pytest.approx(0.025 ** (1 / 3))


def test_three_problems_none_solved_are_no_proof_of_failure():
    ours = accuracy([[False] * 48] * 3)
    assert (ours.low, ours.high) == pytest.approx((0, 1 - 0.025 ** (1 / 3)))


def test_a_single_success_hardly_moves_the_interval():
    none = accuracy([[False] * 48] * 3)
    one = accuracy([[False] * 48] * 2 + [[True] + [False] * 47])
    assert one.high == pytest.approx(none.high, abs=0.02)


def test_a_problem_without_trials_is_named():
    with pytest.raises(ValueError, match="problem b has none"):
        accuracy({"a": [True], "b": []})


def test_a_mean_over_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one problem"):
        accuracy({})


def test_single_repeats_get_the_exact_binomial_interval():
    for n in (1, 3, 10, 35, 500):
        for solved in {0, 1, n // 2, n - 1, n}:
            ours = accuracy([[True]] * solved + [[False]] * (n - solved))
            exact = proportion_confint(solved, n, method="beta")
            assert (ours.low, ours.high) == pytest.approx(exact, abs=1e-9)


def test_the_interval_holds_its_value():
    rng = np.random.default_rng(3)
    for _ in range(300):
        ours = estimate(rng.random(rng.integers(1, 40)) ** rng.integers(0, 60), 1)
        assert 0 <= ours.low <= ours.value <= ours.high <= 1


@pytest.mark.parametrize("n", [3, 10, 35, 500])
def test_the_interval_covers_with_single_repeats(n):
    ours = [accuracy([[True]] * solved + [[False]] * (n - solved)) for solved in range(n + 1)]
    low, high = np.array([[each.low, each.high] for each in ours]).T
    for p in (0.003, 0.01, 0.05, 0.2, 0.5, 0.83, 0.99):
        coverage = binom.pmf(np.arange(n + 1), n, p)[(low <= p) & (p <= high)].sum()
        assert coverage >= 0.95


@pytest.mark.parametrize("n", [3, 10, 35, 500])
@pytest.mark.parametrize("repeats", [4, 48])
@pytest.mark.parametrize("likeness", [0.2, 5, 1e9])
def test_the_interval_covers_with_repeats(n, repeats, likeness):
    """Likeness 0.2: nearly every problem is all or nothing. 1e9: every problem is as hard."""
    rng = np.random.default_rng(11)
    for p in (0.02, 0.2, 0.5, 0.9):
        chances = rng.beta(p * likeness, (1 - p) * likeness, (300, n))
        worlds = rng.binomial(repeats, chances) / repeats
        intervals = [estimate(world, n * repeats) for world in worlds]
        assert np.mean([each.low <= p <= each.high for each in intervals]) >= 0.92


def test_more_repeats_narrow_the_interval():
    rng = np.random.default_rng(0)
    widths = []
    for repeats in (1, 4, 48):
        ours = estimate(rng.binomial(repeats, 0.5, 100) / repeats, 100 * repeats)
        widths.append(ours.high - ours.low)
    assert widths == sorted(widths, reverse=True)


def test_the_interval_is_not_needlessly_wide():
    rng = np.random.default_rng(0)
    values = rng.binomial(8, rng.beta(1, 1, 500)) / 8
    ours = estimate(values, 4_000)
    assert (ours.high - ours.low) / (2 * 1.96 * ours.stderr) == pytest.approx(1, abs=0.05)
