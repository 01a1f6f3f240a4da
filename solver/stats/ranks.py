"""Ranks of several arms over the same problems, with intervals that hold for all at once."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Standing:
    """The places an arm may truly have: 1 is the most accurate."""

    best: int
    worst: int


def standings(n_arms: int, pairs: Mapping[tuple[int, int], tuple[float, float]]) -> list[Standing]:
    """Return the places that each arm may have, all of them right in 95 % of rankings or more.

    `pairs` holds the difference (first minus second) and its p-value after Holm over all of them.
    An arm stands behind those that are better with p below 0.05, and behind those that these are
    behind: in 95 % of rankings no such pair is placed wrongly. What is not compared, even by way of
    others, may stand either way.
    """
    better: list[set[int]] = [set() for _ in range(n_arms)]
    for (a, b), (difference, adjusted) in pairs.items():
        if adjusted < 0.05:
            winner, loser = (a, b) if difference > 0 else (b, a)
            better[loser].add(winner)
    for through in range(n_arms):
        for arm in range(n_arms):
            if through in better[arm]:
                better[arm] |= better[through] - {arm}
    worse = [sum(arm in others for others in better) for arm in range(n_arms)]
    return [Standing(1 + len(better[arm]), n_arms - worse[arm]) for arm in range(n_arms)]
