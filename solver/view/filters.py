"""Read a filter from an address, and find the trials that pass it, in an order.

The filter line holds words such as `outcome:wrong level:>=4 mode:code answer:~sqrt`. A word is a
column of the list, a colon, and what the value is to be: equal (without a sign), `~` for a text
that contains it, `>`, `>=`, `<` or `<=` for numbers, `none` for no value. A minus before it negates
it, and quotes hold spaces together. Words without a colon are looked for in id, question, reference
and answer. `is:disagreed` finds problems on which a model is right in one mode and not in another,
`is:unstable` those on which repeats of one arm differ, `is:changed` trials of an imported run that
our judge calls something else than the tool's own scorers (`theirs:right`, `theirs:wrong`), and
`flipped:RUN` trials that were right and are wrong, or the reverse, in another run. In a run of
`solver probe`, `standing:recited` and `standing:mastered` find what the signs of memory say of a
problem.
"""

import operator
import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import accumulate
from typing import overload

import numpy as np

from solver.analysis.recited import Standing
from solver.errors import ConfigError
from solver.view.coded import Coded, Mask, Places, Value, joined, loose, written
from solver.view.columns import COLUMNS, ENDED, Column
from solver.view.entry import Entry
from solver.view.snapshot import LONGEST_VALUE, Snapshot

Standings = Mapping[tuple[str, str, str], str]
"""What signs of memory say of a problem, by its id, the model and the mode."""
Place = tuple[str, Entry]
"""A trial, after the name of its run."""

_WORD = re.compile(r'(?:(-?)([A-Za-z_]+):(~|[<>]=?)?)?("[^"]*"?|[^\s"]\S*)')
_ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_STATES = ("disagreed", "unstable", "changed")
WORDS = (*COLUMNS, "is", "flipped", "standing")
"""What a word of the filter line may begin with."""


@dataclass(frozen=True)
class Elsewhere:
    """Where a filter finds what a run's list of trials does not hold."""

    trials: Callable[[str], Snapshot | None] = lambda run: None
    """Returns the trials of another run by its name."""
    standings: Callable[[str], Standings] = lambda run: {}
    """Returns what signs of memory say of the problems of a run."""


