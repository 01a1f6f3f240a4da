"""Write sections as one JSON document, for programs that read what a command prints."""

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any

from solver.report.parts import Section
from solver.report.tables import Table, Value
from solver.text import plain


def print_data(sections: Iterable[Section | None]) -> None:
    """Print sections as one JSON document; `as_data` says what it holds."""
    print(json.dumps(as_data(sections), indent=1, allow_nan=False))


def as_data(sections: Iterable[Section | None]) -> dict[str, Any]:
    """Return `{"sections": [...]}`, with what a terminal would show. None is skipped.

    Cells are values with all their digits, in the order of the table's columns. A column's kind is
    the `value` of `solver.report.tables.Kind`: shares, their intervals [low, high] and chances are
    from 0 to 1, points are differences of shares. A value that is missing or infinite is null. A
    narrow terminal leaves minor columns out.
    """
    return {"sections": [_section(section) for section in sections if section is not None]}


def _section(section: Section) -> dict[str, Any]:
    return {
        "name": section.anchor,
        "title": plain(section.title),
        "words": [plain(words) for words in section.words],
        "tables": [_table(table) for table in (*section.tables, *section.folded)],
        "items": [plain(item) for item in section.items],
        "facts": [{"name": plain(name), "text": plain(text)} for name, text in section.facts],
        "to_read": [plain(command) for command in section.to_read],
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": plain(table.name),
        "title": plain(table.title),
        "columns": [
            {"title": plain(column.title), "kind": column.kind.value, "minor": column.minor}
            for column in table.columns
        ],
        "rows": [[_cell(value) for value in row] for row in table.rows],
        "note": plain(table.note),
    }


def _cell(value: Value) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, tuple):
        return [_cell(end) for end in value]
    return value if value is not None and isfinite(value) else None
