"""Show the rounds of modes that alternate between words and programs."""

from collections.abc import Sequence

from solver.analysis.rounds import Rounds
from solver.report.parts import Rows, Section, share
from solver.report.tables import Column, Kind, Table


def rounds(found: Sequence[tuple[str, Rounds]]) -> Section | None:
    """Show the number of replies and programs, and by which rule answers were found."""
    if not found:
        return None
    return Section("rounds", "Rounds of words and programs", tables=(_rounds(found),))


def _rounds(found: Sequence[tuple[str, Rounds]]) -> Table:
    rules = sorted({rule for _, each in found for rule in each.answers})
    columns = (
        Column("arm", Kind.TEXT),
        Column("trials"),
        Column("replies"),
        Column("replies a trial", Kind.NUMBER),
        Column("programs run"),
        Column("failed"),
        Column("%", Kind.SHARE),
        Column("refused"),
        *(Column(f"answers: {rule.replace('_', ' ')}") for rule in rules),
    )
    rows: Rows = [
        (
            *(name, each.trials, each.replies, each.replies / each.trials),
            *(each.executions, each.failed, share(each.failed, each.executions), each.refused),
            *(each.answers[rule] for rule in rules),
        )
        for name, each in found
    ]
    return Table("rounds", "Rounds", columns, tuple(rows))
