"""Show one model in several quantisations or on several servers, each against the most precise."""

from collections.abc import Sequence
from dataclasses import replace

from solver.analysis.ladder import Ladder, Rung
from solver.report.parts import Rows, Section
from solver.report.tables import Column, Kind, Table
from solver.stats.paired import Difference, holm
from solver.text import model_name, short


def ladder(found: Sequence[Ladder]) -> Section | None:
    """Show each ladder: what a rung loses against the top, on the same problems."""
    if not found:
        return None
    columns = (
        Column("run", Kind.TEXT),
        Column("model", Kind.TEXT, minor=True),
        Column("weights", Kind.TEXT),
        Column("server", Kind.TEXT, minor=True),
        Column("accuracy", Kind.SHARE),
        Column("problems"),
        Column("against the top", Kind.POINTS),
        Column("95 % interval", Kind.POINTS_INTERVAL),
        Column("p", Kind.CHANCE, minor=True),
        Column("p, Holm", Kind.CHANCE),
        Column("only top"),
        Column("only this"),
    )
    rows: Rows = []
    parts: list[int] = []
    for each in found:
        rows.append((*_names(each.top), None, None, None, None, None, None, None))
        adjusted = holm([pair.difference.p_value for _, pair in each.rungs])
        for (rung, pair), p in zip(each.rungs, adjusted, strict=True):
            first = (pair.a.run, pair.a.model) == (each.top.side.run, each.top.side.model)
            apart = _turned(pair.difference) if first else pair.difference
            only = (apart.counts.only_b, apart.counts.only_a)
            rows.append(
                (
                    *(*_names(rung), apart.n_problems, apart.value, (apart.low, apart.high)),
                    *(apart.p_value, p, *only),
                )
            )
        parts.append(len(rows))
    note = (
        "The top has the most precise weights; of equal ones, those of the first run. Each other"
        " rung minus the top, paired by problem; Holm’s correction covers the rungs of one ladder."
    )
    title = "One model, several weights or servers"
    table = Table("ladder", title, columns, tuple(rows), note, parts=tuple(parts[:-1]))
    return Section("ladder", title, tables=(table,))


def _names(rung: Rung) -> tuple[str, str, str, str, float]:
    side = rung.side
    weights = rung.quantisation or "not said"
    return (
        *(
            short(side.run, 40),
            model_name(side.model),
            short(weights, 24),
            short(rung.server, 60),
        ),
        side.accuracy.value,
    )


def _turned(found: Difference) -> Difference:
    """Return a difference the other way round."""
    counts = replace(found.counts, only_a=found.counts.only_b, only_b=found.counts.only_a)
    return replace(
        found, value=-found.value, low=-found.high, high=-found.low, counts=counts, again=None
    )
