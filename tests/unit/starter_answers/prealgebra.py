"""The answers of the starter set's problems in prealgebra."""

from fractions import Fraction
from itertools import count, product

from tests.unit.starter_answers.tools import digits, how_many, share, table

ANSWERS = table(
    "prealgebra",
    {
        1: (
            lambda: 48 - 6 * (11 - 4) + 9,
            lambda: Fraction(35, 100) * 240,
            lambda: Fraction(3, 8) + Fraction(5, 12),
        ),
        2: (
            lambda: 5 * 18 - (11 + 14 + 23 + 25),
            lambda: Fraction(450, 6) * 10,
            lambda: 120 * Fraction(75, 100) * Fraction(110, 100),
        ),
        3: (
            lambda: next(7 * part for part in count(1) if 7 * part - 9 == 4 * part + 3),
            lambda: how_many(range(101, 400), lambda n: n % 12 == 0 and n % 8 != 0),
            lambda: Fraction(180 + 620, 25),
        ),
        4: (
            lambda: 1 / (Fraction(1, 6) + Fraction(1, 9) - Fraction(1, 12)),
            lambda: Fraction(4, 10) + Fraction(72, 1000) / (1 - Fraction(1, 100)),
            lambda: abs(Fraction(30 * 7) + Fraction(25, 2) - 6 * 25),
        ),
        5: (
            lambda: sum(str(number).count("7") for number in range(1, 1501)),
            lambda: share(
                product(range(5), range(6), range(7)),
                lambda cube: (
                    sum(
                        (place == 0) + (place == side - 1)
                        for place, side in zip(cube, (5, 6, 7), strict=True)
                    )
                    in (1, 2)
                ),
            ),
            lambda: how_many(range(100, 1000), lambda number: number == 19 * sum(digits(number))),
        ),
    },
)
