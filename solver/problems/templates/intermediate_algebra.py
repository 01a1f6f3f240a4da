"""Templates of the starter set's problems in intermediate algebra."""

import random
from fractions import Fraction
from math import comb, isqrt

from solver.problems.templates import Template
from solver.problems.templates.tex import is_square, polynomial, split_root, surd


def _complex(real: int, imaginary: int) -> str:
    return f"{real} {'-' if imaginary < 0 else '+'} {abs(imaginary)}i"


def _rationalized(n: int, a: int, b: int) -> str:
    q = n // (a * a - b)
    return f"{q * a} + {'' if q == 1 else q}\\sqrt{{{b}}}"


def _powers_of_two(b: int, c: int) -> list[int]:
    """Return the x for which 2^x is a root of u² - bu + c."""
    return [x for x in range(40) if 4**x - b * 2**x + c == 0]


def _two_powers(draw: random.Random) -> dict[str, int]:
    one, other = draw.sample(range(1, 9), 2)
    return {"b": 2**one + 2**other, "c": 2 ** (one + other)}


def _partial(p: int, q: int, s: int) -> str:
    first = (p + q + 1) // (s + 1)
    return f"({first}, {p - first}, {p - first + 1})"


def _minor_axis(a: int, b: int, c: int, d: int) -> str:
    major = Fraction(d - b + isqrt((a + c) ** 2 + (d - b) ** 2), 2)
    return surd(2, major**2 - Fraction(a + c, 2) ** 2)


def _line(m: int, a: int, n: int, b: int) -> str:
    slope = (m + n) // (a + b)
    return polynomial([slope, m - slope * a])


def _integers(b: int) -> int:
    """Count the k with 27k² < 4b³."""
    most = isqrt(4 * b**3 // 27)
    return 2 * (most if 27 * most * most < 4 * b**3 else most - 1) + 1


TEMPLATES = {
    "1/1": Template(
        "_ a _ b",
        lambda a, b: (a // b).bit_length() - 1,
        lambda a, b: a % b == 0 and (a // b).bit_count() == 1 and b > 2 and a > 3 * b,
        ranges={"a": (24, 400), "b": (3, 15)},
    ),
    "1/2": Template(
        "_ _ a b c d",
        lambda a, b, c, d: _complex(a * c + b * d, a * d - b * c),
        lambda a, b, c, d: abs(a * d - b * c) > 1,
    ),
    "1/3": Template(
        "r _ b _ c",
        lambda r, b, c: c // r - r * r + b * r,
        lambda r, b, c: c % r == 0 and c // r - r * r + b * r > 1,
    ),
    "2/1": Template(
        "m a n b _",
        lambda m, a, n, b: (-1) ** m - a * (-1) ** n + b,
        lambda m, a, n, b: m > n + 1,
    ),
    "2/2": Template(
        "a _ b c",
        lambda a, b, c: f"({b // (2 * a)}, {c - b * b // (4 * a)})",
        lambda a, b, c: b % (2 * a) == 0 and c * 4 * a != b * b,
    ),
    "2/3": Template(
        "n a b",
        _rationalized,
        lambda n, a, b: (
            a * a > b + 1 and n % (a * a - b) == 0 and split_root(b) == (1, b) and b > 1
        ),
        ranges={"n": (8, 90)},
    ),
    "3/1": Template(
        "_ b _ c _",
        lambda b, c: ", ".join(map(str, _powers_of_two(b, c))),
        lambda b, c: len(_powers_of_two(b, c)) == 2,
        make=_two_powers,
    ),
    "3/2": Template(
        "_ q _ q _ _ q _ _ q _", lambda q: Fraction(q, (q - 1) ** 2), ranges={"q": (3, 12)}
    ),
    "3/3": Template("_ a _ b c", lambda a, b, c: Fraction(a * a - 2 * b, c)),
    "4/1": Template(
        "p _ q _ _ s _ _ s",
        _partial,
        lambda p, q, s: (p + q + 1) % (s + 1) == 0 and p > (p + q + 1) // (s + 1),
        ranges={"s": (2, 9), "p": (3, 9), "q": (5, 40)},
    ),
    "4/2": Template(
        "a b c b c d",
        _minor_axis,
        lambda a, b, c, d: d > b and is_square((a + c) ** 2 + (d - b) ** 2),
        ranges={"a": (2, 9), "c": (2, 12), "b": (1, 6), "d": (5, 20)},
    ),
    "4/3": Template(
        "m a n b a b",
        _line,
        lambda m, a, n, b: (m + n) % (a + b) == 0 and m != (m + n) // (a + b) * a,
    ),
    "5/1": Template(
        "_ _ c",
        lambda c: surd(1, 1 + (c - 1) ** 2 - Fraction((c + 1) ** 2, 4 * c)),
        ranges={"c": (2, 12)},
    ),
    "5/2": Template(
        "_ b _ _ _ _ _ v",
        lambda b, v: sum(comb(v, k) * (b - 1) ** k for k in range(5)),
        ranges={"b": (2, 6), "v": (5, 9)},
    ),
    "5/3": Template("_ b _", _integers, ranges={"b": (6, 60)}),
}
