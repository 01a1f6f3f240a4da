"""Write what a command prints as one JSON document: the runs it is about, and its sections."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

from solver import __version__
from solver.report.parts import Section
from solver.report.runs import Key, Run, named_arms
from solver.report.sections.accuracy import accuracies
from solver.report.tables import Table, Value
from solver.store import state_of
from solver.text import plain, plain_name


def print_data(sections: Iterable[Section | None], runs: Sequence[Run] = ()) -> None:
    """Print runs and sections as one JSON document; `as_data` says what it holds."""
    print(json.dumps(as_data(sections, runs), indent=1, allow_nan=False))


def as_data(sections: Iterable[Section | None], runs: Sequence[Run] = ()) -> dict[str, Any]:
    """Return `{"solver": VERSION, "runs": [...], "sections": [...]}`. A section of None is skipped.

    Each run has its arms, with the titles of the table of accuracies as keys, always over the whole
    run, probes for memory left out; the sections hold what a terminal would show. Cells are values
    with all their digits, in the order of the table's columns. A column's kind is the `value` of
    `solver.report.tables.Kind`: shares, their intervals [low, high] and chances are from 0 to 1,
    points are differences of shares. A value that is missing or infinite is null. A narrow terminal
    leaves minor columns out.
    """
    names = {arm.key: arm.name for arm in named_arms(runs)}
    return {
        "solver": __version__,
        "runs": [_run(run, names) for run in runs],
        "sections": [_section(section) for section in sections if section is not None],
    }


def _run(run: Run, names: Mapping[Key, str]) -> dict[str, Any]:
    ended, planned = run.store.ended(), int(run.manifest.get("trials", 0))
    arms = [replace(arm, name=names[arm.key]) for arm in named_arms([run])]
    table = accuracies(arms)
    return {
        "name": plain(run.name),
        "path": plain(str(run.store.folder)),
        "state": state_of(run.store.folder, run.sessions, ended, planned),
        "solver": plain(str(run.manifest.get("versions", {}).get("solver", ""))) or None,
        "trials": {"ended": ended, "planned": planned},
        "arms": [
            {
                "model": plain(arm.arm.model),
                "mode": plain(arm.arm.mode),
                **{c.title: _cell(value) for c, value in zip(table.columns, row, strict=True)},
                "outcomes": {plain_name(each): n for each, n in arm.arm.outcomes.items() if n},
            }
            for arm, row in zip(arms, table.rows, strict=True)
        ],
    }


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
