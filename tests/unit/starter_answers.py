"""The answer of every starter problem, worked out anew from the question's own words.

Each entry counts, solves or simulates; none is told the answer. Numbers are exact: ints, Fractions
and sympy expressions. A list is a set of answers in any order; a tuple is an ordered one.
"""

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, count, permutations, product
from math import factorial, gcd, isqrt, lcm, prod

import sympy as sp
from sympy import I, Interval, Matrix, Point, Rational, acos, cos, pi, sin, sqrt, tan

a, k, n, r, t, x, y, z = sp.symbols("a k n r t x y z")


def share(outcomes, wanted):
    """The fraction of equally likely outcomes that are as wanted."""
    outcomes = list(outcomes)
    return Fraction(sum(map(bool, map(wanted, outcomes))), len(outcomes))


def how_many(things, wanted=lambda _: True):
    return sum(1 for thing in things if wanted(thing))


def digits(number):
    return [int(digit) for digit in str(number)]


# Algebra


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
    step = lambda value: 1 / (1 - value)  # noqa: E731
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


# Counting and probability


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


# Geometry


def triangle_height_over(base, left, right):
    """The apex of a triangle whose base runs from the origin along the x-axis."""
    along = Rational(base**2 + left**2 - right**2, 2 * base)
    return Point(along, sqrt(left**2 - along**2))


def inscribed_radius():
    apex = triangle_height_over(21, 13, 20)
    return sp.Triangle(Point(0, 0), Point(21, 0), apex).inradius


def triangle_at_the_diagonals():
    """Area of ABP; where the legs lean does not change it, so C and D may lie straight below."""
    height = sp.solve((9 + 15) * t / 2 - 128, t)[0]
    A, B, C, D = Point(0, height), Point(9, height), Point(15, 0), Point(0, 0)
    (P,) = sp.Line(A, C).intersection(sp.Line(B, D))
    return abs(sp.Polygon(A, B, P).area)


def sphere_in_a_cone():
    """The center lies on the axis as far from the base as from a line down the side."""
    side = sp.Line(Point(5, 0), Point(0, 12))
    radius = sp.solve(sp.Eq(side.distance(Point(0, t)) ** 2, t**2), t)
    return Rational(4, 3) * pi * min(value for value in radius if value > 0) ** 3


def bisector_length():
    A, B = Point(0, 0), Point(8, 0)
    C = Point(5 * cos(pi / 3), 5 * sin(pi / 3))
    bisector = sp.Line(A, Point(cos(pi / 6), sin(pi / 6)))
    (D,) = bisector.intersection(sp.Line(B, C))
    return A.distance(D)


def chord_of_contact():
    outside = Point(5, -1)
    circle = x**2 + y**2 - 4 * x - 6 * y - 3
    touching = [circle, (x - 2) * (x - outside.x) + (y - 3) * (y - outside.y)]
    first, second = (Point(*solution) for solution in sp.solve(touching, [x, y]))
    return first.distance(second)


def equal_faced_tetrahedron():
    """Cayley and Menger: the volume from the six edges."""
    edges = {"AB": 7, "CD": 7, "AC": 8, "BD": 8, "AD": 9, "BC": 9}
    distance = lambda p, q: edges.get(p + q, edges.get(q + p, 0)) ** 2  # noqa: E731
    table = Matrix([[distance(p, q) for q in "ABCD"] for p in "ABCD"])
    bordered = table.row_join(sp.ones(4, 1)).col_join(Matrix([[1, 1, 1, 1, 0]]))
    return sqrt(bordered.det() / 288)


def circle_through_the_apex():
    """B at the origin, C at (16, 0); the circle touches BC at (8, 0), so its center is above it."""
    A = triangle_height_over(16, 10, 14)
    height = sp.solve((A.x - 8) ** 2 + (A.y - t) ** 2 - t**2, t)[0]
    on_circle = (x - 8) ** 2 + (y - height) ** 2 - height**2

    def again(corner):
        point = corner + (A - corner) * t
        roots = sp.solve(on_circle.subs({x: point.x, y: point.y}), t)
        (other,) = [root for root in roots if root != 1]
        return corner + (A - corner) * other

    return again(Point(0, 0)).distance(again(Point(16, 0)))


def lens_without_the_circle():
    """Four quarters of the lens by integration, less the circle tangent to all three.

    A quarter lies under y = √(64 - (x + 4)²) for 0 ≤ x ≤ 4; there x + 4 = 8 sin t.
    """
    lens = 4 * sp.integrate(64 * cos(t) ** 2, (t, pi / 6, pi / 2))
    radius = sp.solve(sp.Eq(sp.sqrt(16 + t**2), 8 - t), t)[0]
    return lens - pi * radius**2


# Intermediate algebra


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


# Number theory


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


# Precalculus


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
    for k in range(1, 21):
        angle = Fraction(1, k**2 + k + 1)
        total = (total + angle) / (1 - total * angle)
    return total


def distance_to_line():
    point, start, along = Matrix([1, 4, -2]), Matrix([3, 0, 1]), Matrix([2, 1, 2])
    return (point - start).cross(along).norm() / along.norm()


