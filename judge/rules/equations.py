"""Compare equations and inequalities in several variables: up to a constant factor, or by roots.

Two equations are equal when left minus right are constant multiples of each other, or when every
root found of either solves the other.
"""

import cmath
import math
from typing import Any

from judge.policy import Policy
from judge.reading import tree
from judge.reading.tree import Node, names, negative, walk
from judge.relation import Finding, different, equal, undecided
from judge.rules.arithmetic import FLOATS, digits
from judge.rules.evaluate import function, value
from judge.rules.sampling import POSITIVE, has_absolute, points

_FAILURES = (ArithmeticError, ValueError, TypeError)
_NEEDED = 3
_CHECK_DIGITS = 40
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def compare_equations(reference: Node, answer: Node, policy: Policy) -> Finding:
    """Compare the equations that each of two nodes is zero."""
    variables = names(reference) | names(answer)
    left, right = _trivial(reference), _trivial(answer)
    if left or right:
        if left == right:
            return equal("equation", f"both {left}")
        return different("equation", "one of them holds always or never")
    if names(reference) != names(answer):
        return different("equation", "they are about different variables")
    ratios = _ratios(reference, answer, variables)
    same = [_constant(ratio, ratios[0][1]) for _, ratio in ratios]
    if len(ratios) >= _NEEDED and all(same):
        return equal("equation", "equal up to a constant factor")
    positive = [agrees for (index, _), agrees in zip(ratios, same, strict=True) if index < POSITIVE]
    signed = has_absolute(reference) or has_absolute(answer)
    if len(variables) > 1 and not signed and len(positive) >= _NEEDED and all(positive):
        return policy.positive_letters.finding("equation-positive", "equal for positive letters")
    return _compare_roots(reference, answer, sorted(variables))


def compare_inequalities(reference: tree.Chain, answer: tree.Chain) -> Finding:
    """Compare two single inequalities in several variables."""
    left, right = (_upright(chain) for chain in (reference, answer))
    if left is None or right is None or left[1] != right[1]:
        return undecided("inequality", "inequalities of different shape")
    if names(left[0]) != names(right[0]):
        return different("inequality", "they are about different variables")
    ratios = _ratios(left[0], right[0], names(left[0]))
    if len(ratios) >= _NEEDED and all(_constant(ratio, ratios[0][1]) for _, ratio in ratios):
        factor = complex(ratios[0][1]).real
        if factor > 0 or left[1] == "!=":
            return equal("inequality", "equal up to a positive factor")
    return undecided("inequality", "not multiples of each other")


def gap(chain: tree.Chain) -> Node:
    """Return the difference of the two sides."""
    return tree.Add((chain.operands[0], negative(chain.operands[1])))


def _upright(chain: tree.Chain) -> tuple[Node, str] | None:
    """Return the difference of the sides, and the relation as <, <= or !=."""
    if len(chain.relations) != 1:
        return None
    (relation,), difference = chain.relations, gap(chain)
    if relation in (">", ">="):
        return negative(difference), MIRRORED[relation]
    return (difference, relation) if relation in ("<", "<=", "!=") else None


def _trivial(node: Node) -> str:
    """Say "true" or "false" for an equation that holds always or never; else an empty string."""
    seen: list[Any] = []
    for point in points(names(node)):
        try:
            found = value(node, point, digits(_CHECK_DIGITS))
        except _FAILURES:
            continue
        if seen and abs(found) > 1e-25 and abs(found - seen[0]) > 1e-25:
            return ""
        seen.append(found)
    if seen and all(abs(found) < 1e-25 for found in seen):
        return "true"
    known = len(seen) > 1 or (seen and not names(node))
    return "false" if known and all(abs(found - seen[0]) < 1e-25 for found in seen) else ""


def _ratios(reference: Node, answer: Node, variables: frozenset[str]) -> list[tuple[int, Any]]:
    """Compute the quotient at each point: twice to many digits, then as floats if possible."""
    found: list[tuple[int, Any]] = []
    for index, point in enumerate(points(variables)):
        for arithmetic in (FLOATS, digits(_CHECK_DIGITS))[len(found) < 2 :]:
            try:
                ratio = value(reference, point, arithmetic) / value(answer, point, arithmetic)
            except _FAILURES:
                continue
            if 0 < abs(ratio) < math.inf:
                found.append((index, ratio))
                break
    return found


