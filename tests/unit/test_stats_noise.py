"""Noise split into problems and repeats, the interval for these problems, and what can be found."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from solver.stats.noise import (
    Noise,
    detectable,
    interval_for_these,
    noise,
    paired_noise,
    smallest_detectable,
)
from solver.stats.paired import mcnemar, paired_difference


def run(rows):
    return {f"p{i}": [bool(each) for each in row] for i, row in enumerate(rows)}


def test_the_split_equals_a_one_way_analysis_of_variance():
    rng = np.random.default_rng(0)
    rows = rng.random((30, 6)) < rng.random((30, 1))
    table = pd.DataFrame({"y": rows.ravel() * 1.0, "problem": np.repeat(np.arange(30), 6)})
    mean_squares = anova_lm(ols("y ~ C(problem)", table).fit())["mean_sq"]
    ours = noise(run(rows))
    assert ours.within == pytest.approx(mean_squares["Residual"])
    assert ours.between == pytest.approx(
        (mean_squares["C(problem)"] - mean_squares["Residual"]) / 6
    )


def test_run_to_run_is_what_running_the_same_problems_again_shows():
    rng = np.random.default_rng(1)
    chances = rng.beta(1, 1, (200, 1))
    again = (rng.random((500, 200, 8)) < chances).mean(axis=(1, 2))
    ours = noise(run(rng.random((200, 8)) < chances))
    assert ours.run_to_run(1_600) == pytest.approx(again.std(), rel=0.12)
    assert ours.total(200, 8) > 1.8 * ours.run_to_run(1_600)


def test_problems_that_are_all_or_nothing_have_no_noise_within():
    ours = noise(run([[1] * 4] * 5 + [[0] * 4] * 5))
    assert (ours.within, ours.run_to_run(40)) == (0, 0)
    assert ours.between == pytest.approx(0.25 * 10 / 9)


def test_the_same_chances_in_both_runs_cancel_between_problems():
    rng = np.random.default_rng(2)
    chances = rng.beta(0.5, 0.5, (400, 1))
    ours = paired_noise(*(run(rng.random((400, 16)) < chances) for _ in "ab"))
    assert ours.between < 0.003
    assert ours.within == pytest.approx(2 * (chances * (1 - chances)).mean(), rel=0.1)


def test_the_order_of_problems_does_not_matter_to_the_paired_split():
    a, b = run([[1, 0], [1, 1], [0, 0]]), run([[0, 0], [1, 0], [0, 1]])
    assert paired_noise(a, b) == paired_noise(a, dict(reversed(b.items())))


def test_a_single_repeat_tells_nothing_of_the_noise_within():
    assert noise(run([[1, 0], [1]])) is None
    assert paired_noise(run([[1, 0]]), run([[1]])) is None
    assert interval_for_these(run([[1, 0], [1]])) is None


@pytest.mark.parametrize("n", [5, 35, 200])
@pytest.mark.parametrize("repeats", [2, 16])
@pytest.mark.parametrize("shape", [0.05, 1, 50])
def test_the_interval_for_these_covers_over_runs_of_the_same_problems(n, repeats, shape):
    rng = np.random.default_rng(3)
    for mean in (0.05, 0.5, 0.95):
        chances = rng.beta(shape * mean, shape * (1 - mean), (n, 1))
        truth = float(chances.mean())
        found = [interval_for_these(run(rng.random((n, repeats)) < chances)) for _ in range(200)]
        covered = sum(low <= truth <= high for low, high in found)
        assert covered >= binom.ppf(0.001, 200, 0.94)


def test_repeats_that_all_agree_are_no_proof_of_perfection():
    low, high = interval_for_these(run([[1] * 4] * 10))
    assert 0.9 < low < 0.95
    assert high == 1


def test_repeats_make_smaller_differences_detectable_until_problems_limit():
    split = Noise(between=0.02, within=0.3)
    found = [detectable(200, repeats, split) for repeats in (2, 4, 16, 1_000)]
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(detectable(200, 2, Noise(0.02, 0.0)), abs=0.001)


@pytest.mark.parametrize(("n", "repeats"), [(35, 8), (150, 1), (150, 8), (150, 48)])
def test_the_detectable_difference_counts_repeats(n, repeats):
    rng = np.random.default_rng(5)
    split = Noise(between=0.0, within=0.48)
    difference = detectable(n, repeats, split)
    found = 0
    for _ in range(300):
        a, b = (run(rng.random((n, repeats)) < 0.5 + side * difference / 2) for side in (1, -1))
        found += paired_difference(a, b).p_value <= 0.05
    assert 0.72 <= found / 300 <= 0.88


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
