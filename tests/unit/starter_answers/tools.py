"""What the answers of several domains need: symbols, counting, and the table of a domain."""

from collections.abc import Callable
from fractions import Fraction

import sympy as sp

Answers = tuple[Callable[[], object], ...]

a, k, n, r, t, x, y, z = sp.symbols("a k n r t x y z")


def table(domain: str, levels: dict[int, Answers]) -> dict[str, Callable[[], object]]:
    """Return the answers of one domain by problem id, three for each level."""
    return {
        f"starter/{domain}/{level}/{number}": answer
        for level, answers in levels.items()
        for number, answer in enumerate(answers, 1)
    }


def share(outcomes, wanted):
    """Return the fraction of equally likely outcomes that are as wanted."""
    outcomes = list(outcomes)
    return Fraction(sum(map(bool, map(wanted, outcomes))), len(outcomes))


def how_many(things, wanted=lambda _: True):
    return sum(1 for thing in things if wanted(thing))


def digits(number):
    return [int(digit) for digit in str(number)]
