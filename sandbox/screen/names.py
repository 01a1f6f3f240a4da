"""Finds out which dotted name an expression of a program stands for, such as `os.system`."""

import ast
import builtins
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.screen.policy import Policy

NAME_ARGUMENTS = {
    "getattr": 1,
    "setattr": 1,
    "delattr": 1,
    "__import__": 0,
    "importlib.__import__": 0,
    "importlib.import_module": 0,
}
"""Functions that take a name as a string, and the position of that argument."""

MAX_NAME = 200
"""The most characters of a dotted name, which aliases of aliases could make endless."""

_MAX_DEPTH = 40
"""The most levels to which a dotted name or a sum of strings is followed."""

_MAX_TEXT = 10_000
"""The longest string that is computed from constants."""


@dataclass
class Scope:
    """What the names of a program stand for. Functions have no scope of their own here."""

    aliases: dict[str, str]
    """The dotted name that each local name stands for."""
    bound: set[str]
    """Names that the program defines itself; so `vars = symbols("x y")` is not taken for `vars`."""
    starred: set[str]
    """Names that `from module import *` may define; they are findings only where they are used."""

    def learn(self, nodes: Iterable[ast.AST], policy: Policy) -> None:
        """Record imports, definitions, and assignments such as `run = os.system`."""
        assignments: list[tuple[str, ast.expr]] = []
        for node in nodes:
            match node:
                case ast.Import(names=names):
                    for alias in names:
                        root = alias.name.partition(".")[0]
                        self.aliases[alias.asname or root] = alias.name if alias.asname else root
                case ast.ImportFrom(module=str(module), names=names, level=0):
                    for alias in names:
                        if alias.name == "*":
                            watched = dict(policy.watched_in(module))
                            self.aliases |= watched
                            self.starred |= watched.keys()
                        else:
                            self.aliases[alias.asname or alias.name] = f"{module}.{alias.name}"
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                    | ast.NamedExpr(target=ast.Name(id=name), value=value)
                ):
                    assignments.append((name, value))
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    self.bound.add(name)
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    self.bound.add(name)
        self.bound.update(name for name, _ in assignments)
        for name, value in assignments:
            if dotted := self.dotted(value):
                self.aliases[name] = dotted

    def dotted(self, node: ast.expr, depth: int = 0) -> str | None:
        """Return the dotted name of an expression: `os.path` for `o.path` and `import os as o`."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        if depth > _MAX_DEPTH:
            return None
        match node:
            case ast.Name(id=name):
                base = self.aliases.get(name) or self._builtin(name)
            case ast.Call():
                base = self.named_by_call(node, depth + 1)
            case _:
                base = None
        if base is None or len(base) > MAX_NAME:
            return base
        return ".".join([base, *reversed(attributes[-_MAX_DEPTH:])]).removeprefix("builtins.")

    def named_by_call(self, call: ast.Call, depth: int = 0) -> str | None:
        """Return the dotted name that a call such as `getattr(os, "system")` gives."""
        function = self.dotted(call.func, depth)
        position = NAME_ARGUMENTS.get(function or "", len(call.args))
        if position >= len(call.args):
            return None
        name = constant_text(call.args[position])
        if name is None or position == 0:
            return name
        base = self.dotted(call.args[0], depth)
        # the object may be unknown, but the attribute's name alone can match a rule
        return f"{base or '?'}.{name}"

    def _builtin(self, name: str) -> str | None:
        return name if name not in self.bound and hasattr(builtins, name) else None


def constant_text(node: ast.expr, depth: int = 0) -> str | None:
    """Return the value of a string constant, or of a sum or repetition of such constants."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(left=left, op=ast.Add(), right=right) if depth < _MAX_DEPTH:
            first = constant_text(left, depth + 1)
            second = None if first is None else constant_text(right, depth + 1)
            if first is not None and second is not None:
                return (first + second)[:_MAX_TEXT]
        case ast.BinOp(
            left=ast.Constant(value=str(text)), op=ast.Mult(), right=ast.Constant(value=int(times))
        ):
            return text * min(times, _MAX_TEXT // max(1, len(text)))
    return None
