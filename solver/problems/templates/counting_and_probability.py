"""Templates of the starter set's problems in counting and probability."""

from fractions import Fraction
from itertools import product
from math import comb

from solver.problems.templates import Template


def _digit_sum(s: int) -> int:
    return sum(sum(map(int, str(number))) == s for number in range(1000, 10000))


def _one_to_four(n: int, k: int) -> int:
    return sum(sum(each) == n for each in product(range(1, 5), repeat=k))


def _never_negative(n: int, t: int) -> Fraction:
    """Return the share of paths, by the reflection principle."""
    up = (n + t) // 2
    return Fraction(comb(n, up) - comb(n, up + 1), 2**n)


TEMPLATES = {
    "1/1": Template("a b c", lambda a, b, c: a * b * c),
    "1/2": Template("r g b", lambda r, g, b: Fraction(r + b, r + g + b)),
    "2/3": Template(
        "k a b",
        lambda k, a, b: comb(a + b, k) - comb(a, k) - comb(b, k),
        lambda k, a, b: 2 < k < min(a, b) + 2,
    ),
    "3/1": Template("s", _digit_sum, ranges={"s": (4, 24)}),
    "3/3": Template(
        "n",
        lambda n: Fraction(2**n - comb(n, n // 2), 2 ** (n + 1)),
        lambda n: n % 2 == 0,
        ranges={"n": (4, 16)},
    ),
    "4/1": Template(
        "_ _ _ n d",
        lambda n, d: comb(n - 3 * (d - 1), 4),
        lambda n, d: n - 3 * (d - 1) >= 5,
        ranges={"n": (10, 24), "d": (2, 5)},
    ),
    "4/2": Template("w b", lambda w, b: Fraction(w * (w + b + 1), w + 1)),
    "4/3": Template(
        "n k",
        _one_to_four,
        lambda n, k: k + 2 <= n <= 4 * k - 2,
        ranges={"n": (6, 16), "k": (3, 6)},
    ),
    "5/2": Template(
        "_ n t",
        _never_negative,
        lambda n, t: (n + t) % 2 == 0 and t < n - 2,
        ranges={"n": (7, 14), "t": (2, 5)},
    ),
}
