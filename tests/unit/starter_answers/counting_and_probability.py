"""The answers of the starter set's problems in counting and probability."""

from fractions import Fraction
from itertools import combinations, permutations, product
from math import factorial, isqrt, prod

import sympy as sp

from tests.unit.starter_answers.tools import digits, how_many, share, table


def mean_place_of_last_white():
    """The mean place of the last white ball over all ways to place the white balls."""
    places = list(combinations(range(1, 13), 5))
    return Fraction(sum(max(place) for place in places), len(places))


def twins_apart():
    """Seatings of 0-1, 2-3, 4-5 and 6, child 6 held in place since rotations do not count."""
    seatings = ((6, *rest) for rest in permutations(range(6)))
    return how_many(
        seatings,
        lambda seats: all(
            seats[i] // 2 != seats[(i + 1) % 7] // 2 or 6 in (seats[i], seats[(i + 1) % 7])
            for i in range(7)
        ),
    )


def stays_at_home(moves):
    place = 0
    for move in moves:
        place += move
        if place < 0:
            return False
    return place == 2


ANSWERS = table(
    "counting_and_probability",
    {
        1: (
            lambda: how_many(product(range(5), range(4), range(3))),
            lambda: share("r" * 6 + "g" * 9 + "b" * 10, lambda marble: marble != "g"),
            lambda: how_many(permutations(range(7)), lambda line: line[0] == 0),
        ),
        2: (
            lambda: (
                sp.factorial(9) / prod(factorial("SEVENTEEN".count(c)) for c in set("SEVENTEEN"))
            ),
            lambda: share(
                product(range(1, 9), repeat=2), lambda roll: isqrt(prod(roll)) ** 2 == prod(roll)
            ),
            lambda: how_many(
                combinations("cccccc" + "ppppp", 4), lambda group: len(set(group)) == 2
            ),
        ),
        3: (
            lambda: how_many(range(1000, 10000), lambda number: sum(digits(number)) == 9),
            lambda: share(
                permutations(range(5)), lambda taken: sum(i == j for i, j in enumerate(taken)) == 2
            ),
            lambda: share(
                product("HT", repeat=8), lambda coins: coins.count("H") > coins.count("T")
            ),
        ),
        4: (
            lambda: how_many(
                combinations(range(1, 13), 4),
                lambda four: all(abs(p - q) >= 3 for p, q in combinations(four, 2)),
            ),
            mean_place_of_last_white,
            lambda: how_many(product(range(1, 5), repeat=4), lambda pencils: sum(pencils) == 10),
        ),
        5: (
            twins_apart,
            lambda: share(product([-1, 1], repeat=10), stays_at_home),
            lambda: how_many(
                product(range(6), repeat=6), lambda f: all(f[f[f[i]]] == i for i in range(6))
            ),
        ),
    },
)
