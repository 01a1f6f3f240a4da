"""Find the program in a reply, and the answer in one that may be cut.

`judge.extract` finds the answer in any reply or output.
"""

import ast
import re
import textwrap
import warnings

import judge
from judge.reading.thoughts import without_thoughts

_PYTHON = re.compile(r"\{?\.?(?:(?:i?python|py)[\d.]*|sage|sympy)\}?")
_OPENING = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*([\w+#.{}-]*)([^`\n]*)$")
_GLUED = re.compile(r"[^`~](`{3}|~{3})[ \t]*(\w{2,10})[ \t]*$")
"""An opening fence at the end of a line of words, as in `Solution:```python`."""
_ONE_LINE = re.compile(r"^[ \t]*```(?:python3?|py)[ \t]+([^`\n]+)```[ \t]*$", re.MULTILINE)
_TAGGED = re.compile(
    r"(?:\[PYTHON\]|<\|python_tag\|>|<(?:code|python)>)(.+?)"
    r"(?:\[/PYTHON\]|<\|(?:eom|eot)_id\|>|</(?:code|python)>|\Z)",
    re.DOTALL,
)
"""A program between the marks of a model's own format, where it uses no fence."""
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_QUOTED_FENCE = re.compile(r"^[ \t]*>[ \t]?(?:```|~~~)", re.MULTILINE)
_QUOTE = re.compile(r"^[ \t]*>(?!>)[ ]?", re.MULTILINE)
_ATTRIBUTE = re.compile(r"\s*(?:\{|[\w-]+=[\"'])")
"""What may follow the language on the line of a fence and is no code: `title="a.py"`."""
_SHELL = re.compile(r"\s*(?:[!%$>].*|(?:pip3?|conda|apt|python3?)\s.*|#.*)?")
_MOST_PARSES = 20
"""How many fences of a reply may turn out to be part of a string, so that none takes long."""


def extract_program(reply: str, *, capped: bool = False) -> str | None:
    """Return the last Python program in a reply, or None.

    A fenced block marked as Python comes before an unmarked one that parses as Python; a block of
    output or shell commands counts only where there is no other. Without a fence the whole reply
    counts if it parses and does something. A block that the length limit cut (`capped`) is not a
    program, and neither is one in the thoughts of a reasoning model.
    """
    reply = without_thoughts(reply).reply
    if _QUOTED_FENCE.search(reply) and not _FENCE.search(reply):
        reply = _QUOTE.sub("", reply)
    blocks = _blocks(reply, capped=capped)
    marked = [text for language, text in blocks if _PYTHON.fullmatch(language) and text.strip()]
    if marked:
        return next((text for text in reversed(marked) if not _is_output(text)), marked[-1])
    unmarked = [text for language, text in blocks if not language and _acts(text)]
    if unmarked:
        return unmarked[-1]
    if one_line := _ONE_LINE.findall(reply):
        return str(one_line[-1]).strip()
    tagged = [] if capped else [text.strip() for text in _TAGGED.findall(reply)]
    if acting := list(filter(_acts, tagged)):
        return str(acting[-1])
    return reply.strip() if not blocks and not capped and _acts(reply.strip()) else None


def answer_in(text: str, *, capped: bool, closing: bool = True) -> judge.Extracted:
    """Return the answer in a reply. One that the length limit cut counts only by its box.

    What a reader would take for the answer of such a reply is some value on the way to it.
    """
    found = judge.extract_answer(text, closing=closing)
    cut = capped and not found.boxed
    return judge.Extracted(answer=None, rule="none") if cut else found


def _blocks(reply: str, *, capped: bool) -> list[tuple[str, str]]:
    """Return fenced blocks as (language, text); an unclosed block reaches to the end of the reply.

    Models put fences next to words: an opening fence within a line counts if it names Python, and
    a closing fence counts whatever follows it on its line. Where the prompt opened the first block,
    the reply begins within it.
    """
    blocks: list[tuple[str, str]] = []
    lines = reply.splitlines(keepends=True)
    fence, language = ("```", "python") if _begins_within_a_block(lines) else ("", "")
    block: list[str] = []
    parses = 0
    for line in lines:
        if fence:
            closes = line.lstrip(" \t").startswith(fence)
            if closes and parses < _MOST_PARSES and _PYTHON.fullmatch(language):
                parses += 1
                closes = not _ends_within_a_string("".join(block))
            if not closes:
                block.append(line)
                continue
            blocks.append((language, _dedented("".join(block))))
            line = line.lstrip(" \t")[len(fence) :]  # the rest of the line may open the next
        fence, language, first = _opening(line.rstrip("\r\n"))
        block = [first] if first else []
    if fence and not capped:
        blocks.append((language, _dedented("".join(block))))
    return blocks


def _begins_within_a_block(lines: list[str]) -> bool:
    """Tell whether the first fence closes a program that the reply begins with."""
    fences = [index for index, line in enumerate(lines) if line.lstrip(" \t").startswith("```")]
    if len(fences) % 2 == 0 or lines[fences[0]].strip() != "```":
        return False
    return _acts("".join(lines[: fences[0]]))


def _opening(line: str) -> tuple[str, str, str]:
    """Return the fence and language with which a line opens a block, and code behind them.

    All are empty where the line opens none.
    """
    if found := _OPENING.match(line):
        language, rest = found.group(2).lower(), found.group(3).strip()
        code = _PYTHON.fullmatch(language) and not _ATTRIBUTE.match(rest) and _acts(rest)
        return found.group(1), language, f"{rest}\n" if code else ""
    glued = _GLUED.search(line[-40:])
    if glued and _PYTHON.fullmatch(glued.group(2).lower()):
        return glued.group(1), glued.group(2).lower(), ""
    return "", "", ""


def _dedented(block: str) -> str:
    """Return a block without the indentation that a list around it gave to all its lines."""
    return textwrap.dedent(block) if block[:1] in (" ", "\t") else block


def _is_output(text: str) -> bool:
    """Tell whether a block marked as Python is what a program printed, or shell commands."""
    if text.startswith(">>>") or all(_SHELL.fullmatch(line) for line in text.splitlines()):
        return True
    return _parsed(text) is not None and not _acts(text)


def _ends_within_a_string(code: str) -> bool:
    """Tell whether a program breaks off within a string of several lines."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except SyntaxError as error:
        return "unterminated triple-quoted" in error.msg
    except (ValueError, RecursionError, MemoryError):
        pass
    return False


def _parsed(text: str) -> list[ast.stmt] | None:
    """Return the statements of a text; None where it is not Python."""
    try:
        with warnings.catch_warnings():  # about odd escapes in its strings
            warnings.simplefilter("ignore")
            return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _acts(text: str) -> bool:
    """Tell whether a text is Python that does something, not a word or number that parses."""
    return any(
        not isinstance(statement, ast.Expr) or isinstance(statement.value, ast.Call)
        for statement in _parsed(text) or ()
    )
