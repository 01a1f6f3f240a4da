"""The answers of the starter set's problems in algebra."""

from itertools import count

import sympy as sp
from sympy import Interval, Matrix, Point, Rational

from tests.unit.starter_answers.tools import a, k, table, x, y, z


def greatest_value_is_seven():
    """Every a for which the greatest value of the parabola over [0, 2] is 7."""
    f = -(x**2) + 4 * a * x + 3 - a
    candidates = {
        root
        for place in (0, 2, 2 * a)  # the ends and the vertex
        for root in sp.solve(sp.Eq(f.subs(x, place), 7), a)
    }
    return [value for value in candidates if sp.maximum(f.subs(a, value), x, Interval(0, 2)) == 7]


def functional_equation():
    """f at 3 and at the two numbers that the equation ties to it."""

    def step(value):
        return 1 / (1 - value)

    values = [Rational(3), step(Rational(3)), step(step(Rational(3)))]
    assert step(values[2]) == 3
    f = sp.symbols("f0:3")
    solution = sp.solve([f[i] + 2 * f[(i + 1) % 3] - values[i] for i in range(3)], f)
    return solution[f[0]]


def common_solutions():
    """The k for which the augmented matrix of the two equations has rank 1."""
    table = Matrix([[k, 6, 8], [3, k + 7, 12]])
    minors = [table[:, columns].det() for columns in ([0, 1], [0, 2], [1, 2])]
    (only,) = sp.solve(minors, k, dict=True)
    return only[k]


def power_sum_five():
    solution = sp.solve(
        [x + y + z - 6, x**2 + y**2 + z**2 - 26, x**3 + y**3 + z**3 - 90], [x, y, z]
    )[0]
    return sum(value**5 for value in solution)


def reciprocal_square_sum():
    first, second = sp.solve(2 * x**2 - 7 * x + 4)
    return first / second**2 + second / first**2


def terms_until_positive():
    total, term = 0, -47
    for terms in count(1):
        total, term = total + term, term + 6
        if total > 0:
            return terms


ANSWERS = table(
    "algebra",
    {
        1: (
            lambda: sp.solve(sp.Eq(7 * x - 19, 3 * x + 29))[0],
            lambda: (lambda a, b: a**2 - 3 * a * b)(-4, 5),
            lambda: sp.solve(sp.Eq(45 + 38 * x, 216))[0],
        ),
        2: (
            lambda: sp.Line(Point(-3, 11), Point(5, -5)).intersection(sp.Line((0, 0), (1, 0)))[0].x,
            lambda: sp.expand((2 * x - 5) * (x**2 + 3 * x - 4)),
            lambda: sp.solve(sp.Eq((3 * x - 8) ** 2, 19**2)),
        ),
        3: (
            lambda: sp.solve_univariate_inequality(x**2 - 4 * x < 21, x, relational=False),
            lambda: sp.solve(sp.Eq(x, (3 * y + 2) / (y - 5)), y)[0],
            common_solutions,
        ),
        4: (
            reciprocal_square_sum,
            terms_until_positive,
            lambda: sp.solve([x + y - 9, x**3 + y**3 - 189], [x, y]),
        ),
        5: (
            functional_equation,
            power_sum_five,
            greatest_value_is_seven,
        ),
    },
)
