"""The permutation of labels: against every permutation written out, scipy, and its own draws."""

from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from scipy.stats import fisher_exact, permutation_test

from solver.stats.paired import mcnemar
from solver.stats.permutation import (
    Tally,
    label_permutation,
    permutation_drawn,
    permutation_exact,
    permutation_on_grid,
)


def difference(tally):
    return Fraction(tally.c_a, tally.n_a) - Fraction(tally.c_b, tally.n_b)


def by_enumeration(tallies):
    """Return the share of all ways to hand the trials out that are as far from 0."""
    observed = sum(map(difference, tallies))
    choices = []
    for n_a, c_a, n_b, c_b in tallies:
        trials = [1] * (c_a + c_b) + [0] * (n_a + n_b - c_a - c_b)
        choices.append(
            [
                Tally(n_a, taken := sum(trials[i] for i in chosen), n_b, c_a + c_b - taken)
                for chosen in combinations(range(n_a + n_b), n_a)
            ]
        )
    sums = [sum(map(difference, choice)) for choice in product(*choices)]
    return np.mean([abs(each) >= abs(observed) for each in sums])


def some_tallies(rng, problems, most):
    return [
        Tally(n, int(rng.integers(0, n + 1)), m, int(rng.integers(0, m + 1)))
        for n, m in rng.integers(1, most + 1, (problems, 2)).tolist()
    ]


def test_the_exact_test_equals_a_count_of_every_permutation():
    rng = np.random.default_rng(0)
    for _ in range(60):
        tallies = some_tallies(rng, int(rng.integers(1, 4)), 4)
        assert permutation_exact(tallies) == pytest.approx(by_enumeration(tallies))


def test_of_one_problem_it_is_the_permutation_test_of_scipy():
    a, b = [1, 1, 1, 0, 1], [0, 1, 0, 0]
    theirs = permutation_test(
        (a, b), lambda x, y: abs(np.mean(x) - np.mean(y)), n_resamples=10_000, alternative="greater"
    )
    assert permutation_exact([Tally(5, 4, 4, 1)]) == pytest.approx(theirs.pvalue)


def test_of_one_problem_with_equal_repeats_it_is_fishers_test():
    theirs = fisher_exact([[11, 1], [5, 7]]).pvalue
    assert permutation_exact([Tally(12, 11, 12, 5)]) == pytest.approx(theirs)


@pytest.mark.parametrize(("only_a", "only_b"), [(6, 0), (10, 3), (3, 10), (7, 7), (300, 240)])
def test_with_single_repeats_it_is_mcnemars_test(only_a, only_b):
    tallies = [Tally(1, 1, 1, 0)] * only_a + [Tally(1, 0, 1, 1)] * only_b + [Tally(1, 1, 1, 1)]
    assert label_permutation(tallies)[0] == pytest.approx(mcnemar(only_a, only_b), rel=1e-9)


def test_drawn_permutations_agree_with_all_of_them():
    rng = np.random.default_rng(4)
    tallies = [
        Tally(16, int(a), 4, int(b))
        for a, b in zip(rng.binomial(16, 0.53, 60), rng.binomial(4, 0.47, 60), strict=True)
    ]
    exact = permutation_exact(tallies)
    assert 0.01 < exact < 0.5
    assert permutation_drawn(tallies) == pytest.approx(exact, abs=0.005)


def test_drawn_permutations_count_equal_sums_as_equal():
    # All differences are multiples of 1/3, which no float is.
    tallies = [Tally(3, 2, 3, 1)] * 2 + [Tally(3, 1, 3, 1)] * 2
    assert permutation_drawn(tallies) == pytest.approx(permutation_exact(tallies), abs=0.005)


def test_drawn_permutations_never_give_a_p_value_of_zero():
    assert permutation_drawn([Tally(8, 8, 8, 0)] * 50, draws=10_000) == 1 / 10_001


def test_a_test_too_long_to_count_is_drawn_and_says_so():
    # Repeats of many different numbers have no small common unit.
    primes = [101, 103, 107, 109, 113, 127, 131, 137]
    tallies = [Tally(prime, prime - 20, 100, 75) for prime in primes]
    p_value, test = label_permutation(tallies)
    assert test == "label permutation, 100,000 draws"
    assert label_permutation(tallies) == (p_value, test)
    assert p_value == pytest.approx(permutation_drawn(tallies, seed=1), abs=0.005)


def test_problems_that_all_trials_solve_or_none_say_nothing():
    tallies = [Tally(4, 3, 4, 1), Tally(4, 3, 4, 2)]
    sure = [Tally(9, 9, 7, 7), Tally(3, 0, 2, 0)]
    assert label_permutation(tallies + sure) == label_permutation(tallies)
    assert label_permutation(sure) == (1.0, "exact label permutation")


def repeated(rng, problems, repeats):
    drawn = rng.binomial(repeats, rng.beta(0.8, 0.8, (problems, 1)), (problems, 2)).tolist()
    return [Tally(repeats, a, repeats, b) for a, b in drawn if 0 < a + b < 2 * repeats]


@pytest.mark.parametrize(("problems", "repeats"), [(20, 48), (105, 7), (30, 300)])
def test_the_grid_gives_the_exact_p_where_repeats_are_equal(problems, repeats):
    tallies = repeated(np.random.default_rng(1), problems, repeats)
    assert permutation_on_grid(tallies) == pytest.approx(permutation_exact(tallies), abs=1e-9)


def test_the_grid_gives_the_p_of_draws_where_repeats_differ():
    rng = np.random.default_rng(2)
    tallies = [
        Tally(n_a, int(rng.integers(0, n_a)), n_b, int(rng.integers(0, n_b)))
        for n_a, n_b in rng.integers(40, 60, (80, 2)).tolist()
    ]
    drawn = permutation_drawn(tallies, draws=20_000)
    assert permutation_on_grid(tallies) == pytest.approx(drawn, abs=0.01)


def test_many_trials_are_put_on_the_grid():
    tallies = [Tally(400 + n % 3, 200, 401, 195) for n in range(50)]
    assert label_permutation(tallies) == (permutation_on_grid(tallies), "label permutation")
