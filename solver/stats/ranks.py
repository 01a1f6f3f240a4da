"""Ranks of several arms over the same problems, with intervals that hold for all at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from solver.stats.noise import Correct
from solver.stats.paired import Difference, holm, paired_difference


@dataclass(frozen=True)
class Standing:
    """The places an arm may truly have: 1 is the most accurate."""

    best: int
    worst: int


@dataclass(frozen=True)
class Duel:
    """Two arms of a ranking, by their positions."""

    a: int
    b: int
    difference: Difference
    adjusted: float
    """p-value after Holm, over all pairs of arms."""


def all_pairs(arms: Sequence[Correct], *, seed: int = 0) -> list[Duel]:
    """Compare every two arms over the same problems, and adjust the p-values together."""
    pairs = list(combinations(range(len(arms)), 2))
    found = [paired_difference(arms[a], arms[b], seed=seed) for a, b in pairs]
    adjusted = holm([difference.p_value for difference in found])
    return [
        Duel(*pair, difference, p)
        for pair, difference, p in zip(pairs, found, adjusted, strict=True)
    ]


def standings(n_arms: int, pairs: Mapping[tuple[int, int], tuple[float, float]]) -> list[Standing]:
    """Return the places that each arm may have, together right in 95 % of rankings or more.

    `pairs` holds the difference (first minus second) and its adjusted p-value for pairs of arms.
    An arm is placed behind those that are surely better and before those that are surely worse: by
    p below 0.05 after Holm over all pairs, so that in 95 % of rankings no pair is placed wrongly. A
    pair that is missing may stand either way.
    """
    behind, before = [0] * n_arms, [0] * n_arms
    for (a, b), (difference, adjusted) in pairs.items():
        if adjusted < 0.05:
            better, worse = (a, b) if difference > 0 else (b, a)
            behind[worse] += 1
            before[better] += 1
    return [Standing(1 + behind[arm], n_arms - before[arm]) for arm in range(n_arms)]
