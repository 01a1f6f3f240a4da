"""Votes over repeats: which answers vote together, and how often the most frequent one is right."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import comb, lcm
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Answer = TypeVar("Answer", bound=Hashable)

MOST_REPEATS = 128
"""The most repeats of a problem that votes of several draw from."""
FIRST = 64
"""Of a problem with more repeats, votes of several draw from the first so many alone."""
_MOST_EXACT = 100_000
"""The most that the squares of repeats may add up to for votes to be counted in whole numbers."""


def voters(repeats: int) -> int:
    """Return how many of a problem's repeats, the first ones, votes draw from."""
    return repeats if repeats <= MOST_REPEATS else FIRST


@dataclass(frozen=True)
class Ballots:
    """The answers of one problem's repeats, counted."""

    sizes: tuple[int, ...]
    """The repeats that gave each answer."""
    right: tuple[float, ...]
    """What share of each answer's repeats was judged right."""
    silent: int
    """Repeats without an answer."""

    @property
    def repeats(self) -> int:
        """Count the repeats."""
        return sum(self.sizes) + self.silent


def group(
    answers: Sequence[Answer | None], equivalent: Callable[[Answer, Answer], bool]
) -> list[int | None]:
    """Give labels to the classes of equivalent answers 0, 1, 2, … as they appear. None stays None.

    An answer joins the first class whose first member it is equivalent to, so the classes are
    well defined even where `equivalent` is not transitive. Equal answers are compared once.
    """
    first_members: list[Answer] = []
    labels: dict[Answer | None, int | None] = {None: None}
    for answer in answers:
        if answer is None or answer in labels:
            continue
        matches = (i for i, first in enumerate(first_members) if equivalent(first, answer))
        labels[answer] = next(matches, len(first_members))
        if labels[answer] == len(first_members):
            first_members.append(answer)
    return [labels[answer] for answer in answers]


def majorities(
    problems: Sequence[Ballots], ks: Sequence[int], *, exact: bool | None = None
) -> NDArray[np.float64]:
    """Compute the chance that the most frequent of k answers drawn is right: problems by ks.

    Wang et al. 2022, https://arxiv.org/abs/2203.11171, as the exact mean over all C(n, k) draws.
    Several classes can be right: the vote sees the answers, never the verdicts. A tie of t classes
    counts 1/t each. A repeat without an answer is drawn like any other but casts no vote, and a
    draw without votes is wrong. By default counted in whole numbers where that takes seconds, else
    in floats, which differ by less than one in 10¹².

    Raises ValueError for a k below 1 or above a problem's repeats.
    """
    for repeats in {each.repeats for each in problems}:
        for k in ks:
            if k < 1:
                raise ValueError(f"maj@{k} needs k of at least 1")
            if k > repeats:
                needed = f"maj@{k} needs at least {k} repeats per problem"
                raise ValueError(f"{needed}, but there are {repeats}")
    rows: list[int] = []
    shares: list[float] = []
    sides: list[_Side] = []
    for row, each in enumerate(problems):
        of_size = _sides(each)
        for size, share in zip(each.sizes, each.right, strict=True):
            if share:
                rows.append(row)
                shares.append(share)
                sides.append(of_size[size])
    if exact is None:
        exact = sum(side.n**2 for side in sides) <= _MOST_EXACT
    won = np.zeros((len(problems), len(ks)))
    if not sides:
        return won
    chances = np.asarray((_counted if exact else _in_floats)(sides, tuple(ks)))
    np.add.at(
        won, rows, np.array(shares)[:, None] * chances
    )  # in the order of the sides, to the last bit
    return np.minimum(won, 1.0)


class _Side(NamedTuple):
    """One answer's repeats against those of all others."""

    size: int
    rivals: tuple[int, ...]
    """The largest first."""
    n: int


def _sides(ballots: Ballots) -> dict[int, _Side]:
    """Return the side of each answer by its size: answers of one size have the same rivals."""
    largest, repeats = tuple(sorted(ballots.sizes, reverse=True)), ballots.repeats
    found: dict[int, _Side] = {}
    for place, size in enumerate(largest):
        if size not in found:
            found[size] = _Side(size, (*largest[:place], *largest[place + 1 :]), repeats)
    return found


def vote(
    labels: Sequence[Answer | None], weights: Sequence[float | Fraction]
) -> tuple[Answer, ...]:
    """Return the labels with the greatest sum of weights: several when tied, none without votes.

    With weights by verification state this is the vote of Zhou et al. 2023,
    https://arxiv.org/abs/2308.07921. None casts no vote. Weights are added as the decimals they are
    written as, so 0.1 + 0.2 ties with 0.3.
    """
    totals: dict[Answer, Fraction] = {}
    for label, weight in zip(labels, weights, strict=True):
        if label is not None:
            totals[label] = totals.get(label, Fraction(0)) + Fraction(str(weight))
    return tuple(label for label, total in totals.items() if total == max(totals.values()))


def _counted(sides: Iterable[_Side], ks: tuple[int, ...]) -> list[tuple[float, ...]]:
    """Return how often each side wins each vote, counted in whole numbers and divided once."""
    return [_chances(side, ks) for side in sides]


