"""Templates of the starter set's problems in prealgebra."""

import random
from fractions import Fraction
from math import gcd

from solver.problems.templates import Template
from solver.problems.templates.tex import decimal


def _price(price: int, a: int, b: int) -> Fraction:
    return price * Fraction(100 - a, 100) * Fraction(100 + b, 100)


def _multiples(lo: int, hi: int, d: int, e: int) -> int:
    return sum(n % d == 0 and n % e != 0 for n in range(lo + 1, hi))


def _repeating(draw: random.Random) -> dict[str, int]:
    a, b = draw.randint(1, 9), draw.randint(12, 98)
    return {"a": a, "b": b, "all": int(f"{a}{b}{b}{b}")}


def _angle(h: int, m: int) -> Fraction:
    apart = abs(Fraction(30 * h) - Fraction(11 * m, 2))
    return min(apart, 360 - apart)


def _painted(a: int, b: int, c: int) -> Fraction:
    inner = (a - 2) * (b - 2) * (c - 2)
    return Fraction(a * b * c - 8 - inner, a * b * c)


def _times_digit_sum(k: int) -> int:
    return sum(n == k * sum(map(int, str(n))) for n in range(100, 1000))


TEMPLATES = {
    "1/1": Template(
        "a b c d e",
        lambda a, b, c, d, e: a - b * (c - d) + e,
        lambda a, b, c, d, e: c > d + 1 and a > b * (c - d),
    ),
    "1/2": Template(
        "p n", lambda p, n: p * n // 100, lambda p, n: p * n % 100 == 0 and p % 50 and p < 100
    ),
    "1/3": Template(
        "a b c d",
        lambda a, b, c, d: Fraction(a, b) + Fraction(c, d),
        lambda a, b, c, d: a < b != d > c and gcd(a, b) == gcd(c, d) == 1,
    ),
    "2/1": Template(
        "m a b c d",
        lambda m, a, b, c, d: 5 * m - a - b - c - d,
        lambda m, a, b, c, d: 5 * m > a + b + c + d and a < b < c < d,
    ),
    "2/2": Template(
        "p g q",
        lambda p, g, q: g * q // p,
        lambda p, g, q: g * q % p == 0 and p != q and g % 10 == 0,
    ),
    "2/3": Template(
        "price a b",
        lambda price, a, b: _price(price, a, b),
        lambda price, a, b: _price(price, a, b).denominator == 1 and a % 5 == b % 5 == 0,
    ),
    "3/1": Template(
        "r s a b",
        lambda r, s, a, b: r * (a + b) // (r - s),
        lambda r, s, a, b: (
            r > s and gcd(r, s) == 1 and (a + b) % (r - s) == 0 and r * (a + b) > a * (r - s)
        ),
    ),
    "3/2": Template(
        "lo hi d e",
        _multiples,
        lambda lo, hi, d, e: hi > lo + 100 and d % e and e % d and gcd(d, e) > 1,
    ),
    "3/3": Template(
        "a v b",
        lambda a, v, b: (a + b) // v,
        lambda a, v, b: (a + b) % v == 0 and b > a and a % 10 == 0,
    ),
    "4/1": Template(
        "a b c",
        lambda a, b, c: 1 / (Fraction(1, a) + Fraction(1, b) - Fraction(1, c)),
        lambda a, b, c: a < b < c,
    ),
    "4/2": Template(
        "_ a b _ all",
        lambda a, b, all: Fraction(a, 10) + Fraction(b, 990),
        lambda a, b, all: b % 11 != 0 and b % 10 != 0,
        make=_repeating,
    ),
    "4/3": Template(
        "h m",
        lambda h, m: decimal(_angle(h, m)),
        lambda h, m: m % 2 == 1 and _angle(h, m) > 5,
        ranges={"h": (1, 11), "m": (11, 59)},
    ),
    "5/1": Template(
        "_ n d",
        lambda n, d: sum(str(k).count(str(d)) for k in range(1, n + 1)),
        lambda n, d: n % 100 == 0,
        ranges={"n": (700, 3000), "d": (2, 9)},
    ),
    "5/2": Template("a b c _", _painted, lambda a, b, c: 3 <= a < b < c),
    "5/3": Template(
        "k", _times_digit_sum, lambda k: _times_digit_sum(k) > 1, ranges={"k": (11, 60)}
    ),
}
