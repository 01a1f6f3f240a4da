"""Compute the value of a node exactly, as a fraction."""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from judge.reading.tree import Add, Based, Call, Mul, Node, Num, Pow
from judge.rules.limits import MAX_DIGITS, MAX_FACTORIAL, NoValue, TooLarge


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
    if abs(base) == 1:
        return base if power % 2 else Fraction(1)
    return base**power


def _whole_root(value: int, order: int) -> int:
    if value < 0 or order > 64:
        raise NoValue("not a rational root")
    guess = math.isqrt(value) if order == 2 else _float_root(value, order)
    if guess**order != value:
        raise NoValue("not a rational root")
    return guess


def _float_root(value: int, order: int) -> int:
    try:
        root: float = float(value) ** (1 / order)
    except OverflowError as error:
        raise NoValue("a root too large for a float") from error
    return round(root)


def _whole(value: Fraction, limit: int = 10**6) -> int:
    if value.denominator != 1:
        raise NoValue("not a whole number")
    if abs(value) > limit:
        raise TooLarge(f"beyond {limit}")
    return value.numerator


def _factorial(value: Fraction) -> Fraction:
    if value < 0:
        raise NoValue("the factorial of a negative number")
    return Fraction(math.factorial(_whole(value, MAX_FACTORIAL)))


def _binomial(n: Fraction, k: Fraction) -> Fraction:
    above, below = _whole(n, MAX_DIGITS), _whole(k, MAX_DIGITS)
    if above < 0:
        raise NoValue("a binomial of a negative number")
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
    "factorial": _factorial,
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
