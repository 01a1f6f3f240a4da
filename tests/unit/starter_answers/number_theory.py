"""The answers of the starter set's problems in number theory."""

from fractions import Fraction
from itertools import count
from math import factorial, gcd, lcm

from tests.unit.starter_answers.tools import digits, how_many, table


def digit_sums_divisible_by_eleven():
    """Only the numbers that end in 9: elsewhere the two sums differ by 1."""
    return next(n for n in count(9, 10) if sum(digits(n)) % 11 == 0 == sum(digits(n + 1)) % 11)


def zeros_in_base_twelve():
    number, zeros = factorial(2026), 0
    while number % 12 == 0:
        number, zeros = number // 12, zeros + 1
    return zeros


def two_fractions():
    """2/x < 1/12, so x > 24, and 3/y is what remains; x is largest where y is least, 37."""
    pairs = 0
    for first in range(25, 24 + 864 + 1):
        rest = Fraction(1, 12) - Fraction(2, first)
        pairs += rest > 0 and (3 / rest).denominator == 1
    return pairs


def hyperbola_points():
    """(x - 2y)(x - 4y) = 45: two factors of 45 that differ by 2y, so 2y is at most 44."""
    return [
        (first, second)
        for second in range(1, 23)
        for first in range(1, 200)
        if first**2 - 6 * first * second + 8 * second**2 == 45
    ]


def digits_in_base(number, base):
    """Read as if they were decimal."""
    return number and 10 * digits_in_base(number // base, base) + number % base


ANSWERS = table(
    "number_theory",
    {
        1: (
            lambda: gcd(462, 588),
            lambda: 3000 % 17,
            lambda: how_many(range(1, 601), lambda divisor: 600 % divisor == 0),
        ),
        2: (
            lambda: digits_in_base(419, 6),
            lambda: (7**2026 + 3**2025) % 10,
            lambda: Fraction(lcm(84, 90, 105), 60),
        ),
        3: (
            lambda: next(n for n in count(1) if (n % 5, n % 8, n % 11) == (3, 5, 7)),
            lambda: [n for n in range(-100, 101) if (6 * n + 23) % (2 * n + 3) == 0],
            lambda: next(n for n in range(60) if 17 * n % 60 == 1),
        ),
        4: (
            lambda: how_many(range(1, 1001), lambda n: sum(n % d == 0 for d in (6, 10, 15)) == 1),
            zeros_in_base_twelve,
            lambda: 3**1000 % 77,
        ),
        5: (
            two_fractions,
            digit_sums_divisible_by_eleven,
            hyperbola_points,
        ),
    },
)
