"""Compute the value of a node exactly, as a fraction.

Also the caps on all arithmetic, and the errors raised beyond them or where there is no value.
"""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from judge.reading.tree import Add, Based, Call, Mul, Node, Num, Pow

MAX_DIGITS = 10_000
MAX_FACTORIAL = 1_000
MAX_TERMS = 8_000
"""Nodes evaluated inside one sum or product."""


class TooLarge(ArithmeticError):
    """The value or the computation is beyond the caps."""


class NoValue(ArithmeticError):
    """The node has no number as its value."""


class NotReal(ArithmeticError):
    """An intermediate value is not real."""


def exact(node: Node) -> Fraction | None:
    """Compute the value as a fraction; None when it is irrational, symbolic or beyond the caps."""
    try:
        return _exact(node)
    except (NoValue, TooLarge, ZeroDivisionError):
        return None


def _exact(node: Node) -> Fraction:
    if isinstance(node, Num):
        return node.value
    if isinstance(node, Add):
        return _checked(sum((_exact(term) for term in node.terms), Fraction(0)))
    if isinstance(node, Mul):
        value = Fraction(1)
        for factor in node.factors:
            value = _checked(value * _exact(factor))
        return value
    if isinstance(node, Pow):
        return _exact_power(_exact(node.base), _exact(node.exponent))
    if isinstance(node, Call) and node.name in _EXACT:
        return _checked(_EXACT[node.name](*map(_exact, node.args)))
    if isinstance(node, Based):
        return based_value(node)
    raise NoValue("not a rational number")


def based_value(node: Based) -> Fraction:
    """Return the whole number that digits in a base stand for."""
    try:
        return Fraction(int(node.digits, node.base))
    except ValueError as error:
        raise NoValue("digits beyond the base") from error


def _checked(value: Fraction) -> Fraction:
    if value.numerator.bit_length() + value.denominator.bit_length() > MAX_DIGITS * 3.33:
        raise TooLarge(f"more than {MAX_DIGITS} digits")
    return value


def _exact_power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        roots = [_whole_root(part, exponent.denominator) for part in base.as_integer_ratio()]
        base = Fraction(*roots)
    power = exponent.numerator
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(base) != 1 and base and bits * abs(power) > MAX_DIGITS * 3.33:
        raise TooLarge(f"more than {MAX_DIGITS} digits")
    return base**power


def _whole_root(value: int, order: int) -> int:
    if value < 0 or order > 64:
        raise NoValue("not a rational root")
    try:
        guess = math.isqrt(value) if order == 2 else round(float(value) ** (1 / order))
    except OverflowError as error:
        raise NoValue("a root too large for a float") from error
    if guess**order != value:
        raise NoValue("not a rational root")
    return guess


def _whole(value: Fraction, limit: int = 10**6) -> int:
    if value.denominator != 1:
        raise NoValue("not a whole number")
    if abs(value) > limit:
        raise TooLarge(f"beyond {limit}")
    return value.numerator


def _natural(value: Fraction, limit: int) -> int:
    if value < 0:
        raise NoValue("a negative number")
    return _whole(value, limit)


def _binomial(n: Fraction, k: Fraction) -> Fraction:
    above, below = _natural(n, MAX_DIGITS), _whole(k, MAX_DIGITS)
    return Fraction(math.comb(above, below) if below >= 0 else 0)


def _odd_root(value: Fraction, order: Fraction) -> Fraction:
    root = _exact_power(abs(value), 1 / order)
    return -root if value < 0 else root


def _exact_log(value: Fraction) -> Fraction:
    if value == 1:
        return Fraction(0)
    raise NoValue("irrational")


_EXACT: Mapping[str, Callable[..., Fraction]] = {
    "abs": abs,
    "floor": lambda x: Fraction(math.floor(x)),
    "ceil": lambda x: Fraction(math.ceil(x)),
    "factorial": lambda n: Fraction(math.factorial(_natural(n, MAX_FACTORIAL))),
    "factorial2": lambda n: Fraction(math.prod(range(_whole(n, MAX_FACTORIAL), 0, -2))),
    "binomial": _binomial,
    "gcd": lambda *xs: Fraction(math.gcd(*(_whole(x, 10**100) for x in xs))),
    "lcm": lambda *xs: Fraction(math.lcm(*(_whole(x, 10**100) for x in xs))),
    "max": max,
    "min": min,
    "mod": lambda a, b: a % b,
    "sign": lambda x: Fraction((x > 0) - (x < 0)),
    "percent": lambda x: x / 100,
    "re": lambda x: x,
    "im": lambda x: Fraction(0),
    "conj": lambda x: x,
    "root": _odd_root,
    "log": _exact_log,
}
