"""Accuracy, Pass@k, G-Pass@k and mG-Pass@k: numbers in, numbers out.

In every formula n is how many repeats a problem has, c how many of them were correct, k how many of
the n are drawn. A problem's (n, c) is its tally. Up to `MOST_EXACT` repeats chances are counted in
whole numbers and divided once, so they are exact up to the last bit of the float that is returned;
above that they are added up from logarithms, to about ten digits.

Not here: votes (`votes.py`), which trials count (one with an error of ours has no place in a
tally), two runs side by side (`paired.py`), and the attempts inside a trial, which are dependent
and never counted in n.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, comb, nan, sqrt
from numbers import Rational
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaln


class Count(NamedTuple):
    """The repeats of one problem."""

    n: int
    """How many there are."""
    c: int
    """How many of them were correct."""


Tallies: TypeAlias = Mapping[str, tuple[int, int]]
"""Problem id to (n, c)."""
Correct: TypeAlias = Mapping[str, Sequence[bool]] | Mapping[str, Count]
"""Problem id to whether each repeat was correct, or to their count."""
MOST_EXACT = 256
"""The most repeats for which chances are counted in whole numbers."""


@dataclass(frozen=True)
class Estimate:
    """A mean over problems with its 95 % interval."""

    value: float
    """Between 0 and 1, like `low` and `high`."""
    n_problems: int
    n_trials: int
    stderr: float
    """Clustered by problem, as in https://arxiv.org/abs/2411.00640. NaN for a single problem."""
    low: float
    high: float


def accuracy(correct: Correct | Iterable[Sequence[bool]]) -> Estimate:
    """Compute the mean over problems of the mean over repeats (avg@n).

    Problems may differ in repeats. Raises ValueError when a problem has no trial: leave it out, and
    say how many were left out.
    """
    named: Mapping[Any, Any]
    named = correct if isinstance(correct, Mapping) else dict(enumerate(correct))
    counts = {problem: count_of(repeats) for problem, repeats in named.items()}
    for problem, (n, _) in counts.items():
        if not n:
            raise ValueError(
                f"accuracy needs a scored trial of every problem, but problem {problem} has none"
            )
    return estimate([c / n for n, c in counts.values()], sum(n for n, _ in counts.values()))


def estimate(values: Sequence[float] | NDArray[np.float64], n_trials: int) -> Estimate:
    """Compute the mean of one value per problem, from 0 to 1, and its interval for unseen problems.

    The interval is Clopper and Pearson's at an effective number of independent trials, after Korn
    and Graubard (Survey Methodology 24, 1998); with one repeat it is the exact binomial interval.
    By simulation over 5 to 500 problems and 1 to 48 repeats it covers 94.8 % or more in every cell
    of `tests/bench/statistics.py`, and 93.2 % in the worst case found: 90 problems, 3 % of them
    always solved and the others nearly never. Wilson's at the same effective number falls to 86 %,
    a t interval to 1 %. The price is width: 1.13 times Wilson's for 10 problems, 1.03 for 500.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise ValueError("a mean over problems needs at least one problem, but there is none")
    value, size = float(array.mean()), effective_n(array)
    low, high = clopper_pearson(value * size, size)
    stderr = float(array.std(ddof=1)) / sqrt(array.size) if array.size > 1 else nan
    return Estimate(value, array.size, n_trials, stderr, low, high)


def effective_n(values: NDArray[np.float64]) -> float:
    """Compute how many independent yes-or-no trials would give a mean as certain as these do.

    That is p(1 - p) over the variance of the mean, taken after adding one problem that is always
    solved and one that never is. The pair keeps a few problems that agree by luck from looking
    certain: with one repeat, or at 0 % and 100 %, the result is the number of problems.
    """
    mean = (values.sum() + 1) / (values.size + 2)
    variance = ((values**2).sum() + 1) / (values.size + 2) - mean**2
    return float(values.size * mean * (1 - mean) / variance)


def clopper_pearson(successes: float, n: float) -> tuple[float, float]:
    """Compute a 95 % interval of a share of n trials, which covers 95 % or more.

    Biometrika 26, 1934. n need not be whole.
    """
    failures = n - successes
    low = float(betaincinv(successes, failures + 1, 0.025)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1, failures, 0.975)) if failures > 0 else 1.0
    return low, high


def tally(correct: Correct) -> dict[str, Count]:
    """Return (n, c) of every problem."""
    return {problem: count_of(repeats) for problem, repeats in correct.items()}


def count_of(repeats: Sequence[bool] | Count) -> Count:
    """Count one problem's repeats, if they are not counted yet."""
    return repeats if isinstance(repeats, Count) else Count(len(repeats), sum(repeats))


def pass_at_k(n: int, c: int, k: int) -> float:
    """Compute the chance that at least one of k repeats, drawn from these n, is correct.

    Chen et al. 2021, https://arxiv.org/abs/2107.03374.
    """
    _check(n, c, k, f"Pass@{k}")
    return _chance_of_at_least(1, n, c, k)


def g_pass_at_k(n: int, c: int, k: int, tau: Fraction | int | str) -> float:
    """Compute the chance that at least ⌈τ·k⌉ of k repeats, drawn from these n, are correct.

    Liu et al. 2024, https://arxiv.org/abs/2412.13147. τ = 0 is Pass@k, τ = 1 is all k correct.
    τ is a Fraction, or text such as "0.14", because ceil(0.14 * 50) is 8 in floating point.
    """
    _check(n, c, k, f"G-Pass@{k}")
    return _chance_of_at_least(_least(k, tau), n, c, k)