def _constant(ratio: Any, first: Any) -> bool:
    near = 1e-9 if isinstance(ratio, float | complex) else 1e-25
    size = max(abs(ratio), abs(first))
    return bool(size > 0 and abs(ratio - first) <= near * size)


def _compare_roots(reference: Node, answer: Node, variables: list[str]) -> Finding:
    """Solve each equation in one variable at a time and try its roots in the other."""
    checked = 0
    for variable in variables[:2]:
        others = frozenset(variables) - {variable}
        for point in list(points(others))[: 4 if others else 1]:
            left, right = (_roots(node, variable, point) for node in (reference, answer))
            if not (left or right):
                continue
            for roots, node in ((left, answer), (right, reference)):
                if not all(_solves(node, variable, point, root) for root in roots):
                    return different("equation", "a root of one does not solve the other")
            pairs = (reference, answer), variable, point
            if not all(_same_order(*pairs, root) for root in (*left, *right)):
                return undecided("equation-roots", "the same roots, more often in one")
            checked += 1
    if not checked:
        return undecided("equation", "no roots found to compare")
    if _narrows(reference) != _narrows(answer):
        return undecided("equation-roots", "the same solutions where both have a meaning")
    return equal("equation-roots", "the same solutions wherever tried")


def _narrows(node: Node) -> bool:
    """Tell whether roots or logarithms make the equation undefined for some real values."""
    return any(
        (isinstance(part, tree.Pow) and not _is_whole(part.exponent)) or tree.is_call(part, "log")
        for part in walk(node)
    )


def _is_whole(node: Node) -> bool:
    return isinstance(node, tree.Num) and node.value.denominator == 1


def _same_order(
    nodes: tuple[Node, Node], variable: str, point: dict[str, float], root: complex
) -> bool:
    """Tell whether a root has the same multiplicity in both nodes."""
    quotients = []
    for step in (1e-2, 1e-3):
        near = {**point, variable: root + step * max(1.0, abs(root))}
        try:
            left, right = (value(node, near, FLOATS) for node in nodes)
            quotients.append(abs(left / right))
        except _FAILURES:
            return True
    return 1 / 3 < quotients[0] / quotients[1] < 3 if quotients[1] else False


def _roots(node: Node, variable: str, point: dict[str, float]) -> list[complex]:
    """Find real roots by the secant method from fixed starts; complex ones if none is real."""
    try:
        formula = function(node, FLOATS)
    except _FAILURES:
        return []

    def at(x: Any) -> Any:
        return formula({**point, variable: x})

    starts: list[Any] = [0.37, -0.41, 1.9, -2.3, 5.7, -6.1, 14.0, -17.0]
    real = _search(at, starts)
    return real or _search(at, [complex(0.4, 0.9), complex(-1.3, 1.1), complex(2.1, -3.2)])


def _search(at: Any, starts: list[Any]) -> list[complex]:
    """Find roots from the starts. Each is divided out before the next is searched."""
    found: list[complex] = []

    def deflated(x: Any) -> Any:
        left = at(x)
        for root in found:
            left /= x - root
        return left

    for start in starts:
        try:
            root = _secant(deflated, start)
            if root is not None and all(abs(root - other) > 1e-6 for other in found):
                found.append(root)
        except _FAILURES:
            continue
    return found


def _secant(at: Any, start: Any) -> complex | None:
    a, b = start, start * 1.01 + 0.01
    at_a, at_b = at(a), at(b)
    size = max(abs(at_a), abs(at_b))
    for _ in range(60):
        if at_b == 0 or abs(b - a) <= 1e-14 * abs(b):
            break
        a, b, at_a = b, b - at_b * (b - a) / (at_b - at_a), at_b
        at_b = at(b)
    good = abs(at_b) <= 1e-9 * size and size > 1e-200 and cmath.isfinite(b) and abs(b) < 1e8
    return b if good else None


def _solves(node: Node, variable: str, point: dict[str, float], root: complex) -> bool:
    """Tell whether the node is zero at a root, which is known to float precision."""
    try:
        here = value(node, {**point, variable: root}, FLOATS)
        step = 1e-3 * max(1.0, abs(root))
        around = value(node, {**point, variable: root + step}, FLOATS)
    except _FAILURES:
        return False
    return 1e-200 < abs(around) < math.inf and bool(abs(here) <= 1e-5 * abs(around))
