"""Count a run's trials, without their texts, as they were at one moment."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from judge.logs.records import Theirs
from solver.analysis.other_judge import change_among, together
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
    reason: str | None
    """The beginning of the verdict's reason."""
    model_seconds: float
    """Those in which the model answered, without the time its requests waited for their turn."""
    said: tuple[Theirs, ...] = ()
    """What the scorers of the tool said that the trial was imported from."""

    @property
    def theirs(self) -> str | None:
        """Return their verdict in a word; None where there is none."""
        return together(self.said)

    @property
    def changed(self) -> bool:
        """Tell whether our judge changes a verdict of theirs, or leaves the trial open."""
        return change_among(self.said, self.outcome) is not None

    @property
    def correct(self) -> bool:
        """Tell whether the trial was judged right."""
        return self.outcome is Outcome.CORRECT

    @property
    def waited(self) -> float:
        """Return the seconds that were not the model's: programs, judge, and every queue."""
        return max(0.0, self.seconds - self.model_seconds)

    @property
    def ended(self) -> float:
        """Return when it ended, as Unix time."""
        return self.started + self.seconds


@dataclass(frozen=True)
class Snapshot:
    """The trials and problems of a run at one moment."""

    entries: Sequence[Entry]
    """Sorted by problem in the order of the run, then by model, mode and repeat."""
    problems: Mapping[str, Problem]

    def prepared(self) -> "Snapshot":
        """Compute now what pages would otherwise compute on first use, and return the snapshot."""
        for _ in (self.by_key, self.values, self.accuracies, self.outcomes, self.of_problem):
            pass
        return self

    @cached_property
    def by_key(self) -> Mapping[str, Entry]:
        """Return the entries by the key of their trial."""
        return {entry.key: entry for entry in self.entries}

    @cached_property
    def values(self) -> Mapping[str, Set[Any]]:
        """Return the values that occur in each column with few of them."""
        problems = [self.problems[name] for name in {entry.problem_id for entry in self.entries}]
        return {
            "domain": {problem.domain for problem in problems},
            "level": {problem.level for problem in problems},
            **{
                name: {getattr(entry, name) for entry in self.entries}
                for name in ("model", "mode", "outcome", "theirs", "score", "repeat", "attempts")
            },
        }

    @cached_property
    def accuracies(self) -> Mapping[tuple[str, str], Estimate]:
        """Return the accuracy over the scored trials, by model and mode."""
        return {arm: accuracy(self._results[arm]) for arm in sorted(self._results)}

    @cached_property
    def unstable(self) -> Set[tuple[str, str, str]]:
        """Return problem, model and mode where some repeats were right and some were not."""
        return {
            (problem, *arm)
            for arm, results in self._results.items()
            for problem, found in results.items()
            if len(set(found)) > 1
        }

    @cached_property
    def disagreed(self) -> Set[tuple[str, str]]:
        """Return problem and model where one mode solved the problem and another never did."""
        solved: dict[tuple[str, str], set[bool]] = defaultdict(set)
        for (model, _), results in self._results.items():
            for problem, found in results.items():
                solved[problem, model].add(any(found))
        return {place for place, found in solved.items() if len(found) > 1}

    @cached_property
    def _results(self) -> Mapping[tuple[str, str], Mapping[str, Sequence[bool]]]:
        """Return whether each scored trial was right, by model and mode, then by problem."""
        arms: dict[tuple[str, str], dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
        for entry in self.entries:
            if entry.outcome.scored:
                arms[entry.model, entry.mode][entry.problem_id].append(entry.correct)
        return arms

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
    def texts(self) -> Mapping[str, str]:
        """Return the searchable text of each problem."""
        return {
            name: f"{name}\n{problem.question}\n{problem.answer}".casefold()
            for name, problem in self.problems.items()
        }


def choices_of(snapshots: Sequence[Snapshot]) -> Mapping[str, Sequence[str]]:
    """Return the values that each field of a filter can have in some runs, except its line."""
    found: dict[str, set[Any]] = {name: set() for name in Snapshot((), {}).values}
    for snapshot in snapshots:
        for name, values in snapshot.values.items():
            found[name] |= values
    return {
        "domain": _offered(found["domain"]),
        "level": [str(level) for level in sorted(found["level"])],
        "model": _offered(found["model"]),
        "mode": _offered(found["mode"]),
        "outcome": [str(outcome) for outcome in Outcome if outcome in found["outcome"]],
        "theirs": sorted(found["theirs"] - {None}),
        "score": [
            *(str(score) for score in range(5, 0, -1) if score in found["score"]),
            *["none"] * (None in found["score"]),
        ],
        "repeat": [str(n) for n in sorted(found["repeat"])],
        "attempts": [str(n) for n in sorted(found["attempts"])],
    }


def _offered(names: Iterable[str]) -> Sequence[str]:
    """Return the distinct names in order, without those that are too long."""
    return sorted(name for name in names if len(name) <= LONGEST_VALUE)