def mg_pass_at_k(n: int, c: int, k: int) -> float:
    """Compute (2/k) · Σ G-Pass@k at τ = i/k, i from ⌈k/2⌉+1 to k: its mean over τ above 1/2.

    Liu et al. 2024, https://arxiv.org/abs/2412.13147, equation 7. Reaches 1 only for even k: a
    problem solved every time has 2/3 at k = 3, and 0 at k = 1.
    """
    _check(n, c, k, f"mG-Pass@{k}")
    # A draw with `hits` correct is counted once for each threshold i it reaches.
    half = ceil(k / 2)
    if n > MOST_EXACT:
        return float(2 / k * _tails(n, c, k)[half + 1 :].sum())
    draws = sum((hits - half) * _draws(hits, n, c, k) for hits in range(half + 1, min(c, k) + 1))
    return 2 * draws / (k * comb(n, k))


def pass_at_k_each(tallies: Tallies, k: int) -> NDArray[np.float64]:
    """Compute Pass@k of every problem, in order.

    Raises ValueError where repeats differ or are too few.
    """
    return _each(tallies, k, f"Pass@{k}", lambda n, c: pass_at_k(n, c, k))


def g_pass_at_k_each(tallies: Tallies, k: int, tau: Fraction | int | str) -> NDArray[np.float64]:
    """Compute G-Pass@k of every problem, in order. Raises ValueError like `pass_at_k_each`."""
    return _each(tallies, k, f"G-Pass@{k}", lambda n, c: g_pass_at_k(n, c, k, tau))


def mg_pass_at_k_each(tallies: Tallies, k: int) -> NDArray[np.float64]:
    """Compute mG-Pass@k of every problem, in order. Raises ValueError like `pass_at_k_each`."""
    return _each(tallies, k, f"mG-Pass@{k}", lambda n, c: mg_pass_at_k(n, c, k))


def _check(n: int, c: int, k: int, metric: str) -> None:
    if k < 1:
        raise ValueError(f"{metric} needs k of at least 1")
    if k > n:
        raise ValueError(f"{metric} needs at least {k} repeats per problem, but there are {n}")
    if not 0 <= c <= n:
        raise ValueError(f"{metric} needs 0 <= c <= n, but {c} of {n} repeats are counted correct")


def _least(k: int, tau: Fraction | int | str) -> int:
    """Return ⌈τ·k⌉, and at least 1."""
    if not isinstance(tau, (str, Rational)):
        raise TypeError(
            f"tau must be a Fraction, a whole number or text such as '0.25', not {tau!r}:"
            " rounding can make k times a float need one repeat too many"
        )
    exact = Fraction(tau)
    if not 0 <= exact <= 1:
        raise ValueError(f"tau must lie between 0 and 1, not {tau}")
    return max(1, ceil(exact * k))


def _chance_of_at_least(least: int, n: int, c: int, k: int) -> float:
    if n > MOST_EXACT:
        return float(_tails(n, c, k)[least])
    return sum(_draws(hits, n, c, k) for hits in range(least, min(c, k) + 1)) / comb(n, k)


def _draws(hits: int, n: int, c: int, k: int) -> int:
    """Count the draws of k from n that hold exactly `hits` of the c correct ones."""
    return comb(c, hits) * comb(n - c, k - hits)


@lru_cache(maxsize=1024)
def _tails(n: int, c: int, k: int) -> NDArray[np.float64]:
    """Return for each number of hits, 0 to k, the chance that a draw holds so many or more.

    Cached, since every τ asks for the same.
    """
    hits, chances = hypergeometric(n, c, k)
    tails = np.zeros(k + 1)
    tails[: hits[0]] = 1.0
    tails[hits] = np.cumsum(chances[::-1])[::-1]
    return tails


def hypergeometric(n: int, c: int, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return how many of c hits k draws from n can hold, fewest first, and the chance of each."""
    hits = np.arange(max(0, k - (n - c)), min(c, k) + 1)
    if n <= MOST_EXACT:
        return hits, np.array([_draws(each, n, c, k) / comb(n, k) for each in hits.tolist()])
    logs = log_comb(c, hits) + log_comb(n - c, k - hits)
    chances = np.exp(logs - logs.max())
    return hits, chances / chances.sum()


def log_comb(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the natural logarithm of n choose k."""
    found: NDArray[np.float64] = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return found


def none_but(n: int, c: int, drawn: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute the chance that all repeats drawn, of n, are among c of them; for several numbers."""
    if n > MOST_EXACT:
        found: NDArray[np.float64] = np.exp(log_comb(c, drawn) - log_comb(n, drawn))
        return found
    return np.array([comb(c, k) / comb(n, k) for k in drawn.tolist()])


def _each(
    tallies: Tallies, k: int, metric: str, value: Callable[[int, int], float]
) -> NDArray[np.float64]:
    """Compute `value(n, c)` of every problem, once for each distinct tally."""
    different = set(tallies.values())
    if len({n for n, _ in different}) > 1 or any(n < k for n, _ in different):
        _refuse(tallies, k, metric)
    table = {each: value(*each) for each in different}
    return np.fromiter(map(table.__getitem__, tallies.values()), np.float64, len(tallies))


def _refuse(tallies: Tallies, k: int, metric: str) -> None:
    """Raise ValueError that names a problem with too few repeats, or with other than the first."""
    first = next(iter(tallies))
    for problem, (n, _) in tallies.items():
        if n < k:
            raise ValueError(
                f"{metric} needs at least {k} repeats per problem, but problem {problem} has {n}"
            )
        if n != tallies[first][0]:
            raise ValueError(
                f"{metric} needs as many repeats of each problem, but problem {first} has"
                f" {tallies[first][0]} and problem {problem} has {n}"
            )
