"""How much of a result is chance, and what difference is large enough to be found in spite of it.

Chance has two sources: which problems were chosen (variance between problems), and what the model
happened to reply (variance within a problem, from repeat to repeat). Repeats reduce the second
alone. See https://arxiv.org/abs/2411.00640 and https://arxiv.org/abs/2512.21326, which call them
data noise and prediction noise.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from solver.stats.metrics import Correct, clopper_pearson, tally


@dataclass(frozen=True)
class Noise:
    """Variance of an accuracy, or of a difference of two, for one problem tried once."""

    between: float
    """Of the problems' own rates around their mean."""
    within: float
    """Of one repeat around its problem's own rate; for a difference, one repeat of each run."""

    def run_to_run(self, n_trials: int) -> float:
        """Return the standard deviation of the result if the same problems are run again."""
        return sqrt(self.within / n_trials)

    def cautious(self, n_problems: int) -> "Noise":
        """Allow for so few problems: add one that the runs disagree on, half won by each.

        Problems that happen to agree do not mean that others would.
        """
        between = (n_problems * self.between + 1) / (n_problems + 1)
        return Noise(between, self.within)

    def total(self, n_problems: int, repeats: int) -> float:
        """Return the standard deviation of the result over other problems of the same kind."""
        return sqrt((self.between + self.within / repeats) / n_problems)


def noise(correct: Correct) -> Noise | None:
    """Split the variance of one run's accuracy. None where a problem has fewer than two repeats."""
    rates, within, repeats = _by_problem(correct)
    if min(repeats, default=0) < 2:
        return None
    return _split(rates, within, within / repeats)


def paired_noise(a: Correct, b: Correct) -> Noise | None:
    """Split the variance of the difference of two runs over the same problems.

    None where a problem has fewer than two repeats in either run.
    """
    rates_a, within_a, repeats_a = _by_problem(a)
    counts_b = tally(b)
    rates_b, within_b, repeats_b = _by_problem({problem: counts_b[problem] for problem in a})
    if min([*repeats_a, *repeats_b], default=0) < 2:
        return None
    of_means = within_a / repeats_a + within_b / repeats_b
    return _split(rates_a - rates_b, within_a + within_b, of_means)


def interval_for_these(correct: Correct) -> tuple[float, float] | None:
    """Return the 95 % interval of a run's accuracy on these problems, were it repeated for ever.

    The interval of `metrics.accuracy` is for problems like these and is wider. None where a problem
    has fewer than two repeats. Clopper and Pearson's interval at the number of independent trials
    that would vary as much; one success more and one failure more keep repeats that happen to agree
    from looking certain.
    """
    rates, within, repeats = _by_problem(correct)
    if min(repeats, default=0) < 2:
        return None
    trials = rates.size**2 / float((1 / repeats).sum())
    variance = float((within / repeats).sum()) / rates.size**2 + 1 / trials**2
    value = float(rates.mean())
    middle = (value * trials + 1) / (trials + 2)
    size = middle * (1 - middle) / variance
    return clopper_pearson(value * size, size)


def detectable(
    n_problems: int, repeats: int, noise: Noise, *, power: float = 0.8, alpha: float = 0.05
) -> float | None:
    """Return the smallest true difference that `paired_difference` finds with chance `power`.

    Both runs try each of `n_problems` `repeats` times; `noise` is that of their difference. None
    where no difference would be found.
    """
    variance = noise.between + noise.within / repeats
    if repeats > 1:
        return detectable_mean(n_problems, variance, power=power, alpha=alpha)
    # With single repeats, more difference means more problems that exactly one run solves.
    first = smallest_detectable(n_problems, min(1.0, variance), power=power, alpha=alpha)
    if first is None:
        return None
    return smallest_detectable(n_problems, min(1.0, variance + first**2), power=power, alpha=alpha)


def detectable_mean(
    n_problems: int, variance: float, *, power: float = 0.8, alpha: float = 0.05
) -> float | None:
    """Return the smallest mean difference that the interval of `paired_mean` tells from 0.

    `variance` is that of a problem's difference of two means over repeats.
    """

    def surplus(difference: float) -> float:
        """Return how far from 0 the lower end of the interval lies with chance `power`."""
        total = n_problems * difference
        squares = n_problems * (variance + difference**2)
        middle, error = paired_mean(n_problems, total, squares)
        unlucky = chance * sqrt(variance * n_problems) / (n_problems + 2)
        return middle - quantile * error - unlucky

    quantile = float(stdtrit(n_problems + 1, 1 - alpha / 2))
    chance = NormalDist().inv_cdf(power)
    low, high = 0.0, 1.0
    if surplus(high) < 0:
        return None
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if surplus(middle) >= 0 else (middle, high)
    return high


def paired_mean(n_problems: int, total: float, squares: float) -> tuple[float, float]:
    """Return the middle and the standard error of Bonett and Price's interval for paired means.

    They add one problem won by each run before they take the mean and its error (Journal of
    Educational and Behavioral Statistics 37, 2012). `total` and `squares` are the sums over
    problems of the difference and of its square; a problem with repeats counts by its means.
    """
    size = n_problems + 2
    middle = total / size
    return middle, sqrt(max(0.0, (squares + 2) / size - middle**2) / size)


def smallest_detectable(
    n_problems: int, discordance: float, *, power: float = 0.8, alpha: float = 0.05
) -> float | None:
    """Return the smallest true difference that McNemar's exact test finds with chance `power`.

    `discordance` is the share of problems that exactly one of the runs solves. None where not even
    a run that wins every problem could be told apart (5 problems or fewer). From the normal
    approximation of Connor (Biometrics 43, 1987), solved for the difference: the power of the exact
    test is 0.75 to 0.79 for 20 to 1,000 problems, where 0.8 is asked.
    """
    if not 0 <= discordance <= 1:
        raise ValueError(f"discordance must lie between 0 and 1, not {discordance}")
    if 2 * 0.5**n_problems > alpha:
        return None
    # n·δ² = (z_α·√ψ + z_β·√(ψ − δ²))² is quadratic in √(1 − δ²/ψ), here `rest`.
    z_alpha, z_beta = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(power)
    spread = (z_alpha * z_beta) ** 2 + (n_problems + z_beta**2) * (n_problems - z_alpha**2)
    rest = (sqrt(spread) - z_alpha * z_beta) / (n_problems + z_beta**2)
    share = sqrt(1 - rest**2)
    # No difference exceeds the discordance. Where this one would, all disagreement goes one way.
    return share * max(sqrt(discordance), share)


def _by_problem(
    correct: Correct,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the rate of each problem, the variance of its repeats (unbiased), and their number."""
    counts = tally(correct).values()
    repeats = np.array([n for n, _ in counts], dtype=np.float64)
    rates = np.array([c for _, c in counts], dtype=np.float64) / repeats
    return rates, rates * (1 - rates) * repeats / np.maximum(repeats - 1, 1), repeats


def _split(
    values: NDArray[np.float64], within: NDArray[np.float64], of_means: NDArray[np.float64]
) -> Noise:
    """Subtract from the variance of the problems' values what the repeats add to it."""
    spread = float(values.var(ddof=1)) if values.size > 1 else 0.0
    return Noise(max(0.0, spread - float(of_means.mean())), float(within.mean()))
