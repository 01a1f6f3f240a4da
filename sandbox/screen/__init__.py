"""The safety screen: what a program looks like it does, read from its syntax tree before it runs.

It is a lint and a statistic, **not the boundary**: the sandbox is the boundary. The screen gives a
model a readable reason early, and a run a count of programs that tried something odd. Anyone who
wants past it gets past it. Known ways, each asserted as missed in `tests/unit/test_screen.py`:

- names put together while running: `"".join`, `chr`, slices, `.format`, f-strings, `.replace`
- strings that sympy, numpy or pandas evaluate, once they are not constants
- objects handed round: through a list, a dictionary, a parameter, an attribute of an instance,
  `map` or a decorator; a module met under a name that the policy does not list
- methods of objects (`Path("x").unlink()`): the screen knows imports and names, not types
- files read by paths put together while running, or by a module the policy does not list

The policy is a YAML file beside this one; see its head for what a rule may say.
"""

import ast
import builtins
import functools
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sandbox.execution import Finding, Level

MAX_CHARACTERS = 64_000
"""Longer programs are not read, which could take seconds; that is itself a finding."""

_MAX_DEPTH = 40
"""How deep a dotted name or a sum of strings is followed."""

_MAX_NAME = 200
"""How many characters of a dotted name matter; aliases of aliases could make it endless."""

_MAX_FOLDED = 10_000
"""How long a string put together from constants may become."""

_SPELLS_A_NAME = {
    "getattr": 1,
    "setattr": 1,
    "delattr": 1,
    "__import__": 0,
    "importlib.__import__": 0,
    "importlib.import_module": 0,
}
"""Functions that take a name as a string, and which argument it is."""

_PATTERNS = {"names", "attributes", "strings", "through"}


@dataclass(frozen=True)
class Rule:
    """One rule of a policy, without the patterns that lead to it."""

    name: str
    level: Level
    reason: str


@dataclass(frozen=True)
class Policy:
    """The rules of the screen, indexed by what leads to them."""

    names: Mapping[str, Rule]
    attributes: Mapping[str, Rule]
    strings: tuple[tuple[re.Pattern[str], Rule], ...]
    through: Mapping[str, Rule]
    evaluators: frozenset[str]

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read a policy file; None is the one shipped. Raises ValueError with one line."""
        path = path or Path(__file__).with_name("policy.yaml")
        try:
            return cls(**_read_policy(path))
        except OSError as failure:
            raise ValueError(f"screen policy {path}: {failure.strerror}") from failure
        except (ValueError, TypeError, LookupError, re.error) as failure:
            raise ValueError(f"screen policy {path}: {_one_line(failure)}") from failure

    def rule_for(self, name: str) -> Rule | None:
        """Give the rule of the longest pattern that covers a dotted name."""
        if rule := self.names.get(name):
            return rule
        while (end := name.rfind(".")) > 0:
            name = name[:end]
            if rule := self.names.get(name + ".*") or self.names.get(name):
                return rule
        return None


def screen(program: str, policy: Policy | None = None) -> tuple[Finding, ...]:
    """Remark on what a program looks like it does; it is refused if any level is `REFUSE`.

    A program that does not parse gets no findings: the interpreter's own message is the better one.
    """
    if len(program) > MAX_CHARACTERS:
        reason = f"{len(program):,} characters: too long to be screened"
        return (Finding(Level.WARN, "too-long", 1, reason),)
    tree = _parse(program)
    if tree is None:
        return ()
    return _Reading(policy or _shipped_policy(), _Scope({}, set(), set())).of(tree)


@functools.cache
def _shipped_policy() -> Policy:
    return Policy.load()


def _parse(program: str) -> ast.Module | None:
    """Parse, or None where the interpreter will not be able to either."""
    with warnings.catch_warnings():  # "\d" in a hostile program is not our terminal's business
        warnings.simplefilter("ignore")
        try:
            return ast.parse(program)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None  # ValueError: NUL bytes, lone surrogates; the last two: extreme nesting


@dataclass
class _Scope:
    """What names stand for. One flat scope: a lint does not need Python's real ones."""

    aliases: dict[str, str]
    """Local name to the dotted name it stands for."""
    bound: set[str]
    """Names the program gives its own meaning, so that `vars = symbols("x y")` is no finding."""
    starred: set[str]
    """Names that a `from module import *` may have brought: their uses are what counts."""

    def learn(self, nodes: Iterable[ast.AST], policy: Policy) -> None:
        """Take in imports, definitions, and assignments such as `run = os.system`."""
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
                            brought = dict(_watched_in(module, policy))
                            self.aliases |= brought
                            self.starred |= brought.keys()
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
        """Give the dotted name an expression stands for: `o.path` after `import os as o`."""
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
                base = self.spelled(node, depth + 1)
            case _:
                base = None
        if base is None or len(base) > _MAX_NAME:
            return base
        return ".".join([base, *reversed(attributes[-_MAX_DEPTH:])]).removeprefix("builtins.")

    def spelled(self, call: ast.Call, depth: int = 0) -> str | None:
        """Give the dotted name a call spells: `getattr(os, "system")`, `__import__("os")`."""
        function = self.dotted(call.func, depth)
        position = _SPELLS_A_NAME.get(function or "", len(call.args))
        if position >= len(call.args):
            return None
        name = _constant_text(call.args[position])
        if name is None or position == 0:
            return name
        base = self.dotted(call.args[0], depth)
        # Of an object nobody knows, the attribute's own name is still worth a look.
        return f"{base or '?'}.{name}"

    def _builtin(self, name: str) -> str | None:
        return name if name not in self.bound and hasattr(builtins, name) else None


