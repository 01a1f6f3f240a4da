"""Compare values that an index or constant runs through: x = π/2 + 2kπ with k in ℤ.

The name of the index does not matter, and for whole numbers neither does where it starts: both
sides are computed for many values of their indices, and each must be among those of the other.
"""

from typing import NamedTuple

from judge.reading import tree
from judge.reading.tree import INFINITY, Node, names, negative
from judge.relation import Finding, different, equal, undecided
from judge.rules.arithmetic import FLOATS
from judge.rules.evaluate import value
from judge.rules.groups import Compare

_REALS = tree.Interval(negative(INFINITY), INFINITY, False, False)
_INDEX = "index"
_FEW, _MANY = range(-4, 5), range(-40, 41)


class Family(NamedTuple):
    """An element, the index that runs through it, and the set of the index."""

    element: Node
    letter: str
    domain: Node


def compare_families(reference: Node, answer: Node, compare: Compare) -> Finding | None:
    """Compare two nodes of which at least one is a family; None where neither is."""
    left, right = _family(reference), _family(answer)
    if left is None and right is None:
        return None
    left, right = left or _of_residue(reference), right or _of_residue(answer)
    if left is None or right is None:  # the other side says nothing of the index
        return _compare_with_plain(reference, answer, left, right, compare)
    if not compare(left.domain, right.domain).is_equal:
        return undecided("family", "other sets of indices")
    renamed = tree.replaced(right.element, tree.Sym(right.letter), tree.Sym(left.letter))
    taken = right.letter != left.letter and left.letter in names(right.element)
    found = compare(left.element, renamed)
    if (not taken and found.is_equal) or found.tier == "names":
        return found
    if left.domain == tree.Sym("set_Z"):
        return _compare_values(_stated(left.element), _stated(right.element), left, right) or found
    return found


def _compare_with_plain(
    reference: Node, answer: Node, left: Family | None, right: Family | None, compare: Compare
) -> Finding:
    """Compare a family with a side that says nothing of its index, which may have another name."""
    family, plain = (left, answer) if left is not None else (right, reference)
    if family is None:
        return undecided("family", "no index")
    others = names(plain) - names(family.element)
    if family.letter not in names(plain) and len(others) == 1:
        (letter,) = others
        plain = tree.replaced(plain, tree.Sym(letter), tree.Sym(family.letter))
    pair = (family.element, plain) if left is not None else (plain, family.element)
    return compare(*pair)


def _family(node: Node) -> Family | None:
    """Return a node as a family: {2k | k in Z}, or x = 2k, k in Z."""
    joined = getattr(node, "kind", "") in ("bare", "or", "and")
    parts = tree.children(node) if joined or isinstance(node, tree.Builder) else ()
    if len(parts) != 2 or not tree.is_chain(condition := parts[1], "in"):
        return None
    element, (index, domain) = parts[0], condition.operands
    whole = domain == _REALS or (isinstance(domain, tree.Sym) and domain.name.startswith("set_"))
    if not isinstance(index, tree.Sym) or not whole or element == index:
        return None
    return Family(element, index.name, domain) if index.name in names(element) else None


def _of_residue(node: Node) -> Family | None:
    """Return a congruence as a family: n = 4k + 1 for n ≡ 1 (mod 4); None for any other node."""
    match node:
        case tree.Chain((number, tree.Call("residue", (first, step))), ("=",)):
            value = tree.Add((first, tree.Mul((step, tree.Sym(_INDEX)))))
            return Family(tree.Chain((number, value), ("=",)), _INDEX, tree.Sym("set_Z"))
    return None


def _stated(element: Node) -> Node:
    """Return the value of x = value, and any other element as it is."""
    if tree.is_chain(element, "=") and isinstance(element.operands[0], tree.Sym):
        return element.operands[1]
    return element


def _compare_values(reference: Node, answer: Node, left: Family, right: Family) -> Finding | None:
    """Compare the values for whole indices; None where one depends on more than its index."""
    if names(reference) != {left.letter} or names(answer) != {right.letter}:
        return None
    sides = ((reference, left.letter), (answer, right.letter))
    try:
        few, many = (
            [[complex(value(node, {index: float(k)}, FLOATS)) for k in numbers]
             for node, index in sides]
            for numbers in (_FEW, _MANY)
        )  # fmt: skip
    except (ArithmeticError, ValueError, TypeError):
        return None
    for values, others in ((few[0], many[1]), (few[1], many[0])):
        for here in values:
            if not any(abs(here - there) <= 1e-9 * max(1.0, abs(here)) for there in others):
                return different("family", "a value that the other family does not reach")
    return equal("family", "the same values for whole indices")
