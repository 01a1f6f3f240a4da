"""Hold the parts of a section, and the functions that all sections use to write numbers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from solver.records import Outcome
from solver.report.figures import Dot, Figure
from solver.report.runs import Named, Run
from solver.report.tables import Kind, Table, Value, text_of
from solver.stats.metrics import Estimate
from solver.text import plain_name, short

Rows = list[tuple[Value, ...]]

WHOLE_TRIALS = "`solver show RUN --problem ID` prints the whole trials of a problem."
"""The note of tables that name problems: it holds on the page and on paper too."""

LONGEST_FORMULA = 300
"""The most characters of an answer that a table holds."""


@dataclass(frozen=True)
class Section:
    """One section of the report, with the same content on the page, in a terminal and in files."""

    anchor: str
    title: str
    words: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: tuple[Table, ...] = ()
    """Long tables, which the page hides until the reader opens them, and prints in full."""
    items: tuple[str, ...] = ()
    """A list of problem ids."""
    facts: tuple[tuple[str, str], ...] = ()
    """Lines that only a terminal shows, each a label and a text."""
    to_read: tuple[str, ...] = ()
    """Commands that print more, for a terminal."""
    texts: tuple[tuple[str, str], ...] = ()
    """Long texts that only the page shows, folded, each after its title."""


def dot(name: str, found: Estimate) -> Dot:
    """Return an accuracy as a mark of a figure."""
    return Dot(name, found.value, found.low, found.high, found.n_problems)


def value_and_range(found: Estimate | None) -> tuple[float | None, tuple[float, float] | None]:
    """Return an accuracy and its interval, as two cells of a table."""
    return (None, None) if found is None else (found.value, (found.low, found.high))


def share(count: int, total: int) -> float | None:
    """Return count / total; None where the total is zero."""
    return count / total if total else None


def answer(text: str) -> str:
    """Return an answer as a cell of kind FORMULA, in full unless it is very long."""
    return short(text, LONGEST_FORMULA)


def of(count: int, total: int) -> str:
    """Write `3 of 7 (42.9 %)`."""
    return f"{count:,} of {total:,} ({text_of(share(count, total), Kind.SHARE)})"


def outcomes_counted(outcomes: Mapping[Outcome, int]) -> str:
    """Write `correct 3 · wrong 1`."""
    return " · ".join(f"{plain_name(o)} {outcomes[o]:,}" for o in Outcome if outcomes.get(o))


def listed(names: Iterable[str], word: str = "and") -> str:
    """Write `a`, `a and b`, `a, b and c`, or with another word than `and`."""
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last


def names_of_arms(arms: Sequence[Named]) -> tuple[str, ...]:
    """Return the arms' names, in order."""
    return tuple(arm.name for arm in arms)


class OfArm(Protocol):
    """What an analysis found for one model in one mode."""

    @property
    def model(self) -> str:
        """Return the model's name."""
        ...

    @property
    def mode(self) -> str:
        """Return the mode's name."""
        ...


Found = TypeVar("Found", bound=OfArm)


def by_arm(
    arms: Sequence[Named], found_in: Callable[[Run], Iterable[Found]]
) -> list[tuple[str, Found]]:
    """Return what an analysis found in the runs, under the arms' names and in their order."""
    runs = {arm.run.name: arm.run for arm in arms}
    found = {(n, each.model, each.mode): each for n in runs for each in found_in(runs[n])}
    return [(arm.name, found[arm.key]) for arm in arms if arm.key in found]


def table_or_none(table: Table) -> tuple[Table, ...]:
    """Return the table, unless it has no rows."""
    return (table,) if table.rows else ()
