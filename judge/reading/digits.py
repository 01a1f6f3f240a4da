"""Tokens, joining those of one number (12,345 and 12 345), and turning bars to open."""

import re
from typing import NamedTuple


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
    return (
        last.value == ","
        and not token.spaced
        and not last.spaced
        and len(joined) > 1
        and joined[-2].kind == "num"
        and bool(_FIRST_GROUP.fullmatch(joined[-2].value))
    )
