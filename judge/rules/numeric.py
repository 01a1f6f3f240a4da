"""Compare two numbers: exactly where both are rational, else to many digits.

Tolerances are relative. The policy decides on a decimal that only approximates the other number.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from judge.policy import Policy
from judge.reading.tree import MINUS_ONE, Call, Mul, Node, Num, Pow, rewrite, walk
from judge.relation import Finding, different, equal, undecided
from judge.rules.arithmetic import digits
from judge.rules.evaluate import value
from judge.rules.rationals import TooLarge, exact

_DIGITS = (50, 120)
_NOISE = 12
"""Last digits of a value that rounding errors may change."""
_MAX_BITS = 40_000
_MOST_DIGITS = 10_000
_SLACK = 1 + Fraction(1, 10**9)
_LOOSE = 1e-3
"""Largest relative distance at which an expression with decimals is an approximation."""


def compare_numbers(reference: Node, answer: Node, policy: Policy) -> Finding:
    """Compare two nodes without variables."""
    left, right = exact(reference), exact(answer)
    if left is not None and right is not None:
        if left == right:
            return equal("exact", "the same rational number")
        gap = abs(left - right) / max(abs(left), abs(right))
        return _apart(reference, answer, left, right, max(float(gap), 1e-300), policy)
    try:
        same, left_value, right_value, distance = values_agree(reference, answer, {})
    except TooLarge as error:
        return undecided("limit", str(error))
    except (ArithmeticError, ValueError) as error:
        return undecided("digits", f"no number: {error}")
    if same:
        return equal("digits", f"equal to {_DIGITS[-1] - 20} digits")
    if real := _real_roots(reference, answer):
        again = compare_numbers(*real, policy)
        return equal("real-root", again.reason) if again.is_equal else again
    return _apart(reference, answer, left_value, right_value, distance, policy)


def values_agree(
    reference: Node, answer: Node, env: Mapping[str, Any], *, quick: bool = False
) -> tuple[bool, Any, Any, float]:
    """Return whether two values agree, both values, and their relative distance.

    Two precisions tell rounding errors from a small number, as errors shrink with more digits. One
    is enough (`quick`) for variables with random values, where nobody can plant a near miss.
    Raises ArithmeticError or ValueError where there is no value.
    """
    low, high = digits(_DIGITS[0]), digits(_DIGITS[1] + (0 if quick else _size_of_powers(answer)))
    left, right = (value(node, env, low) for node in (reference, answer))
    size, gap = max(abs(left), abs(right)), abs(left - right)
    if size > 1e-15 and gap > 1e-20 * size:
        return False, left, right, float(gap / size)
    if size == 0:
        return True, left, right, 0.0
    if size > 1e-15 and quick and gap < 1e-30 * size:
        return True, left, right, 0.0
    finer_left, finer_right = (value(node, env, high) for node in (reference, answer))
    finer_size, finer_gap = max(abs(finer_left), abs(finer_right)), abs(finer_left - finer_right)
    vanishing = finer_size < size * high.context.mpf(10) ** (_NOISE - _DIGITS[0])
    same = vanishing or finer_gap <= finer_size * high.context.mpf(10) ** (_NOISE - high.digits)
    return bool(same), left, right, float(finer_gap / finer_size) if finer_size else 0.0


def _size_of_powers(node: Node) -> int:
    """Return more digits than the powers in a node have, so that no term next to one is lost."""
    most = 0.0
    for part in walk(node):
        if isinstance(part, Pow) and (exponent := exact(part.exponent)) and abs(exponent) > 40:
            size = max(abs(exact(part.base) or Fraction(0)), Fraction(10))
            most = max(most, math.log10(size) * float(abs(exponent)))
    if most > _MOST_DIGITS:
        raise TooLarge("powers of too many digits")
    return 500 * math.ceil(most / 500)


def _apart(
    reference: Node, answer: Node, left: Any, right: Any, distance: float, policy: Policy
) -> Finding:
    """Compare two numbers that differ, of which one may be a rounded decimal of the other."""
    if not (has_decimal(reference) or has_decimal(answer)):
        return different("exact" if isinstance(left, Fraction) else "digits", "different numbers")
    if distance < 10.0**-policy.float_digits:
        return equal("float", f"a decimal equal to more than {policy.float_digits} digits")
    left, right = _as_fraction(left), _as_fraction(right)
    places = (left, right, last_place(answer)), (right, left, last_place(reference))
    for number, literal, place in places:
        if number is None or literal is None or place is None:
            continue
        needed = 3 if _terminates(number) else 2
        if abs(literal) >= place * 10 ** (needed - 1) and _rounds_to(number, literal, place):
            return policy.rounded_decimal.finding("rounding", "a rounded decimal")
    compound = last_place(answer) is None if has_decimal(answer) else last_place(reference) is None
    if compound and distance < _LOOSE:
        return policy.rounded_decimal.finding("rounding", "decimals inside")
    return different("digits", "different numbers")


def _rounds_to(number: Fraction, literal: Fraction, place: Fraction) -> bool:
    """Tell whether a decimal ending at `place` is the number rounded or truncated there."""
    gap = abs(number - literal)
    return 2 * gap <= place * _SLACK or (gap < place and abs(number) > abs(literal))


def _terminates(number: Fraction) -> bool:
    """Tell whether the number is a short decimal, which needs no rounding."""
    return number.denominator < 10**6 and 10**6 % number.denominator == 0


def _as_fraction(number: Any) -> Fraction | None:
    """Convert a real number to a fraction; None for a complex or extremely large number."""
    if isinstance(number, Fraction | int):
        return Fraction(number)
    if getattr(number, "imag", 0) != 0:
        return None
    _, mantissa, exponent, _ = number.real._mpf_
    if abs(exponent) > _MAX_BITS:
        return None
    size = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -size if number.real < 0 else size


def has_decimal(node: Node) -> bool:
    """Tell whether the node holds a number written as a decimal."""
    return any(isinstance(part, Num) and bool(part.written) for part in walk(node))


def last_place(node: Node) -> Fraction | None:
    """Return the place value of the last digit of a decimal, perhaps times a power of ten."""
    if isinstance(node, Num) and node.written:
        mantissa, _, exponent = node.written.lower().partition("e")
        return Fraction(10) ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    if isinstance(node, Mul):
        places = [place for f in node.factors if (place := last_place(f)) is not None]
        others = [f for f in node.factors if last_place(f) is None]
        scale = exact(Mul((MINUS_ONE, *others)))
        if len(places) == 1 and scale is not None and all(map(_is_scale, others)):
            return places[0] * abs(scale)
    return None


def _is_scale(node: Node) -> bool:
    """Tell whether a factor is a sign or a power of ten."""
    return node == MINUS_ONE or (isinstance(node, Pow) and node.base == Num(Fraction(10)))


def _real_roots(reference: Node, answer: Node) -> tuple[Node, Node] | None:
    """Rewrite odd roots of negative numbers as real roots; None where there are none.

    (-8)^(1/3) is -2 as a real root and 1 + i√3 on the principal branch; schools mean the first.
    """

    def real(node: Node) -> Node:
        base = exact(node.base) if isinstance(node, Pow) else None
        return real_root(node) if base is not None and base < 0 else node

    changed = rewrite(reference, real), rewrite(answer, real)
    return None if changed == (reference, answer) else changed


def real_root(node: Node) -> Node:
    """Write a fractional power with an odd root as a power of that root, which is real."""
    power = exact(node.exponent) if isinstance(node, Pow) else None
    if not isinstance(node, Pow) or power is None or power.denominator == 1:
        return node
    if power.denominator % 2 == 0:
        return node
    root = Call("root", (node.base, Num(Fraction(power.denominator))))
    return Pow(root, Num(Fraction(power.numerator)))
