"""Write what a command prints as one JSON document: the runs it is about, and its sections."""

import json
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from solver import __version__
from solver.records import Outcome
from solver.report.parts import Section, value_and_range
from solver.report.runs import Key, Named, Run, named_arms, names_by_arm
from solver.report.tables import Table, Value
from solver.store import state_of
from solver.text import plain


def print_data(sections: Iterable[Section | None], runs: Sequence[Run] = ()) -> None:
    """Print runs and sections as one JSON document; `as_data` says what it holds."""
    print(json.dumps(as_data(sections, runs), indent=1, allow_nan=False))


def as_data(sections: Iterable[Section | None], runs: Sequence[Run] = ()) -> dict[str, Any]:
    """Return `{"solver": VERSION, "runs": [...], "sections": [...]}`. A section of None is skipped.

    Each run has its arms, always over the whole run, probes for memory left out, and always with
    the same keys; the sections hold what a terminal would show. Cells are values with all their
    digits, in the order of the table's columns. A column's kind is the `value` of
    `solver.report.tables.Kind`: shares, their intervals [low, high] and chances are from 0 to 1,
    points are differences of shares. A value that is missing or infinite is null. A narrow terminal
    leaves minor columns out.
    """
    names = names_by_arm(named_arms(runs))
    return {
        "solver": __version__,
        "runs": [_run(run, names) for run in runs],
        "sections": [_section(section) for section in sections if section is not None],
    }


def _run(run: Run, names: Mapping[Key, str]) -> dict[str, Any]:
    ended, planned = run.store.ended(), int(run.manifest.get("trials", 0))
    return {
        "name": plain(run.name),
        "path": plain(str(run.store.folder)),
        "state": state_of(run.store.folder, run.sessions, ended, planned),
        "solver": plain(str(run.manifest.get("versions", {}).get("solver", ""))) or None,
        "trials": {"ended": ended, "planned": planned},
        "arms": [_arm(arm, names[arm.key]) for arm in named_arms([run])],
    }


def _arm(named: Named, name: str) -> dict[str, Any]:
    arm, cell = named.arm, named.arm.overall
    of_scored, its_interval = value_and_range(cell.of_scored)
    of_all, interval_of_all = value_and_range(cell.of_all)
    return {
        "arm": plain(name),
        "model": plain(arm.model),
        "mode": plain(arm.mode),
        "problems": cell.problems,
        "trials": cell.trials,
        "unscored": cell.unscored,
        "correct": cell.correct,
        "accuracy": _cell(of_scored),
        "interval": _cell(its_interval),
        "accuracy_of_all": _cell(of_all),
        "interval_of_all": _cell(interval_of_all),
        "interval_on_these_problems": _cell(cell.again),
        "run_to_run": _cell(cell.run_to_run),
        "outcomes": {str(each): arm.outcomes[each] for each in Outcome},
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
