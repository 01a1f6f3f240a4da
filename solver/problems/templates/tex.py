"""Write exact numbers in LaTeX, as the starter set writes its answers."""

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, isqrt


def number(value: object) -> str:
    """Write an integer or a fraction; a text stays as it is."""
    if isinstance(value, Fraction) and value.denominator > 1:
        sign = "-" if value < 0 else ""
        return f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    return str(value)


def decimal(value: Fraction) -> str:
    """Write a value whose double is whole: `4.5`, `5`."""
    return str(int(value)) if value.denominator == 1 else f"{float(value):.1f}"


def is_square(value: int) -> bool:
    """Tell whether an integer is a perfect square."""
    return value >= 0 and isqrt(value) ** 2 == value


def split_root(value: int) -> tuple[int, int]:
    """Return k and m such that the root of `value` is k√m, with m free of squares."""
    outside = max(k for k in range(1, isqrt(value) + 1) if value % (k * k) == 0)
    return outside, value // outside**2


def surd(factor: Fraction | int, radicand: Fraction | int) -> str:
    r"""Write `factor` times the root of `radicand`, simplified: `\frac{40\sqrt{3}}{13}`."""
    factor, radicand = Fraction(factor), Fraction(radicand)
    outside, inside = split_root(radicand.numerator * radicand.denominator)
    factor *= Fraction(outside, radicand.denominator)
    return number(factor) if inside == 1 else times(factor, f"\\sqrt{{{inside}}}")


def times(factor: Fraction, sign: str) -> str:
    r"""Write a positive factor before a sign such as `\pi`: `\frac{7\pi}{5}`."""
    top = sign if factor.numerator == 1 else f"{factor.numerator}{sign}"
    return top if factor.denominator == 1 else f"\\frac{{{top}}}{{{factor.denominator}}}"


def polynomial(coefficients: Sequence[int], letter: str = "x") -> str:
    """Write a polynomial, its highest power first."""
    text = ""
    for power, value in zip(range(len(coefficients) - 1, -1, -1), coefficients, strict=True):
        if value == 0:
            continue
        size = "" if abs(value) == 1 and power else str(abs(value))
        sign = ("-" if value < 0 else "") if not text else (" - " if value < 0 else " + ")
        text += f"{sign}{size}{letter if power else ''}{f'^{power}' if power > 1 else ''}"
    return text or "0"


def matrix(rows: Sequence[Sequence[int]]) -> str:
    """Write a matrix."""
    body = r" \\ ".join(" & ".join(map(str, row)) for row in rows)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def listed(values: Sequence[Fraction | int]) -> str:
    """Write values in order of size, between commas."""
    return ", ".join(number(value) for value in sorted(values))


def over(middle: int, outside: int, inside: int, bottom: int, sign: str) -> str:
    """Write `(middle ± outside √inside) / bottom` in lowest terms."""
    common = gcd(middle, outside, bottom)
    middle, outside, bottom = middle // common, outside // common, bottom // common
    root = f"{'' if outside == 1 else outside}\\sqrt{{{inside}}}"
    top = f"{middle} {sign} {root}"
    return top if bottom == 1 else f"\\frac{{{top}}}{{{bottom}}}"
