"""Print a syntax tree as one line of plain text: the normal form that a verdict quotes."""

from collections.abc import Callable
from typing import Any

from judge.reading import tree
from judge.reading.tree import MINUS_ONE, Node


def show(node: Node) -> str:
    """Print a node as one line of plain text."""
    return _SHOW[type(node)](node)


_SIGNS = ("-", "±", "∓")


def _inside(node: Node) -> str:
    text = show(node)
    compound = (
        isinstance(node, tree.Add | tree.Mul | tree.Chain | tree.Logic)
        or text.startswith(_SIGNS)
        or "/" in text
    )
    return f"({text})" if compound else text


def _show_sum(node: tree.Add) -> str:
    text = show(node.terms[0])
    for term in map(show, node.terms[1:]):
        if term.startswith("-"):
            text += f" - {term[1:]}"
        else:
            text += f" {term}" if term.startswith(_SIGNS) else f" + {term}"
    return text


def _listed(items: tuple[Node, ...]) -> str:
    return ", ".join(map(show, items))


def _show_product(node: tree.Mul) -> str:
    text = ""
    for factor in node.factors:
        if factor == MINUS_ONE and not text:
            text = "-"
        elif isinstance(factor, tree.PlusMinus):
            text += show(factor)
        elif isinstance(factor, tree.Pow) and factor.exponent == MINUS_ONE:
            text += ("" if text[-1:].strip("-±∓") else "1") + f"/{_inside(factor.base)}"
        else:
            text += ("*" if text[-1:].strip("-±∓") else "") + _inside(factor)
    return text


def _show_power(node: tree.Pow) -> str:
    base = _inside(node.base)
    return f"{f'({base})' if isinstance(node.base, tree.Pow) else base}^{_inside(node.exponent)}"


def _show_big(node: tree.Big) -> str:
    low = "" if node.low is None else show(node.low)
    high = "" if node.high is None else show(node.high)
    return f"{node.kind}({show(node.body)}, {node.variable}={low}..{high})"


def _show_interval(node: tree.Interval) -> str:
    left, right = "[" if node.low_closed else "(", "]" if node.high_closed else ")"
    return f"{left}{show(node.low)}, {show(node.high)}{right}"


def _show_chain(node: tree.Chain) -> str:
    text = show(node.operands[0])
    for relation, operand in zip(node.relations, node.operands[1:], strict=True):
        text += f" {relation} {show(operand)}"
    return text


_SET_SIGNS = {"union": "∪", "intersection": "∩", "difference": "∖"}
_BRACKETS = {"bare": ("", ""), "tuple": ("(", ")"), "list": ("[", "]"), "set": ("{", "}")}
_SHOW: dict[type[Node], Callable[[Any], str]] = {
    tree.Num: lambda n: n.written or str(n.value),
    tree.Sym: lambda n: n.name,
    tree.Const: lambda n: n.name,
    tree.PlusMinus: lambda n: "±" if n.sign > 0 else "∓",
    tree.Add: _show_sum,
    tree.Mul: _show_product,
    tree.Pow: _show_power,
    tree.Call: lambda n: f"{n.name}({_listed(n.args)})",
    tree.Big: _show_big,
    tree.Text: lambda n: n.words,
    tree.Quantity: lambda n: f"{show(n.value)} {n.unit.name}".strip(),
    tree.Group: lambda n: _BRACKETS[n.kind][0] + _listed(n.items) + _BRACKETS[n.kind][1],
    tree.Interval: _show_interval,
    tree.SetOp: lambda n: f" {_SET_SIGNS[n.kind]} ".join(map(show, n.parts)),
    tree.Builder: lambda n: f"{{{show(n.variable)} | {show(n.condition)}}}",
    tree.Chain: _show_chain,
    tree.Logic: lambda n: f" {n.kind} ".join(map(show, n.parts)),
    tree.Matrix: lambda n: "[" + ", ".join(f"[{_listed(row)}]" for row in n.rows) + "]",
    tree.Ratio: lambda n: ":".join(map(_inside, n.parts)),
    tree.Clock: lambda n: f"{n.hour}:{n.minute:02d} {n.half}".strip(),
    tree.Based: lambda n: f"{n.digits} base {n.base}",
}
