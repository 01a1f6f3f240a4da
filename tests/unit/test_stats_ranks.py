"""Ranks of several arms: by hand, and right all at once over many worlds."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import binom

from solver.stats.paired import holm, paired_difference
from solver.stats.ranks import Standing, standings


def run(rows):
    return {f"p{i}": [bool(each) for each in row] for i, row in enumerate(rows)}


def test_an_arm_stands_behind_what_is_surely_better_and_before_what_is_surely_worse():
    pairs = {(0, 1): (0.1, 0.2), (0, 2): (0.3, 0.01), (1, 2): (0.2, 0.04)}
    assert standings(3, pairs) == [Standing(1, 2), Standing(1, 2), Standing(3, 3)]


def test_the_sign_says_which_arm_is_better():
    assert standings(2, {(0, 1): (-0.3, 0.01)}) == [Standing(2, 2), Standing(1, 1)]


def test_arms_that_were_not_compared_may_stand_anywhere():
    assert standings(3, {}) == [Standing(1, 3)] * 3


def test_what_is_ahead_by_way_of_another_arm_is_ahead():
    pairs = {(0, 1): (0.3, 0.01), (1, 2): (0.3, 0.01)}
    assert standings(3, pairs) == [Standing(1, 1), Standing(2, 2), Standing(3, 3)]


def all_pairs(arms):
    """Compare every two arms; return the differences and p after Holm, by pair."""
    pairs = list(combinations(range(len(arms)), 2))
    found = [paired_difference(arms[a], arms[b]) for a, b in pairs]
    adjusted = holm([each.p_value for each in found])
    values = [each.value for each in found]
    return dict(zip(pairs, zip(values, adjusted, strict=True), strict=True))


@pytest.mark.parametrize("rates", [[0.6] * 5, [0.5, 0.5, 0.6, 0.6, 0.75]])
@pytest.mark.parametrize("repeats", [1, 4])
def test_the_true_ranks_lie_within_all_at_once(rates, repeats):
    rng = np.random.default_rng(1)
    best = [1 + sum(other > rate for other in rates) for rate in rates]
    worst = [sum(other >= rate for other in rates) for rate in rates]
    right = 0
    for _ in range(100):
        arms = [run(rng.random((60, repeats)) < rate) for rate in rates]
        places = standings(len(rates), all_pairs(arms))
        right += all(
            place.best <= low and high <= place.worst
            for place, low, high in zip(places, best, worst, strict=True)
        )
    assert right >= binom.ppf(0.001, 100, 0.95)
