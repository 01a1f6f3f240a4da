"""Compute how well two graders agree and how often one is wrong: pure functions of numbers.

Rates have their counts and a 95 % Wilson interval. Agreement is Cohen's kappa, and on ordered
scores kappa with quadratic weights (Cohen 1968, https://doi.org/10.1037/h0026256). Percent
agreement is left out: it is high whenever most answers are of one kind. Not covered: pairs that
depend on each other; intervals assume independent pairs.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_Z = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True)
class Rate:
    """A count out of a total."""

    count: int
    total: int

    @property
    def value(self) -> float | None:
        """Return the share, or None where the total is zero."""
        return self.count / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % Wilson interval, which is (0, 1) where the total is zero."""
        return wilson(self.count, self.total)

    def __str__(self) -> str:
        if not self.total:
            return "– (n = 0)"
        low, high = self.interval
        share = 100 * self.count / self.total
        return f"{share:.1f} % [{100 * low:.1f}, {100 * high:.1f}] ({self.count}/{self.total})"


@dataclass(frozen=True)
class Confusion:
    """Counts of decisions by the label of the answer."""

    right_accepted: int = 0
    right_rejected: int = 0
    wrong_accepted: int = 0
    wrong_rejected: int = 0

    @property
    def accuracy(self) -> Rate:
        """Return the share of decisions that match the label."""
        right = self.right_accepted + self.wrong_rejected
        return Rate(right, right + self.right_rejected + self.wrong_accepted)

    @property
    def false_accepts(self) -> Rate:
        """Return the share of wrong answers that were accepted."""
        return Rate(self.wrong_accepted, self.wrong_accepted + self.wrong_rejected)

    @property
    def false_rejects(self) -> Rate:
        """Return the share of right answers that were rejected."""
        return Rate(self.right_rejected, self.right_rejected + self.right_accepted)


def wilson(count: int, total: int) -> tuple[float, float]:
    """Compute the 95 % Wilson score interval of a share."""
    if total == 0:
        return 0.0, 1.0
    share = count / total
    middle = share + _Z * _Z / (2 * total)
    half = _Z * math.sqrt(share * (1 - share) / total + _Z * _Z / (4 * total * total))
    scale = 1 + _Z * _Z / total
    low = 0.0 if count == 0 else (middle - half) / scale  # exact at 0 and 1 despite rounding
    high = 1.0 if count == total else (middle + half) / scale
    return low, high


def confusion(decisions: Iterable[tuple[bool, bool]]) -> Confusion:
    """Count (accepted, right) pairs."""
    counted = Counter(decisions)
    return Confusion(
        right_accepted=counted[True, True],
        right_rejected=counted[False, True],
        wrong_accepted=counted[True, False],
        wrong_rejected=counted[False, False],
    )


def kappa(ratings: Sequence[tuple[int, int]]) -> float | None:
    """Compute Cohen's kappa of two raters; None where chance alone would always agree."""
    return _kappa(ratings, lambda left, right: float(left != right))


def weighted_kappa(ratings: Sequence[tuple[int, int]]) -> float | None:
    """Compute Cohen's kappa with quadratic weights, which punish distant ratings more."""
    return _kappa(ratings, lambda left, right: float((left - right) ** 2))


def _kappa(
    ratings: Sequence[tuple[int, int]], distance: Callable[[int, int], float]
) -> float | None:
    """Compute one minus the ratio of observed to expected disagreement."""
    lefts = Counter(left for left, _ in ratings)
    rights = Counter(right for _, right in ratings)
    observed = sum(distance(left, right) for left, right in ratings) * len(ratings)
    expected = sum(lefts[a] * rights[b] * distance(a, b) for a in lefts for b in rights)
    return 1 - observed / expected if expected else None
