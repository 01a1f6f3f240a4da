"""Bring nodes into a normal form for comparing, without changing their meaning.

This moves degrees and percent out of expressions, expands ±, drops brackets around a single value,
multiplies scalars into matrices, and reads letters such as E and I as the other side does.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product as combinations

from judge.reading import tree
from judge.reading.tree import IMAGINARY, MINUS_ONE, ONE, E, Node, names, product, rewrite, walk
from judge.reading.units import DEGREE, PERCENT, Unit, parse_unit
from judge.rules.rationals import exact

_MAX_SIGNS = 6
GOLDEN_RATIO = tree.quotient(
    tree.Add((ONE, tree.Pow(tree.Num(Fraction(5)), tree.HALF))), tree.Num(Fraction(2))
)
_SIGN_UNITS = {"degree": DEGREE, "percent": PERCENT}
_COMPLEX = ("re", "im", "conj")
_CONSTANT_LETTERS: dict[str, Node] = {"E": E, "I": IMAGINARY}


def normalised(node: Node) -> Node:
    """Return a node without brackets around one value, and with units and matrices outermost."""
    if isinstance(node, tree.Group) and len(node.items) == 1 and node.items[0] != tree.EMPTY_SET:
        return normalised(node.items[0])
    if isinstance(node, tree.Mul | tree.Add | tree.Call):
        node = _lift_units(_into_matrix(node))
    return node


def with_letters_as_in(
    node: Node, other: Node, own: frozenset[str], others: frozenset[str]
) -> Node:
    """Treat E and I as constants unless both sides use them as variables.

    Python's imaginary unit j is a constant only where i occurs too. `own` and `others` are the
    names in the two nodes.
    """
    if not own:
        return node
    if isinstance(other, tree.Quantity) and other.unit.known:
        return _with_unit(node)
    letters = _constants(node, other, own, others)
    if not letters and not any(name.endswith("()") for name in own):
        return node

    def change(part: Node) -> Node:
        if isinstance(part, tree.Sym):
            return letters.get(part.name, part)
        if isinstance(part, tree.Call) and part.name in others and len(part.args) == 1:
            # g(x + 1) where the other side has g
            return tree.Mul((tree.Sym(part.name), part.args[0]))
        return part

    return rewrite(node, change)


def _with_unit(node: Node) -> Node:
    """Read the letters after a number as a unit, which they are on the other side: 5 m, 5kW."""
    factors = tree.flat(node) if isinstance(node, tree.Mul) else (node,)  # 9.8, m, s^-2
    count = next((i for i, factor in enumerate(factors) if names(factor)), len(factors))
    letters = list(map(_unit_part, factors[count:])) if count else []
    for unit in (parse_unit("".join(letters)), parse_unit(" ".join(letters))):  # kg, then N s
        if unit is not None and unit.measures:
            return tree.Quantity(product(list(factors[:count])), unit)
    return node


def _unit_part(factor: Node) -> str:
    """Return a letter as part of a unit, with its power; "?" for any other factor."""
    base, power = factor, Fraction(1)
    while isinstance(base, tree.Pow) and (exponent := exact(base.exponent)):
        base, power = base.base, power * exponent
    if not isinstance(base, tree.Sym) or power.denominator != 1:
        return "?"
    return base.name if power == 1 else f" {base.name}{power} "


def _constants(
    node: Node, other: Node, own: frozenset[str], others: frozenset[str]
) -> dict[str, Node]:
    """Return the letters of a node that are constants, given the other side."""
    everything = (*walk(node), *walk(other))
    complex_functions = tree.calls(node, *_COMPLEX) or tree.calls(other, *_COMPLEX)
    shared_too = complex_functions or own | others <= _CONSTANT_LETTERS.keys()
    letters: dict[str, Node] = {
        letter: constant
        for letter, constant in _CONSTANT_LETTERS.items()
        if letter in own and (shared_too or letter not in others)
    }
    if own == {"phi"} and not others:
        letters["phi"] = GOLDEN_RATIO
    if "j" in own and "j" not in others and IMAGINARY in everything:
        letters["j"] = IMAGINARY
    return letters


def expand_signs(node: Node) -> list[tuple[Node, ...]]:
    """Return the possible readings of ±, each as its values: signs together, or independent."""
    if not has_signs(node):
        return [node.items if tree.is_group(node, "bare", "list", "set") else (node,)]
    if tree.is_group(node, "tuple"):
        choices = combinations(*map(_signed, node.items))
        separately = [tree.Group(node.kind, items) for items in choices]
        return [tuple(separately), tuple(_signed(node))]
    if isinstance(node, tree.Group):
        return [tuple(value for item in node.items for value in _signed(item))]
    together = tuple(_signed(node))
    tied = any(isinstance(part, tree.PlusMinus) and part.sign < 0 for part in walk(node))
    return [together] if tied or _signs(node) == 1 else [together, tuple(_independently(node))]


def has_signs(node: Node) -> bool:
    """Tell whether the node holds ± or ∓, few enough of them to expand."""
    return 0 < _signs(node) <= _MAX_SIGNS


def _signs(node: Node) -> int:
    return sum(isinstance(part, tree.PlusMinus) for part in walk(node))


def _independently(node: Node) -> list[Node]:
    """Return the node with each combination of signs."""

    def chosen(signs: Iterator[Node]) -> Node:
        return rewrite(node, lambda part: next(signs) if isinstance(part, tree.PlusMinus) else part)

    return [chosen(iter(signs)) for signs in combinations((ONE, MINUS_ONE), repeat=_signs(node))]


def _signed(node: Node) -> list[Node]:
    """Return the node with ± as + and ∓ as −, then the other way round."""

    def chosen(sign: int) -> Node:
        values: dict[Node, Node] = {tree.PlusMinus(sign): ONE, tree.PlusMinus(-sign): MINUS_ONE}
        return rewrite(node, lambda part: values.get(part, part))

    return [chosen(1), chosen(-1)] if has_signs(node) else [node]


def _lift_units(node: Node) -> Node:
    """Make a degree or percent sign outside all functions the unit of the whole."""
    if isinstance(node, tree.Mul):
        measured = [factor for factor in node.factors if isinstance(factor, tree.Quantity)]
        if len(measured) == 1:
            values = [f.value if isinstance(f, tree.Quantity) else f for f in node.factors]
            return tree.Quantity(product(values), measured[0].unit)
    for name, unit in _SIGN_UNITS.items():
        bare = _without(node, name)
        if bare is not node:
            return tree.Quantity(bare, unit)
    return node


def _without(node: Node, name: str) -> Node:
    if tree.is_call(node, name):
        return node.args[0]
    if isinstance(node, tree.Mul | tree.Add):
        parts = tree.children(node)
        bare = tuple(_without(part, name) for part in parts)
        same = all(a is b for a, b in zip(bare, parts, strict=True))
        return node if same else type(node)(bare)
    return node


def _into_matrix(node: Node) -> Node:
    """Multiply scalars into a matrix."""
    if not isinstance(node, tree.Mul):
        return node
    matrices = [factor for factor in node.factors if isinstance(factor, tree.Matrix)]
    if len(matrices) != 1:
        return node
    scalars = [factor for factor in node.factors if factor is not matrices[0]]
    rows = matrices[0].rows
    return tree.Matrix(tuple(tuple(product([*scalars, entry]) for entry in row) for row in rows))


def split_unit(node: Node) -> tuple[Node, Unit]:
    """Return a value and its unit, which is empty where there is none."""
    return (node.value, node.unit) if isinstance(node, tree.Quantity) else (node, Unit(""))


def is_scalar(node: Node) -> bool:
    """Tell whether the node is one value, perhaps with a unit."""
    return isinstance(node, (*tree.SCALARS, tree.Quantity, tree.Based))


def is_definite(node: Node) -> bool:
    """Tell whether the node is a number without variables or words."""
    return (
        is_scalar(node)
        and not names(node)
        and not any(isinstance(part, tree.Text | tree.Group | tree.Chain) for part in walk(node))
    )


def as_interval(node: Node) -> Node:
    """Return two values in brackets as an interval, any other node as it is."""
    if isinstance(node, tree.Group) and len(node.items) == 2 and node.kind in ("tuple", "list"):
        closed = node.kind == "list"
        return tree.Interval(node.items[0], node.items[1], closed, closed)
    return node


def has_infinite_end(node: Node) -> bool:
    """Tell whether two values in brackets must be an interval, because one is infinite."""
    ends = node.items if isinstance(node, tree.Group) else ()
    return len(ends) == 2 and any(map(tree.is_infinite, ends))


def as_set_operation(node: Node) -> Node:
    """Return A − B of sets, which the grammar parsed as a sum, as a difference of sets."""
    if isinstance(node, tree.Add) and len(node.terms) == 2:
        first, last = node.terms
        if isinstance(last, tree.Mul) and last.factors[0] == MINUS_ONE and isinstance(
            last.factors[-1], tree.Group | tree.Interval | tree.SetOp
        ):  # fmt: skip
            return tree.SetOp("difference", (first, last.factors[-1]))
    return node
