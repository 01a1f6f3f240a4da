"""The syntax tree of an answer: frozen nodes, and functions to make, walk and encode them.

Nothing here knows LaTeX, Python or arithmetic.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Any

from judge.reading.units import Unit
from judge.reading.words import KNOWN_FUNCTIONS


class Unreadable(ValueError):
    """The text is not in the grammar, or is larger than the caps allow."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the syntax tree."""


@dataclass(frozen=True, slots=True)
class Num(Node):
    """A rational number; `written` keeps the digits of a decimal, whose precision may matter."""

    value: Fraction
    written: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Sym(Node):
    """A variable, named as in the answer."""

    name: str


@dataclass(frozen=True, slots=True)
class Const(Node):
    """One of pi, e, i, oo."""

    name: str


@dataclass(frozen=True, slots=True)
class PlusMinus(Node):
    """The sign ± or ∓ as a factor; `sign` is 1 for ±, −1 for ∓."""

    sign: int


@dataclass(frozen=True, slots=True)
class Add(Node):
    """A sum."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mul(Node):
    """A product; a quotient is a product with a power −1."""

    factors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Pow(Node):
    """A power."""

    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function of its arguments, known or not."""

    name: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Big(Node):
    """A sum, product or integral over a bound variable; `kind` is sum, prod or int."""

    kind: str
    variable: str
    low: Node | None
    high: Node | None
    body: Node


@dataclass(frozen=True, slots=True)
class Text(Node):
    """Words."""

    words: str


@dataclass(frozen=True, slots=True)
class Quantity(Node):
    """A value with its unit."""

    value: Node
    unit: Unit


@dataclass(frozen=True, slots=True)
class Group(Node):
    """Several values; `kind` is bare (a, b), tuple (in parentheses), list [ ] or set { }."""

    kind: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Interval(Node):
    """An interval of the real line with its brackets."""

    low: Node
    high: Node
    low_closed: bool
    high_closed: bool


@dataclass(frozen=True, slots=True)
class SetOp(Node):
    """A union, intersection or difference."""

    kind: str
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Builder(Node):
    """A set-builder: all values of the variable for which a condition holds."""

    variable: Node
    condition: Node


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """Operands joined by relations: a = b, a < b <= c, x in A."""

    operands: tuple[Node, ...]
    relations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """Statements joined by and, or, not."""

    kind: str
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Matrix(Node):
    """A matrix with rows of equal length."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Ratio(Node):
    """Numbers in proportion, a : b : c."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Clock(Node):
    """A time of day; `half` is am, pm or empty."""

    hour: int
    minute: int
    half: str


@dataclass(frozen=True, slots=True)
class Based(Node):
    """Digits with their base."""

    digits: str
    base: int


_LEAVES = (Num, Sym, Const, PlusMinus, Text, Clock, Based)
_BRANCHES = (Add, Mul, Pow, Call, Big, Quantity, Group, Interval, SetOp, Builder, Chain, Logic,
             Matrix, Ratio)  # fmt: skip
_PARTS: Mapping[type[Node], tuple[str, ...]] = {
    **dict.fromkeys(_LEAVES, ()),
    **{kind: tuple(part.name for part in fields(kind)) for kind in _BRANCHES},
}
"""The fields of each kind that may hold nodes."""

_SCALAR_KINDS: Mapping[str, Callable[..., Node]] = {
    kind.__name__: kind for kind in (Num, Sym, Const, PlusMinus, Add, Mul, Pow, Call, Big)
}

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
MINUS_ONE = Num(Fraction(-1))
HALF = Num(Fraction(1, 2))
PI, E, IMAGINARY, INFINITY = Const("pi"), Const("e"), Const("i"), Const("oo")
ELLIPSIS = Sym("...")
"""Terms or values left out, as in 1, 2, ..., n."""
SCALARS = (Num, Sym, Const, PlusMinus, Add, Mul, Pow, Call, Big)


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


_LISTS: Mapping[type[Node], str] = {
    Add: "terms", Mul: "factors", Call: "args", Group: "items", SetOp: "parts",
    Chain: "operands", Logic: "parts", Ratio: "parts",
}  # fmt: skip
"""The one field with nodes of the kinds that hold a list of them."""


def children(node: Node) -> list[Node]:
    """Return the nodes directly inside a node."""
    if (only := _LISTS.get(type(node))) is not None:
        return list(getattr(node, only))
    found: list[Node] = []
    for part in _PARTS[type(node)]:
        value = getattr(node, part)
        if isinstance(value, Node):
            found.append(value)
        elif type(value) is tuple:
            for item in value:
                if isinstance(item, Node):
                    found.append(item)
                elif type(item) is tuple:
                    found += item  # a row of a matrix
    return found


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and every node inside it."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        if _PARTS[type(node)]:
            waiting += children(node)


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
        elif isinstance(part, Big):
            return _names_around_bound(node)
        if _PARTS[type(part)]:
            waiting += children(part)
    return frozenset(found)


def _names_around_bound(node: Node) -> frozenset[str]:
    """Return what `names` does for a node with bound variables, which are not free."""
    if not children(node):
        return names(node)
    found = frozenset(name for child in children(node) for name in _names_around_bound(child))
    if isinstance(node, Call) and node.name not in KNOWN_FUNCTIONS:
        return found | {f"{node.name}()"}
    return found - {node.variable} if isinstance(node, Big) else found


def _map(value: Any, change: Callable[[Node], Node]) -> Any:
    if isinstance(value, Node):
        return change(value)
    if isinstance(value, tuple) and value:
        items = tuple(_map(item, change) for item in value)
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value


def encode(node: Node) -> list[Any]:
    """Turn a scalar node into lists and strings for JSON. Raises `Unreadable` for others."""
    if type(node).__name__ not in _SCALAR_KINDS:
        raise Unreadable(f"{type(node).__name__} is not a scalar")
    return [type(node).__name__, *(_encoded(getattr(node, part.name)) for part in fields(node))]


def decode(data: list[Any]) -> Node:
    """Build the node that `encode` encoded. Raises `Unreadable` for anything else."""
    kind = _SCALAR_KINDS.get(data[0])
    if kind is None:
        raise Unreadable(f"{data[0]} is not a scalar")
    return kind(*map(_decoded, data[1:]))


def _encoded(value: Any) -> Any:
    if isinstance(value, Node):
        return {"node": encode(value)}
    if isinstance(value, tuple):
        return [_encoded(item) for item in value]
    return {"fraction": str(value)} if isinstance(value, Fraction) else value


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        return decode(value["node"]) if "node" in value else Fraction(value["fraction"])
    return tuple(map(_decoded, value)) if isinstance(value, list) else value
