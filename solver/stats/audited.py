"""Accuracy that allows for mistakes of the judge, from trials that a person has labelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.stats.metrics import Estimate


@dataclass(frozen=True)
class Labels:
    """What a person found in a random choice of one stratum's trials."""

    correct: int
    labelled: int


def audited_accuracy(
    strata: Mapping[str, Sequence[str]], labels: Mapping[str, Labels], *, seed: int = 0
) -> Estimate:
    """Return the accuracy that a person would find, had they judged every trial.

    `strata` names the stratum of each trial of each problem (such as "accepted by rules"), and
    `labels` what a person found in trials drawn at random from each stratum. A problem counts by
    the mean of its trials, and a trial by the share of its stratum that was labelled correct. The
    95 % interval is for problems like these: percentiles over 10,000 draws of the problems and of
    each stratum's share from Beta(k + 1/2, m - k + 1/2), where k of m labels are correct. The
    problems drawn from include half a problem always solved and half a problem never solved,
    because a few that agree are no proof. With repeats, a problem's trials in one stratum resemble
    each other, which few labels cannot show: they are taken to be all alike.

    Raises ValueError where a stratum that occurs has no labels, or a problem has no trial.
    """
    names = sorted({name for trials in strata.values() for name in trials})
    _check(strata, [name for name in names if name not in labels or labels[name].labelled < 1])
    shares = np.array([[list(t).count(name) / len(t) for name in names] for t in strata.values()])
    right = np.array([labels[name].correct for name in names])
    wrong = np.array([labels[name].labelled for name in names]) - right
    rates, n = right / (right + wrong), len(strata)
    value = float((shares @ rates).mean())
    alike = 1 - float(np.mean([1 / len(trials) for trials in strata.values()]))
    resemblance = alike * float((shares @ (rates * (1 - rates))).mean()) / n
    means = _draws(shares, right, wrong, resemblance, np.random.default_rng(seed))
    low, high = (float(end) for end in np.quantile(means, [0.025, 0.975]))
    trials = sum(map(len, strata.values()))
    return Estimate(value, n, trials, float(means.std()), min(value, low), max(value, high))


def _draws(
    shares: NDArray[np.float64],
    right: NDArray[np.int_],
    wrong: NDArray[np.int_],
    resemblance: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw 10,000 accuracies; `resemblance` is the variance that repeats of a problem share."""
    n = len(shares)
    rates = rng.beta(right + 0.5, wrong + 0.5, size=(10_000, right.size))
    kinds, counts = np.unique(shares, axis=0, return_counts=True)
    # The first two kinds are the added problems: always solved, and never.
    weights = np.array([0.5, 0.5, *counts])
    often = rng.multinomial(n, weights / weights.sum(), size=10_000)
    means = (often[:, 0] + (often[:, 2:] @ kinds * rates).sum(axis=1)) / n
    drawn: NDArray[np.float64] = np.clip(means + rng.normal(0, resemblance**0.5, 10_000), 0, 1)
    return drawn


def _check(strata: Mapping[str, Sequence[str]], missing: Sequence[str]) -> None:
    if not strata:
        raise ValueError("a mean over problems needs at least one problem, but there is none")
    for problem, trials in strata.items():
        if not trials:
            raise ValueError(f"no trial of problem {problem}")
    if missing:
        raise ValueError(f"no trial is labelled in: {', '.join(missing)}")
