"""A table as data, and how its values are written for people.

Cells hold values (0.524, not "52.4 %"): people get them rounded, CSV gets all of their digits.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from solver.text import plain

Value: TypeAlias = str | int | float | tuple[float, float] | None
"""A cell: None is printed as a dash and left empty in CSV."""

MISSING = "–"


class Kind(StrEnum):
    """What a column holds, hence how its values are printed."""

    TEXT = "text"
    COUNT = "count"
    NUMBER = "number"
    SHARE = "share"
    """Between 0 and 1, printed in percent."""
    INTERVAL = "interval"
    """Two shares."""
    POINTS = "points"
    """A difference of shares, printed with its sign in percentage points."""
    POINTS_INTERVAL = "points interval"
    CHANGE = "change"
    """A difference in the unit of the column before it, printed with its sign."""
    CHANGE_INTERVAL = "change interval"
    CHANCE = "chance"
    """A p-value."""


@dataclass(frozen=True)
class Column:
    """One column."""

    title: str
    kind: Kind = Kind.COUNT
    minor: bool = False
    """Left out of a terminal that is too narrow; the page and the files have it."""

    @property
    def is_text(self) -> bool:
        """Tell whether it is aligned to the left, as numbers are not."""
        return self.kind is Kind.TEXT


@dataclass(frozen=True)
class Table:
    """One table. A row whose first cell repeats the one above belongs to the same group."""

    name: str
    """The file's name, without ending."""
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    note: str = ""
    emphasis: frozenset[str] = frozenset()
    """First cells of the rows that sum up the others."""
    parts: tuple[int, ...] = ()
    """Rows before which another part of the table begins."""

    def texts(self) -> list[list[str]]:
        """Return every cell as a person reads it."""
        return [
            [text_of(value, column.kind) for value, column in zip(row, self.columns, strict=True)]
            for row in self.rows
        ]


def text_of(value: Value, kind: Kind) -> str:
    """Return a cell as a person reads it, without any markup."""
    if value is None:
        return MISSING
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, tuple):
        low, high = value
        if kind is Kind.POINTS_INTERVAL:
            return f"{_signed(low)} to {_signed(high)}"
        if kind is Kind.CHANGE_INTERVAL:
            return f"{_change(low)} to {_change(high)}"
        return f"{100 * low:.1f} – {100 * high:.1f}"
    match kind:
        case Kind.SHARE:
            return f"{100 * value:.1f} %"
        case Kind.POINTS:
            return _signed(value)
        case Kind.CHANGE:
            return _change(value)
        case Kind.CHANCE:
            return "< 0.001" if value < 0.001 else f"{value:.3f}"
        case Kind.NUMBER:
            return number(value)
        case _:
            return f"{value:,}"


def number(value: float) -> str:
    """Write a measured number with about three digits."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.{2 if abs(value) >= 1 else 3}f}"


def short(text: str, most: int) -> str:
    """Return the text made harmless, in at most so many characters, its middle left out."""
    if len(text) > 4 * most:
        text = text[: 2 * most] + text[-2 * most :]  # a megabyte is not looked through
    text = plain(text)
    if len(text) <= most:
        return text
    tail = most // 3
    return f"{text[: most - tail - 1]}…{text[len(text) - tail :]}"


def _change(value: float) -> str:
    """Write a number with its sign; one that rounds to zero has none."""
    text = number(abs(value))
    return text if not float(text.replace(",", "")) else f"{'−' if value < 0 else '+'}{text}"


def _signed(share: float) -> str:
    """Write percentage points with a sign; a difference that rounds to zero has none."""
    points = round(100 * share, 1)
    return f"{points:+.1f}".replace("-", "−") if points else "0.0"
