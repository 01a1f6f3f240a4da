"""Tell whether two programs are the same but for formatting and names, and how far they differ."""

import ast
import re
import warnings
from collections.abc import Mapping

_WORD = re.compile(r"\w+|[^\w\s]")


def normal_form(program: str) -> str:
    """Return a program without anything that does not change its behaviour.

    Comments, formatting and bare strings are removed, and the names that the program defines are
    replaced by numbers in order of appearance. Two programs with the same form do the same, but two
    that do the same may have different forms. For a program that does not parse, the form is its
    text in lower case with single spaces.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about invalid escapes in its strings
            tree = ast.parse(program)
        return ast.unparse(_Normal(_own_names(tree)).visit(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return squeezed(program)


def squeezed(text: str) -> str:
    """Return a text in lower case with single spaces."""
    return " ".join(text.casefold().split())


def triples(form: str) -> frozenset[tuple[str, ...]]:
    """Return the triples of neighbouring words in a form."""
    words = ["", *_WORD.findall(form), ""]
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def distance(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    """Return a distance from 0, the same triples, to 1, none in common."""
    together = len(one | other)
    return 1 - len(one & other) / together if together else 0.0


def _own_names(tree: ast.AST) -> dict[str, str]:
    """Return the names that a program defines, each with its replacement, such as `@0`.

    The replacements are no valid names, so they cannot clash with names in a program.
    """
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case (
                ast.FunctionDef(name=str(name))
                | ast.AsyncFunctionDef(name=str(name))
                | ast.ClassDef(name=str(name))
                | ast.ExceptHandler(name=str(name))
                | ast.alias(asname=str(name))
                | ast.arg(arg=str(name))
                | ast.Name(id=str(name), ctx=ast.Store())
            ):
                names.setdefault(name, f"@{len(names)}")
    return names


class _Normal(ast.NodeTransformer):
    """Replaces names, and removes bare strings."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Replace the names in a node and all its children, except keywords and imported names."""
        for field in ("id", "arg", "name", "asname"):
            name = getattr(node, field, None)
            if isinstance(name, str) and not isinstance(node, ast.keyword | ast.alias):
                setattr(node, field, self._names.get(name, name))
        if isinstance(node, ast.alias) and node.asname is not None:
            node.asname = self._names[node.asname]
        return super().generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Remove a string that is a statement."""
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return self.generic_visit(node)
