"""Hold tables as data, and format their values for people.

Cells hold values (0.524, not "52.4 %"), so that people see them rounded and CSV has all digits.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import floor, log10
from typing import TypeAlias

from solver.text import plain, short

Value: TypeAlias = str | int | float | tuple[float, float] | None
"""The value of a cell. None is shown as a dash, and is empty in CSV."""

MISSING = "–"


class Kind(StrEnum):
    """The kind of values in a column, which decides how they are printed."""

    TEXT = "text"
    FORMULA = "formula"
    """An answer, often in LaTeX, which the page typesets and all else shows cut in its middle."""
    PROSE = "prose"
    """A question with formulas between dollar signs, likewise."""
    COUNT = "count"
    NUMBER = "number"
    SHARE = "share"
    """A share between 0 and 1, printed in percent."""
    INTERVAL = "interval"
    """The interval of a share, printed in percent."""
    POINTS = "points"
    """A difference of shares, printed with its sign in percentage points."""
    POINTS_INTERVAL = "points interval"
    CHANGE = "change"
    """A difference in the unit of the column before it, printed with its sign."""
    CHANGE_INTERVAL = "change interval"
    CHANCE = "chance"
    """A p-value."""
    MONEY = "money"
    """An amount in the currency that the column's title names."""
    RANGE = "range"
    """The lowest and the highest count."""
    MONEY_RANGE = "money range"

    @property
    def is_pair(self) -> bool:
        """Tell whether its values are two numbers, low and high."""
        return self in _PAIRS


_PAIRS = frozenset(
    {Kind.INTERVAL, Kind.POINTS_INTERVAL, Kind.CHANGE_INTERVAL, Kind.RANGE, Kind.MONEY_RANGE}
)


@dataclass(frozen=True)
class Column:
    """One column."""

    title: str
    kind: Kind = Kind.COUNT
    minor: bool = False
    """A terminal that is too narrow leaves it out, the page folds it away; the files do neither."""

    @property
    def is_text(self) -> bool:
        """Tell whether it holds text, which is aligned to the left, unlike numbers."""
        return self.kind in (Kind.TEXT, Kind.FORMULA, Kind.PROSE)


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
    """First cells of the rows that are totals, to be printed bold."""
    parts: tuple[int, ...] = ()
    """Numbers of the rows before which a line is drawn."""

    def texts(self) -> list[list[str]]:
        """Return the texts of all cells, formatted for people."""
        return [
            [text_of(value, column.kind) for value, column in zip(row, self.columns, strict=True)]
            for row in self.rows
        ]


def text_of(value: Value, kind: Kind) -> str:
    """Return the text of a cell, formatted for people, without markup."""
    if value is None:
        return MISSING
    if isinstance(value, str):
        return short(value, _MOST[kind]) if kind in _MOST else plain(value)
    if isinstance(value, tuple):
        return _pair(*value, kind)
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
        case Kind.MONEY:
            return _amount(value)
        case _:
            return f"{value:,}"


def _pair(low: float, high: float, kind: Kind) -> str:
    match kind:
        case Kind.POINTS_INTERVAL:
            return f"{_signed(low)} to {_signed(high)}"
        case Kind.CHANGE_INTERVAL:
            return f"{_change(low)} to {_change(high)}"
        case Kind.RANGE | Kind.MONEY_RANGE:
            one = Kind.COUNT if kind is Kind.RANGE else Kind.MONEY
            ends = dict.fromkeys(text_of(end, one) for end in (low, high))
            return " to ".join(ends)
        case _:
            return f"{100 * low:.1f} – {100 * high:.1f}"


_MOST = {Kind.FORMULA: 40, Kind.PROSE: 80}
"""The most characters of a text of such a kind, where it is not typeset."""


def number(value: float) -> str:
    """Format a measured number with about three digits."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.{2 if abs(value) >= 1 else 3}f}"


def _amount(value: float) -> str:
    """Format an amount of money with cents, and with four digits where it is less than ten."""
    decimals = 3 - floor(log10(abs(value))) if value else 2
    return f"{value:,.{max(2, decimals)}f}"


def _change(value: float) -> str:
    """Format a number with its sign; one that rounds to zero has none."""
    text = number(abs(value))
    return text if not float(text.replace(",", "")) else f"{'−' if value < 0 else '+'}{text}"


def _signed(share: float) -> str:
    """Format percentage points with a sign; a difference that rounds to zero has none."""
    points = round(100 * share, 1)
    return f"{points:+.1f}".replace("-", "−") if points else "0.0"
