"""Find the program in a reply, and the answer in one that may be cut.

`judge.extract` finds the answer in any reply or output.
"""

import re

import judge
from judge.reading.fences import PYTHON, acts, parsed, parts_of
from judge.reading.thoughts import without_thoughts

_ONE_LINE = re.compile(r"^[ \t]*```(?:python3?|py)[ \t]+([^`\n]+)```[ \t]*$", re.MULTILINE)
_TAGGED = re.compile(
    r"(?:\[PYTHON\]|<\|python_tag\|>|<(?:code|python)>)(.+?)"
    r"(?:\[/PYTHON\]|<\|(?:eom|eot)_id\|>|</(?:code|python)>|\Z)",
    re.DOTALL,
)
"""A program between the marks of a model's own format, where it uses no fence."""
_SHELL = re.compile(r"\s*(?:[!%$>].*|(?:pip3?|conda|apt|python3?)\s.*|#.*)?")


def extract_program(reply: str, *, capped: bool = False) -> str | None:
    """Return the last Python program in a reply, or None.

    A fenced block marked as Python comes before an unmarked one that parses as Python; a block of
    output or shell commands counts only where there is no other. Without a fence the whole reply
    counts if it parses and does something. A block that the length limit cut (`capped`) is not a
    program, and neither is one in the thoughts of a reasoning model.
    """
    reply = without_thoughts(reply).reply
    blocks = [part for part in parts_of(reply) if part.language is not None]
    complete = [(part.language or "", part.text) for part in blocks if part.closed or not capped]
    marked = [text for language, text in complete if PYTHON.fullmatch(language)]
    if marked:
        return next((text for text in reversed(marked) if not _is_output(text)), marked[-1])
    unmarked = [text for language, text in complete if not language and acts(text)]
    if unmarked:
        return unmarked[-1]
    if one_line := _ONE_LINE.findall(reply):
        return str(one_line[-1]).strip()
    tagged = [] if capped else [text.strip() for text in _TAGGED.findall(reply)]
    if acting := list(filter(acts, tagged)):
        return str(acting[-1])
    return reply.strip() if not blocks and not capped and acts(reply.strip()) else None


def answer_in(text: str, *, capped: bool, closing: bool = True) -> judge.Extracted:
    """Return the answer in a reply. One that the length limit cut counts only by its box.

    What a reader would take for the answer of such a reply is some value on the way to it.
    """
    found = judge.extract_answer(text, closing=closing)
    cut = capped and not found.boxed
    return judge.Extracted(answer=None, rule="none") if cut else found


def _is_output(text: str) -> bool:
    """Tell whether a block marked as Python is what a program printed, or shell commands."""
    if text.startswith((">>>", "$ ")) or all(_SHELL.fullmatch(line) for line in text.splitlines()):
        return True
    return isinstance(parsed(text), list) and not acts(text)
