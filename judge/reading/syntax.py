"""The small language answers are read into: frozen nodes, how to print them, how to walk them.

Nothing here knows LaTeX, Python or arithmetic. `show` prints the normal form a verdict quotes.
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
    """Anything an answer can be read as."""


@dataclass(frozen=True, slots=True)
class Num(Node):
    """A rational number; `written` keeps the digits of a decimal, whose precision may matter."""

    value: Fraction
    written: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Sym(Node):
    """A variable. Its name is never changed to make two answers meet."""

    name: str


@dataclass(frozen=True, slots=True)
class Const(Node):
    """One of pi, e, i, oo."""

    name: str


@dataclass(frozen=True, slots=True)
class PlusMinus(Node):
    """The factor that is +1 or −1: `sign` is 1 for ±, −1 for ∓."""

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
    """The set of x such that a condition holds."""

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
    """A rectangle of entries."""

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
    """Digits in a base that was written down."""

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

ONE = Num(Fraction(1))
MINUS_ONE = Num(Fraction(-1))
HALF = Num(Fraction(1, 2))
PI, E, IMAGINARY, INFINITY = Const("pi"), Const("e"), Const("i"), Const("oo")
SCALARS = (Num, Sym, Const, PlusMinus, Add, Mul, Pow, Call, Big)


def negative(node: Node) -> Node:
    """Minus the node."""
    if isinstance(node, Num):
        return Num(-node.value, f"-{node.written}" if node.written else "")
    if isinstance(node, Mul):
        return Mul((MINUS_ONE, *node.factors))
    return Mul((MINUS_ONE, node))


def quotient(top: Node, bottom: Node) -> Node:
    """One node over another."""
    return Mul((top, Pow(bottom, MINUS_ONE)))


def product(factors: list[Node]) -> Node:
    """The product of some nodes."""
    return factors[0] if len(factors) == 1 else Mul(tuple(factors))


def total(terms: list[Node]) -> Node:
    """The sum of some nodes."""
    return terms[0] if len(terms) == 1 else Add(tuple(terms))


def children(node: Node) -> list[Node]:
    """The nodes directly inside a node."""
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
    """The node and every node inside it."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        if _PARTS[type(node)]:
            waiting += children(node)


def depth(node: Node) -> int:
    """How many nodes lie inside each other at most."""
    level, deepest = [node], 0
    while level:
        deepest += 1
        level = [child for inner in level for child in children(inner)]
    return deepest


def rewrite(node: Node, change: Callable[[Node], Node]) -> Node:
    """A copy with `change` applied to every node, innermost first."""
    changed = {}
    for part in _PARTS[type(node)]:
        old = getattr(node, part)
        new = _map(old, lambda child: rewrite(child, change))
        if new is not old:
            changed[part] = new
    return change(replace(node, **changed) if changed else node)


def names(node: Node) -> frozenset[str]:
    """The free variables of a node, and its unknown functions as `f()`."""
    found: set[str] = set()
    for part in walk(node):
        if isinstance(part, Sym):
            found.add(part.name)
        elif isinstance(part, Call) and part.name not in KNOWN_FUNCTIONS:
            found.add(f"{part.name}()")
        elif isinstance(part, Big):
            return _names_around_bound(node)
    return frozenset(found)


def _names_around_bound(node: Node) -> frozenset[str]:
    """As `names`, for a node with bound variables, which are not free."""
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
    """A scalar node as lists and strings, for another process. Raises `Unreadable` on others."""
    if type(node).__name__ not in _SCALAR_KINDS:
        raise Unreadable(f"{type(node).__name__} is not a scalar")
    return [type(node).__name__, *(_encoded(getattr(node, part.name)) for part in fields(node))]


def decode(data: list[Any]) -> Node:
    """The node that `encode` encoded. Raises `Unreadable` on anything else."""
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


def show(node: Node) -> str:
    """The node as one line of plain text."""
    return _SHOW[type(node)](node)


_SIGNS = ("-", "±", "∓")


def _inside(node: Node) -> str:
    text = show(node)
    compound = isinstance(node, Add | Mul | Chain | Logic) or text.startswith(_SIGNS) or "/" in text
    return f"({text})" if compound else text


def _show_sum(node: Add) -> str:
    text = show(node.terms[0])
    for term in map(show, node.terms[1:]):
        if term.startswith("-"):
            text += f" - {term[1:]}"
        else:
            text += f" {term}" if term.startswith(_SIGNS) else f" + {term}"
    return text


def _listed(items: tuple[Node, ...]) -> str:
    return ", ".join(map(show, items))


def _show_product(node: Mul) -> str:
    text = ""
    for factor in node.factors:
        if factor == MINUS_ONE and not text:
            text = "-"
        elif isinstance(factor, PlusMinus):
            text += show(factor)
        elif isinstance(factor, Pow) and factor.exponent == MINUS_ONE:
            text += ("" if text[-1:].strip("-±∓") else "1") + f"/{_inside(factor.base)}"
        else:
            text += ("*" if text[-1:].strip("-±∓") else "") + _inside(factor)
    return text


def _show_power(node: Pow) -> str:
    base = _inside(node.base)
    return f"{f'({base})' if isinstance(node.base, Pow) else base}^{_inside(node.exponent)}"


def _show_big(node: Big) -> str:
    low = "" if node.low is None else show(node.low)
    high = "" if node.high is None else show(node.high)
    return f"{node.kind}({show(node.body)}, {node.variable}={low}..{high})"


def _show_interval(node: Interval) -> str:
    left, right = "[" if node.low_closed else "(", "]" if node.high_closed else ")"
    return f"{left}{show(node.low)}, {show(node.high)}{right}"


def _show_chain(node: Chain) -> str:
    text = show(node.operands[0])
    for relation, operand in zip(node.relations, node.operands[1:], strict=True):
        text += f" {relation} {show(operand)}"
    return text


_SET_SIGNS = {"union": "∪", "intersection": "∩", "difference": "∖"}
_BRACKETS = {"bare": ("", ""), "tuple": ("(", ")"), "list": ("[", "]"), "set": ("{", "}")}
_SHOW: dict[type[Node], Callable[[Any], str]] = {
    Num: lambda n: n.written or str(n.value),
    Sym: lambda n: n.name,
    Const: lambda n: n.name,
    PlusMinus: lambda n: "±" if n.sign > 0 else "∓",
    Add: _show_sum,
    Mul: _show_product,
    Pow: _show_power,
    Call: lambda n: f"{n.name}({_listed(n.args)})",
    Big: _show_big,
    Text: lambda n: n.words,
    Quantity: lambda n: f"{show(n.value)} {n.unit.name}".strip(),
    Group: lambda n: _BRACKETS[n.kind][0] + _listed(n.items) + _BRACKETS[n.kind][1],
    Interval: _show_interval,
    SetOp: lambda n: f" {_SET_SIGNS[n.kind]} ".join(map(show, n.parts)),
    Builder: lambda n: f"{{{show(n.variable)} | {show(n.condition)}}}",
    Chain: _show_chain,
    Logic: lambda n: f" {n.kind} ".join(map(show, n.parts)),
    Matrix: lambda n: "[" + ", ".join(f"[{_listed(row)}]" for row in n.rows) + "]",
    Ratio: lambda n: ":".join(map(_inside, n.parts)),
    Clock: lambda n: f"{n.hour}:{n.minute:02d} {n.half}".strip(),
    Based: lambda n: f"{n.digits} base {n.base}",
}
