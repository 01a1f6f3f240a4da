"""How often the arms were right, by domain and level too; how trials ended; who judged."""

from collections.abc import Sequence
from typing import Any

from solver.analysis.accuracy import Cell
from solver.records import Outcome
from solver.report.figures import Forest, Stack
from solver.report.parts import Rows, Section, dot, names_of_arms, of, value_and_range
from solver.report.runs import Named, Run
from solver.report.tables import Column, Kind, Table, Value, short
from solver.text import plain_name

LIST_LIMIT = 200
"""Problem ids listed at most; they are always counted whole."""


def overall(arms: Sequence[Named]) -> Section | None:
    """Accuracy of every arm."""
    cells = [(arm.name, "all problems", arm.arm.overall) for arm in arms]
    if not any(cell.of_scored for _, _, cell in cells):
        return None
    lines = tuple((name, (dot(name, cell.of_scored),)) for name, _, cell in cells if cell.of_scored)
    figure = Forest("accuracy", "Accuracy with its 95 % interval", names_of_arms(arms), lines)
    columns = (Column("arm", Kind.TEXT), *_cell_columns(arms))
    rows = tuple((name, *_cell_values(cell, arms)) for name, _, cell in cells)
    words = [
        "Accuracy is the mean over problems of the mean over repeats. The interval covers 95 % and"
        " is clustered by problem, so repeats never pass for problems."
    ]
    if _two_readings(arms):
        words.append(
            "“Of all” counts the unscored trials (errors of ours, answers without a verdict) as"
            " wrong: the lower reading."
        )
    table = Table("accuracy", "Accuracy", columns, rows)
    return Section("accuracy", "Accuracy", tuple(words), (figure,), (table,))


def by_part(arms: Sequence[Named]) -> Section | None:
    """Accuracy by domain and by level."""
    found = [_by_part(arms, "domains", "By domain"), _by_part(arms, "levels", "By level")]
    if not arms:
        return None
    return Section(
        "parts",
        "By domain and level",
        figures=tuple(figure for figure, _ in found if figure.lines),
        tables=tuple(table for _, table in found),
    )


def _by_part(arms: Sequence[Named], which: str, title: str) -> tuple[Forest, Table]:
    cells: dict[str, list[tuple[str, Cell]]] = {}
    for arm in arms:
        found: dict[Any, Cell] = getattr(arm.arm, which)
        for key in found:
            name = str(key) if which == "domains" else f"level {key}" if key else "no level"
            cells.setdefault(short(name, 60), []).append((arm.name, found[key]))
    lines = [
        (part, tuple(dot(name, cell.of_scored) for name, cell in cells[part] if cell.of_scored))
        for part in sorted(cells)
    ]
    figure = Forest(
        which,
        f"Accuracy {title[0].lower()}{title[1:]}",
        names_of_arms(arms),
        tuple((part, dots) for part, dots in lines if dots),
    )
    several = len(arms) > 1
    columns = (
        Column(which.removesuffix("s"), Kind.TEXT),
        *([Column("arm", Kind.TEXT)] if several else []),
        *_cell_columns(arms),
    )
    rows: Rows = [
        (part, *([name] if several else []), *_cell_values(cell, arms))
        for part in sorted(cells)
        for name, cell in cells[part]
    ]
    rows += [
        ("all", *([arm.name] if several else []), *_cell_values(arm.arm.overall, arms))
        for arm in arms
    ]
    return figure, Table(which, title, columns, tuple(rows), emphasis=frozenset({"all"}))


def outcomes(arms: Sequence[Named]) -> Section | None:
    """How trials ended."""
    counted = [(arm.name, arm.arm.outcomes) for arm in arms if arm.arm.outcomes]
    if not counted:
        return None
    seen = [outcome for outcome in Outcome if any(found[outcome] for _, found in counted)]
    bars = tuple((name, tuple(found[outcome] for outcome in seen)) for name, found in counted)
    figure = Stack("outcomes", "How trials ended", tuple(map(plain_name, seen)), bars)
    columns = (
        Column("arm", Kind.TEXT),
        Column("trials"),
        *(Column(plain_name(outcome)) for outcome in seen),
    )
    rows: Rows = [(name, found.total(), *(found[o] for o in seen)) for name, found in counted]
    words = (
        "A trial keeps the outcome of its last attempt. “Error” and “judge invalid” say nothing"
        " about the model and are never scored.",
    )
    table = Table("outcomes", "Trials by outcome", columns, tuple(rows))
    return Section("outcomes", "Outcomes", words, (figure,), (table,))


def judged(arms: Sequence[Named]) -> Section | None:
    """Who judged, and where rules and model disagree."""
    columns = (
        Column("arm", Kind.TEXT),
        Column("answers judged"),
        Column("by rules"),
        Column("by model"),
        Column("undecided"),
        Column("rules = model"),
        Column("rules ≠ model"),
        Column("rules alone", Kind.SHARE),
        Column("95 % range", Kind.INTERVAL),
        Column("rules and model", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
    )
    rows: Rows = []
    for arm in arms:
        verdicts = [
            row.verdict
            for row in arm.run.rows
            if row.verdict is not None and (row.model, row.mode) == (arm.arm.model, arm.arm.mode)
        ]
        by_model = [v for v in verdicts if v.by == "model" and v.rules in ("equal", "different")]
        agree = sum((v.rules == "equal") == v.correct for v in by_model)
        alone, both = arm.arm.rules_alone, arm.arm.overall.of_all
        rows.append(
            (
                arm.name,
                len(verdicts),
                arm.arm.by_rules,
                arm.arm.by_model,
                arm.arm.undecided,
                agree,
                len(by_model) - agree,
                *value_and_range(alone),
                *value_and_range(both),
            )
        )
    words = (
        "Rules decide by mathematics; a judge model, where there is one, is asked about what they"
        " cannot decide. “Rules alone” counts every undecided answer as wrong, and so does the last"
        " column, over all trials: the gap between them is what the judge model added.",
    )
    table = Table("judge", "Who judged", columns, tuple(rows))
    return Section("judge", "Judge", words, (), (table,)) if rows else None


def unsolved(runs: Sequence[Run]) -> Section | None:
    """Problems nobody solved."""
    words, items = [], []
    for run in runs:
        missing = run.summary.unsolved
        if not missing:
            continue
        words.append(
            f"{run.name}: {of(len(missing), run.summary.problems)} problems were solved by no"
            " model in any mode."
        )
        items += missing
    if not items:
        return None
    if len(items) > LIST_LIMIT:
        words.append(f"The first {LIST_LIMIT} are listed.")
    shown = tuple(short(item, 120) for item in items[:LIST_LIMIT])
    return Section("unsolved", "Never solved", tuple(words), items=shown)


def _two_readings(arms: Sequence[Named]) -> bool:
    return any(arm.arm.overall.unscored for arm in arms)


def _cell_columns(arms: Sequence[Named]) -> list[Column]:
    columns = [
        Column("accuracy", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
        Column("problems"),
        Column("trials"),
        Column("correct"),
    ]
    more = [Column("unscored"), Column("of all", Kind.SHARE), Column("its interval", Kind.INTERVAL)]
    return columns + more if _two_readings(arms) else columns


def _cell_values(cell: Cell, arms: Sequence[Named]) -> list[Value]:
    values: list[Value] = [*value_and_range(cell.of_scored)]
    values += [cell.problems, cell.trials, cell.correct]
    more: list[Value] = [cell.unscored, *value_and_range(cell.of_all)]
    return values + more if _two_readings(arms) else values
