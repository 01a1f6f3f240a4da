"""Read plain numbers in answers: much faster than the judge, but only for unambiguous numbers."""

import re
from fractions import Fraction

LONGEST = 200
"""The most characters of an answer that are read."""


def form(text: str) -> Fraction | str:
    """Return a number as a Fraction, and any other text without spaces and markup.

    Comparing two such forms is enough to see whether an answer looks right.
    """
    bare = _MARKUP.sub("", text[:LONGEST]).rstrip(".").strip("*`")
    bare = bare.replace("dfrac", "frac").replace("tfrac", "frac")
    number = plain_number(bare)
    return bare if number is None else number


def plain_number(text: str) -> Fraction | None:
    r"""Return the value of `-12`, `1,234`, `0.5`, `3/4` or `\frac{3}{4}`; None for all else."""
    if found := _TEX_FRACTION.fullmatch(text):
        text = f"{found[1]}{found[2]}/{found[3]}"
    elif _GROUPED.fullmatch(text):
        text = text.replace("{,}", "").replace(",", "")
    safe = _NUMBER.fullmatch(text) and not _OVER_ZERO.search(text)
    return Fraction(text) if safe else None


_MARKUP = re.compile(r"\s|\\left|\\right|\\[,;!]|\*\*|\$|\\[()\[\]]")
_TEX_FRACTION = re.compile(r"(-?)\\frac\{(\d{1,20})\}\{(\d{1,20})\}")
_GROUPED = re.compile(r"-?\d{1,3}(?:(?:,|\{,\})\d{3})+(?:\.\d{1,20})?")
_NUMBER = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?|-?\d{1,40}/\d{1,40}")
_OVER_ZERO = re.compile(r"/0+$")
