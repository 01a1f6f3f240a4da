"""Compare answers of several values: tuples, lists, sets, matrices.

Order matters in parentheses, and in square brackets except where a program may have printed a list
of roots in them. It does not matter in a bare list or in braces, where repeated values count once.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain

from judge.policy import Policy
from judge.reading.tree import Group, Matrix, Node, Num, is_group
from judge.reading.words import terms
from judge.relation import Finding, Relation, different, equal, undecided
from judge.rules.rationals import exact

Compare = Callable[[Node, Node], Finding]
_MAX_UNORDERED = 60


def compare_groups(reference: Group, answer: Group, compare: Compare) -> Finding:
    """Compare two groups of at least two values each, or empty ones."""
    left, right = reference.items, answer.items
    kinds = {reference.kind, answer.kind}
    if _holds_sets(left) is not _holds_sets(right):
        return different("kind", "sets against values")
    if "set" in kinds:
        left, right = (
            _distinct(items, compare) if group.kind in ("set", "bare") else items
            for items, group in ((left, reference), (right, answer))
        )
    in_order = compare_in_order(left, right, compare)
    if in_order.is_equal:
        if kinds == {"tuple", "list"} and len(left) == 2 and _increasing(left):
            if reference.kind == "list":
                return different("brackets", "a closed interval against an open one")
            return undecided("brackets", "a point, or intervals with other brackets")
        return in_order
    if kinds <= {"tuple", "list"}:
        return in_order
    any_order = compare_in_any_order(left, right, compare)
    if any_order.is_equal and "tuple" in kinds:
        return undecided("order", "the same values in another order")
    return any_order


def compare_in_order(left: Sequence[Node], right: Sequence[Node], compare: Compare) -> Finding:
    """Compare value by value."""
    if len(left) != len(right):
        return different("count", f"{len(left)} values against {len(right)}")
    return combine([compare(a, b) for a, b in zip(left, right, strict=True)])


def compare_in_any_order(left: Sequence[Node], right: Sequence[Node], compare: Compare) -> Finding:
    """Match each value with a different value of the other side."""
    if len(left) != len(right):
        return different("count", f"{len(left)} values against {len(right)}")
    values = [exact(node) if isinstance(node, Num) else None for node in (*left, *right)]
    if None not in values:
        middle = len(left)
        if Counter(values[:middle]) == Counter(values[middle:]):
            return equal("items", "the same numbers")
    if len(left) > _MAX_UNORDERED:
        return undecided("limit", f"more than {_MAX_UNORDERED} values without an order")
    unmatched = list(right)
    matches, doubts = [], []
    for node in left:
        for index, candidate in enumerate(unmatched):
            finding = compare(node, candidate)
            if finding.is_equal:
                matches.append(finding)
                del unmatched[index]
                break
            if finding.is_undecided:
                doubts.append(finding)
        else:
            if not doubts:
                return different("items", "a value without its equal")
    if unmatched:
        return undecided("items", doubts[0].reason)
    return combine(matches)


def combine(findings: Sequence[Finding]) -> Finding:
    """Combine findings: different if any is different, else undecided if any is, else equal."""
    if found := first_of(findings, Relation.DIFFERENT, Relation.UNDECIDED):
        return found
    flagged = [finding for finding in findings if finding.tier not in _PLAIN]
    return flagged[0] if flagged else equal("items", "equal value by value")


def first_of(findings: Sequence[Finding], *relations: Relation) -> Finding | None:
    """Return the first finding of the first of these relations that any has."""
    return next((f for relation in relations for f in findings if f.relation is relation), None)


_PLAIN = frozenset(terms("string structure exact digits items text"))


def compare_matrices(
    reference: Matrix, answer: Matrix, policy: Policy, compare: Compare, *, tuples: bool
) -> Finding:
    """Compare entry by entry. `tuples` says that one of them was written as a tuple or list."""
    left, right = reference.rows, answer.rows
    transposed = (len(left), len(left[0])) != (len(right), len(right[0]))
    if transposed and tuples and 1 in (len(left), len(left[0])):
        right = tuple(zip(*right, strict=True))
    if (len(left), len(left[0])) != (len(right), len(right[0])):
        return different("shape", "matrices of other shapes")
    finding = compare_in_order([*chain(*left)], [*chain(*right)], compare)
    if tuples and finding.is_equal:
        return policy.vector_for_tuple.finding(finding.tier, "a vector as a tuple")
    return finding


def _distinct(items: tuple[Node, ...], compare: Compare) -> tuple[Node, ...]:
    if len(items) > _MAX_UNORDERED:
        return tuple(dict.fromkeys(items))
    kept: list[Node] = []
    for item in items:
        if not any(compare(item, other).is_equal for other in kept):
            kept.append(item)
    return tuple(kept)


def _holds_sets(items: Sequence[Node]) -> bool:
    return any(is_group(item, "set") for item in items)


def _increasing(items: Sequence[Node]) -> bool:
    low, high = exact(items[0]), exact(items[1])
    return low is None or high is None or low < high
