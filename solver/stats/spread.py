"""How far several arms lie apart on the same problems, and how far chance alone sets them apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 4_000
"""Permutations that are drawn."""


@dataclass(frozen=True)
class Spread:
    """Accuracies of several arms, over the problems that all of them have."""

    n_problems: int
    accuracies: tuple[float, ...]
    """In the order of the arms; each the mean over problems of the mean over repeats."""
    width: float
    """The highest accuracy minus the lowest."""
    deviation: float
    """The standard deviation between the arms."""
    chance: float
    """The deviation to expect if the arms were alike: from which trials happen to be right."""
    chance_width: float
    """The width that chance alone exceeds once in twenty times."""
    p_value: float
    """How often chance alone gives at least the observed deviation."""

    @property
    def beyond_chance(self) -> float:
        """Return an estimate of the deviation between the arms without chance; never below 0."""
        return float(max(0.0, self.deviation**2 - self.chance**2) ** 0.5)


def spread(
    arms: Sequence[Mapping[str, Sequence[bool]]], *, seed: int = 0, draws: int = DRAWS
) -> Spread | None:
    """Return how far arms lie apart; each has, by problem, whether each of its trials was right.

    The hypothesis is that the arms are exchangeable: within each problem, the trials could have
    come from any of them. So trials are permuted among the arms within problems, which keeps the
    pairing; with single trials this is Cochran's Q test, drawn. Returns None where fewer than two
    arms share a problem.
    """
    shared = sorted(set.intersection(*(set(arm) for arm in arms))) if len(arms) > 1 else []
    if not shared:
        return None
    random = np.random.default_rng(seed)
    observed = np.zeros(len(arms))
    drawn = np.zeros((draws, len(arms)))
    for problem in shared:
        counts = [len(arm[problem]) for arm in arms]
        starts = np.cumsum([0, *counts[:-1]])
        trials = np.concatenate([np.asarray(arm[problem], dtype=float) for arm in arms])
        observed += np.add.reduceat(trials, starts) / counts
        if 0 < trials.sum() < trials.size:
            mixed = random.permuted(np.broadcast_to(trials, (draws, trials.size)), axis=1)
            drawn += np.add.reduceat(mixed, starts, axis=1) / counts
        else:
            drawn += trials[0]
    observed /= len(shared)
    drawn /= len(shared)
    deviation = float(observed.std(ddof=1))
    by_chance = drawn.std(axis=1, ddof=1)
    widths = drawn.max(axis=1) - drawn.min(axis=1)
    at_least = int((by_chance >= deviation - 1e-12).sum())
    return Spread(
        n_problems=len(shared),
        accuracies=tuple(map(float, observed)),
        width=float(observed.max() - observed.min()),
        deviation=deviation,
        chance=float(np.sqrt((by_chance**2).mean())),
        chance_width=float(np.quantile(widths, 0.95)),
        p_value=(1 + at_least) / (1 + draws),
    )
