"""The answers of the starter set's problems in precalculus."""

from fractions import Fraction

import sympy as sp
from sympy import I, Interval, Matrix, Rational, acos, cos, pi, sin, sqrt, tan

from tests.unit.starter_answers.tools import k, table, x


def range_of_f():
    """Over t = tan(x/2), and x = π, which t misses."""
    t = sp.symbols("t", real=True)
    sine, cosine = 2 * t / (1 + t**2), (1 - t**2) / (1 + t**2)
    f = (2 + sine) / (3 + cosine)
    values = [f.subs(t, place) for place in sp.solve(sp.numer(sp.together(sp.diff(f, t))), t)]
    values = [*map(sp.radsimp, values), Rational(2, 2)]
    return Interval(min(values), max(values))


def cosine_of_difference():
    alpha = pi - sp.asin(Rational(3, 5))
    beta = pi + sp.atan(Rational(5, 12))
    return sp.nsimplify(sp.expand_trig(cos(alpha - beta)))


def sum_over_roots_of_unity():
    terms = sum(1 / (2 - sp.exp(2 * pi * I * k / 7)) for k in range(7))
    value = sp.N(terms, 40)
    denominator = 2**7 - 1  # the product of all the denominators
    nearest = Rational(round(sp.re(value * denominator)), denominator)
    assert abs(value - nearest) < 1e-30
    return nearest


def tangent_of_sum():
    """By the addition formula, one angle at a time."""
    total = Fraction(0)
    for number in range(1, 21):
        angle = Fraction(1, number**2 + number + 1)
        total = (total + angle) / (1 - total * angle)
    return total


def distance_to_line():
    point, start, along = Matrix([1, 4, -2]), Matrix([3, 0, 1]), Matrix([2, 1, 2])
    return (point - start).cross(along).norm() / along.norm()


def angles_of_equation():
    """As cosines: 2(1 - c²) = 3c, with both angles of each cosine that exists."""
    cosines = [root for root in sp.solve(2 * (1 - x**2) - 3 * x, x) if abs(root) <= 1]
    return [angle for root in cosines for angle in (acos(root), 2 * pi - acos(root))]


ANSWERS = table(
    "precalculus",
    {
        1: (
            lambda: sp.rad(252),
            lambda: Matrix([6, -7, 6]).norm(),
            lambda: tan(sp.rad(225)) + sin(sp.rad(330)),
        ),
        2: (
            lambda: Matrix([[2, -1], [3, 4]]) * Matrix([[5, 0], [-2, 6]]),
            lambda: (abs(-5 + 5 * sqrt(3) * I), sp.arg(-5 + 5 * sqrt(3) * I)),
            lambda: sp.solve(Matrix([k, 4, -3]).dot(Matrix([5, -2, k])), k)[0],
        ),
        3: (
            angles_of_equation,
            lambda: sp.expand((sqrt(3) + I) ** 9),
            lambda: Matrix([1, 2, 3]).cross(Matrix([2, -1, 4])).norm(),
        ),
        4: (
            cosine_of_difference,
            lambda: Matrix([[1, 2, -1], [0, 1, 4], [0, 0, 1]]) ** 10,
            distance_to_line,
        ),
        5: (
            sum_over_roots_of_unity,
            range_of_f,
            tangent_of_sum,
        ),
    },
)
