"""Fold away the columns of a table that the page has no room for."""

import re
from collections.abc import Sequence
from dataclasses import replace

from solver.report.tables import Column, Kind, Table

ROOM = 952
"""Pixels that a table has on the page, whose column is 62 rem wide with its padding."""
_PADDING, _LEAST, _LEAST_TEXT, _LEAST_FIRST = 12.0, 54.4, 104.0, 152.0
"""Pixels beside a cell's text, which the last column lacks, and of the narrowest columns."""
_QUESTION = 200.0
"""Pixels below which a question is no longer easy to read."""
_NARROW, _WIDE = frozenset(" .,:;|'()[]/ijlrtf"), frozenset("%+−mwMW")
_BREAKS = re.compile(r"[\s-]")
"""Where a browser breaks a text: at a space or behind a hyphen."""
_MOST_NAMES = 3


def folded(table: Table) -> list[Table]:
    """Return the table as parts that fit on the page: what matters most, then other columns.

    Minor columns are folded first, the last of them before the others. Each part begins with the
    columns that tell the rows apart; only the first has the note.
    """
    widths = _widths(table)
    names = _names(table)
    kept = list(range(len(widths)))
    others = [at for at in kept if at not in names]
    for at in sorted(others, key=lambda at: (table.columns[at].minor, at), reverse=True):
        if sum(widths[column] for column in kept) - _PADDING <= ROOM or len(kept) == len(names) + 1:
            break
        kept.remove(at)
    left = [at for at in others if at not in kept]
    if not left:
        return [table]
    return [_part(table, kept), *folded(replace(_part(table, [*names, *left]), note=""))]


def more_titles(parts: Sequence[Table]) -> str:
    """Write the titles of the columns that the first part lacks."""
    first = [column.title for column in parts[0].columns]
    titles = [column.title for part in parts[1:] for column in part.columns]
    return ", ".join(title for title in titles if title not in first)


def _part(table: Table, columns: Sequence[int]) -> Table:
    return replace(
        table,
        columns=tuple(table.columns[at] for at in columns),
        rows=tuple(tuple(row[at] for at in columns) for row in table.rows),
    )


def _names(table: Table) -> list[int]:
    """Return the first column, and the next ones while rows have the same names."""
    for count in range(1, min(_MOST_NAMES, len(table.columns)) + 1):
        if len({row[:count] for row in table.rows}) == len(table.rows):
            return list(range(count))
    return list(range(min(_MOST_NAMES, len(table.columns))))


def _widths(table: Table) -> list[float]:
    """Return the pixels that each column takes at least in the widest font of the page's list."""
    texts = table.texts()
    return [
        _width(column, at == 0, [row[at] for row in texts])
        for at, column in enumerate(table.columns)
    ]


def _width(column: Column, first: bool, cells: Sequence[str]) -> float:
    parts, least = [*_BREAKS.split(column.title), *cells], _LEAST
    if column.is_text:
        parts = [word for part in parts for word in _BREAKS.split(part)]
        least = _LEAST_FIRST if first else _QUESTION if column.kind is Kind.PROSE else _LEAST_TEXT
    return max(least, max(map(_pixels, parts), default=0.0) + _PADDING)


def _pixels(text: str) -> float:
    return sum(
        5.0 if sign in _NARROW else 12.5 if sign in _WIDE else 8.96 if sign.isdigit() else 8.3
        for sign in text
    )