class _Reading:
    """One pass over one syntax tree, collecting findings."""

    def __init__(self, policy: Policy, scope: _Scope, depth: int = 0) -> None:
        self._policy = policy
        self._scope = scope
        self._depth = depth
        self._findings: dict[tuple[int, str], Finding] = {}
        self._done: set[int] = set()
        """Nodes already accounted for by the larger expression they stand in."""

    def of(self, tree: ast.Module) -> tuple[Finding, ...]:
        """Read the whole tree; the first finding of each rule on each line, by line."""
        nodes = list(ast.walk(tree))
        self._scope.learn(nodes, self._policy)
        for node in nodes:  # outermost first, which `_done` relies on
            self._read(node)
        return tuple(self._findings[key] for key in sorted(self._findings))

    def _read(self, node: ast.AST) -> None:
        match node:
            case ast.Expr(value=ast.Constant() as docstring):
                self._done.add(id(docstring))
            case ast.Import(names=names):
                for alias in names:
                    self._name(alias.name, node)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                for alias in names:
                    name = f"{module}.{alias.name}"  # "os.*" is also how a policy writes it
                    if name not in _SPELLS_A_NAME:  # its calls are what counts
                        self._name(name, node)
            case ast.Attribute():
                self._attribute(node)
            case ast.Name(id=name, ctx=ast.Load()):
                self._bare_name(name, node)
            case ast.Call():
                self._call(node)
            case ast.Constant(value=str(text)) if id(node) not in self._done:
                self._text(text, node)
            case ast.BinOp():
                self._sum(node)
            case ast.MatchClass(kwd_attrs=names):
                for name in names:
                    self._attribute_name(name, node)

    def _attribute(self, node: ast.Attribute) -> None:
        self._attribute_name(node.attr, node)
        if id(node) not in self._done and (name := self._scope.dotted(node)):
            self._name(name, node)
        if isinstance(node.value, ast.Attribute | ast.Name):
            self._done.add(id(node.value))

    def _bare_name(self, name: str, node: ast.expr) -> None:
        if name not in _SPELLS_A_NAME:
            self._attribute_name(name, node)  # `__builtins__` needs no dot before it
        stands_for = self._scope.dotted(node)
        if stands_for is None or id(node) in self._done:
            return
        # What was imported or assigned by name has been remarked on where that was done.
        if name == stands_for or name in self._scope.starred or stands_for in _SPELLS_A_NAME:
            self._name(stands_for, node)

    def _call(self, node: ast.Call) -> None:
        function = self._scope.dotted(node.func)
        if function in self._policy.evaluators and self._depth < 2:
            for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
                self._evaluated(argument)
        if spelled := self._scope.spelled(node):
            self._done.add(id(node.func))
            self._name(spelled, node)

    def _evaluated(self, argument: ast.expr) -> None:
        """Screen a string that the program evaluates as the program it is."""
        text = _constant_text(argument)
        tree = _parse(text.strip()) if text else None
        if tree is None:
            return
        known = self._scope
        scope = _Scope(dict(known.aliases), set(known.bound), set(known.starred))
        for finding in _Reading(self._policy, scope, self._depth + 1).of(tree):
            self._add(Rule(finding.rule, finding.level, finding.reason), argument)

    def _sum(self, node: ast.BinOp) -> None:
        """Read `"__glo" + "bals__"` as what it comes to."""
        self._done.update(
            id(side) for side in (node.left, node.right) if isinstance(side, ast.BinOp)
        )
        if id(node) not in self._done and (text := _constant_text(node)):
            self._text(text, node)

    def _text(self, text: str, node: ast.AST) -> None:
        for word in re.findall(r"\w+", text) if "_" in text else ():
            self._attribute_name(word, node)
        for pattern, rule in self._policy.strings:
            if pattern.search(text):
                self._add(rule, node, repr(text))

    def _attribute_name(self, name: str, node: ast.AST) -> None:
        if rule := self._policy.attributes.get(name):
            self._add(rule, node, name)

    def _name(self, name: str, node: ast.AST) -> None:
        name = name.removeprefix("builtins.")[:_MAX_NAME]
        for part in name.split(".")[1:]:
            if rule := self._policy.through.get(part.lstrip("_")):
                self._add(rule, node, name)
                return
        if rule := self._policy.rule_for(name):
            self._add(rule, node, name)

    def _add(self, rule: Rule, node: ast.AST, seen: str = "") -> None:
        line = getattr(node, "lineno", 1)
        shown = seen if len(seen) <= 60 else seen[:57] + "..."
        reason = f"{shown}: {rule.reason}" if shown else rule.reason
        self._findings.setdefault((line, rule.name), Finding(rule.level, rule.name, line, reason))


