"""Compare values that are more than a number: units, bases, proportions, times."""

import re
from fractions import Fraction

from judge.policy import Choice, Policy
from judge.reading.show import show
from judge.reading.tree import PI, Based, Clock, Mul, Node, Num, Ratio, quotient
from judge.reading.units import DEGREE, PERCENT, RADIAN, Unit, as_meant_beside
from judge.relation import Finding, different, equal, undecided
from judge.rules.groups import Compare
from judge.rules.rationals import exact
from judge.rules.shapes import split_unit

_HALF_TURN = Num(Fraction(180))
_HUNDRED = Num(Fraction(100))


def compare_units(reference: Node, answer: Node, policy: Policy, compare: Compare) -> Finding:
    """Compare two values of which at least one has a unit."""
    (left, left_unit), (right, right_unit) = split_unit(reference), split_unit(answer)
    left_unit = as_meant_beside(left_unit, right_unit)
    right_unit = as_meant_beside(right_unit, left_unit)
    powers = {_power(left_unit), _power(right_unit)} - {""}
    if len(powers) == 2 and not left_unit.dimension + right_unit.dimension:
        return different("units", f"{left_unit.name} are not {right_unit.name}")
    angles = {DEGREE.dimension, RADIAN.dimension}
    if left_unit.dimension and right_unit.dimension:
        if left_unit.dimension == right_unit.dimension:
            sizes = left_unit.size, right_unit.size
            if sizes[0] != sizes[1]:
                left, right = Mul((left, Num(sizes[0]))), Mul((right, Num(sizes[1])))
            return compare(left, right)
        if {left_unit.dimension, right_unit.dimension} == angles:
            return _in_radians(left, left_unit == DEGREE, right, compare)
        values = compare(left, right)
        if left_unit.known and right_unit.known:
            return different("units", f"{left_unit.name} are not {right_unit.name}")
        if values.is_equal:
            return undecided("units", f"{left_unit.name} or {right_unit.name}")
        return values
    unit = left_unit if left_unit.dimension else right_unit
    values = compare(left, right)
    if not unit.dimension:
        return values
    if not values.is_different:
        percent = unit.dimension == PERCENT.dimension
        convention = policy.missing_percent if percent else policy.missing_unit
        return _under_convention(values, convention, f"{unit.name} left out")
    if unit.dimension == PERCENT.dimension:
        if unit is left_unit:
            values = compare(quotient(left, _HUNDRED), right)
        else:
            values = compare(left, quotient(right, _HUNDRED))
        return _under_convention(values, policy.missing_percent, "percent as hundredths")
    if unit.dimension == DEGREE.dimension:
        turned = _in_radians(left, unit is left_unit, right, compare)
        return _under_convention(turned, policy.degrees_for_radians, "degrees as radians")
    return values


def _power(unit: Unit) -> str:
    """Return which power of a unit without a name is meant: units^2, square units, cubic units."""
    found = re.search(r"\d|square|cub", unit.name)
    return {"square": "2", "cub": "3"}.get(found[0], found[0]) if found else ""


def _in_radians(left: Node, left_in_degrees: bool, right: Node, compare: Compare) -> Finding:
    if left_in_degrees:
        return compare(quotient(Mul((left, PI)), _HALF_TURN), right)
    return compare(left, quotient(Mul((right, PI)), _HALF_TURN))


def _under_convention(values: Finding, convention: Choice, reason: str) -> Finding:
    """Apply a convention to a finding that the values are equal."""
    if values.is_equal:
        return convention.finding(values.tier, f"{values.reason}; {reason}")
    return values


def compare_based(reference: Node, answer: Node, policy: Policy) -> Finding:
    """Compare numbers of which at least one names its base."""
    left, right = exact(reference), exact(answer)
    left_digits, right_digits = _digits(reference), _digits(answer)
    if isinstance(reference, Based) and isinstance(answer, Based):
        if reference.base == answer.base:
            same = left_digits == right_digits
            return (equal if same else different)("base", f"digits in base {reference.base}")
    elif left_digits == right_digits:
        return policy.missing_base.finding("base", "the same digits, one base left out")
    if left is not None and left == right:
        return undecided("base", "the same number in another base")
    return different("base", "other digits, another number")


def _digits(node: Node) -> str:
    text = node.digits if isinstance(node, Based) else show(node)
    return text.lower().lstrip("0") or "0"


def compare_clocks(reference: Clock, answer: Clock) -> Finding:
    """Compare two times of day."""
    if (reference.hour, reference.minute) == (answer.hour, answer.minute):
        same = reference.half == answer.half or not (reference.half and answer.half)
        return (equal if same else different)("time", "times of day")
    if _minutes(reference) == _minutes(answer) and bool(reference.half) != bool(answer.half):
        return equal("time", "the same time on a 24-hour clock")
    return different("time", "other times")


def _minutes(clock: Clock) -> int:
    hour = clock.hour % 12 + 12 * (clock.half == "pm") if clock.half else clock.hour
    return hour * 60 + clock.minute


def compare_ratios(reference: Node, answer: Node, policy: Policy, compare: Compare) -> Finding:
    """Compare proportions, or times that may mean proportions; one side may be a number."""
    for clock, other in ((reference, answer), (answer, reference)):
        if isinstance(clock, Clock) and clock.half:
            hour = Num(Fraction(clock.hour))
            if clock.minute or not compare(hour, other).is_equal:
                return different("time", "a time of day against something else")
            return policy.missing_unit.finding("time", "an hour of the day")
    left, right = _parts(reference), _parts(answer)
    if len(left) == len(right):
        for a, b in zip(left[1:], right[1:], strict=True):
            finding = compare(Mul((a, right[0])), Mul((b, left[0])))
            if not finding.is_equal:
                return finding
        return equal("ratio", "the same proportion")
    first, second = _as_number(left), _as_number(right)
    if first is None or second is None:
        return different("ratio", "another number of parts")
    finding = compare(first, second)
    return _under_convention(finding, policy.ratio_for_number, "a proportion as a number")


def _parts(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Clock):
        return (Num(Fraction(node.hour)), Num(Fraction(node.minute)))
    return node.parts if isinstance(node, Ratio) else (node,)


def _as_number(parts: tuple[Node, ...]) -> Node | None:
    return parts[0] if len(parts) == 1 else quotient(*parts) if len(parts) == 2 else None
