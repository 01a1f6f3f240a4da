"""List answers that look right but were not extracted."""

from collections.abc import Sequence

from solver.analysis.comparable import counted
from solver.analysis.failures import ArmFailures
from solver.report.parts import Rows, Section, answer
from solver.report.tables import Column, Kind, Table
from solver.text import plain_name, short


def overlooked(found: Sequence[tuple[str, ArmFailures]]) -> Section | None:
    """List such answers for a reader to judge. They do not change any number."""
    words = tuple(
        f"{name}: an answer that looks right is in {counted(arm.overlooked.trials, 'trial')}."
        for name, arm in found
        if arm.overlooked.trials
    )
    table = _examples(found)
    return Section("overlooked", "Overlooked answers", words, folded=(table,)) if words else None


def _examples(found: Sequence[tuple[str, ArmFailures]]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("problem", Kind.TEXT),
        Column("repeat"),
        Column("turn"),
        Column("outcome", Kind.TEXT),
        Column("where", Kind.TEXT),
        Column("what looks right", Kind.FORMULA),
    )
    rows: Rows = [
        (
            name,
            short(example.place.problem_id, 60),
            example.place.repeat,
            example.place.turn,
            plain_name(example.outcome),
            example.where,
            answer(example.answer),
        )
        for name, arm in found
        for example in arm.overlooked.examples
    ]
    title = "Answers that look right but were not the ones extracted"
    return Table("overlooked", title, columns, tuple(rows))
