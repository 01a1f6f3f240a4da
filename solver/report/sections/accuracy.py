"""Show how often the arms were right, how trials ended, and who judged."""

from collections.abc import Iterator, Sequence
from typing import Any

from solver.analysis.accuracy import Arm, Cell
from solver.modes import stored_mode
from solver.records import Detail, Outcome
from solver.report.figures import Forest, Stack
from solver.report.parts import (
    Rows,
    Section,
    dot,
    listed,
    names_of_arms,
    of,
    outcomes_counted,
    value_and_range,
)
from solver.report.runs import Named, Run
from solver.report.sections.labelled import audited_in, by_labels
from solver.report.tables import Column, Kind, Table, Value
from solver.text import model_name, percent, plain_name, share_of, short

LIST_LIMIT = 200
"""The most problem ids that are listed; the count is always of all."""


def overall(arms: Sequence[Named]) -> Section | None:
    """Show the accuracy of every arm."""
    cells = [(arm.name, "all problems", arm.arm.overall) for arm in arms]
    if not any(cell.of_scored for _, _, cell in cells):
        return None
    lines = tuple((name, (dot(name, cell.of_scored),)) for name, _, cell in cells if cell.of_scored)
    figure = Forest("accuracy", "Accuracy with its 95 % interval", names_of_arms(arms), lines)
    repeated = any(cell.again for _, _, cell in cells)
    columns = (Column("arm", Kind.TEXT), *_cell_columns(arms), *(_AGAIN if repeated else ()))
    rows = tuple(
        (
            *(name, *_cell_values(cell, arms)),
            *((cell.again, cell.run_to_run) if repeated else ()),
        )
        for name, _, cell in cells
    )
    words = [
        "Accuracy is the mean over problems of the mean over repeats. The 95 % interval is"
        " clustered by problem, so repeats never count as more problems."
    ]
    if _two_readings(arms):
        words.append(
            "“Of all” is the accuracy over all trials: unscored ones (errors of ours, answers"
            " without a verdict) count as wrong."
        )
    if repeated:
        words.append(
            "That interval is for problems like these. On these same problems, new runs would"
            " average within the narrower one; “run to run” is the standard deviation of one run."
        )
    table = Table("accuracy", "Accuracy", columns, rows)
    return Section("accuracy", "Accuracy", tuple(words), (figure,), (table,))


_PARTS = ("sets", "domains", "levels")
_AGAIN = (
    Column("on these problems", Kind.INTERVAL),
    Column("run to run, ±", Kind.SHARE),
)


def by_part(arms: Sequence[Named]) -> Section | None:
    """Show accuracy by domain and by level, and by problem set where there are several."""
    titles = {"domains": "By domain", "levels": "By level"}
    several = any(arm.arm.sets for arm in arms)
    if several:
        titles = {"sets": "By problem set", **titles}
    found = [_by_part(arms, *part) for part in titles.items()]
    alone = {which for which in titles if _hold_one_trial_each(arms, which)}
    if not arms:
        return None
    return Section(
        "parts",
        "By problem set, domain and level" if several else "By domain and level",
        figures=tuple(figure for figure, _ in found if figure.lines),
        tables=tuple(table for _, table in found if table.name not in alone),
        folded=tuple(table for _, table in found if table.name in alone),
    )


def _hold_one_trial_each(arms: Sequence[Named], which: str) -> bool:
    trials = [cell.trials for cells in _cells(arms, which).values() for _, cell in cells]
    return max(trials, default=0) == 1


def of_arm(named: Named) -> Section:
    """Show one arm: accuracy by set, domain and level, and lines on how trials ended."""
    arm, one = named.arm, [named]
    rows: Rows = []
    parts: list[int] = []
    alone = [which for which in _PARTS if _hold_one_trial_each(one, which)]
    for which in _PARTS:
        rows += [] if which in alone else _rows(one, which)
        parts += [len(rows)] * (len(rows) > (parts[-1] if parts else 0))
    first = "set, domain or level" if arm.sets else "domain or level"
    table = Table(
        "parts",
        "Accuracy",
        (Column(first, Kind.TEXT), *_cell_columns(one)),
        tuple(rows + _all_rows(one)),
        f"The {listed(alone)} hold one trial each and are not shown." if alone else "",
        emphasis=frozenset({"all"}),
        parts=tuple(parts),
    )
    title = f"{model_name(arm.model)} · {arm.mode}"
    labels = [("labels", by_labels(each)) for each in audited_in(named)]
    return Section("arm", title, tables=(table,), facts=(*labels, *_facts(arm)))


