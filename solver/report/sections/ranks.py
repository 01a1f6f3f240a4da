"""Rank arms: the places that each may have, from all comparisons together."""

from collections.abc import Sequence

from solver.analysis.compare import Comparison
from solver.analysis.ranking import ranking
from solver.report.parts import Rows, table_or_none, value_and_range
from solver.report.sections.comparison_words import Names, of_side
from solver.report.tables import Column, Kind, Table
from solver.stats.ranks import Standing


def ranks(found: Sequence[Comparison], names: Names) -> tuple[Table, ...]:
    """Show the places that each arm may have; no table for fewer than three."""
    columns = (
        Column("places", Kind.TEXT),
        Column("arm", Kind.TEXT),
        Column("accuracy", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
        Column("problems"),
    )
    rows: Rows = [
        (
            _places_of(one.standing),
            of_side(one.side, names),
            *value_and_range(one.side.accuracy),
            one.side.accuracy.n_problems,
        )
        for one in ranking(found)
    ]
    note = (
        "The places that an arm may have, right for all arms at once in 95 % of rankings: a place"
        f" is claimed only by p after Holm over {len(found)} pairs. The accuracy’s interval is of"
        " the arm alone."
    )
    return table_or_none(Table("ranks", "Ranks", columns, tuple(rows), note))


def _places_of(standing: Standing) -> str:
    best, worst = standing.best, standing.worst
    return str(best) if best == worst else f"{best} to {worst}"
