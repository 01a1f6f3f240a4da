"""What size of a run shows a difference: problems needed, and G-Pass@k by simulation."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtrit

from solver.stats.metrics import g_pass_at_k
from solver.stats.noise import Noise, detectable
from solver.stats.permutation import Tally

MOST_PROBLEMS = 1_000_000
WORLDS = 200
"""Simulated runs for each size of a difference."""


def problems_needed(difference: float, repeats: int, noise: Noise) -> int | None:
    """Return the fewest problems with which `difference` is detectable; None for over a million.

    `noise` is that of the difference of the two runs.
    """

    def shows(n: int) -> bool:
        found = detectable(n, repeats, noise)
        return found is not None and found <= difference

    high = 8
    while not shows(high):
        high *= 2
        if high > MOST_PROBLEMS:
            return None
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high


def detectable_g_pass(
    pilot: Sequence[Tally],
    noise: Noise,
    n_problems: int,
    repeats: int,
    k: int,
    tau: Fraction | int | str,
    *,
    power: float = 0.8,
    seed: int = 0,
) -> float | None:
    """Return the smallest true difference in G-Pass@k that runs of this size would show.

    Shown is a difference whose 95 % interval, that of `paired.mean_interval` over the problems'
    G-Pass@k, lies above 0; it must do so with chance `power`. By simulation: a problem is one of
    the earlier run, with a rate drawn from what its repeats in both arms leave open (a beta
    posterior whose prior is fitted by moments). On the logit scale the arms lie apart by chance, as
    far as `noise`, that of the earlier run's difference, says; one of them is made better until the
    interval shows it often enough. None where not even solving all would show.

    Raises ValueError where there is no problem, a problem has a single repeat, or k > `repeats`.
    """
    if min((min(each.n_a, each.n_b) for each in pilot), default=0) < 2:
        raise ValueError("a simulation needs an earlier run with two repeats of every problem")
    values = np.array([g_pass_at_k(repeats, c, k, tau) for c in range(repeats + 1)])
    n_a, c_a, n_b, c_b = np.array(pilot, dtype=np.float64).T
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(pilot), size=(WORLDS, n_problems))
    common = _logits(n_a + n_b, c_a + c_b, chosen, rng)
    apart = _apart(common, noise.between, rng)

    def simulated(better: float) -> tuple[float, float]:
        """Return how often the difference shows, and how large it truly is."""
        drawn = np.random.default_rng(seed + 1)
        a, b = expit(common + (apart + better) / 2), expit(common - (apart + better) / 2)
        ours, theirs = (values[drawn.binomial(repeats, rate)] for rate in (a, b))
        return _shown(ours - theirs), float((_expected(a, values) - _expected(b, values)).mean())

    low, high = 0.0, 16.0
    if simulated(high)[0] < power:
        return None
    for _ in range(9):
        middle = (low + high) / 2
        low, high = (low, middle) if simulated(middle)[0] >= power else (middle, high)
    return simulated(high)[1]


def _logits(
    n: NDArray[np.float64],
    c: NDArray[np.float64],
    chosen: NDArray[np.int_],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw logits of how often the chosen problems are solved."""
    rates = c / n
    mean = (rates.sum() + 0.5) / (rates.size + 1)
    spread = float(rates.var(ddof=1)) if rates.size > 1 else 0.0
    most = mean * (1 - mean)
    between = min(max(spread - float(_of_mean(rates, n).mean()), 0.01 * most), 0.99 * most)
    weight = most / between - 1
    drawn = rng.beta(mean * weight + c[chosen], (1 - mean) * weight + (n - c)[chosen])
    logits: NDArray[np.float64] = logit(np.clip(drawn, 1e-6, 1 - 1e-6))
    return logits


def _of_mean(rates: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the variance that chance gives each problem's mean of n repeats."""
    return rates * (1 - rates) / (n - 1)


def _apart(
    common: NDArray[np.float64], between: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw how far apart the arms' logits are, so that differences of rates vary by `between`."""
    drawn = rng.normal(size=common.shape)
    low, high = 0.0, 16.0
    while high - low > 1e-2:
        middle = (low + high) / 2
        differences = expit(common + middle * drawn / 2) - expit(common - middle * drawn / 2)
        low, high = (low, middle) if (differences**2).mean() > between else (middle, high)
    return low * drawn


def _expected(rates: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the expected value of problems with these rates, over counts of correct repeats."""
    repeats = values.size - 1
    # Bernstein polynomials by de Casteljau's scheme, which is stable and needs no binomials.
    grid = np.linspace(0, 1, 513)
    steps = np.repeat(values[:, None], grid.size, axis=1)
    for _ in range(repeats):
        steps = steps[:-1] * (1 - grid) + steps[1:] * grid
    expected: NDArray[np.float64] = np.interp(rates, grid, steps[0])
    return expected


def _shown(differences: NDArray[np.float64]) -> float:
    """Return the share of worlds in which Bonett and Price's interval lies above 0."""
    size = differences.shape[1] + 2
    middles = differences.sum(axis=1) / size
    errors = np.sqrt((((differences**2).sum(axis=1) + 2) / size - middles**2) / size)
    return float((middles > stdtrit(size - 1, 0.975) * errors).mean())
