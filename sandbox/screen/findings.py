"""Reads a program's syntax tree and collects findings by the rules of a policy."""

import ast
import functools
import re
import warnings

from sandbox.execution import Finding, Level
from sandbox.screen.names import MAX_NAME, NAME_ARGUMENTS, Scope, constant_text
from sandbox.screen.policy import Policy, Rule

MAX_CHARACTERS = 64_000
"""Longer programs are not read, since that could take seconds; they get a finding that says so."""


def screen(program: str, policy: Policy | None = None) -> tuple[Finding, ...]:
    """Return the findings about a program; it must not run if one of them has level `REFUSE`.

    A program that does not parse has no findings: the interpreter's own message is better.
    """
    if len(program) > MAX_CHARACTERS:
        reason = f"{len(program):,} characters: too long to be screened"
        return (Finding(Level.WARN, "too-long", 1, reason),)
    tree = _parse(program)
    if tree is None:
        return ()
    return _Reading(policy or _shipped_policy(), Scope({}, set(), set())).of(tree)


@functools.cache
def _shipped_policy() -> Policy:
    return Policy.load()


def _parse(program: str) -> ast.Module | None:
    """Parse a program; return None where the interpreter could not parse it either."""
    with warnings.catch_warnings():  # a "\d" in a program must not print a warning here
        warnings.simplefilter("ignore")
        try:
            return ast.parse(program)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            # ValueError: NUL bytes and lone surrogates; the last two: extreme nesting
            return None


class _Reading:
    """One pass over one syntax tree, collecting findings."""

    def __init__(self, policy: Policy, scope: Scope, depth: int = 0) -> None:
        self._policy = policy
        self._scope = scope
        self._depth = depth
        self._findings: dict[tuple[int, str], Finding] = {}
        self._done: set[int] = set()
        """Nodes already handled as part of a larger expression."""

    def of(self, tree: ast.Module) -> tuple[Finding, ...]:
        """Read the whole tree; return the first finding of each rule on each line, by line."""
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
                    if name not in NAME_ARGUMENTS:  # for these only calls are findings
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
        if name not in NAME_ARGUMENTS:
            self._attribute_name(name, node)  # `__builtins__` needs no dot before it
        stands_for = self._scope.dotted(node)
        if stands_for is None or id(node) in self._done:
            return
        # an imported or assigned name is a finding where it was imported or assigned, not here
        if name == stands_for or name in self._scope.starred or stands_for in NAME_ARGUMENTS:
            self._name(stands_for, node)

    def _call(self, node: ast.Call) -> None:
        function = self._scope.dotted(node.func)
        if function in self._policy.evaluators and self._depth < 2:
            for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
                self._evaluated(argument)
        if named := self._scope.named_by_call(node):
            self._done.add(id(node.func))
            self._name(named, node)

    def _evaluated(self, argument: ast.expr) -> None:
        """Screen a constant string that the program evaluates, as if it were a program."""
        text = constant_text(argument)
        tree = _parse(text.strip()) if text else None
        if tree is None:
            return
        known = self._scope
        scope = Scope(dict(known.aliases), set(known.bound), set(known.starred))
        for finding in _Reading(self._policy, scope, self._depth + 1).of(tree):
            self._add(Rule(finding.rule, finding.level, finding.reason), argument)

    def _sum(self, node: ast.BinOp) -> None:
        """Check the value of a sum such as `"__glo" + "bals__"`."""
        self._done.update(
            id(side) for side in (node.left, node.right) if isinstance(side, ast.BinOp)
        )
        if id(node) not in self._done and (text := constant_text(node)):
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
        name = name.removeprefix("builtins.")[:MAX_NAME]
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
