"""Filter and count a run's trials, without their texts, as they were at one moment."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import NamedTuple

from solver.records import Outcome, Problem
from solver.stats.metrics import Estimate, accuracy

LONGEST_VALUE = 500
"""The most characters of a filter's value; longer names are not listed as choices."""


class Entry(NamedTuple):
    """One trial in a list."""

    key: str
    problem_id: str
    model: str
    mode: str
    repeat: int
    started: float
    """Unix time."""
    seconds: float
    attempts: int
    """Number of turns."""
    answer: str | None
    """The beginning of the answer."""
    outcome: Outcome
    score: int | None

    @property
    def ended(self) -> float:
        """Return when it ended, as Unix time."""
        return self.started + self.seconds


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
    """Text to search for in the problem's id, question and reference, and in the answer."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Criteria":
        """Read the filter from the query of an address; other parts of the query are ignored."""
        return cls(**{part.name: query.get(part.name, "")[:LONGEST_VALUE] for part in fields(cls)})

    def query(self) -> dict[str, str]:
        """Return the fields that are not empty, for the query of an address."""
        return {name: value for name, value in vars(self).items() if value}


@dataclass(frozen=True)
class Snapshot:
    """The trials and problems of a run at one moment."""

    entries: Sequence[Entry]
    """Sorted by problem in the order of the run, then by model, mode and repeat."""
    problems: Mapping[str, Problem]

    def matching(self, criteria: Criteria, *, latest: bool = False) -> list[Entry]:
        """Return the entries that pass a filter, in order; with `latest`, the last to end first."""
        found = list(self.entries)
        for passes in self._conditions(criteria):
            found = list(filter(passes, found))
        return sorted(found, key=lambda entry: -entry.ended) if latest else found

    def prepared(self) -> "Snapshot":
        """Compute now what pages would otherwise compute on first use, and return the snapshot."""
        for _ in (self.by_key, self.choices, self.accuracies, self.outcomes, self.of_problem):
            pass
        return self

    @cached_property
    def by_key(self) -> Mapping[str, Entry]:
        """Return the entries by the key of their trial."""
        return {entry.key: entry for entry in self.entries}

    @cached_property
    def choices(self) -> Mapping[str, Sequence[str]]:
        """Return the values that each field of a filter can have in this run, except the search."""
        problems = [self.problems[name] for name in {entry.problem_id for entry in self.entries}]
        outcomes = {entry.outcome for entry in self.entries}
        scores = {entry.score for entry in self.entries}
        return {
            "domain": _offered(problem.domain for problem in problems),
            "level": [str(level) for level in sorted({problem.level for problem in problems})],
            "model": _offered(entry.model for entry in self.entries),
            "mode": _offered(entry.mode for entry in self.entries),
            "outcome": [str(outcome) for outcome in Outcome if outcome in outcomes],
            "score": [
                *(str(score) for score in range(5, 0, -1) if score in scores),
                *["none"] * (None in scores),
            ],
            "repeat": [str(n) for n in sorted({entry.repeat for entry in self.entries})],
            "attempts": [str(n) for n in sorted({entry.attempts for entry in self.entries})],
        }

    @cached_property
    def accuracies(self) -> Mapping[tuple[str, str], Estimate]:
        """Return the accuracy over the scored trials, by model and mode."""
        arms: dict[tuple[str, str], dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
        for entry in self.entries:
            if entry.outcome.scored:
                right = entry.outcome is Outcome.CORRECT
                arms[entry.model, entry.mode][entry.problem_id].append(right)
        return {arm: accuracy(arms[arm]) for arm in sorted(arms)}

    @cached_property
    def outcomes(self) -> Counter[Outcome]:
        """Count the trials by outcome."""
        return Counter(entry.outcome for entry in self.entries)

    @cached_property
    def of_problem(self) -> Mapping[str, Sequence[Entry]]:
        """Return the entries of each problem."""
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            found[entry.problem_id].append(entry)
        return found

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        """Return the searchable text of each problem."""
        return {
            name: f"{name}\n{problem.question}\n{problem.answer}".casefold()
            for name, problem in self.problems.items()
        }

    def _conditions(self, criteria: Criteria) -> Iterable[Callable[[Entry], bool]]:
        """Yield a condition for each field of the filter that is not empty."""
        if criteria.problem:
            yield lambda entry: entry.problem_id == criteria.problem
        if criteria.domain or criteria.level:
            chosen = {
                name
                for name, problem in self.problems.items()
                if criteria.domain in ("", problem.domain)
                and criteria.level in ("", str(problem.level))
            }
            yield lambda entry: entry.problem_id in chosen
        if criteria.model:
            yield lambda entry: entry.model == criteria.model
        if criteria.mode:
            yield lambda entry: entry.mode == criteria.mode
        if criteria.outcome:
            yield lambda entry: str(entry.outcome) == criteria.outcome
        if criteria.score:
            yield lambda entry: (str(entry.score) if entry.score else "none") == criteria.score
        if criteria.attempts:
            yield lambda entry: str(entry.attempts) == criteria.attempts
        if needle := criteria.q.strip().casefold():
            named = {name for name, text in self._texts.items() if needle in text}
            yield (
                lambda entry: (
                    entry.problem_id in named
                    or (entry.answer is not None and needle in entry.answer.casefold())
                )
            )


def _offered(names: Iterable[str]) -> Sequence[str]:
    """Return the distinct names in order, without those that are too long."""
    return sorted(name for name in set(names) if len(name) <= LONGEST_VALUE)
