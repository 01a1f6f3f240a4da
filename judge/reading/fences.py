"""Divide a reply at its code fences into words and blocks.

As CommonMark says: a block ends at a fence of its own characters, at least as long as the one that
opened it, or at the end of the text. Where models break its rules, this is read as they mean it:
fences stand next to words, a block of Python or output opens before the last one is closed, a
program holds a fence within a string, the prompt opened the first block, and all is quoted.
"""

import ast
import re
import textwrap
import warnings
from typing import NamedTuple

WORDS, PROGRAM, OUTPUT = "words", "program", "output"
PYTHON = re.compile(r"\{?\.?(?:(?:i?python|py)[\d.]*|jupyter|tool_code|sage|sympy)\}?")
"""The languages of a block that holds a program in Python."""
_WRITING = frozenset({"", "text", "txt", "plaintext", "latex", "tex", "math", "markdown", "md"})
_PRINTED = frozenset({"output", "stdout", "result", "console"})
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+#.{}-]*)([^`\n]*)$")
_GLUED = re.compile(r"(?<=[^`~])(`{3}|~{3})[ \t]*([\w.]{2,10})[ \t]*$")
"""An opening fence at the end of a line of words, as in `Solution:```python`."""
_ATTRIBUTE = re.compile(r"\s*(?:\{|[\w-]+=[\"'])")
"""What may follow the language on the line of a fence and is no code: `title="a.py"`."""
_ANY_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_QUOTED_FENCE = re.compile(r"^[ \t]*>[ \t]?(?:```|~~~)", re.MULTILINE)
_QUOTE = re.compile(r"^[ \t]*>(?!>)[ ]?", re.MULTILINE)
_STATEMENT = re.compile(r"^(?:import |from \w+ import |def |print\()", re.MULTILINE)
_MOST_PARSES = 20
"""How many fences of a reply may turn out to be part of a string, so that none takes long."""


class Part(NamedTuple):
    """Words, or a fenced block without its fences."""

    text: str
    language: str | None = None
    """In small letters, empty where the fence names none; None for words."""
    closed: bool = True

    @property
    def kind(self) -> str:
        """Say whether these are words, a program or what a tool printed."""
        if self.language in _PRINTED:
            return OUTPUT
        if self.language in _WRITING and not _STATEMENT.search(self.text):
            return WORDS
        return WORDS if self.language is None else PROGRAM


def parts_of(text: str) -> list[Part]:
    """Return the parts of a reply in order, without blank ones."""
    if _QUOTED_FENCE.search(text) and not _ANY_FENCE.search(text):
        text = _QUOTE.sub("", text)
    lines = text.splitlines(keepends=True)
    parts, block, parses, reopened = list[Part](), list[str](), 0, False
    fence, language = ("```", "python") if _begins_within_a_block(lines) else ("", None)
    for line in lines:
        bare = line.lstrip(" \t")
        inside = bool(fence) and not bare.startswith(fence)
        if fence in bare and parses < _MOST_PARSES and PYTHON.fullmatch(language or ""):
            if not inside:
                inside = _ends_within_a_string("".join(block))
                parses += inside
            elif bare.rstrip().endswith(fence):  # print(1)```
                program = line.rstrip()[: -len(fence)] + "\n"
                inside = isinstance(parsed("".join([*block, program])), str)
                block, bare = block if inside else [*block, program], bare if inside else fence
                parses += 1
        opening = None if inside else _opening(line.rstrip("\r\n"), fence)
        if inside or not (fence or opening):
            block.append(line)
            continue
        parts.append(_part([*block, opening.before if opening else ""], language, reopened))
        reopened = bool(fence and opening)
        if opening:
            fence, language, block = opening.fence, opening.language, [opening.code]
        else:
            fence, language, block = "", None, [bare[len(fence) :].lstrip(fence[0])]
    parts.append(_part(block, language, reopened)._replace(closed=not fence))
    return [part for part in parts if part.text.strip()]


def acts(text: str) -> bool:
    """Tell whether a text is Python that does something, not `10` or `Result: 10`, which parse."""
    statements = parsed(text)
    return not isinstance(statements, str) and any(map(_has_effect, statements))


def _has_effect(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Call)
    return not isinstance(statement, ast.AnnAssign) or statement.value is not None


def parsed(text: str) -> list[ast.stmt] | str:
    """Return the statements of a text, or why it is not Python."""
    try:
        with warnings.catch_warnings():  # about odd escapes in its strings
            warnings.simplefilter("ignore")
            return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return str(error)


class _Opening(NamedTuple):
    """How a line opens a block."""

    before: str
    """Words on the line."""
    fence: str
    language: str
    code: str
    """The first line of the block, where it stands on the line of the fence."""


def _opening(line: str, fence: str) -> _Opening | None:
    """Return how a line opens a block; within a block, only one of Python or output can."""
    if found := _FENCE.match(line):
        marker, language, rest = found[1], found[2].lower(), found[3].strip()
        python = PYTHON.fullmatch(language)
        if fence and not python and language not in _PRINTED:
            return None
        if len(marker) >= len(fence) + 3:  # it closes one block and opens another
            marker = marker[len(fence) :]
        code = python and not _ATTRIBUTE.match(rest) and acts(rest)
        return _Opening("", marker, language, f"{rest}\n" if code else "")
    found = None if fence else _GLUED.search(line[-40:])
    if found and (PYTHON.fullmatch(language := found[2].lower()) or language in _PRINTED):
        return _Opening(line[: -len(found[0])] + "\n", found[1], language, "")
    return None


def _begins_within_a_block(lines: list[str]) -> bool:
    """Tell whether the first fence closes a program that the text begins with."""
    fences = [index for index, line in enumerate(lines) if _ANY_FENCE.match(line)]
    if len(fences) % 2 == 0 or lines[fences[0]].strip() != "```":
        return False
    return acts("".join(lines[: fences[0]]))


def _part(lines: list[str], language: str | None, reopened: bool) -> Part:
    """Return a part without the indentation that a list around a block gave to all its lines.

    A fence that names Python within a block was meant to close it where no program follows.
    """
    text = "".join(lines)
    if reopened and not (acts(text) or _STATEMENT.search(text)):
        language = "" if PYTHON.fullmatch(language or "") else language
    indented = language is not None and text[:1] in (" ", "\t")
    return Part(textwrap.dedent(text) if indented else text, language)


def _ends_within_a_string(code: str) -> bool:
    """Tell whether a program breaks off within a string of several lines."""
    several_lines = '"""' in code or "'''" in code
    return several_lines and "unterminated triple-quoted" in str(parsed(code))
