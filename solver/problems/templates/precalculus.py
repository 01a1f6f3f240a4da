"""Templates of the starter set's problems in precalculus."""

import random
from fractions import Fraction
from math import isqrt

from solver.problems.templates import Template
from solver.problems.templates.tex import is_square, matrix, over, split_root, surd, times

_TRIPLES = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29))


def _sine_and_tangent(draw: random.Random) -> dict[str, int]:
    (a, b, c), (d, e, _) = draw.sample(_TRIPLES, 2)
    if draw.random() < 0.5:
        a, b = b, a
    if draw.random() < 0.5:
        d, e = e, d
    return {"a": a, "c": c, "d": d, "e": e}


def _cosine(a: int, c: int, d: int, e: int) -> Fraction:
    """Return cos(α - β): both cosines are negative, and the sine of β."""
    b, f = isqrt(c * c - a * a), isqrt(d * d + e * e)
    return Fraction(b * e - a * d, c * f)


_TANGENTS = {45: 1, 135: -1, 225: 1, 315: -1}
_SINES = {30: 1, 150: 1, 210: -1, 330: -1}


def _special(draw: random.Random) -> dict[str, int]:
    return {"a": draw.choice([*_TANGENTS]), "b": draw.choice([*_SINES])}


def _cross(a: int, b: int, c: int, d: int, e: int, f: int) -> int:
    """Return the square of the length of (a, b, c) × (d, e, f)."""
    return (b * f - c * e) ** 2 + (c * d - a * f) ** 2 + (a * e - b * d) ** 2


def _from_line(a: int, b: int, c: int, d: int, e: int, f: int) -> int:
    """Return nine times the square of the distance of (a, b, -c) from the line at (d, e, f)."""
    return _cross(a - d, b - e, -c - f, 2, 1, 2)


def _power(n: int) -> str:
    """Write (√3 + i)^n for n divisible by 3: 2^n times the power n / 3 of i."""
    return ("{}", "{}i", "-{}", "-{}i")[n // 3 % 4].format(2**n)


def _matrix_power(p: int, c: int, q: int, n: int) -> str:
    corner = n * (n - 1) // 2 * p * q - n * c
    return matrix([[1, n * p, corner], [0, 1, n * q], [0, 0, 1]])


def _range(a: int, b: int) -> str:
    outside, inside = split_root(a * a + b * b - 1)
    low, high = (over(a * b, outside, inside, b * b - 1, sign) for sign in "-+")
    return rf"\left[{low}, {high}\right]"


TEMPLATES = {
    "1/1": Template(
        "d",
        lambda d: times(Fraction(d, 180), r"\pi"),
        lambda d: d % 6 == 0 and Fraction(d, 180).denominator > 2,
    ),
    "1/2": Template(
        "a b c",
        lambda a, b, c: isqrt(a * a + b * b + c * c),
        lambda a, b, c: is_square(a * a + b * b + c * c),
    ),
    "1/3": Template("a b", lambda a, b: _TANGENTS[a] + Fraction(_SINES[b], 2), make=_special),
    "2/1": Template(
        "a b c d e f g h",
        lambda a, b, c, d, e, f, g, h: matrix(
            [[a * e + b * g, a * f - b * h], [c * e - d * g, c * f + d * h]]
        ),
        ranges={"f": (0, 6), "b": (1, 6)},
    ),
    "2/2": Template(
        "a a _ _ _ _",
        lambda a: rf"\left({2 * a}, \frac{{2\pi}}{{3}}\right)",
        ranges={"a": (2, 20)},
    ),
    "2/3": Template(
        "a b c d",
        lambda a, b, c, d: a * d // (c - b),
        lambda a, b, c, d: c > b and a * d % (c - b) == 0,
    ),
    "3/2": Template("_ _ _ n", _power, lambda n: n % 6 == 3, ranges={"n": (3, 33)}),
    "3/3": Template(
        "a b c d e f",
        lambda a, b, c, d, e, f: surd(1, _cross(a, b, c, d, -e, f)),
        lambda a, b, c, d, e, f: split_root(_cross(a, b, c, d, -e, f))[1] > 1,
        ranges={"a": (1, 5), "e": (1, 4)},
    ),
    "4/1": Template(
        "a c d e", _cosine, lambda a, c, d, e: _cosine(a, c, d, e) != 0, make=_sine_and_tangent
    ),
    "4/2": Template(
        "_ p c _ _ q _ _ _ n",
        _matrix_power,
        ranges={"p": (2, 6), "c": (1, 5), "q": (2, 6), "n": (6, 15)},
    ),
    "4/3": Template(
        "a b c d e f _ _ _",
        lambda a, b, c, d, e, f: isqrt(_from_line(a, b, c, d, e, f)) // 3,
        lambda a, b, c, d, e, f: (
            is_square(_from_line(a, b, c, d, e, f))
            and _from_line(a, b, c, d, e, f) > 0
            and isqrt(_from_line(a, b, c, d, e, f)) % 3 == 0
        ),
        ranges={"a": (1, 9), "e": (0, 5), "f": (1, 6)},
    ),
    "5/1": Template(
        "_ n _ n _ _ _ m _ x",
        lambda n, m, x: Fraction(n * x ** (n - 1), x**n - 1),
        lambda n, m, x: m == n - 1,
        ranges={"n": (3, 10), "m": (2, 9), "x": (2, 4)},
    ),
    "5/2": Template(
        "a b",
        _range,
        lambda a, b: split_root(a * a + b * b - 1)[1] > 1,
        ranges={"a": (2, 9), "b": (2, 9)},
    ),
    "5/3": Template("_ n _ _ _", lambda n: Fraction(n, n + 2), ranges={"n": (8, 60)}),
}