def _constant_text(node: ast.expr, depth: int = 0) -> str | None:
    """Give the string a constant, or a sum or repetition of constants, comes to."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(left=left, op=ast.Add(), right=right) if depth < _MAX_DEPTH:
            first = _constant_text(left, depth + 1)
            second = None if first is None else _constant_text(right, depth + 1)
            if first is not None and second is not None:
                return (first + second)[:_MAX_FOLDED]
        case ast.BinOp(
            left=ast.Constant(value=str(text)), op=ast.Mult(), right=ast.Constant(value=int(times))
        ):
            return text * min(times, _MAX_FOLDED // max(1, len(text)))
    return None


def _watched_in(module: str, policy: Policy) -> Iterator[tuple[str, str]]:
    """Give the names that `from module import *` may bring and a rule knows."""
    for name in (*policy.names, *policy.evaluators):
        parent, _, last = name.rpartition(".")
        if parent == module and last != "*":
            yield last, name


def _read_policy(path: Path) -> dict[str, Any]:
    """Read the fields of a `Policy`. Any mistake in the file is a ValueError or a kin of it."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as failure:
        raise ValueError(str(failure)) from failure
    _check_keys(content, {"rules", "evaluators"}, "the file")
    names: dict[str, Rule] = {}
    attributes: dict[str, Rule] = {}
    through: dict[str, Rule] = {}
    strings: list[tuple[re.Pattern[str], Rule]] = []
    for title, entry in content["rules"].items():
        _check_keys(entry, {"level", "reason", *_PATTERNS}, f"rule {title!r}")
        rule = Rule(title, Level(entry["level"]), entry["reason"])
        for kind, index in (("names", names), ("attributes", attributes), ("through", through)):
            for pattern in entry.get(kind, ()):
                if pattern in index:
                    other = index[pattern].name
                    raise ValueError(f"{pattern!r} is in rule {other!r} and in rule {title!r}")
                index[pattern] = rule
        strings += [(re.compile(pattern), rule) for pattern in entry.get("strings", ())]
    return {
        "names": names,
        "attributes": attributes,
        "through": through,
        "strings": tuple(strings),
        "evaluators": frozenset(content.get("evaluators", ())),
    }


def _check_keys(value: object, known: set[str], where: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a mapping")
    if unknown := value.keys() - known:
        raise ValueError(f"{where}: unknown {sorted(unknown)}, known are {sorted(known)}")


def _one_line(failure: Exception) -> str:
    text = f"{failure.args[0]!r} is missing" if isinstance(failure, KeyError) else str(failure)
    return " ".join(text.split())
