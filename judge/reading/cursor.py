"""Step through tokens, and refuse what nests too deep or is too large.

Also what is done to tokens before: join those of one number (12,345 and 12 345), turn bars to open.
"""

import re
from typing import NamedTuple

from judge.reading.tree import Unreadable
from judge.reading.words import terms

MAX_DEPTH = 50
MAX_NODES = 500

_FUNCTION_LETTERS = frozenset(terms("f g F G"))


class Token(NamedTuple):
    """A token: its kind, its value, and whether there is a space before it."""

    kind: str
    """num, name, func, make, const, op, form, sub, text, set or end."""
    value: str
    spaced: bool = False


def join_digit_groups(tokens: list[Token]) -> list[Token]:
    """Join 12,345 and 12 345 into one number, except inside brackets, where commas separate."""
    joined: list[Token] = []
    depth = 0
    for index, token in enumerate(tokens):
        if token.kind == "op":
            depth += (token.value in ("(", "[", "\\{")) - (token.value in (")", "]", "\\}"))
        if depth == 0 and token.kind == "num" and joined and _continues(joined, tokens, index):
            if joined[-1].value == ",":
                joined.pop()
            joined[-1] = joined[-1]._replace(value=joined[-1].value + token.value)
        else:
            joined.append(token)
    return joined


def turn_bar(tokens: list[Token], number: int) -> list[Token]:
    """Mark one bar as an opening bar, to try readings of ||x||y||."""
    places = [index for index, token in enumerate(tokens) if token.value == "|"]
    turned = list(tokens)
    turned[places[number]] = Token("op", "|(")
    return turned


_GROUP = re.compile(r"\d{3}(?:\.\d*)?")
_FIRST_GROUP = re.compile(r"[1-9]\d{0,2}(?:\d{3})*")


def _continues(joined: list[Token], tokens: list[Token], index: int) -> bool:
    """Tell whether the number at `index` is the next three digits of the last one."""
    token = tokens[index]
    if not _GROUP.fullmatch(token.value):
        return False
    last = joined[-1]
    if last.kind == "num" and token.spaced:
        following = tokens[index + 1].value if index + 1 < len(tokens) else ""
        return bool(_FIRST_GROUP.fullmatch(last.value)) and following != "/"
    if last.value != "," or token.spaced or last.spaced or len(joined) < 2:
        return False
    return joined[-2].kind == "num" and bool(_FIRST_GROUP.fullmatch(joined[-2].value))


class Cursor:
    """A position in a list of tokens, with the caps on depth and nodes: the base of the parser."""

    def __init__(self, tokens: list[Token], *, latex: bool, depth: int = 0) -> None:
        self.tokens = tokens
        self.latex = latex  # a plain brace groups, as in LaTeX, or makes a set, as in Python
        self.at = 0
        self.depth = depth
        self.nodes = 0
        self.bars = 0
        self.in_builder = False
        self.functions: set[str] = set(_FUNCTION_LETTERS)

    @property
    def token(self) -> Token:
        """Return the next token without taking it."""
        return self.tokens[self.at]

    def next(self) -> Token:
        """Take the next token."""
        token = self.tokens[self.at]
        if token.kind == "end":
            raise Unreadable("it ends too early")
        self.at += 1
        return token

    def is_op(self, *values: str) -> bool:
        """Tell whether the next token is one of these operators."""
        kind, value, _ = self.tokens[self.at]
        return kind == "op" and value in values

    def accept(self, *values: str) -> str:
        """Take the next token if it is one of these operators. Return it, or an empty string."""
        kind, value, _ = self.tokens[self.at]
        if kind == "op" and value in values:
            self.at += 1
            return value
        return ""

    def expect(self, *values: str) -> str:
        """Take the next token. Raises `Unreadable` if it is none of these operators."""
        found = self.accept(*values)
        if not found:
            raise Unreadable(f"{self.token.value or 'the end'!r} where {values[0]!r} should be")
        return found

    def deeper(self) -> None:
        """Count a level against the cap."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"deeper than {MAX_DEPTH} levels")

    def count(self) -> None:
        """Count a node against the cap."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Unreadable(f"more than {MAX_NODES} nodes")
