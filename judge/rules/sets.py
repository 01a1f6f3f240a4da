"""Compare sets of real numbers: intervals, unions, inequalities, set-builders.

A set is a membership test and the points where membership may change. Two sets are equal when each
of these points, and a point in each gap between them, is in both sets or in neither.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from judge.reading import tree
from judge.reading.tree import INFINITY, Node, names, negative, walk
from judge.relation import Finding, different, equal, undecided
from judge.rules.arithmetic import FLOATS
from judge.rules.evaluate import Environment, function, value
from judge.rules.shapes import as_interval, as_set_operation

_GRID = tuple(math.tan(math.pi * (k - 150) / 304) ** 3 for k in range(301))
"""Points between which sign changes are searched: dense near zero, up to about a million."""
_WHOLE = (tree.Sym("set_Z"), tree.Sym("set_N"), tree.Sym("set_N+"))
_MOST_ELEMENTS = 1_000
_SAME = 1e-11
_AT_ZERO = 1e-9


class NoRegion(ValueError):
    """The node is not a set of real numbers that can be tested."""


class Region(NamedTuple):
    """A set of real numbers: a membership test, and the points where membership may change."""

    contains: Callable[[float], bool]
    edges: tuple[float, ...]


def compare_sets(reference: Node, answer: Node) -> Finding:
    """Compare two nodes as sets of real numbers."""
    variables = variable_of(reference) | variable_of(answer)
    try:
        left, right = region(reference), region(answer)
    except NoRegion as error:
        return undecided("set", str(error))
    edges = _distinct(left.edges + right.edges)
    for point in _test_points(edges):
        if left.contains(point) != right.contains(point):
            return different("set", f"they differ at {point:g}")
    if len(variables) > 1:
        return undecided("set", "the same set of different variables")
    return equal("set", "the same set of real numbers")


def with_elements(node: Node) -> Node:
    """Return a set-builder over whole numbers as the set of its elements, where these are few.

    Any other node stays as it is, and so does a set that depends on whether zero is in N.
    """
    if not isinstance(node, tree.Builder) or not isinstance(node.condition, tree.Logic):
        return node
    parts = node.condition.parts if node.condition.kind == "and" else ()
    domains = [p for p in parts if tree.is_chain(p, "in") and p.operands[1] in _WHOLE]
    condition = tree.Logic("and", tuple(part for part in parts if part not in domains))
    if len(domains) != 1 or names(condition) != names(domains[0].operands[0]):
        return node
    index, domain = domains[0].operands
    try:
        inside = region(condition)
    except NoRegion:
        return node
    if not inside.edges or (domain == tree.Sym("set_N") and inside.contains(0.0)):
        return node
    first, last = math.floor(min(inside.edges)) - 1, math.ceil(max(inside.edges)) + 1
    if domain != tree.Sym("set_Z"):
        first = max(first, 1)
    elif inside.contains(float(first)):
        return node
    if inside.contains(float(last)) or last - first > _MOST_ELEMENTS:
        return node
    numbers = [tree.Num(Fraction(k)) for k in range(first, last + 1) if inside.contains(float(k))]
    elements = (tree.replaced(node.variable, index, number) for number in numbers)
    return tree.Group("set", tuple(elements))


def variable_of(node: Node) -> frozenset[str]:
    """Return the variables of a condition; none for a set."""
    return names(node) if isinstance(node, tree.Chain | tree.Logic) else frozenset()


def is_set(node: Node) -> bool:
    """Tell whether the node can only be a set of real numbers."""
    return isinstance(node, tree.Interval | tree.SetOp | tree.Builder)


def region(node: Node) -> Region:
    """Return the region of a node. Raises `NoRegion`."""
    node = as_set_operation(as_interval(node))
    if isinstance(node, tree.Interval):
        return _interval(node)
    if tree.is_group(node, "set", "bare"):
        points = tuple(map(_number, node.items))
        return Region(lambda x: any(_near(x, p) for p in points), points)
    if isinstance(node, tree.SetOp):
        return _combined(node.kind, [region(part) for part in node.parts])
    if isinstance(node, tree.Builder):
        if not isinstance(node.variable, tree.Sym):
            raise NoRegion("a set-builder of something else than a variable")
        return region(node.condition)
    if isinstance(node, tree.Logic):
        kind = {"and": "intersection", "or": "union", "not": "complement"}[node.kind]
        return _combined(kind, [region(part) for part in node.parts])
    if isinstance(node, tree.Chain):
        return _chain(node)
    raise NoRegion("not a set of real numbers")


def _combined(kind: str, parts: list[Region]) -> Region:
    edges = tuple(edge for part in parts for edge in part.edges)
    tests = [part.contains for part in parts]
    if kind == "union":
        return Region(lambda x: any(test(x) for test in tests), edges)
    if kind == "intersection":
        return Region(lambda x: all(test(x) for test in tests), edges)
    if kind == "complement":
        return Region(lambda x: not tests[0](x), edges)
    return Region(lambda x: tests[0](x) and not any(test(x) for test in tests[1:]), edges)


def _interval(node: tree.Interval) -> Region:
    low, high = _number(node.low), _number(node.high)

    def contains(x: float) -> bool:
        if _near(x, low):
            return node.low_closed and (x < high or _near(x, high))
        if _near(x, high):
            return node.high_closed and x > low
        return low < x < high

    return Region(contains, tuple(edge for edge in (low, high) if math.isfinite(edge)))


def _number(node: Node) -> float:
    if node == INFINITY:
        return math.inf
    if node == negative(INFINITY):
        return -math.inf
    try:
        found = value(node, {}, FLOATS)
    except (ArithmeticError, ValueError, TypeError) as error:
        raise NoRegion(f"an endpoint without a value: {error}") from error
    if isinstance(found, complex):
        raise NoRegion("an endpoint that is not real")
    return float(found)


def _chain(node: tree.Chain) -> Region:
    variables = names(node)
    if len(variables) != 1:
        raise NoRegion("an inequality in several variables")
    (variable,) = variables
    parts = []
    for relation, (left, right) in zip(node.relations, pairwise(node.operands), strict=True):
        if relation in ("in", "not in"):
            if not isinstance(left, tree.Sym):
                raise NoRegion("membership of an expression")
            inside = region(right)
            parts.append(inside if relation == "in" else _combined("complement", [inside]))
        elif relation == "~":
            raise NoRegion("an approximation")
        else:
            parts.append(_comparison(left, relation, right, variable))
    return _combined("intersection", parts)


def _comparison(left: Node, relation: str, right: Node, variable: str) -> Region:
    if INFINITY in walk(left) or INFINITY in walk(right):
        return _with_infinity(left, relation, right)

    try:
        sides = function(left, FLOATS), function(right, FLOATS)
    except (ArithmeticError, ValueError) as error:
        raise NoRegion(f"a side without a value: {error}") from error

    def contains(x: float) -> bool:
        difference, size = _difference(sides, variable, x)
        if abs(difference) <= _AT_ZERO * size:
            return relation in ("=", "<=", ">=")
        holds = {"<": difference < 0, ">": difference > 0, "!": not math.isnan(difference)}
        return holds.get(relation[0], False)

    literals = {float(part.value) for node in (left, right) for part in walk(node)
                if isinstance(part, tree.Num) and abs(part.value) < 10**9}  # fmt: skip
    zeros = _zeros(lambda x: _difference(sides, variable, x)[0])
    return Region(contains, _distinct((*zeros, *literals, *(-x for x in literals))))


def _with_infinity(left: Node, relation: str, right: Node) -> Region:
    """Return all reals for x < oo and -oo < x. Raises `NoRegion` for other relations."""
    low, high = (left, right) if relation[0] == "<" else (right, left)
    if relation[0] in "<>" and (high == INFINITY or low == negative(INFINITY)):
        return Region(lambda x: True, ())
    raise NoRegion("a relation with infinity")


_Sides = tuple[Callable[[Environment], Any], Callable[[Environment], Any]]


def _difference(sides: _Sides, variable: str, x: float) -> tuple[float, float]:
    """Compute left minus right at x and their size; NaN where either is not real."""
    try:
        a, b = sides[0]({variable: x}), sides[1]({variable: x})
    except (ArithmeticError, ValueError, TypeError):
        return math.nan, 1.0
    if isinstance(a, complex) or isinstance(b, complex):
        return math.nan, 1.0
    return float(a - b), max(abs(a), abs(b), 1e-300)


def _zeros(gap: Callable[[float], float]) -> tuple[float, ...]:
    """Find where a function of one variable changes sign, touches zero or becomes undefined."""
    straight = _linear_zero(gap)
    if straight is not None:
        return straight
    values = [gap(x) for x in _GRID]
    found = []
    for index in range(len(_GRID) - 1):
        a, b = values[index], values[index + 1]
        if a == 0:
            found.append(_GRID[index])
        elif math.isnan(a) != math.isnan(b) or a * b < 0:
            found.append(_bisect(gap, _GRID[index], _GRID[index + 1]))
        elif index and abs(a) < min(abs(values[index - 1]), abs(b)):
            found.append(_lowest(gap, _GRID[index - 1], _GRID[index + 1]))
    return tuple(found)


def _linear_zero(gap: Callable[[float], float]) -> tuple[float, ...] | None:
    """Return the zero of a linear function; None when it is not linear."""
    at_zero, at_one = gap(0.0), gap(1.0)
    slope = at_one - at_zero
    for x in (-2.5, 7.25, 31.0):
        line = at_zero + slope * x
        if not abs(gap(x) - line) <= 1e-12 * max(abs(line), abs(at_zero), 1e-9):
            return None
    return (-at_zero / slope,) if slope else ()


def _bisect(gap: Callable[[float], float], low: float, high: float) -> float:
    start = gap(low)
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        here = gap(middle)
        same = math.isnan(here) if math.isnan(start) else here * start > 0
        low, high = (middle, high) if same else (low, middle)
    return min((low, high), key=lambda x: len(repr(x)))  # the shorter decimal of two neighbours


def _lowest(gap: Callable[[float], float], low: float, high: float) -> float:
    """Find where |gap| is least, by ternary search."""
    for _ in range(120):
        third = (high - low) / 3
        if abs(gap(low + third)) < abs(gap(high - third)):
            high -= third
        else:
            low += third
    middle = (low + high) / 2
    return float(round(middle)) if abs(middle - round(middle)) < 1e-6 else middle


def _near(a: float, b: float) -> bool:
    return a == b or (math.isfinite(a - b) and abs(a - b) <= _SAME * max(abs(a), abs(b)))


def _distinct(points: tuple[float, ...]) -> tuple[float, ...]:
    kept: list[float] = []
    for point in sorted(point for point in points if math.isfinite(point)):
        if not kept or not _near(kept[-1], point):
            kept.append(point)
    return tuple(kept)


def _test_points(edges: tuple[float, ...]) -> list[float]:
    """Return the edges, a point in each gap, and a point beyond either end."""
    if not edges:
        return [0.0, -1.5, 2.5, 1e3]
    middles = [(a + b) / 2 for a, b in pairwise(edges)]
    spread = max(1.0, abs(edges[0]), abs(edges[-1]))
    return [*edges, *middles, edges[0] - spread, edges[-1] + spread]
