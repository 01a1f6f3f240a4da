"""Show the problems that only one side of a comparison clearly solves, and why the other lost."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from solver.analysis.compare import Comparison
from solver.report.parts import Rows, outcomes_counted
from solver.report.sections.comparison_words import Names, pair_name
from solver.report.tables import Column, Kind, Table
from solver.text import command, short

MOST_FLIPS = 200


def flips(found: Sequence[Comparison], names: Names, note: str) -> Table:
    """Show each such problem with the outcomes of both sides' trials; the title counts them."""
    columns = (
        Column("comparison", Kind.TEXT),
        Column("problem", Kind.TEXT),
        Column("domain", Kind.TEXT, minor=True),
        Column("level", minor=True),
        Column("first", Kind.SHARE),
        Column("first's trials", Kind.TEXT),
        Column("second", Kind.SHARE),
        Column("second's trials", Kind.TEXT),
    )
    every = [(each, flip) for each in found for flip in each.flips]
    rows: Rows = [
        (
            *(pair_name(each.a, each.b, names), short(flip.problem_id, 80), short(flip.domain, 40)),
            *(flip.level, flip.a, outcomes_counted(flip.a_outcomes)),
            *(flip.b, outcomes_counted(flip.b_outcomes)),
        )
        for each, flip in every[:MOST_FLIPS]
    ]
    by_first = sum(flip.a > flip.b for _, flip in every)
    lost = sum(flip.lost for _, flip in every)
    capped = sum(flip.capped for _, flip in every)
    title = (
        f"Problems that only one side clearly solves: {by_first:,} by first,"
        f" {len(every) - by_first:,} by second; the token cap cut {capped:,} of the {lost:,} trials"
        " that lost them"
    )
    most = f"The first {MOST_FLIPS} of {len(every):,}. " * (len(every) > MOST_FLIPS)
    return Table("flips", title, columns, tuple(rows), most + note)


def to_read(found: Sequence[Comparison], folders: Mapping[str, Path]) -> list[str]:
    """Return the commands that print both sides' trials of such problems."""
    every = [(each, flip) for each in found for flip in each.flips]
    places = dict.fromkeys(
        (run, flip.problem_id)
        for each, flip in every[:MOST_FLIPS]
        for run in (each.a.run, each.b.run)
    )
    return [command("show", folders[run], "--problem", problem) for run, problem in places]