def _facts(arm: Arm) -> Iterator[tuple[str, str]]:
    mode = stored_mode(arm.mode)
    turns = mode.turns
    yield "outcomes", outcomes_counted(arm.outcomes)
    if set(arm.details) - {Detail.CUT_ANSWERING}:
        yield "of them", " · ".join(f"{d} {arm.details[d]:,}" for d in Detail if arm.details[d])
    if mode.runs_code or max(arm.attempts, default=1) > 1:
        used = " · ".join(f"{number}: {count:,}" for number, count in sorted(arm.attempts.items()))
        yield turns, f"{used}  ({turns} used: trials)"
    if mode.runs_code:
        refused = share_of(arm.refused, arm.programs)
        yield (
            "unsafe",
            f"{refused} of programs refused by the screen, in {arm.unsafe_trials:,} trials",
        )
    if mode.retries:
        spent = share_of(arm.exhausted, arm.overall.trials)
        yield "unresolved", f"{spent} of trials spent every attempt, no answer"
    yield (
        "judge",
        f"rules {arm.by_rules:,} · model {arm.by_model:,} · undecided {arm.undecided:,}",
    )
    if arm.by_model:
        yield (
            "columns",
            f"rules {percent(arm.rules_alone)} · judge {percent(arm.overall.of_all)}"
            f" · both {percent(arm.rules_and_judge)} · any {percent(arm.rules_or_judge)}",
        )
    thoughts = f" ({arm.thought_tokens:,} of them thoughts)" if arm.thought_tokens else ""
    thinking = f", {arm.cut_thinking:,} of them while thinking" if arm.cut_thinking else ""
    yield (
        "tokens",
        f"{arm.input_tokens:,} in · {arm.output_tokens:,} out{thoughts} · {arm.requests:,} requests"
        f" · cap hit by {share_of(arm.capped, arm.replies)} of replies{thinking}",
    )
    yield "seconds", f"model {arm.model_seconds:,.1f} · sandbox {arm.sandbox_seconds:,.1f}"


def _by_part(arms: Sequence[Named], which: str, title: str) -> tuple[Forest, Table]:
    cells = _cells(arms, which)
    lines = [
        (part, tuple(dot(name, cell.of_scored) for name, cell in cells[part] if cell.of_scored))
        for part in cells
    ]
    figure = Forest(
        which,
        f"Accuracy {title[0].lower()}{title[1:]}",
        names_of_arms(arms),
        tuple((part, dots) for part, dots in lines if dots),
    )
    columns = (
        Column(which.removesuffix("s"), Kind.TEXT),
        *([Column("arm", Kind.TEXT)] if len(arms) > 1 else []),
        *_cell_columns(arms),
    )
    rows = tuple(_rows(arms, which) + _all_rows(arms))
    return figure, Table(which, title, columns, rows, emphasis=frozenset({"all"}))


def _cells(arms: Sequence[Named], which: str) -> dict[str, list[tuple[str, Cell]]]:
    """Group the arms' cells by set, domain or level, in order."""
    cells: dict[str, list[tuple[str, Cell]]] = {}
    for arm in arms:
        found: dict[Any, Cell] = getattr(arm.arm, which)
        for key in found:
            name = str(key) if which != "levels" else f"level {key}" if key else "no level"
            cells.setdefault(short(name, 60), []).append((arm.name, found[key]))
    return {part: cells[part] for part in sorted(cells)}


def _rows(arms: Sequence[Named], which: str) -> Rows:
    several = len(arms) > 1
    return [
        (part, *([name] if several else []), *_cell_values(cell, arms))
        for part, cells in _cells(arms, which).items()
        for name, cell in cells
    ]


def _all_rows(arms: Sequence[Named]) -> Rows:
    several = len(arms) > 1
    return [
        ("all", *([arm.name] if several else []), *_cell_values(arm.arm.overall, arms))
        for arm in arms
    ]


def outcomes(arms: Sequence[Named]) -> Section | None:
    """Show how trials ended."""
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
        "The outcome of a trial is that of its last attempt. “Error” (on our side) and"
        " “undecided” (no usable verdict) are never scored.",
    )
    table = Table("outcomes", "Trials by outcome", columns, tuple(rows))
    return Section("outcomes", "Outcomes", words, (figure,), (table,))


def judged(arms: Sequence[Named]) -> Section | None:
    """Show who judged, and how often rules and model disagree."""
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
    rows: Rows = [_verdicts(arm) for arm in arms]
    words = (
        "The rules compare answers mathematically; a judge model, if there is one, is asked where"
        " they cannot decide. “Rules alone” and “rules and model” are accuracies over all trials,"
        " with undecided answers counted as wrong: their difference is due to the judge model.",
    )
    table = Table("judge", "Who judged", columns, tuple(rows))
    return Section("judge", "Judge", words, (), (table,)) if rows else None


def _verdicts(named: Named) -> tuple[Value, ...]:
    arm = named.arm
    return (
        *(named.name, arm.verdicts, arm.by_rules, arm.by_model, arm.undecided),
        *(arm.agreed, arm.disagreed),
        *(*value_and_range(arm.rules_alone), *value_and_range(arm.overall.of_all)),
    )


def unsolved(runs: Sequence[Run]) -> Section | None:
    """List the problems that nobody solved."""
    return never_solved([(run.name, run.accuracy.unsolved, run.accuracy.scored) for run in runs])


def never_solved(found: Sequence[tuple[str, Sequence[str], int]]) -> Section | None:
    """List problems that no model solved.

    `found` has for each run its name, these problems, and the number of problems it tried.
    """
    words = [
        f"{name}: {of(len(missing), tried)} problems were solved by no model in any mode."
        for name, missing, tried in found
        if missing
    ]
    items = [problem for _, missing, _ in found for problem in missing]
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
    more = [
        Column("unscored"),
        Column("of all", Kind.SHARE),
        Column("its interval", Kind.INTERVAL, minor=True),
    ]
    return columns + more if _two_readings(arms) else columns


def _cell_values(cell: Cell, arms: Sequence[Named]) -> list[Value]:
    values: list[Value] = [*value_and_range(cell.of_scored)]
    values += [cell.problems, cell.trials, cell.correct]
    more: list[Value] = [cell.unscored, *value_and_range(cell.of_all)]
    return values + more if _two_readings(arms) else values
