"""Show where our judge changes the verdicts of the tool that a run was imported from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from judge.logs.changes import Change, Tally
from solver.analysis.compare import Comparison
from solver.analysis.other_judge import OtherJudge
from solver.records import Problem
from solver.report.parts import Rows, Section, answer, table_or_none
from solver.report.tables import Column, Kind, Table, Value
from solver.text import plain_name, short

MOST_LISTED = 1_000
"""The most replies that are listed; the counts are always of all."""


def changed_by_the_judge(
    found: Sequence[tuple[str, OtherJudge]],
    problems: Mapping[str, Problem],
    *,
    most: int = MOST_LISTED,
) -> Section | None:
    """Show every scorer of the other tool beside our judge, and each reply judged otherwise.

    `found` has the arms' names; `problems` are those of all runs. At most `most` replies are
    listed.
    """
    rows: Rows = [
        (name, scorer.name, *_counts(scorer.tally)) for name, arm in found for scorer in arm.scorers
    ]
    if not rows:
        return None
    columns = (
        Column("arm", Kind.TEXT),
        Column("scorer", Kind.TEXT),
        Column("trials"),
        Column("its accuracy", Kind.SHARE),
        Column("ours", Kind.SHARE),
        *(Column(str(change)) for change in Change),
    )
    words: tuple[str, ...] = (
        "The verdicts of the tool's own scorers stand beside ours and change no number of ours."
        " A trial that our judge leaves open has no usable verdict and is not scored. Where a"
        " scorer has one verdict on several replies together, no single one can be compared.",
    )
    listed = _listed(found, problems)
    if len(listed.rows) > most:
        words = (*words, f"The first {most:,} of {len(listed.rows):,} changed trials are listed.")
        listed = replace(listed, rows=listed.rows[:most])
    return Section(
        "other-judge",
        "Changed by the judge",
        words,
        tables=(Table("other_judge", "Their verdicts and ours", columns, tuple(rows)),),
        folded=table_or_none(listed),
    )


def by_other_judges(found: Iterable[tuple[str, Comparison]]) -> Table:
    """Show comparisons by the verdicts of the tools that the arms were imported from.

    `found` has the comparisons' names. The table has no rows where no arm was imported.
    """
    columns = (
        Column("comparison", Kind.TEXT),
        Column("by", Kind.TEXT),
        Column("problems"),
        Column("first", Kind.SHARE),
        Column("second", Kind.SHARE),
        Column("difference, points", Kind.POINTS),
        Column("95 % interval", Kind.POINTS_INTERVAL),
        Column("p", Kind.CHANCE),
        Column("by our judge, points", Kind.POINTS),
    )
    rows: Rows = [
        (
            name,
            " / ".join(dict.fromkeys(short(one or "our judge", 40) for one in each.scorers)),
            *(each.difference.n_problems, each.a.value, each.b.value, each.difference.value),
            *((each.difference.low, each.difference.high), each.difference.p_value),
            comparison.difference.value,
        )
        for name, comparison in found
        for each in comparison.by_scorers
    ]
    note = (
        "Over trials with a verdict of the named scorers, so that problems may differ from those of"
        " our judge, which all other tables go by. A slash divides the scorers of first and second."
    )
    title = "The same by the tools’ own scorers, first minus second"
    return Table("differences-by-scorer", title, columns, tuple(rows), note)


def _counts(tally: Tally) -> tuple[Value, ...]:
    return (
        tally.replies,
        tally.theirs / tally.replies,
        tally.ours / tally.replies,
        *(tally.changes[change] if tally.single else None for change in Change),
    )


def _listed(found: Sequence[tuple[str, OtherJudge]], problems: Mapping[str, Problem]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("scorer", Kind.TEXT),
        Column("change", Kind.TEXT),
        Column("problem", Kind.TEXT),
        Column("repeat"),
        Column("reference", Kind.FORMULA),
        Column("our reading", Kind.FORMULA),
        Column("its reading", Kind.FORMULA),
        Column("our reason", Kind.TEXT),
    )
    rows: Rows = [
        (
            name,
            scorer.name,
            str(each.change),
            short(each.row.problem_id, 60),
            each.row.repeat,
            answer(problems[each.row.problem_id].answer),
            answer(each.row.answer or plain_name(each.row.outcome)),
            answer(each.theirs.reading or ""),
            short(each.row.verdict.reason if each.row.verdict else "", 80),
        )
        for name, arm in found
        for scorer in arm.scorers
        for each in scorer.changed
    ]
    return Table("changed", "Trials that our judge changes", columns, tuple(rows))
