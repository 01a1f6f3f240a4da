"""Compare two shares of independent trials exactly: an interval for their difference, and its p.

Small counts near zero are the rule for floors, where intervals by a normal curve fail.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, xlog1py, xlogy

from solver.stats.metrics import log_comb

_Array = NDArray[np.float64]

_GRID = 101
"""Values of the unknown second share at which a chance is computed; the greatest counts."""
_HALVINGS = 14
"""Steps to find an end of the interval, to within 0.0001."""


@dataclass(frozen=True)
class Excess:
    """One share minus another."""

    value: float
    """Between -1 and 1."""
    low: float
    high: float
    """95 % interval, exact: it holds the true difference at least as often."""
    p_value: float
    """One-sided, exact: the chance of so great an excess were the first share no greater."""


@lru_cache(maxsize=4096)
def excess(hits: int, n: int, floor_hits: int, floor_n: int) -> Excess:
    """Compare `hits` of `n` with `floor_hits` of `floor_n`, all independent.

    Interval and p invert one test: the score statistic of Miettinen and Nurminen, whose chance is
    computed over all tables and taken at the least favourable second share (Chan and Zhang 1999,
    https://doi.org/10.1111/j.0006-341X.1999.01202.x). Raises ValueError for counts that cannot be.
    """
    if not (0 <= hits <= n and 0 <= floor_hits <= floor_n and n and floor_n):
        raise ValueError(f"{hits} of {n} and {floor_hits} of {floor_n} are no shares")
    value = hits / n - floor_hits / floor_n
    low = _lower(hits, n, floor_hits, floor_n)
    high = -_lower(floor_hits, floor_n, hits, n)
    return Excess(value, low, high, _chance(0.0, hits, n, floor_hits, floor_n))


@lru_cache(maxsize=1024)
def detectable_excess(n: int, floor_hits: int, floor_n: int) -> float | None:
    """Return the least true excess that n trials show 4 times in 5, where the floor is as seen.

    It is shown where the interval leaves 0 out. None where even every hit would not show it.
    """
    low, high = 0, n + 1
    while low < high:  # the fewest hits that show an excess: more hits always do, too
        middle = (low + high) // 2
        if middle <= n and _chance(0.0, middle, n, floor_hits, floor_n) > 0.025:
            low = middle + 1
        else:
            high = middle
    if low > n:
        return None
    shares = np.linspace(0, 1, 1001)
    # the chance of `low` hits or more; every share gives 0 hits or more
    found = shares[betainc(low, n - low + 1, shares) >= 0.8] if low else shares
    return float(max(0.0, found[0] - floor_hits / floor_n))


def _lower(hits: int, n: int, floor_hits: int, floor_n: int) -> float:
    """Return the least difference that is not refuted by so many hits."""
    low, high = -1.0, hits / n - floor_hits / floor_n
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _chance(middle, hits, n, floor_hits, floor_n) > 0.025:
            high = middle
        else:
            low = middle
    return low


def _chance(difference: float, hits: int, n: int, floor_hits: int, floor_n: int) -> float:
    """Return the greatest chance of a statistic as great as this, if the difference is this."""
    scores = _scores(difference, n, floor_n)
    extreme = (scores >= scores[hits, floor_hits] - 1e-9).astype(float)
    second = np.linspace(max(0.0, -difference), min(1.0, 1.0 - difference), _GRID)
    first = np.clip(second + difference, 0.0, 1.0)
    of_first = binomial(n, first)
    of_second = binomial(floor_n, second)
    return float(np.max(np.sum((of_first @ extreme) * of_second, axis=1)))


def binomial(n: int, shares: _Array) -> _Array:
    """Return the chance of 0, 1, … n hits in n trials: a row for each share.

    It is `scipy.stats.binom.pmf`, without the second that importing `scipy.stats` takes.
    """
    hits, share = np.arange(n + 1), shares[:, None]
    chances: _Array = np.exp(log_comb(n, hits) + xlogy(hits, share) + xlog1py(n - hits, -share))
    return chances


def _scores(difference: float, n: int, floor_n: int) -> _Array:
    """Return the score statistic of every table, (n + 1) × (floor_n + 1)."""
    first = np.arange(n + 1)[:, None] / n
    second = np.arange(floor_n + 1)[None, :] / floor_n
    likely = _likely(first, second, difference, floor_n / n)
    other = np.clip(likely - difference, 0.0, 1.0)
    variance = likely * (1 - likely) / n + other * (1 - other) / floor_n
    distance = first - second - difference
    spread = np.sqrt(np.maximum(variance, 1e-12))
    return np.where(np.abs(distance) < 1e-12, 0.0, distance / spread)


def _likely(first: _Array, second: _Array, difference: float, ratio: float) -> _Array:
    """Return the likeliest first share if it exceeds the second by `difference`.

    The closed form of Farrington and Manning (1990); `ratio` is the second n over the first.
    """
    a = 1 + ratio
    b = -(1 + ratio + first + ratio * second + difference * (ratio + 2))
    c = difference**2 + difference * (2 * first + ratio + 1) + first + ratio * second
    d = -first * difference * (1 + difference)
    v = b**3 / (27 * a**3) - b * c / (6 * a**2) + d / (2 * a)
    u = np.where(v < 0, -1.0, 1.0) * np.sqrt(np.maximum(b**2 / (9 * a**2) - c / (3 * a), 0.0))
    cosine = np.divide(v, u**3, out=np.zeros_like(v), where=np.abs(u) > 1e-9)
    angle = (np.pi + np.arccos(np.clip(cosine, -1, 1))) / 3
    found: _Array = np.clip(2 * u * np.cos(angle) - b / (3 * a), 0.0, 1.0)
    return found
