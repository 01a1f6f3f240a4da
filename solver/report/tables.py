"""A table of the report as data, and the same table as Markdown, LaTeX or CSV.

Cells hold values (0.524, not "52.4 %"): people get them rounded, CSV gets all of their digits.
"""

import csv
import io
import re
from collections.abc import Iterable
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

    @property
    def is_text(self) -> bool:
        """Whether it reads from the left, as numbers do not."""
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

    def texts(self) -> list[list[str]]:
        """Every cell as a person reads it."""
        return [
            [text_of(value, column.kind) for value, column in zip(row, self.columns, strict=True)]
            for row in self.rows
        ]


def text_of(value: Value, kind: Kind) -> str:
    """A cell as a person reads it, without any markup."""
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
    """A measured number with about three digits."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.{2 if abs(value) >= 1 else 3}f}"


def short(text: str, most: int) -> str:
    """The text, made harmless, in at most so many characters, its middle left out."""
    if len(text) > 4 * most:
        text = text[: 2 * most] + text[-2 * most :]  # a megabyte is not looked through
    text = plain(text)
    if len(text) <= most:
        return text
    tail = most // 3
    return f"{text[: most - tail - 1]}…{text[len(text) - tail :]}"


def _change(value: float) -> str:
    """A number with its sign; what rounds to nothing has none."""
    text = number(abs(value))
    return text if not float(text.replace(",", "")) else f"{'−' if value < 0 else '+'}{text}"


def _signed(share: float) -> str:
    """Percentage points with a sign; what rounds to nothing has none."""
    points = round(100 * share, 1)
    return f"{points:+.1f}".replace("-", "−") if points else "0.0"


def markdown(table: Table) -> str:
    """GitHub's Markdown, in which no cell can become a link, an image or HTML."""
    bars = ["---" if column.is_text else "---:" for column in table.columns]
    lines = [_row(map(_in_markdown, (column.title for column in table.columns))), _row(bars)]
    for row, texts in zip(table.rows, table.texts(), strict=True):
        cells = [_in_markdown(text) for text in texts]
        lines.append(_row(f"**{c}**" for c in cells) if row[0] in table.emphasis else _row(cells))
    note = f"\n{_in_markdown(table.note)}\n" if table.note else ""
    return f"### {_in_markdown(table.title)}\n\n" + "\n".join(lines) + f"\n{note}"


def latex(table: Table) -> str:
    """A `tabular` for booktabs, in which no cell can become a command."""
    form = "".join("l" if column.is_text else "r" for column in table.columns)
    head = " & ".join(_in_latex(column.title) for column in table.columns)
    lines = [r"% needs \usepackage{booktabs}", rf"\begin{{tabular}}{{{form}}}", r"\toprule"]
    lines += [rf"{head} \\", r"\midrule"]
    for row, texts in zip(table.rows, table.texts(), strict=True):
        cells = [_in_latex(text) for text in texts]
        if row[0] in table.emphasis:
            cells = [rf"\textbf{{{cell}}}" for cell in cells]
        lines.append(" & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def comma_separated(table: Table) -> str:
    """CSV with full precision; an interval takes two columns. Text never begins a formula."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    pairs = (Kind.INTERVAL, Kind.POINTS_INTERVAL, Kind.CHANGE_INTERVAL)
    writer.writerow(
        title
        for c in table.columns
        for title in ((f"{c.title}: low", f"{c.title}: high") if c.kind in pairs else (c.title,))
    )
    for row in table.rows:
        cells: list[str | int | float] = []
        for value, column in zip(row, table.columns, strict=True):
            if column.kind in pairs:
                cells += value if isinstance(value, tuple) else ("", "")
            elif isinstance(value, str):
                cells.append(_in_csv(plain(value)))
            else:
                cells.append("" if value is None or isinstance(value, tuple) else value)
        writer.writerow(cells)
    return file.getvalue()


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _in_markdown(text: str) -> str:
    line = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]()<>#!|~$&])", r"\\\1", line).replace("://", "\\://")


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "–": "--",
    "−": "$-$",
    "⌈": r"$\lceil$",
    "⌉": r"$\rceil$",
    "τ": r"$\tau$",
    "·": r"$\cdot$",
    "×": r"$\times$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def _in_latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))


def _in_csv(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
