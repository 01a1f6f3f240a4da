"""Templates of the starter set's problems in geometry."""

import random
from fractions import Fraction
from math import isqrt

from solver.problems.templates import Template
from solver.problems.templates.tex import is_square, surd, times


def _area_squared(a: int, b: int, c: int) -> int:
    """Return 16 times the square of a triangle's area; negative where there is no triangle."""
    return (a + b + c) * (-a + b + c) * (a - b + c) * (a + b - c)


def _sphere(r: int, h: int) -> str:
    radius = Fraction(r * h, r + isqrt(r * r + h * h))
    return times(Fraction(4, 3) * radius**3, r"\pi")


def _contact(p: int, q: int, a: int, b: int, c: int) -> tuple[int, int]:
    """Return the squares of the radius and of the distance of (p, -q) from the center."""
    radius = (a // 2) ** 2 + (b // 2) ** 2 + c
    return radius, (p - a // 2) ** 2 + (q + b // 2) ** 2


def _chord(p: int, q: int, a: int, b: int, c: int) -> Fraction:
    radius, distance = _contact(p, q, a, b, c)
    return Fraction(2 * isqrt(radius) * isqrt(distance - radius), isqrt(distance))


def _tangents(draw: random.Random) -> dict[str, int]:
    """Draw a center, and a point as far from it as the hypotenuse of a triangle is long."""
    one, other, far = draw.choice([(3, 4, 5), (4, 3, 5), (6, 8, 10), (8, 6, 10), (5, 12, 13)])
    radius = draw.choice([one, other])
    right, down = draw.choice([(one, other), (other, one)])
    x, y = draw.randint(1, 6), draw.randint(1, 6)
    assert right**2 + down**2 == far**2
    return {"p": x + right, "q": down - y, "a": 2 * x, "b": 2 * y, "c": radius**2 - x * x - y * y}


def _tetrahedron(a: int, b: int, c: int) -> Fraction:
    """Return the square of the volume."""
    a, b, c = a * a, b * b, c * c
    return Fraction((a + b - c) * (a - b + c) * (-a + b + c), 72)


def _acute(a: int, b: int, c: int) -> bool:
    small, middle, large = sorted((a * a, b * b, c * c))
    return small + middle > large


def _second_chord(c: int, b: int, a: int) -> Fraction:
    """Return the square of PQ."""
    ap, aq = c - Fraction(a * a, 4 * c), b - Fraction(a * a, 4 * b)
    return ap * ap + aq * aq - ap * aq * Fraction(c * c + b * b - a * a, b * c)


def _chord_fits(c: int, b: int, a: int) -> bool:
    if a % 2 or a * a >= 4 * min(b, c) ** 2 or _area_squared(a, b, c) <= 0 or b == c:
        return False
    square = _second_chord(c, b, a)
    return is_square(square.numerator) and is_square(square.denominator)


def _root(square: Fraction) -> Fraction:
    return Fraction(isqrt(square.numerator), isqrt(square.denominator))


TEMPLATES = {
    "1/1": Template(
        "d p",
        lambda d, p: (p // 2 - d) // 2 * ((p // 2 - d) // 2 + d),
        lambda d, p: p % 2 == 0 and p // 2 > d + 4 and (p // 2 - d) % 2 == 0,
    ),
    "1/2": Template("k", lambda k: (180 - k) // 4 + k, lambda k: k % 4 == 0),
    "1/3": Template(
        "a b",
        lambda a, b: isqrt(a * a + b * b),
        lambda a, b: is_square(a * a + b * b) and a < b,
        ranges={"a": (5, 60), "b": (8, 80)},
    ),
    "2/1": Template(
        "d A",
        lambda d, A: surd(2, A - d * d),
        lambda d, A: is_square(A) and A - d * d > 1 and not is_square(A - d * d),
        ranges={"A": (16, 200), "d": (2, 12)},
    ),
    "2/2": Template(
        "a b c d e f",
        lambda a, b, c, d, e, f: abs((c - a) * (f + b) - (e - a) * (d + b)) // 2,
        lambda a, b, c, d, e, f: (
            ((c - a) * (f + b) - (e - a) * (d + b)) % 2 == 0
            and abs((c - a) * (f + b) - (e - a) * (d + b)) > 8
        ),
    ),
    "2/3": Template("R h r", lambda R, h, r: Fraction(R * R * h, 3 * r * r)),
    "3/1": Template(
        "s",
        lambda s: rf"{s * s}\pi - {3 * s * s // 2}\sqrt{{3}}",
        lambda s: s % 2 == 0,
        ranges={"s": (4, 24)},
    ),
    "3/2": Template(
        "a b c",
        lambda a, b, c: Fraction(isqrt(_area_squared(a, b, c)), 2 * (a + b + c)),
        lambda a, b, c: _area_squared(a, b, c) > 0 and is_square(_area_squared(a, b, c)),
    ),
    "3/3": Template(
        "a b A",
        lambda a, b, A: A * a * a // (a + b) ** 2,
        lambda a, b, A: a < b and A * a * a % (a + b) ** 2 == 0,
        ranges={"A": (40, 400)},
    ),
    "4/1": Template(
        "r h",
        _sphere,
        lambda r, h: is_square(r * r + h * h),
        ranges={"r": (3, 24), "h": (4, 40)},
    ),
    "4/2": Template("b c _", lambda b, c: surd(Fraction(b * c, b + c), 3), lambda b, c: b != c),
    "4/3": Template(
        "p q _ _ a b c _",
        _chord,
        lambda p, q, a, b, c: (
            p > 0 < q and c > 0 and is_square((d := _contact(p, q, a, b, c))[1] - d[0])
        ),
        make=_tangents,
    ),
    "5/1": Template(
        "a b c",
        lambda a, b, c: surd(1, _tetrahedron(a, b, c)),
        lambda a, b, c: (
            len({a, b, c}) == 3 and _acute(a, b, c) and _tetrahedron(a, b, c).denominator == 1
        ),
        ranges={"a": (5, 16), "b": (5, 16), "c": (5, 16)},
    ),
    "5/2": Template(
        "c b a",
        lambda c, b, a: _root(_second_chord(c, b, a)),
        _chord_fits,
        ranges={"c": (5, 30), "b": (5, 30), "a": (6, 40)},
    ),
    "5/3": Template(
        "r",
        lambda r: times(Fraction(101 * r * r, 192), r"\pi") + rf" - {r * r // 2}\sqrt{{3}}",
        lambda r: r % 2 == 0,
        ranges={"r": (4, 30)},
    ),
}