@dataclass(frozen=True)
class Criteria:
    """A filter on trials, as in an address. An empty field does not filter."""

    problem: str = ""
    """The whole id of a problem, as links from reports give it."""
    domain: str = ""
    level: str = ""
    model: str = ""
    mode: str = ""
    outcome: str = ""
    score: str = ""
    """A number, or `none` for trials without a usable verdict."""
    attempts: str = ""
    q: str = ""
    """The filter line."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Criteria":
        """Read the filter from the query of an address; other parts of the query are ignored."""
        return cls(**{part.name: query.get(part.name, "")[:LONGEST_VALUE] for part in fields(cls)})

    def query(self) -> dict[str, str]:
        """Return the fields that are not empty, for the query of an address."""
        return {name: value for name, value in vars(self).items() if value}


class Found(Sequence[Place]):
    """Trials of some runs in an order, paired with their runs when they are shown."""

    def __init__(
        self, parts: Sequence[tuple[str, Sequence[Entry]]], rows: Places | None = None
    ) -> None:
        """Take all trials of each run, and which of them: their places if all stood in one list."""
        self._parts = parts
        self._ends = list(accumulate(len(entries) for _, entries in parts))
        self._rows = np.arange(self._ends[-1] if parts else 0) if rows is None else rows

    def __len__(self) -> int:
        """Count the trials."""
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Place: ...

    @overload
    def __getitem__(self, place: slice) -> list[Place]: ...

    def __getitem__(self, place: int | slice) -> Place | list[Place]:
        """Return a trial, or some side by side."""
        if isinstance(place, slice):
            return [self._at(row) for row in self._rows[place].tolist()]
        return self._at(int(self._rows[place]))

    def _at(self, row: int) -> Place:
        """Return the trial at a place of the list of all."""
        number = bisect_right(self._ends, row)
        run, entries = self._parts[number]
        return run, entries[row - self._ends[number]]  # counted from the end of the run's trials

    def __iter__(self) -> Iterator[Place]:
        """Yield each trial."""
        return map(self._at, self._rows.tolist())

    def index(self, value: Place, start: int = 0, stop: int = sys.maxsize) -> int:
        """Return the place of a trial. Raises ValueError where it is not there."""
        low, high, _ = slice(start, stop).indices(len(self))
        for (run, entries), end in zip(self._parts, self._ends, strict=True):
            if run == value[0]:
                row = end - len(entries) + entries.index(value[1])
                for place in np.flatnonzero(self._rows[low:high] == row).tolist():
                    return low + int(place)
        raise ValueError(f"the trial of {value[0]} is not in the list")


def matching(
    snapshots: Mapping[str, Snapshot],
    criteria: Criteria,
    order: str = "",
    elsewhere: Elsewhere = Elsewhere(),
) -> Sequence[Place]:
    """Return the trials of some runs that pass a filter, in an order.

    The order is the name of a column, after a minus for the largest first, or `latest`; any other
    is that of runs and problems. Raises ConfigError where the filter line cannot be read.
    """
    passing = [np.zeros(0, bool)]
    for run, snapshot in snapshots.items():
        mask = np.ones(len(snapshot.entries), bool)
        for condition in _conditions(run, snapshot, criteria, elsewhere):
            mask &= condition
        passing.append(mask)
    rows: Places = np.flatnonzero(np.concatenate(passing))
    column = ENDED.name if order == "latest" else order.removeprefix("-")
    if snapshots and (order == "latest" or column in COLUMNS):
        whole = joined([snapshot.columns[column] for snapshot in snapshots.values()])
        rows = whole.sorted(rows, largest=order == "latest" or order.startswith("-"))
    return Found([(run, snapshot.entries) for run, snapshot in snapshots.items()], rows)


def _conditions(
    run: str, snapshot: Snapshot, criteria: Criteria, elsewhere: Elsewhere
) -> Iterator[Mask]:
    """Yield what passes each field of the filter, and each word of its line."""
    for name, chosen in criteria.query().items():
        if name != "q":
            yield snapshot.columns[name].where(partial(_exactly, chosen))
    for minus, name, sign, quoted in _WORD.findall(criteria.q):
        word, wanted = name.casefold(), quoted.strip('"')
        if word == "flipped":
            passing = _flipped(wanted, snapshot, elsewhere)
        elif word == "standing":
            passing = _standing(wanted, snapshot, elsewhere.standings(run))
        else:
            passing = _condition(word, sign, wanted, snapshot)
        yield ~passing if minus else passing


def _exactly(chosen: str, value: Value) -> bool:
    """Tell whether a value is written just so, as one that was chosen from a list."""
    return written(value) == chosen


def _condition(name: str, sign: str, wanted: str, snapshot: Snapshot) -> Mask:
    """Return what passes one word. Raises ConfigError where it cannot be read."""
    if not name:
        return _mentions(wanted.casefold(), snapshot)
    if name == "is" and wanted == "disagreed":
        return _among(("problem", "model"), snapshot.disagreed, snapshot)
    if name == "is" and wanted == "unstable":
        return _among(("problem", "model", "mode"), snapshot.unstable, snapshot)
    if name == "is" and wanted == "changed":
        return snapshot.changed
    if name == "is":
        raise ConfigError(f"is:{wanted}: it can be {', '.join(_STATES[:-1])} or {_STATES[-1]}")
    if name not in COLUMNS:
        raise ConfigError(
            f"{name}: no such word; the words are {', '.join(WORDS)};"
            f' to look for the text, put it in quotes: "{name}:{wanted}"'
        )
    return _test(COLUMNS[name], sign, wanted, snapshot.columns[name])


def _test(column: Column, sign: str, wanted: str, values: Coded) -> Mask:
    """Return what passes a test of a column. Raises ConfigError for a number that is none."""
    if sign in _ORDERS:
        try:
            limit = float(wanted)
        except ValueError:
            limit = None
        if limit is None or not column.number:
            raise ConfigError(
                f"{column.name}:{sign}{wanted}: {sign} needs a column of numbers and a number"
            )
        return values.compared(_ORDERS[sign], limit)
    return values.holding(loose(wanted)) if sign == "~" else values.reading(loose(wanted))


def _mentions(needle: str, snapshot: Snapshot) -> Mask:
    """Return the trials of which id, question, reference or answer holds a text."""
    named: Mask = np.array([needle in text for text in snapshot.texts.values()], bool)
    answered = snapshot.columns["answer"].where(
        lambda answer: answer is not None and needle in str(answer).casefold()
    )
    return answered | named[snapshot.columns["question"].codes]


def _among(names: Sequence[str], found: Iterable[Sequence[str]], snapshot: Snapshot) -> Mask:
    """Return the trials whose values in some columns are together among those found."""
    columns = [snapshot.columns[name] for name in names]
    known = [{value: n for n, value in enumerate(column.values)} for column in columns]
    table: Mask = np.zeros([len(column.values) for column in columns], bool)
    for values in found:
        place = tuple(at.get(value, -1) for at, value in zip(known, values, strict=True))
        if min(place) >= 0:  # else it is of a trial that has not been read yet
            table[place] = True
    passing: Mask = table[tuple(column.codes for column in columns)]
    return passing


def _flipped(run: str, snapshot: Snapshot, elsewhere: Elsewhere) -> Mask:
    """Return the trials that were right in another run and are wrong in this, or the reverse.

    Raises ConfigError where there is no such run, or it is still being read.
    """
    other = elsewhere.trials(run)
    if other is None:
        raise ConfigError(f"flipped:{run}: no such run, or it is still being read; try again")
    here = np.zeros(len(snapshot.entries), np.int64)
    there = np.zeros(len(other.entries), np.int64)
    shared = other.scored.copy()
    for name in ("problem", "model", "mode", "repeat"):  # what the two have in common of a trial
        column = snapshot.columns[name]
        places = other.columns[name].among(column)
        shared &= places >= 0
        here = here * len(column.values) + column.codes
        there = there * len(column.values) + places
    there, right = there[shared], other.right[shared]
    order = there.argsort(kind="stable")
    there, right = there[order], right[order]
    last = there.searchsorted(here, side="right") - 1
    found = snapshot.scored & (last >= 0)
    found[found] = there[last[found]] == here[found]
    found[found] = right[last[found]] != snapshot.right[found]
    return found


def _standing(wanted: str, snapshot: Snapshot, standings: Standings) -> Mask:
    """Return the trials of whose problem the signs of memory say this.

    Raises ConfigError where it is none of what they can say.
    """
    if wanted not in list(Standing):
        raise ConfigError(f"standing:{wanted}: it can be {', '.join(Standing)}")
    found = [arm for arm, standing in standings.items() if standing == wanted]
    return _among(("problem", "model", "mode"), found, snapshot)


def completions(choices: Mapping[str, Iterable[str]]) -> list[str]:
    """Return what the filter line offers to complete a word: each column, and each known value."""
    words = [f"{name}:" for name in WORDS]
    for name, values in choices.items():
        words += [f'{name}:"{value}"' if " " in value else f"{name}:{value}" for value in values]
    return [*words, *(f"is:{state}" for state in _STATES), *(f"standing:{s}" for s in Standing)]