def angles_of_equation():
    """As cosines: 2(1 - c²) = 3c, with both angles of each cosine that exists."""
    cosines = [root for root in sp.solve(2 * (1 - x**2) - 3 * x, x) if abs(root) <= 1]
    return [angle for root in cosines for angle in (acos(root), 2 * pi - acos(root))]


def at(domain: str, level: int, *answers: Callable[[], object]) -> dict[str, Callable[[], object]]:
    """The answers to the three problems of one domain and level."""
    return {
        f"starter/{domain}/{level}/{number}": answer for number, answer in enumerate(answers, 1)
    }


ANSWERS: dict[str, Callable[[], object]] = {
    **at(
        "algebra",
        1,
        lambda: sp.solve(sp.Eq(7 * x - 19, 3 * x + 29))[0],
        lambda: (lambda a, b: a**2 - 3 * a * b)(-4, 5),
        lambda: sp.solve(sp.Eq(45 + 38 * x, 216))[0],
    ),
    **at(
        "algebra",
        2,
        lambda: sp.Line(Point(-3, 11), Point(5, -5)).intersection(sp.Line((0, 0), (1, 0)))[0].x,
        lambda: sp.expand((2 * x - 5) * (x**2 + 3 * x - 4)),
        lambda: sp.solve(sp.Eq((3 * x - 8) ** 2, 19**2)),
    ),
    **at(
        "algebra",
        3,
        lambda: sp.solve_univariate_inequality(x**2 - 4 * x < 21, x, relational=False),
        lambda: sp.solve(sp.Eq(x, (3 * y + 2) / (y - 5)), y)[0],
        common_solutions,
    ),
    **at(
        "algebra",
        4,
        reciprocal_square_sum,
        terms_until_positive,
        lambda: sp.solve([x + y - 9, x**3 + y**3 - 189], [x, y]),
    ),
    **at("algebra", 5, functional_equation, power_sum_five, greatest_value_is_seven),
    **at(
        "counting_and_probability",
        1,
        lambda: how_many(product(range(5), range(4), range(3))),
        lambda: share("r" * 6 + "g" * 9 + "b" * 10, lambda marble: marble != "g"),
        lambda: how_many(permutations(range(7)), lambda line: line[0] == 0),
    ),
    **at(
        "counting_and_probability",
        2,
        lambda: sp.factorial(9) / prod(factorial("SEVENTEEN".count(c)) for c in set("SEVENTEEN")),
        lambda: share(
            product(range(1, 9), repeat=2), lambda roll: isqrt(prod(roll)) ** 2 == prod(roll)
        ),
        lambda: how_many(combinations("cccccc" + "ppppp", 4), lambda group: len(set(group)) == 2),
    ),
    **at(
        "counting_and_probability",
        3,
        lambda: how_many(range(1000, 10000), lambda number: sum(digits(number)) == 9),
        lambda: share(
            permutations(range(5)), lambda taken: sum(i == j for i, j in enumerate(taken)) == 2
        ),
        lambda: share(product("HT", repeat=8), lambda coins: coins.count("H") > coins.count("T")),
    ),
    **at(
        "counting_and_probability",
        4,
        lambda: how_many(
            combinations(range(1, 13), 4),
            lambda four: all(abs(p - q) >= 3 for p, q in combinations(four, 2)),
        ),
        mean_place_of_last_white,
        lambda: how_many(product(range(1, 5), repeat=4), lambda pencils: sum(pencils) == 10),
    ),
    **at(
        "counting_and_probability",
        5,
        twins_apart,
        lambda: share(product([-1, 1], repeat=10), stays_at_home),
        lambda: how_many(
            product(range(6), repeat=6), lambda f: all(f[f[f[i]]] == i for i in range(6))
        ),
    ),
    **at(
        "geometry",
        1,
        lambda: next(w * (w + 9) for w in range(1, 29) if 2 * (w + w + 9) == 58),
        lambda: next(b + 36 for b in range(1, 180) if 2 * b + b + (b + 36) == 180),
        lambda: Point(20, 0).distance(Point(0, 21)),
    ),
    **at(
        "geometry",
        2,
        lambda: 2 * sp.solve(sp.Eq(pi * (x**2 + 4**2), 49 * pi))[1],
        lambda: abs(sp.Polygon((2, -1), (8, 3), (4, 9)).area),
        lambda: sp.solve(sp.Eq(pi * 6**2 * 10 / 3, pi * 4**2 * x))[0],
    ),
    **at(
        "geometry",
        3,
        lambda: pi * 8**2 - sp.RegularPolygon(Point(0, 0), 8, 6).area,
        inscribed_radius,
        triangle_at_the_diagonals,
    ),
    **at("geometry", 4, sphere_in_a_cone, bisector_length, chord_of_contact),
    **at("geometry", 5, equal_faced_tetrahedron, circle_through_the_apex, lens_without_the_circle),
    **at(
        "intermediate_algebra",
        1,
        lambda: next(power for power in count() if 2**power * 3 == 96),
        lambda: sp.expand((4 - 3 * I) * (2 + 5 * I)),
        lambda: sp.solve((x**3 - 5 * x**2 + k * x - 12).subs(x, 4), k)[0],
    ),
    **at(
        "intermediate_algebra",
        2,
        lambda: sp.rem(x**20 - 3 * x**11 + 5, x + 1, x),
        lambda: next((v, 3 * v**2 - 24 * v + 41) for v in sp.solve(sp.diff(3 * x**2 - 24 * x))),
        lambda: sp.radsimp(22 / (5 - sqrt(3))),
    ),
    **at(
        "intermediate_algebra",
        3,
        lambda: [sp.log(root, 2) for root in sp.solve(t**2 - 10 * t + 16, t)],
        lambda: sp.summation(n / sp.Integer(4) ** n, (n, 1, sp.oo)),
        quotients_of_roots,
    ),
    **at(
        "intermediate_algebra",
        4,
        lambda: tuple(
            sp.solve_undetermined_coeffs(
                sp.Eq(a * (x**2 + 4) + (k * x + r) * (x - 1), 5 * x**2 + x + 14), [a, k, r], x
            )[letter]
            for letter in (a, k, r)
        ),
        ellipse_minor_axis,
        remainder_of_product,
    ),
    **at(
        "intermediate_algebra",
        5,
        least_modulus,
        lambda: sp.interpolate([(n, 3**n) for n in range(5)], x).subs(x, 6),
        three_real_roots,
    ),
    **at(
        "number_theory",
        1,
        lambda: gcd(462, 588),
        lambda: 3000 % 17,
        lambda: how_many(range(1, 601), lambda divisor: 600 % divisor == 0),
    ),
    **at(
        "number_theory",
        2,
        lambda: digits_in_base(419, 6),
        lambda: (7**2026 + 3**2025) % 10,
        lambda: Fraction(lcm(84, 90, 105), 60),
    ),
    **at(
        "number_theory",
        3,
        lambda: next(n for n in count(1) if (n % 5, n % 8, n % 11) == (3, 5, 7)),
        lambda: [n for n in range(-100, 101) if (6 * n + 23) % (2 * n + 3) == 0],
        lambda: next(n for n in range(60) if 17 * n % 60 == 1),
    ),
    **at(
        "number_theory",
        4,
        lambda: how_many(range(1, 1001), lambda n: sum(n % d == 0 for d in (6, 10, 15)) == 1),
        zeros_in_base_twelve,
        lambda: 3**1000 % 77,
    ),
    **at("number_theory", 5, two_fractions, digit_sums_divisible_by_eleven, hyperbola_points),
    **at(
        "prealgebra",
        1,
        lambda: 48 - 6 * (11 - 4) + 9,
        lambda: Fraction(35, 100) * 240,
        lambda: Fraction(3, 8) + Fraction(5, 12),
    ),
    **at(
        "prealgebra",
        2,
        lambda: 5 * 18 - (11 + 14 + 23 + 25),
        lambda: Fraction(450, 6) * 10,
        lambda: 120 * Fraction(75, 100) * Fraction(110, 100),
    ),
    **at(
        "prealgebra",
        3,
        lambda: next(7 * part for part in count(1) if 7 * part - 9 == 4 * part + 3),
        lambda: how_many(range(101, 400), lambda n: n % 12 == 0 and n % 8 != 0),
        lambda: Fraction(180 + 620, 25),
    ),
    **at(
        "prealgebra",
        4,
        lambda: 1 / (Fraction(1, 6) + Fraction(1, 9) - Fraction(1, 12)),
        lambda: Fraction(4, 10) + Fraction(72, 1000) / (1 - Fraction(1, 100)),
        lambda: abs(Fraction(30 * 7) + Fraction(25, 2) - 6 * 25),
    ),
    **at(
        "prealgebra",
        5,
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
    **at(
        "precalculus",
        1,
        lambda: sp.rad(252),
        lambda: Matrix([6, -7, 6]).norm(),
        lambda: tan(sp.rad(225)) + sin(sp.rad(330)),
    ),
    **at(
        "precalculus",
        2,
        lambda: Matrix([[2, -1], [3, 4]]) * Matrix([[5, 0], [-2, 6]]),
        lambda: (abs(-5 + 5 * sqrt(3) * I), sp.arg(-5 + 5 * sqrt(3) * I)),
        lambda: sp.solve(Matrix([k, 4, -3]).dot(Matrix([5, -2, k])), k)[0],
    ),
    **at(
        "precalculus",
        3,
        angles_of_equation,
        lambda: sp.expand((sqrt(3) + I) ** 9),
        lambda: Matrix([1, 2, 3]).cross(Matrix([2, -1, 4])).norm(),
    ),
    **at(
        "precalculus",
        4,
        cosine_of_difference,
        lambda: Matrix([[1, 2, -1], [0, 1, 4], [0, 0, 1]]) ** 10,
        distance_to_line,
    ),
    **at("precalculus", 5, sum_over_roots_of_unity, range_of_f, tangent_of_sum),
}
