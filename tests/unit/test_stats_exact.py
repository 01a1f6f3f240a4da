"""Exact intervals of an excess over a floor: they cover, they agree with their test."""

import numpy as np
import pytest
from scipy.stats import binom

from solver.stats.closeness import closeness
from solver.stats.exact import binomial, detectable_excess, excess


@pytest.mark.parametrize(("p", "q"), [(0.02, 0.02), (0.5, 0.1), (0.9, 0.8), (0.3, 0.3)])
def test_the_interval_covers_the_difference_at_least_95_times_in_100(p, q):
    n, m = 9, 7
    covered = 0.0
    for hits in range(n + 1):
        for floor in range(m + 1):
            found = excess(hits, n, floor, m)
            if found.low - 2e-4 <= p - q <= found.high + 2e-4:
                covered += binom.pmf(hits, n, p) * binom.pmf(floor, m, q)
    assert covered >= 0.95


@pytest.mark.parametrize("rate", [0.02, 0.2, 0.5])
def test_where_there_is_no_excess_it_is_claimed_at_most_25_times_in_1000(rate):
    n = m = 12
    counts = np.arange(n + 1)
    claims = sum(
        binom.pmf(hits, n, rate) * binom.pmf(floor, m, rate)
        for hits in counts
        for floor in counts
        if excess(int(hits), n, int(floor), m).p_value <= 0.025
    )
    assert claims <= 0.025 + 1e-6


def test_the_interval_leaves_0_out_where_the_p_value_is_below_its_half():
    for hits in range(13):
        found = excess(hits, 12, 1, 12)
        assert (found.low > 1e-3) == (found.p_value < 0.0249)


def test_two_shares_swapped_give_the_mirrored_interval():
    one, other = excess(9, 20, 2, 15), excess(2, 15, 9, 20)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_what_is_detectable_is_detected_4_times_in_5():
    least = detectable_excess(35, 0, 35)
    shown = [excess(hits, 35, 0, 35).p_value <= 0.025 for hits in range(36)]
    power = sum(binom.pmf(hits, 35, least) for hits in range(36) if shown[hits])
    assert 0.8 <= power < 0.82


@pytest.mark.parametrize("n", [1, 7, 35, 500, 5000])
def test_chances_of_hits_are_those_of_scipy(n):
    shares = np.array([0.0, 1e-6, 0.1, 0.5, 0.97, 1.0])
    expected = binom.pmf(np.arange(n + 1), n, shares[:, None])
    np.testing.assert_allclose(binomial(n, shares), expected, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize(("n", "floor_hits", "floor_n"), [(6, 0, 6), (24, 6, 20)])
def test_what_is_detectable_is_the_least_share_with_enough_chance_by_scipy(n, floor_hits, floor_n):
    shown = next(
        hits for hits in range(n + 1) if excess(hits, n, floor_hits, floor_n).p_value <= 0.025
    )
    share = next(share for share in np.linspace(0, 1, 1001) if binom.sf(shown - 1, n, share) >= 0.8)
    assert detectable_excess(n, floor_hits, floor_n) == pytest.approx(share - floor_hits / floor_n)


def test_one_problem_detects_nothing():
    assert detectable_excess(1, 0, 1) is None


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="no shares"):
        excess(3, 2, 0, 1)


@pytest.mark.parametrize(
    ("found", "truth", "score"),
    [(10, 10, 1), (9.9, 10, 0.945), (10.5, 10, 0.725), (11, 10, 0.45), (0, 10, 5e-8),
     (0.5, 0, 0.25), (1e6, 10, 0)],
)  # fmt: skip
def test_closeness_is_that_of_the_paper(found, truth, score):
    assert closeness(found, truth) == pytest.approx(score, abs=1e-6)
