"""Show how much the wording of the prompt matters, beside what chance alone does."""

from collections.abc import Sequence

from solver.analysis.wordings import Sensitivity
from solver.report.parts import Rows, Section
from solver.report.tables import Column, Kind, Table, text_of
from solver.text import short


def wordings(found: Sequence[tuple[str, Sensitivity]]) -> Section | None:
    """Show the spread between the wordings of each mode that ran under several."""
    if not found:
        return None
    columns = (
        Column("asked of", Kind.TEXT),
        Column("wordings"),
        Column("problems"),
        Column("lowest", Kind.SHARE),
        Column("highest", Kind.SHARE),
        Column("spread", Kind.POINTS),
        Column("by chance below", Kind.POINTS),
        Column("sd", Kind.POINTS, minor=True),
        Column("sd by chance", Kind.POINTS, minor=True),
        Column("p", Kind.CHANCE),
    )
    rows: Rows = [
        (
            *(name, len(each.wordings), each.spread.n_problems),
            *(min(each.spread.accuracies), max(each.spread.accuracies), each.spread.width),
            *(each.spread.chance_width, each.spread.deviation, each.spread.chance),
            each.spread.p_value,
        )
        for name, each in found
    ]
    note = (
        "Over problems that every wording has scored. “By chance below”: if the wordings were"
        " alike, 19 of 20 runs would show a smaller spread; p is the share of such runs that show"
        " at least this deviation (trials permuted among wordings within each problem)."
    )
    table = Table("wordings", "Spread between wordings", columns, tuple(rows), note)
    words = tuple(_sentence(name, each) for name, each in found)
    return Section("wordings", "Sensitivity to the wording", words, (), (table,), (_each(found),))


def _sentence(name: str, each: Sensitivity) -> str:
    apart = each.spread
    told = (
        "more than chance alone explains; beyond it the wordings differ by"
        f" {100 * apart.beyond_chance:.1f} points (standard deviation)"
        if apart.p_value < 0.05
        else "which chance alone explains"
    )
    low, high = (text_of(end(apart.accuracies), Kind.SHARE) for end in (min, max))
    return (
        f"{name}: {len(each.wordings)} wordings lie {100 * apart.width:.1f} points apart"
        f" ({low} to {high}), {told}."
    )


def _each(found: Sequence[tuple[str, Sensitivity]]) -> Table:
    columns = (
        Column("asked of", Kind.TEXT),
        Column("wording", Kind.TEXT),
        Column("accuracy", Kind.SHARE),
    )
    rows: Rows = [
        (name, short(wording, 60), value)
        for name, each in found
        for wording, value in zip(each.wordings, each.spread.accuracies, strict=True)
    ]
    return Table("each-wording", "Accuracy by wording", columns, tuple(rows))
