"""The size of a run that shows a difference: problems needed, and G-Pass@k by simulation."""

import numpy as np
import pytest

from solver.stats.metrics import g_pass_at_k
from solver.stats.noise import Noise, detectable
from solver.stats.paired import mean_interval
from solver.stats.permutation import Tally
from solver.stats.power import detectable_g_pass, problems_needed

ALIKE = Noise(between=0, within=0.2)


def earlier_run(rng, rates, repeats):
    return [Tally(repeats, *pair) for pair in tallied(rng, rates, repeats)]


def tallied(rng, rates, repeats):
    return [
        (int(a), repeats, int(b)) for a, b in rng.binomial(repeats, rates[:, None], (len(rates), 2))
    ]


@pytest.mark.parametrize("repeats", [1, 16])
def test_the_needed_problems_are_the_fewest_that_show_the_difference(repeats):
    noise = Noise(between=0.05, within=0.2)
    needed = problems_needed(0.05, repeats, noise)
    assert detectable(needed, repeats, noise) <= 0.05 < detectable(needed - 1, repeats, noise)


def test_repeats_save_problems_only_where_they_differ():
    agreeing, differing = Noise(between=0.2, within=0), Noise(between=0, within=0.2)
    assert problems_needed(0.1, 48, agreeing) == pytest.approx(
        problems_needed(0.1, 2, agreeing), rel=0.02
    )
    assert problems_needed(0.1, 48, differing) < problems_needed(0.1, 2, differing) / 2


def test_what_no_run_can_show_needs_over_a_million():
    assert problems_needed(0.0005, 1, Noise(between=0.5, within=0.2)) is None


@pytest.mark.parametrize(("n", "repeats", "k", "tau"), [(60, 16, 16, "1"), (150, 8, 8, "0.5")])
def test_a_named_difference_in_g_pass_is_found_4_times_in_5(n, repeats, k, tau):
    rng = np.random.default_rng(1)
    kinds = rng.beta(1, 0.7, 800)
    named = detectable_g_pass(earlier_run(rng, kinds, 32), ALIKE, n, repeats, k, tau)
    values = np.array([g_pass_at_k(repeats, c, k, tau) for c in range(repeats + 1)])

    def of_rates(rates):
        return values[rng.binomial(repeats, rates)]

    def shifted(by):
        return np.clip(kinds**by, 0, 1)

    # Make arm a better until the true difference is the named one, then run both 400 times.
    powers = np.linspace(1, 0.02, 200)
    truths = [
        np.mean([of_rates(shifted(by)) - of_rates(kinds) for _ in range(20)]) for by in powers
    ]
    better = powers[int(np.argmin(np.abs(np.array(truths) - named)))]
    found = 0
    for _ in range(400):
        chosen = rng.integers(len(kinds), size=n)
        differences = of_rates(shifted(better)[chosen]) - of_rates(kinds[chosen])
        found += mean_interval(differences)[0] > 0
    assert 0.7 <= found / 400 <= 0.9


def test_more_problems_show_a_smaller_difference_in_g_pass():
    rng = np.random.default_rng(2)
    pilot = earlier_run(rng, rng.beta(1, 1, 100), 8)
    few, many = (detectable_g_pass(pilot, ALIKE, n, 8, 8, "1") for n in (30, 300))
    assert many < few / 2
    assert detectable_g_pass(pilot, ALIKE, 3, 8, 8, "1") is None


def test_arms_that_differ_from_problem_to_problem_need_a_larger_difference():
    rng = np.random.default_rng(3)
    pilot = earlier_run(rng, rng.beta(1, 1, 100), 8)
    apart = Noise(between=0.1, within=0.2)
    assert detectable_g_pass(pilot, apart, 60, 8, 8, "1") > 1.05 * detectable_g_pass(
        pilot, ALIKE, 60, 8, 8, "1"
    )


def test_few_problems_that_agree_are_not_taken_for_many():
    assert Noise(between=0, within=0).cautious(5).between == pytest.approx(1 / 6)
    assert Noise(between=0.2, within=0.1).cautious(10**6).between == pytest.approx(0.2, abs=1e-5)


def test_an_earlier_run_that_always_solves_everything_can_be_simulated_from():
    found = detectable_g_pass([Tally(4, 4, 4, 4)] * 30, ALIKE, 100, 8, 8, "1")
    assert found is None or 0 < found < 1


def test_an_earlier_run_without_repeats_is_refused():
    with pytest.raises(ValueError, match="two repeats of every problem"):
        detectable_g_pass([Tally(1, 1, 4, 2)], ALIKE, 10, 4, 4, "1")
    with pytest.raises(ValueError, match="two repeats"):
        detectable_g_pass([], ALIKE, 10, 4, 4, "1")
