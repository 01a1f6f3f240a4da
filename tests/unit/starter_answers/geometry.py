"""The answers of the starter set's problems in geometry."""

import sympy as sp
from sympy import Matrix, Point, Rational, cos, pi, sin, sqrt

from tests.unit.starter_answers.tools import t, table, x, y


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

    def distance(p, q):
        return edges.get(p + q, edges.get(q + p, 0)) ** 2

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


ANSWERS = table(
    "geometry",
    {
        1: (
            lambda: next(w * (w + 9) for w in range(1, 29) if 2 * (w + w + 9) == 58),
            lambda: next(b + 36 for b in range(1, 180) if 2 * b + b + (b + 36) == 180),
            lambda: Point(20, 0).distance(Point(0, 21)),
        ),
        2: (
            lambda: 2 * sp.solve(sp.Eq(pi * (x**2 + 4**2), 49 * pi))[1],
            lambda: abs(sp.Polygon((2, -1), (8, 3), (4, 9)).area),
            lambda: sp.solve(sp.Eq(pi * 6**2 * 10 / 3, pi * 4**2 * x))[0],
        ),
        3: (
            lambda: pi * 8**2 - sp.RegularPolygon(Point(0, 0), 8, 6).area,
            inscribed_radius,
            triangle_at_the_diagonals,
        ),
        4: (
            sphere_in_a_cone,
            bisector_length,
            chord_of_contact,
        ),
        5: (
            equal_faced_tetrahedron,
            circle_through_the_apex,
            lens_without_the_circle,
        ),
    },
)
