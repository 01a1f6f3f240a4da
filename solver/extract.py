"""Find the program in a reply. `judge.extract` finds the answer in a reply or an output."""

import ast
import re
import warnings

from judge.reading.thoughts import without_thoughts

_PYTHON = frozenset({"python", "py", "python3", "sage", "sympy"})
_OPENING = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^`\n]*$")
_GLUED = re.compile(r"[^`~](`{3}|~{3})[ \t]*(\w{2,10})[ \t]*$")
"""An opening fence at the end of a line of words, as in `Solution:```python`."""


def extract_program(reply: str, *, capped: bool = False) -> str | None:
    """Return the last Python program in a reply, or None.

    A fenced block marked as Python comes before an unmarked one that parses as Python. Without a
    fence the whole reply counts if it parses and does something. A block that the length limit cut
    (`capped`) is not a program, and neither is one in the thoughts of a reasoning model.
    """
    reply = without_thoughts(reply).reply
    blocks = _blocks(reply, capped=capped)
    marked = [text for language, text in blocks if language in _PYTHON and text.strip()]
    if marked:
        return marked[-1]
    unmarked = [text for language, text in blocks if not language and _acts(text)]
    if unmarked:
        return unmarked[-1]
    return reply.strip() if not blocks and not capped and _acts(reply.strip()) else None


def _blocks(reply: str, *, capped: bool) -> list[tuple[str, str]]:
    """Return fenced blocks as (language, text); an unclosed block reaches to the end of the reply.

    Models put fences next to words: an opening fence within a line counts if it names Python, and
    a closing fence counts whatever follows it on its line.
    """
    blocks: list[tuple[str, str]] = []
    fence, language, lines = "", "", list[str]()
    for line in reply.splitlines(keepends=True):
        if fence:
            if not line.lstrip(" \t").startswith(fence):
                lines.append(line)
                continue
            blocks.append((language, "".join(lines)))
            line = line.lstrip(" \t")[len(fence) :]  # the rest of the line may open the next
        fence, language, lines = *_opening(line.rstrip("\r\n")), []
    if fence and not capped:
        blocks.append((language, "".join(lines)))
    return blocks


def _opening(line: str) -> tuple[str, str]:
    """Return the fence and language with which a line opens a block; empty where it opens none."""
    if found := _OPENING.match(line):
        return found.group(1), found.group(2).lower()
    glued = _GLUED.search(line[-40:])
    if glued and glued.group(2).lower() in _PYTHON:
        return glued.group(1), glued.group(2).lower()
    return "", ""


def _acts(text: str) -> bool:
    """Tell whether a text is Python that does something, not a word or number that parses."""
    try:
        with warnings.catch_warnings():  # about odd escapes in its strings
            warnings.simplefilter("ignore")
            body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(
        not isinstance(statement, ast.Expr) or isinstance(statement.value, ast.Call)
        for statement in body
    )
