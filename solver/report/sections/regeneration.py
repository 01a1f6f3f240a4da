"""Show what regeneration changes, compared with the plain mode."""

from collections.abc import Sequence
from math import isnan
from typing import get_args

from solver.analysis.regeneration import Regenerated
from solver.records import Intervention
from solver.report.parts import Rows, Section, share, table_or_none
from solver.report.tables import Column, Kind, Table, Value
from solver.stats.paired import MeanDifference

_KINDS: tuple[str, ...] = get_args(Intervention.model_fields["kind"].annotation)
_Found = Sequence[tuple[str, Regenerated]]


def regenerated(found: _Found) -> Section | None:
    """Show accuracy, executions, cost and interventions of every controller."""
    if not found:
        return None
    words = (
        "Regeneration: a controller changes how a reply is made. arXiv 2501.17084 reports such a"
        " mode (+0.8 points, −36.7 % of execution time, for one model) without defining it; the"
        " definitions of these modes are ours.",
    )
    tables = (
        _accuracy(found),
        _executed(found),
        _spent(found),
        *table_or_none(_interventions(found)),
    )
    return Section("regeneration", "Regeneration", words, (), tables)


def _accuracy(found: _Found) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("trials"),
        Column("accuracy", Kind.SHARE),
        Column("minus plain, points", Kind.POINTS),
        Column("95 % interval", Kind.POINTS_INTERVAL),
        Column("p", Kind.CHANCE),
        Column("programs"),
        Column("unsafe"),
        Column("%", Kind.SHARE),
    )
    rows: Rows = [
        (
            *(name, arm.trials, arm.accuracy),
            *((points.value, (points.low, points.high)) if points else (None, None)),
            points.p_value if points else None,
            *(arm.programs, arm.refused, share(arm.refused, arm.programs)),
        )
        for name, arm, points in ((name, arm, arm.difference) for name, arm in found)
    ]
    note = (
        "Over the trials that ended without an error of ours in all of these arms; one without a"
        " usable verdict counts as wrong. Paired by problem. The section that compares all arms"
        " has p after Holm."
    )
    return Table("regeneration", "Regeneration against the plain mode", columns, tuple(rows), note)


def _executed(found: _Found) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("execution s a trial", Kind.NUMBER),
        Column("s minus plain", Kind.CHANGE),
        Column("95 % range, s", Kind.CHANGE_INTERVAL),
        Column("change, %", Kind.POINTS),
        Column("attempts a trial", Kind.NUMBER),
        Column("attempts minus plain", Kind.CHANGE),
        Column("95 % range, attempts", Kind.CHANGE_INTERVAL),
    )
    rows: Rows = []
    for name, arm in found:
        mean, change = arm.spent.execution_seconds, arm.execution_seconds
        before = mean - change.value if change else 0.0
        rows.append(
            (
                *(name, mean, *_mean(change)),
                change.value / before if change and before > 0 else None,
                *(arm.spent.attempts, *_mean(arm.attempts)),
            )
        )
    note = "Means over the same trials. Differences are means over problems, with Student’s range."
    title = "Executions and attempts with regeneration"
    return Table("regeneration-executions", title, columns, tuple(rows), note)


def _mean(found: MeanDifference | None) -> tuple[Value, Value]:
    if found is None:
        return None, None
    return found.value, None if isnan(found.low) else (found.low, found.high)


def _spent(found: _Found) -> Table:
    names = ("requests", "tokens in", "tokens out", "model s", "tokens out a second")
    columns = (Column("arm", Kind.TEXT), *(Column(name, Kind.NUMBER) for name in names))
    rows: Rows = [
        (
            name,
            *(spent.requests, spent.input_tokens, spent.output_tokens, spent.model_seconds),
            spent.output_tokens / spent.model_seconds if spent.model_seconds else None,
        )
        for name, spent in ((name, arm.spent) for name, arm in found)
    ]
    return Table(
        "regeneration-cost", "What regeneration costs, means a trial", columns, tuple(rows)
    )


def _interventions(found: _Found) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        *(Column(kind) for kind in _KINDS),
        Column("same first reply"),
        Column("of"),
        Column("others differ from character"),
    )
    rows: Rows = [
        (name, *(arm.interventions[kind] for kind in _KINDS), arm.same, arm.trials, arm.differs_at)
        for name, arm in found
        if arm.same is not None
    ]
    note = (
        "closed: ended at the first complete program. unparsable, refused: a line failed that check"
        " and was written again. refined: continued again from the least certain token. “Same first"
        " reply”: equal to the plain mode’s first reply, or to its beginning."
    )
    return Table("interventions", "Interventions and first replies", columns, tuple(rows), note)
