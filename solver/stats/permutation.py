"""Permutation test of two runs on the same problems: which run a trial came from is shuffled."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from heapq import heapify, heappop, heappush
from math import gcd, lcm
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from solver.stats.metrics import hypergeometric

EXACT_CELLS = 100_000
"""Longest distribution of a sum that is computed in full: about a second."""
MOST_DRAWN = 5_000
"""Trials above which no permutations are drawn: each problem's sum is put on a fine grid."""
DRAWN_TRIALS = 10_000_000
"""Problems times draws where permutations are drawn: about a second."""


class Tally(NamedTuple):
    """Repeats of one problem in both runs, and how many of them were correct."""

    n_a: int
    c_a: int
    n_b: int
    c_b: int


def label_permutation(tallies: Sequence[Tally], *, seed: int = 0) -> tuple[float, str]:
    """Return the two-sided p-value of the mean difference, and the name of the test that gave it.

    The hypothesis is that both runs solve each of these problems equally often. If so, the trials
    of a problem could as well have come from the other run, and run a's share of its correct trials
    is hypergeometric. Problems and runs may differ in repeats. With single repeats this is
    McNemar's exact test. It says nothing about problems that were not tried: two runs that differ
    from problem to problem, but not on average, are told apart by enough repeats.
    """
    uneven = [tally for tally in tallies if 0 < tally.c_a + tally.c_b < tally.n_a + tally.n_b]
    if not uneven:
        return 1.0, "exact label permutation"
    if _cells(uneven) <= EXACT_CELLS:
        return permutation_exact(uneven), "exact label permutation"
    if sum(tally.n_a + tally.n_b for tally in uneven) > MOST_DRAWN:
        return permutation_on_grid(uneven), "label permutation"
    draws = min(100_000, max(10_000, DRAWN_TRIALS // len(uneven) // 1_000 * 1_000))
    p_value = permutation_drawn(uneven, draws=draws, seed=seed)
    return p_value, f"label permutation, {draws:,} draws"


def permutation_exact(tallies: Sequence[Tally]) -> float:
    """Sum the chances of all permutations that are at least as far from 0 as the observed one."""
    unit, step = _grid(tallies)
    observed = sum(c_a * (unit // n_a) - c_b * (unit // n_b) for n_a, c_a, n_b, c_b in tallies)
    lowest = sum(_least(each) * _stride(each, unit) - _lead(each, unit) for each in tallies)
    chances = []
    for tally, count in Counter(map(_unsplit, tallies)).items():
        chances += [_chances(tally, _stride(tally, unit) // step)] * count
    total = _sum_of(chances)
    sums = lowest + step * np.arange(total.size)
    return min(1.0, float(total[np.abs(sums) >= abs(observed)].sum()))


def permutation_drawn(tallies: Sequence[Tally], *, draws: int = 100_000, seed: int = 0) -> float:
    """Estimate `permutation_exact` from random permutations.

    The observed one is counted among them, so p is never 0: https://arxiv.org/abs/1603.05766.
    """
    n_a, c_a, n_b, c_b = np.array(tallies).T
    weights = 1 / n_a + 1 / n_b
    expected = n_a * (c_a + c_b) / (n_a + n_b)
    # Rounding must not make a permutation as far from 0 as the observed one look nearer.
    observed = abs(float((c_a / n_a - c_b / n_b).sum())) * (1 - 1e-12) - 1e-12
    rng = np.random.default_rng(seed)
    hits, chunk = 0, max(1, min(draws, 1_000_000 // len(tallies)))
    for start in range(0, draws, chunk):
        size = (min(chunk, draws - start), len(tallies))
        drawn = rng.hypergeometric(c_a + c_b, n_a + n_b - c_a - c_b, n_a, size=size)
        hits += int((np.abs((drawn - expected) @ weights) >= observed).sum())
    return (hits + 1) / (draws + 1)


_GRID_CELLS = 2**15


def _aligned(step: float, tallies: Sequence[Tally]) -> float:
    """Return a step at least as long as this, on which all sums lie where repeats are equal."""
    repeats = {n for tally in tallies for n in (tally.n_a, tally.n_b)}
    between = 1 / max(repeats)
    parts = int(between / step)
    return between / parts if len(repeats) == 1 and parts else step


def permutation_on_grid(tallies: Sequence[Tally]) -> float:
    """Compute `permutation_exact` to about four digits, for any number of problems and repeats.

    What each problem adds to the sum is split between the two nearest cells of a grid, so that its
    mean stays, and the distributions are added by Fourier transform. A cell is a sixteen-hundredth
    of the standard deviation or less, unless one problem alone can go beyond ten of them.
    """
    n_a, c_a, n_b, c_b = np.array(tallies, dtype=np.float64).T
    weights, correct, n = 1 / n_a + 1 / n_b, c_a + c_b, n_a + n_b
    variance = n_a * n_b * correct * (n - correct) / (n**2 * (n - 1)) * weights**2
    observed = abs(float((c_a / n_a - c_b / n_b).sum()))
    half = max(
        10 * float(np.sqrt(variance.sum())), 2 * float((np.minimum(n_a, n_b) * weights).max())
    )
    step = _aligned(2 * half / _GRID_CELLS, tallies)
    spectrum = np.ones(_GRID_CELLS // 2 + 1, dtype=np.complex128)
    for tally, count in Counter(map(_unsplit, tallies)).items():
        taken, chances = _successes(tally)
        moved = taken - tally.n_a * (tally.c_a + tally.c_b) / (tally.n_a + tally.n_b)
        place = moved * (1 / tally.n_a + 1 / tally.n_b) / step
        place = np.where(np.abs(place - np.rint(place)) < 1e-6, np.rint(place), place)
        below = np.floor(place)
        cells, upper = below.astype(np.int64) % _GRID_CELLS, place - below
        found = np.bincount(cells, chances * (1 - upper), _GRID_CELLS)
        found += np.bincount((cells + 1) % _GRID_CELLS, chances * upper, _GRID_CELLS)
        spectrum *= rfft(found) ** count
    total = irfft(spectrum, _GRID_CELLS)
    sums = step * (
        np.arange(_GRID_CELLS) - _GRID_CELLS * (np.arange(_GRID_CELLS) > _GRID_CELLS / 2)
    )
    return float(np.clip(total[np.abs(sums) >= observed - step / 2].sum(), 0, 1))


def _grid(tallies: Sequence[Tally]) -> tuple[int, int]:
    """Return the parts that a difference of 1 has, and in how many of them all sums move."""
    unit = lcm(*(n for tally in tallies for n in (tally.n_a, tally.n_b)))
    return unit, gcd(*(_stride(tally, unit) for tally in tallies))


def _stride(tally: Tally, unit: int) -> int:
    """Return how far the difference moves, in parts of `unit`, when one success changes runs."""
    return unit // tally.n_a + unit // tally.n_b


def _lead(tally: Tally, unit: int) -> int:
    """Return the accuracy of run b, in parts of `unit`, if it had every success."""
    return (tally.c_a + tally.c_b) * (unit // tally.n_b)


def _least(tally: Tally) -> int:
    """Return the fewest successes that run a can have."""
    return max(0, tally.c_a + tally.c_b - tally.n_b)


def _most(tally: Tally) -> int:
    return min(tally.n_a, tally.c_a + tally.c_b)


def _cells(tallies: Sequence[Tally]) -> int:
    """Count the values that the sum of all differences can take."""
    unit, step = _grid(tallies)
    moves = ((_most(tally) - _least(tally)) * (_stride(tally, unit) // step) for tally in tallies)
    return 1 + sum(moves)


def _unsplit(tally: Tally) -> Tally:
    """Return one tally for all that permutations turn into each other."""
    least = _least(tally)
    return Tally(tally.n_a, least, tally.n_b, tally.c_a + tally.c_b - least)


@lru_cache(maxsize=4096)
def _chances(tally: Tally, stride: int) -> NDArray[np.float64]:
    """Return the chances of run a's successes, fewest first, `stride` cells from each other."""
    _, found = _successes(tally)
    chances = np.zeros((found.size - 1) * stride + 1)
    chances[::stride] = found
    return chances


def _successes(tally: Tally) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return how many successes run a can have, fewest first, and the chance of each."""
    return hypergeometric(tally.n_a + tally.n_b, tally.n_a, tally.c_a + tally.c_b)


def _sum_of(chances: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the distribution of a sum of independent values, adding the shortest terms first."""
    heap = [(chance.size, i, chance) for i, chance in enumerate(chances)]
    heapify(heap)
    order = len(heap)
    while len(heap) > 1:
        (_, _, first), (_, _, second) = heappop(heap), heappop(heap)
        merged = _convolved(first, second)
        heappush(heap, (merged.size, order, merged))
        order += 1
    return heap[0][2]


_LONGEST = 4_096
"""Longest term that is convolved directly: longer ones by Fourier transform, to 10⁻¹⁵."""


def _convolved(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    if min(first.size, second.size) <= _LONGEST:
        return np.convolve(first, second)
    size = first.size + second.size - 1
    length = next_fast_len(size, real=True)
    found: NDArray[np.float64] = irfft(rfft(first, length) * rfft(second, length), length)[:size]
    return np.maximum(found, 0.0)
