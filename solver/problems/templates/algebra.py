"""Templates of the starter set's problems in algebra."""

from fractions import Fraction

from solver.problems.templates import Template
from solver.problems.templates.tex import is_square, listed, polynomial


def _below(b: int, c: int) -> str:
    """Return where x² - bx < c."""
    root = int((b * b + 4 * c) ** 0.5)
    return f"({(b - root) // 2}, {(b + root) // 2})"


def _cubes(s: int, t: int) -> tuple[int, int] | None:
    """Return the x < y with sum s whose cubes have the sum t, if they are whole."""
    return next(
        ((x, s - x) for x in range(-50, (s + 1) // 2) if x**3 + (s - x) ** 3 == t and 2 * x < s),
        None,
    )


def _pairs(s: int, t: int) -> str:
    x, y = _cubes(s, t) or (0, 0)
    return f"({x}, {y}), ({y}, {x})"


def _root_sum(a: int, b: int, c: int) -> Fraction:
    total, product = Fraction(b, a), Fraction(c, a)
    return (total**3 - 3 * total * product) / product**2


def _three_steps(k: int, v: int) -> Fraction:
    first = Fraction(v)
    second = 1 / (1 - first)
    third = 1 / (1 - second)
    return (first - k * second + k * k * third) / (1 + k**3)


def _symmetric(p: int, q: int, r: int) -> tuple[int, int]:
    """Return the second and third elementary symmetric sums, from the power sums."""
    second = (p * p - q) // 2
    return second, (r - p * q + second * p) // 3


def _fifth(p: int, q: int, r: int) -> int:
    second, third = _symmetric(p, q, r)
    fourth = p * r - second * q + third * p
    return p * fourth - second * r + third * q


def _three_real(p: int, q: int, r: int) -> bool:
    """Tell whether three different real numbers have these power sums, and e2, e3 are whole."""
    b, c = _symmetric(p, q, r)
    whole = (p * p - q) % 2 == 0 and (r - p * q + b * p) % 3 == 0
    return whole and p * p * b * b - 4 * b**3 - 4 * p**3 * c + 18 * p * b * c - 27 * c * c > 0


TEMPLATES = {
    "1/1": Template(
        "a b c d",
        lambda a, b, c, d: (b + d) // (a - c),
        lambda a, b, c, d: a > c and (b + d) % (a - c) == 0,
    ),
    "1/2": Template("_ k a b", lambda k, a, b: a * a + k * a * b),
    "1/3": Template(
        "fee rate bill",
        lambda fee, rate, bill: str((bill - fee) / rate),
        lambda fee, rate, bill: bill > fee and 2 * (bill - fee) % (2 * rate) == rate,
    ),
    "2/1": Template(
        "a b c d _",
        lambda a, b, c, d: -a + Fraction(b * (c + a), b + d),
        lambda a, b, c, d: Fraction(b * (c + a), b + d).denominator in range(2, 10),
    ),
    "2/2": Template(
        "a b _ c d",
        lambda a, b, c, d: polynomial([a, a * c - b, -a * d - b * c, b * d]),
        lambda a, b, c, d: a * c != b,
    ),
    "2/3": Template(
        "a b c",
        lambda a, b, c: listed([Fraction(b - c, a), Fraction(b + c, a)]),
        lambda a, b, c: b != c,
    ),
    "3/1": Template("_ b c", _below, lambda b, c: is_square(b * b + 4 * c), ranges={"c": (5, 60)}),
    "3/2": Template(
        "a b c c _",
        lambda a, b, c: rf"\frac{{{c}x + {b}}}{{x - {a}}}",
        ranges={"a": (2, 9), "b": (2, 9), "c": (2, 9)},
    ),
    "3/3": Template(
        "b c d e f",
        lambda b, c, d, e, f: d * c // f,
        lambda b, c, d, e, f: d * c % f == 0 and c != f and b * f == c * (d * c // f + e),
        ranges={"c": (2, 14), "f": (2, 18)},
    ),
    "4/1": Template("a _ b c _ _ _", _root_sum, lambda a, b, c: b * b > 4 * a * c),
    "4/2": Template(
        "a b c",
        lambda a, b, c: 2 * a // (a - b) + 2,
        lambda a, b, c: a - b == b - c > 2,
    ),
    "4/3": Template(
        "s _ _ t",
        _pairs,
        lambda s, t: _cubes(s, t) is not None and min(_cubes(s, t) or (0,)) > 0,
        make=lambda draw: (lambda x, y: {"s": x + y, "t": x**3 + y**3})(
            draw.randint(1, 9), draw.randint(1, 9)
        ),
    ),
    "5/1": Template("_ _ k _ _ v", _three_steps, ranges={"k": (2, 5), "v": (2, 9)}),
    "5/2": Template("p _ _ _ q _ _ _ r _ _ _", _fifth, _three_real),
    "5/3": Template(
        "_ _ c _ _ m",
        lambda c, m: listed([Fraction(c - m), Fraction(m - c + 4, 7)]),
        lambda c, m: m - c > 3,
        ranges={"c": (2, 9), "m": (6, 20)},
    ),
}
