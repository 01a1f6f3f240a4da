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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import overload

from solver.analysis.recited import Standing
from solver.errors import ConfigError
from solver.view.columns import COLUMNS, Column, Value, value_of
from solver.view.snapshot import LONGEST_VALUE, Entry, Snapshot

Standings = Mapping[tuple[str, str, str], str]
"""What signs of memory say of a problem, by its id, the model and the mode."""
Place = tuple[str, Entry]
"""A trial, after the name of its run."""
_Passes = Callable[[Entry], bool]

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
    """Trials of some runs, one run after the other, paired with their runs when they are shown."""

    def __init__(self, parts: Sequence[tuple[str, Sequence[Entry]]]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        """Count the trials."""
        return sum(len(entries) for _, entries in self._parts)

    @overload
    def __getitem__(self, place: int) -> Place: ...

    @overload
    def __getitem__(self, place: slice) -> list[Place]: ...

    def __getitem__(self, place: int | slice) -> Place | list[Place]:
        """Return a trial, or some side by side."""
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        left = place + len(self) if place < 0 else place
        for run, entries in self._parts:
            if 0 <= left < len(entries):
                return run, entries[left]
            left -= len(entries)
        raise IndexError(place)

    def __iter__(self) -> Iterator[Place]:
        """Yield each trial."""
        return ((run, entry) for run, entries in self._parts for entry in entries)

    def index(self, value: Place, start: int = 0, stop: int = sys.maxsize) -> int:
        """Return the place of a trial. Raises ValueError where it is not there."""
        low, high, _ = slice(start, stop).indices(len(self))
        before = 0
        for run, entries in self._parts:
            if run == value[0]:
                low, high = (max(0, end - before) for end in (low, high))
                return before + entries.index(value[1], low, high)
            before += len(entries)
        raise ValueError(f"no trials of {value[0]}")


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
    parts: list[tuple[str, Sequence[Entry]]] = []
    for run, snapshot in snapshots.items():
        found = snapshot.entries
        if criteria.problem:
            found = snapshot.of_problem.get(criteria.problem, ())
        for passes in _conditions(run, snapshot, criteria, elsewhere):
            found = list(filter(passes, found))
        parts.append((run, found))
    places = Found(parts)
    column = COLUMNS.get(order.removeprefix("-"))
    if order == "latest":
        return sorted(places, key=lambda place: -place[1].ended)
    return _sorted(places, column, snapshots, order.startswith("-")) if column else places


def _sorted(
    places: Iterable[Place], column: Column, snapshots: Mapping[str, Snapshot], largest: bool
) -> list[Place]:
    """Sort by a column; trials without a value come last in either direction."""
    values = [(value_of(column, place[1], snapshots[place[0]].problems), place) for place in places]
    known = [pair for pair in values if pair[0] is not None]
    known.sort(key=lambda pair: _sortable(pair[0]), reverse=largest)
    return [place for _, place in known] + [place for value, place in values if value is None]


def _sortable(value: Value) -> tuple[float, str]:
    """Return what orders numbers before texts, and texts without regard to case."""
    return (0.0, value.casefold()) if isinstance(value, str) else (value or 0.0, "")


def _conditions(
    run: str, snapshot: Snapshot, criteria: Criteria, elsewhere: Elsewhere
) -> Iterator[_Passes]:
    """Yield a condition for each field of the filter, and for each word of its line."""
    for name, chosen in criteria.query().items():
        if name != "q":
            yield _passes(COLUMNS[name], _exactly(chosen), snapshot)
    for minus, name, sign, quoted in _WORD.findall(criteria.q):
        word, wanted = name.casefold(), quoted.strip('"')
        if word == "flipped":
            passes = _flipped(wanted, elsewhere)
        elif word == "standing":
            passes = _standing(wanted, elsewhere.standings(run))
        else:
            passes = _condition(word, sign, wanted, snapshot)
        yield _negated(passes) if minus else passes


def _exactly(chosen: str) -> Callable[[Value], bool]:
    """Return the test that a value is written just so, as one that was chosen from a list."""
    return lambda value: _text(value) == chosen


def _condition(name: str, sign: str, wanted: str, snapshot: Snapshot) -> _Passes:
    """Return the condition of one word. Raises ConfigError where it cannot be read."""
    if not name:
        return _mentions(wanted.casefold(), snapshot)
    if name == "is" and wanted == "disagreed":
        return lambda entry: (entry.problem_id, entry.model) in snapshot.disagreed
    if name == "is" and wanted == "unstable":
        return lambda entry: (entry.problem_id, entry.model, entry.mode) in snapshot.unstable
    if name == "is" and wanted == "changed":
        return lambda entry: entry.changed
    if name == "is":
        raise ConfigError(f"is:{wanted}: it can be {', '.join(_STATES[:-1])} or {_STATES[-1]}")
    if name not in COLUMNS:
        raise ConfigError(
            f"{name}: no such word; the words are {', '.join(WORDS)};"
            f' to look for the text, put it in quotes: "{name}:{wanted}"'
        )
    return _passes(COLUMNS[name], _test(COLUMNS[name], sign, wanted), snapshot)


def _test(column: Column, sign: str, wanted: str) -> Callable[[Value], bool]:
    """Return what a value must pass. Raises ConfigError for a number that is none."""
    if sign in _ORDERS:
        try:
            limit = float(wanted)
        except ValueError:
            limit = None
        if limit is None or not column.number:
            raise ConfigError(
                f"{column.name}:{sign}{wanted}: {sign} needs a column of numbers and a number"
            )
        compare = _ORDERS[sign]
        return lambda value: isinstance(value, int | float) and compare(value, limit)
    plain = _loose(wanted)
    if sign == "~":
        return lambda value: value is not None and plain in _loose(_text(value))
    return lambda value: _loose(_text(value)) == plain


def _text(value: Value) -> str:
    """Return a value as it is written in a filter."""
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _loose(text: str) -> str:
    """Return a text without regard to case, and to how its words are joined."""
    return text.casefold().replace("_", " ")


def _passes(column: Column, test: Callable[[Value], bool], snapshot: Snapshot) -> _Passes:
    """Return the condition that a column's value passes a test."""
    if column.of_entry is not None:
        value = column.of_entry
        if (different := snapshot.values.get(column.name)) is not None:
            passing = {each for each in different if test(each)}
            return lambda entry: value(entry) in passing
        return lambda entry: test(value(entry))
    of_problem = column.of_problem
    assert of_problem is not None
    chosen = {name for name, problem in snapshot.problems.items() if test(of_problem(problem))}
    return lambda entry: entry.problem_id in chosen


def _mentions(needle: str, snapshot: Snapshot) -> _Passes:
    """Return the condition that id, question, reference or answer holds a text."""
    named = {name for name, text in snapshot.texts.items() if needle in text}
    return lambda entry: (
        entry.problem_id in named
        or (entry.answer is not None and needle in entry.answer.casefold())
    )


def _flipped(run: str, elsewhere: Elsewhere) -> _Passes:
    """Return the condition that the same trial of another run was right where this is not, or not.

    Raises ConfigError where there is no such run, or it is still being read.
    """
    other = elsewhere.trials(run)
    if other is None:
        raise ConfigError(f"flipped:{run}: no such run, or it is still being read; try again")
    before = {_same(entry): entry.correct for entry in other.entries if entry.outcome.scored}
    return lambda entry: (
        entry.outcome.scored and before.get(_same(entry), entry.correct) is not entry.correct
    )


def _standing(wanted: str, standings: Standings) -> _Passes:
    """Return the condition that the signs of memory say this of its problem.

    Raises ConfigError where it is none of what they can say.
    """
    if wanted not in list(Standing):
        raise ConfigError(f"standing:{wanted}: it can be {', '.join(Standing)}")
    return lambda entry: standings.get((entry.problem_id, entry.model, entry.mode)) == wanted


def _same(entry: Entry) -> tuple[str, str, str, int]:
    """Return what two runs have in common of one trial."""
    return entry.problem_id, entry.model, entry.mode, entry.repeat


def _negated(passes: _Passes) -> _Passes:
    """Return the opposite condition."""
    return lambda entry: not passes(entry)


def completions(choices: Mapping[str, Iterable[str]]) -> list[str]:
    """Return what the filter line offers to complete a word: each column, and each known value."""
    words = [f"{name}:" for name in WORDS]
    for name, values in choices.items():
        words += [f'{name}:"{value}"' if " " in value else f"{name}:{value}" for value in values]
    return [*words, *(f"is:{state}" for state in _STATES), *(f"standing:{s}" for s in Standing)]
