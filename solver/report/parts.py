"""What every section of the report is made of, and the phrases they share."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from solver.report.figures import Dot, Figure
from solver.report.runs import Named, Run, names_by_arm
from solver.report.tables import Kind, Table, Value, text_of
from solver.stats.metrics import Estimate

Found = TypeVar("Found")


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


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def names_of_arms(arms: Sequence[Named]) -> tuple[str, ...]:
    """The arms' names, in order."""
    return tuple(arm.name for arm in arms)


def by_arm(
    runs: Sequence[Run],
    arms: Sequence[Named],
    found_in: Callable[[Run], Iterable[tuple[str, str, Found]]],
) -> Iterator[tuple[str, Found]]:
    """What is found in the runs by model and mode, under the arms' names and in their order."""
    found = {(run.name, model, mode): each for run in runs for model, mode, each in found_in(run)}
    for key, name in names_by_arm(arms).items():
        if key in found:
            yield name, found[key]


def table_or_none(table: Table) -> tuple[Table, ...]:
    """The table, unless it has no rows."""
    return (table,) if table.rows else ()


Rows = list[tuple[Value, ...]]
