"""The syntax tree of an answer: frozen nodes, and functions to make, walk and encode them.

Nothing here knows LaTeX, Python or arithmetic.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Any, TypeGuard, dataclass_transform

from judge.reading.units import Unit
from judge.reading.words import KNOWN_FUNCTIONS


class Unreadable(ValueError):
    """The text is not in the grammar, or is larger than the caps allow."""


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
@dataclass(frozen=True)
class Node:
    """A node of the syntax tree. Each kind of node is a frozen dataclass, too."""

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True)(cls)


class Num(Node):
    """A rational number; `written` keeps the digits of a decimal, whose precision may matter."""

    value: Fraction
    written: str = field(default="", compare=False)


class Sym(Node):
    """A variable, named as in the answer."""

    name: str


class Const(Node):
    """One of pi, e, i, oo."""

    name: str


class PlusMinus(Node):
    """The sign ± or ∓ as a factor; `sign` is 1 for ±, −1 for ∓."""

    sign: int


class Add(Node):
    """A sum."""

    terms: tuple[Node, ...]


class Mul(Node):
    """A product; a quotient is a product with a power −1."""

    factors: tuple[Node, ...]


class Pow(Node):
    """A power."""

    base: Node
    exponent: Node


class Call(Node):
    """A function of its arguments, known or not."""

    name: str
    args: tuple[Node, ...]


class Big(Node):
    """A sum, product or integral over a bound variable; `kind` is sum, prod or int."""

    kind: str
    variable: str
    low: Node | None
    high: Node | None
    body: Node


class Text(Node):
    """Words."""

    words: str


class Quantity(Node):
    """A value with its unit."""

    value: Node
    unit: Unit


class Group(Node):
    """Several values; `kind` is bare (a, b), tuple (in parentheses), list [ ] or set { }."""

    kind: str
    items: tuple[Node, ...]


class Interval(Node):
    """An interval of the real line with its brackets."""

    low: Node
    high: Node
    low_closed: bool
    high_closed: bool


class SetOp(Node):
    """A union, intersection or difference."""

    kind: str
    parts: tuple[Node, ...]


class Builder(Node):
    """A set-builder: all values of the variable for which a condition holds."""

    variable: Node
    condition: Node


class Chain(Node):
    """Operands joined by relations: a = b, a < b <= c, x in A."""

    operands: tuple[Node, ...]
    relations: tuple[str, ...]


class Logic(Node):
    """Statements joined by and, or, not."""

    kind: str
    parts: tuple[Node, ...]


class Matrix(Node):
    """A matrix with rows of equal length."""

    rows: tuple[tuple[Node, ...], ...]


class Ratio(Node):
    """Numbers in proportion, a : b : c."""

    parts: tuple[Node, ...]


class Clock(Node):
    """A time of day; `half` is am, pm or empty."""

    hour: int
    minute: int
    half: str


class Based(Node):
    """Digits with their base."""

    digits: str
    base: int


_LEAVES = (Num, Sym, Const, PlusMinus, Text, Clock, Based)
_PARTS: Mapping[type[Node], tuple[str, ...]] = {
    kind: () if kind in _LEAVES else tuple(part.name for part in fields(kind))
    for kind in Node.__subclasses__()
}
"""The fields of each kind that may hold nodes."""

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
MINUS_ONE = Num(Fraction(-1))
HALF = Num(Fraction(1, 2))
PI, E, IMAGINARY, INFINITY = Const("pi"), Const("e"), Const("i"), Const("oo")
EMPTY_SET = Group("set", ())
ELLIPSIS = Sym("...")
"""Terms or values left out, as in 1, 2, ..., n."""
SCALARS = (Num, Sym, Const, PlusMinus, Add, Mul, Pow, Call, Big)
_SCALAR_KINDS: Mapping[str, Callable[..., Node]] = {kind.__name__: kind for kind in SCALARS}


def negative(node: Node) -> Node:
    """Return minus the node."""
    if isinstance(node, Num):
        return Num(-node.value, f"-{node.written}" if node.written else "")
    if isinstance(node, Mul):
        return Mul((MINUS_ONE, *node.factors))
    return Mul((MINUS_ONE, node))


def quotient(top: Node, bottom: Node) -> Node:
    """Return one node over another."""
    return Mul((top, Pow(bottom, MINUS_ONE)))


def product(factors: list[Node]) -> Node:
    """Return the product of some nodes."""
    return factors[0] if len(factors) == 1 else Mul(tuple(factors))


def total(terms: list[Node]) -> Node:
    """Return the sum of some nodes."""
    return terms[0] if len(terms) == 1 else Add(tuple(terms))


def is_infinite(node: Node) -> bool:
    """Tell whether the node is plus or minus infinity."""
    return node in (INFINITY, negative(INFINITY))


def is_group(node: object, *kinds: str) -> TypeGuard[Group]:
    """Tell whether a node is a group of one of these kinds."""
    return isinstance(node, Group) and node.kind in kinds


def is_call(node: object, *functions: str) -> TypeGuard[Call]:
    """Tell whether a node is a call of one of these functions."""
    return isinstance(node, Call) and node.name in functions


def is_chain(node: object, relation: str) -> TypeGuard[Chain]:
    """Tell whether a node is a chain of this one relation between two operands."""
    return isinstance(node, Chain) and node.relations == (relation,)


_LISTS: Mapping[type[Node], str] = {
    Add: "terms", Mul: "factors", Call: "args", Group: "items", SetOp: "parts",
    Chain: "operands", Logic: "parts", Ratio: "parts",
}  # fmt: skip
"""The one field with nodes of the kinds that hold a list of them."""


def children(node: Node) -> Sequence[Node]:
    """Return the nodes directly inside a node."""
    if (only := _LISTS.get(type(node))) is not None:
        listed: tuple[Node, ...] = getattr(node, only)
        return listed
    if isinstance(node, Matrix):
        return [entry for row in node.rows for entry in row]
    return [part for name in _PARTS[type(node)] if isinstance(part := getattr(node, name), Node)]


def flat(node: Node) -> tuple[Node, ...]:
    """Return the nodes in a group or product, and in place of others of its kind those in them."""
    inside = (flat(part) if type(part) is type(node) else (part,) for part in children(node))
    return tuple(part for parts in inside for part in parts)


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and every node inside it."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        if _PARTS[type(node)]:
            waiting += children(node)


def calls(node: Node, *functions: str) -> bool:
    """Tell whether a node holds a call of one of these functions."""
    return any(isinstance(part, Call) and part.name in functions for part in walk(node))


def depth(node: Node) -> int:
    """Return the height of the syntax tree."""
    level, deepest = [node], 0
    while level:
        deepest += 1
        level = [child for inner in level for child in children(inner)]
    return deepest


def rewrite(node: Node, change: Callable[[Node], Node]) -> Node:
    """Return a copy with `change` applied to every node, innermost first."""
    changed = {}
    for part in _PARTS[type(node)]:
        old = getattr(node, part)
        new = _map(old, lambda child: rewrite(child, change))
        if new is not old:
            changed[part] = new
    return change(replace(node, **changed) if changed else node)


def replaced(node: Node, old: Node, new: Node) -> Node:
    """Return a copy with one node in place of another."""
    return rewrite(node, lambda part: new if part == old else part)


def names(node: Node) -> frozenset[str]:
    """Return the free variables of a node, and its unknown functions as `f()`."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Sym):
            found.add(part.name)
            continue
        if isinstance(part, Call) and part.name not in KNOWN_FUNCTIONS:
            found.add(f"{part.name}()")
        if isinstance(part, Big):
            found |= frozenset().union(*map(names, children(part))) - {part.variable}
        elif _PARTS[type(part)]:
            waiting += children(part)
    return frozenset(found)


def _map(value: Any, change: Callable[[Node], Node]) -> Any:
    if isinstance(value, Node):
        return change(value)
    if isinstance(value, tuple) and value:
        items = tuple(_map(item, change) for item in value)
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value


def encode(value: Any) -> Any:
    """Turn a scalar node into lists and objects for JSON. Raises `Unreadable` for other nodes."""
    if isinstance(value, Node):
        kind = type(value).__name__
        if kind not in _SCALAR_KINDS:
            raise Unreadable(f"{kind} is not a scalar")
        return {"kind": kind, "fields": [encode(getattr(value, f.name)) for f in fields(value)]}
    if isinstance(value, tuple):
        return list(map(encode, value))
    return {"fraction": str(value)} if isinstance(value, Fraction) else value


def decode(data: Any) -> Any:
    """Build the node that `encode` encoded. Raises `Unreadable` for anything else."""
    if isinstance(data, list):
        return tuple(map(decode, data))
    if not isinstance(data, dict):
        return data
    if "fraction" in data:
        return Fraction(data["fraction"])
    if data["kind"] not in _SCALAR_KINDS:
        raise Unreadable(f"{data['kind']} is not a scalar")
    return _SCALAR_KINDS[data["kind"]](*map(decode, data["fields"]))
