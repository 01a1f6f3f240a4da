"""The answers of the starter set's problems in intermediate algebra."""

from itertools import count

import sympy as sp
from sympy import I, Point, Rational, sqrt

from tests.unit.starter_answers.tools import a, how_many, k, n, r, t, table, x


def ellipse_minor_axis():
    first, second, on_it = Point(-2, 1), Point(6, 1), Point(6, 7)
    major = (on_it.distance(first) + on_it.distance(second)) / 2
    center_to_focus = first.distance(second) / 2
    return 2 * sqrt(major**2 - center_to_focus**2)


def least_modulus():
    """Over z = (1 + it)² / (1 + t²), which is every z of modulus 1 but -1."""
    t = sp.symbols("t", real=True)
    on_circle = (1 + I * t) ** 2 / (1 + t**2)
    value = on_circle**2 - on_circle + 2
    square = sp.factor(sp.expand(value * sp.conjugate(value)))
    places = sp.solve(sp.numer(sp.together(sp.diff(square, t))), t)
    at_minus_one = abs(1 + 1 + 2)
    return min([sqrt(sp.simplify(square.subs(t, place))) for place in places] + [at_minus_one])


def three_real_roots():
    return how_many(range(-200, 201), lambda k: sp.Poly(x**3 - 27 * x + k).count_roots() == 3)


def quotients_of_roots():
    """From the roots to 50 digits; r s t = 9, so 9 times the sum is a whole number."""
    r, s, t = sp.Poly(x**3 - 6 * x**2 + 4 * x - 9).nroots(n=50)
    ninefold = 9 * (r / (s * t) + s / (t * r) + t / (r * s))
    nearest = round(sp.re(ninefold))
    assert abs(ninefold - nearest) < 1e-30
    return Rational(nearest, 9)


def remainder_of_product():
    """Of every polynomial with those remainders: this one has degree 1, so it is the remainder."""
    return sp.interpolate([(2, 5), (-4, -7)], x)


ANSWERS = table(
    "intermediate_algebra",
    {
        1: (
            lambda: next(power for power in count() if 2**power * 3 == 96),
            lambda: sp.expand((4 - 3 * I) * (2 + 5 * I)),
            lambda: sp.solve((x**3 - 5 * x**2 + k * x - 12).subs(x, 4), k)[0],
        ),
        2: (
            lambda: sp.rem(x**20 - 3 * x**11 + 5, x + 1, x),
            lambda: next((v, 3 * v**2 - 24 * v + 41) for v in sp.solve(sp.diff(3 * x**2 - 24 * x))),
            lambda: sp.radsimp(22 / (5 - sqrt(3))),
        ),
        3: (
            lambda: [sp.log(root, 2) for root in sp.solve(t**2 - 10 * t + 16, t)],
            lambda: sp.summation(n / sp.Integer(4) ** n, (n, 1, sp.oo)),
            quotients_of_roots,
        ),
        4: (
            lambda: tuple(
                sp.solve_undetermined_coeffs(
                    sp.Eq(a * (x**2 + 4) + (k * x + r) * (x - 1), 5 * x**2 + x + 14), [a, k, r], x
                )[letter]
                for letter in (a, k, r)
            ),
            ellipse_minor_axis,
            remainder_of_product,
        ),
        5: (
            least_modulus,
            lambda: sp.interpolate([(n, 3**n) for n in range(5)], x).subs(x, 6),
            three_real_roots,
        ),
    },
)
