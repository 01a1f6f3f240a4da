"""What every section of the report is made of, and the phrases they share."""

from collections.abc import Sequence
from dataclasses import dataclass

from solver.metrics import Estimate
from solver.report.figures import Dot, Figure
from solver.report.runs import Named
from solver.report.tables import Kind, Table, Value, text_of


@dataclass(frozen=True)
class Section:
    """One part of the page."""

    anchor: str
    title: str
    words: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: tuple[Table, ...] = ()
    """Long tables, shut until the reader opens them; on paper they are open."""
    items: tuple[str, ...] = ()
    """Problem ids, listed."""


def dot(name: str, found: Estimate) -> Dot:
    """An accuracy as a mark of a figure."""
    return Dot(name, found.value, found.low, found.high, found.n_trials)


def value_and_range(found: Estimate | None) -> tuple[float | None, tuple[float, float] | None]:
    """An accuracy as two cells of a table."""
    return (None, None) if found is None else (found.value, (found.low, found.high))


def share(count: int, total: int) -> float | None:
    """A share, where there is something to share."""
    return count / total if total else None


def of(count: int, total: int) -> str:
    """`3 of 7 (42.9 %)`."""
    return f"{count:,} of {total:,} ({text_of(share(count, total), Kind.SHARE)})"


def names_of_arms(arms: Sequence[Named]) -> tuple[str, ...]:
    """The arms' names, in order."""
    return tuple(arm.name for arm in arms)


def table_or_none(table: Table) -> tuple[Table, ...]:
    """The table, unless it has no rows."""
    return (table,) if table.rows else ()


Rows = list[tuple[Value, ...]]