@lru_cache(maxsize=4096)
def _chances(side: _Side, ks: tuple[int, ...]) -> tuple[float, ...]:
    """Compute how often one side wins; cached, since many problems share their counts."""
    size, rivals, n = side
    most = max(ks)
    draws = dict.fromkeys(ks, 0)
    scale = lcm(*range(1, min(len(rivals), most) + 2))
    for votes in range(1, min(size, most) + 1):
        close = [rival for rival in rivals if rival >= votes]  # the others can never draw level
        weighed = _weighed(_rivals(close, votes, most - votes), scale)
        free = n - size - sum(close)
        for k in (k for k in draws if k >= votes):
            others = sum(
                count * comb(free, k - votes - drawn)
                for drawn, count in enumerate(weighed[: k - votes + 1])
            )
            draws[k] += comb(size, votes) * others
    return tuple(draws[k] / (scale * comb(n, k)) for k in ks)


def _rivals(sizes: Sequence[int], votes: int, most: int) -> list[list[int]]:
    """Count the draws of at most `most` repeats from classes none of which gets more votes.

    The result has, for each number of classes that get as many, the counts by repeats drawn.
    """
    ties = [[1]]
    for size in sizes:
        below, level = [comb(size, fewer) for fewer in range(votes)], comb(size, votes)
        longest = min(most, len(ties[0]) - 1 + votes - 1) + 1
        tied = [0] * votes
        extended = []
        for counts in ties:
            extended.append(_added(_product(counts, below, most), tied))
            tied = [*[0] * votes, *(count * level for count in counts)][: most + 1]
        if any(tied):
            extended.append(tied)
        ties = [extended[0][:longest], *extended[1:]]
    return ties


def _product(first: Sequence[int], second: Sequence[int], most: int) -> list[int]:
    """Multiply two polynomials, up to the power `most`."""
    found = [0] * min(most + 1, len(first) + len(second) - 1)
    for place, one in enumerate(first):
        if one:
            for other_place, other in enumerate(second[: len(found) - place]):
                found[place + other_place] += one * other
    return found


def _added(first: list[int], second: list[int]) -> list[int]:
    """Add two polynomials."""
    if len(first) < len(second):
        first, second = second, first
    return [*(a + b for a, b in zip(first, second, strict=False)), *first[len(second) :]]


def _weighed(ties: Sequence[Sequence[int]], scale: int) -> list[int]:
    """Add up the draws, `scale` times the share that the class gets where it ties with t others."""
    total: list[int] = []
    for tied, counts in enumerate(ties):
        total = _added(total, [count * (scale // (1 + tied)) for count in counts])
    return total


_AT_ONCE = 1_000
"""Sides whose polynomials are in memory at once."""


def _in_floats(sides: Sequence[_Side], ks: tuple[int, ...]) -> NDArray[np.float64]:
    """Compute how often each side wins each vote, for many sides at once."""
    place = {side: row for row, side in enumerate(dict.fromkeys(sides))}
    different = list(place)
    parts = [
        _chances_of(different[start : start + _AT_ONCE], ks)
        for start in range(0, len(different), _AT_ONCE)
    ]
    return np.concatenate(parts)[[place[side] for side in sides]] if parts else np.zeros((0, 1))


def _chances_of(sides: Sequence[_Side], ks: tuple[int, ...]) -> NDArray[np.float64]:
    size, n = (np.array([getattr(side, name) for side in sides]) for name in ("size", "n"))
    rivals = np.zeros((len(sides), max(len(side.rivals) for side in sides) or 1), dtype=np.int64)
    for row, side in enumerate(sides):
        rivals[row, : len(side.rivals)] = side.rivals
    choose = _binomials(int(n.max()))
    won = np.zeros((len(sides), len(ks)))
    for votes in range(1, min(int(size.max()), max(ks)) + 1):
        able = size >= votes
        against = np.where(rivals[able] >= votes, rivals[able], 0)
        against = against[:, : max(1, int((against > 0).sum(axis=1).max()))]
        weighed = _drawn_level(against, votes, max(ks) - votes, choose)
        free = n[able] - size[able] - against.sum(axis=1)
        for column, k in enumerate(ks):
            if k >= votes:
                drawn = np.arange(min(weighed.shape[1], k - votes + 1))
                others = choose[free[:, None], k - votes - drawn]
                counts = (weighed[:, : drawn.size] * others).sum(axis=1)
                won[able, column] += choose[size[able], votes] * counts / choose[n[able], k]
    return won


def _drawn_level(
    rivals: NDArray[np.int64], votes: int, most: int, choose: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Do what `_rivals` and `_weighed` do for many sides at once; a rival of size 0 is none.

    1/(1 + t) is the integral of y to the power of t from 0 to 1. So each tie is counted y times,
    and Gauss and Legendre's rule, which is exact for polynomials, integrates over y.
    """
    rows, width = rivals.shape
    power = min(width, most // votes)
    nodes, shares = np.polynomial.legendre.leggauss(power // 2 + 1)
    nodes, shares = (nodes + 1) / 2, shares / 2
    length = min(most, width * votes) + 1
    found = np.zeros((rows, nodes.size, length))
    found[:, :, 0] = 1.0
    for column in rivals.T:
        held = column > 0
        before = found[held]
        after = before.copy()
        for drawn in range(1, min(votes, length - 1) + 1):
            times = choose[column[held], drawn][:, None, None]
            if drawn == votes:
                times = times * nodes[None, :, None]
            after[:, :, drawn:] += times * before[:, :, : length - drawn]
        found[held] = after
    total: NDArray[np.float64] = np.einsum("rnd,n->rd", found, shares)
    return total


@lru_cache(maxsize=8)
def _binomials(most: int) -> NDArray[np.float64]:
    """Return the table of n choose k for n and k up to `most`; 0 where k is more than n."""
    return np.array([[comb(n, k) for k in range(most + 1)] for n in range(most + 1)], dtype=float)
