r"""Find the plain answer in one that says more: a choice with its text, or the same value twice.

`(B) 12` names a choice and a value. `3/8 or 0.375`, `3/8 (0.375)` and `five (5)` give one value in
two notations, which counts only where both are equal; `compare` checks that.
"""

import re
from typing import NamedTuple

from judge.reading.words import PHRASES
from judge.reading.wrappers import IN_FONT

_NO_LETTER = re.compile(r"[^A-J]{0,30}$|[\d\\$ {}+-]*\d|\\(?:frac|sqrt|pi|left)")
"""How texts begin that name no choice: most answers, so that they take no time."""
_ANOTHER = re.compile(r"(?:or|and|[,/&])\s*\(?[A-J]\b")
"""A second choice behind the first: (C) or (D)."""
_LETTER = re.compile(r"\(?([A-J])[.)]?")
_LETTERS = re.compile(r"([A-J])(?:\s*(?:[,;、和与及]|\band\b|\\?&)\s*([A-J]))*")
_NUMBERED = "①②③④⑤⑥⑦⑧⑨⑩", "甲乙丙丁戊"
"""Signs of statements and people, in their order."""


class Option(NamedTuple):
    """A choice: its letter, and the text after it."""

    letter: str
    text: str


def option_in(text: str) -> Option | None:
    """Return the choice that a text names with a bracket, dot or colon; None without one."""
    if _NO_LETTER.match(text):
        return None
    found = PHRASES["option"].match(IN_FONT.sub(r"\1", text).strip())
    if found is None or _ANOTHER.match(found[3]):
        return None
    return Option((found[1] or found[2]).upper(), found[3].strip())


def letters_in(text: str) -> str:
    """Return the letters of a text that is nothing but choices: `B`, `(B)`, `A, C`, `AC`."""
    if len(text) > 60 or _NO_LETTER.match(text):
        return ""
    bare = PHRASES["around_letter"].sub("", IN_FONT.sub(r"\1", text)).strip(" .。")
    if found := _LETTER.fullmatch(bare):
        return found[1]
    if _LETTERS.fullmatch(bare) or re.fullmatch(r"[A-J]{2,5}", bare):
        letters = re.findall(r"[A-J]", bare)
        return "".join(letters) if letters == sorted(set(letters)) else ""
    return ""


def same_numbered(reference: str, answer: str) -> bool:
    """Tell whether two texts name the same signs of a list: ①③ and ①、③.

    Another order is left open, for the question may ask for one.
    """
    if reference.isascii():
        return False
    asked, given = (re.sub(r"[,，、和与及\s]", "", text) for text in (reference, answer))
    return asked == given != "" and any({*asked} <= {*signs} for signs in _NUMBERED)


def said_twice(text: str) -> tuple[str, str] | None:
    """Return both notations of `3/8 or 0.375` and `3/8 (0.375)`; None where there is only one."""
    found = PHRASES["twice"].match(text) if "(" in text or "or" in text or "i.e" in text else None
    if found is None:
        return None
    first, second = found[1].strip(" ,"), (found[2] or found[3]).strip()
    return None if first == second else (first, second)


_OPERATION = re.compile(r"\\(?:#|(?:lim(?:sup|inf)?|sup|inf|i?int|oint|sum|prod)(?![a-z]))")
_BRACED = re.compile(r"\{[^{}]*\}")


def measured_value(text: str) -> str:
    """Return the value that an equation gives a limit, integral or sum; empty for other texts."""
    before, _, value = text.rpartition("=")
    closed = value.count("{") == value.count("}")
    single = closed and _OPERATION.match(before) and "=" not in _BRACED.sub("", before)
    return value.strip() if single else ""
