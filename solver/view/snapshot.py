"""Count a run's trials, without their texts, as they were at one moment."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from solver.records import Outcome, Problem
from solver.stats.metrics import Estimate, accuracy
from solver.view.coded import Coded, Mask, coded, measured
from solver.view.columns import COLUMNS, ENDED
from solver.view.entry import Entry

LONGEST_VALUE = 500
"""The most characters of a filter's value; longer names are not listed as choices."""


@dataclass(frozen=True)
class Snapshot:
    """The trials and problems of a run at one moment."""

    entries: Sequence[Entry]
    """Sorted by problem in the order of the run, then by model, mode and repeat."""
    problems: Mapping[str, Problem]

    def prepared(self) -> "Snapshot":
        """Compute now what pages would otherwise compute on first use, and return the snapshot."""
        for _ in (self.values, self.accuracies, self.outcomes, self.of_problem, self.changed):
            pass
        for column in self.columns.values():
            _ = column.ranks
        return self

    @cached_property
    def columns(self) -> Mapping[str, Coded]:
        """Return the values of all trials in each column, and when they ended."""
        problem = coded([entry.problem_id for entry in self.entries], self.problems)
        found: dict[str, Coded] = {}
        for column in (*COLUMNS.values(), ENDED):
            if column.of_problem is not None:
                values = [column.of_problem(each) for each in self.problems.values()]
                found[column.name] = Coded(values, problem.codes)
            elif column.of_entry is not None and column.measured:
                found[column.name] = measured(column.of_entry(entry) for entry in self.entries)
            elif column.of_entry is not None:
                found[column.name] = coded([column.of_entry(entry) for entry in self.entries])
        return {**found, "problem": problem}

    @cached_property
    def scored(self) -> Mask:
        """Tell of each trial whether it counts as right or wrong."""
        return self.columns["outcome"].where(lambda value: Outcome(str(value)).scored)

    @cached_property
    def right(self) -> Mask:
        """Tell of each trial whether it was judged right."""
        return self.columns["outcome"].where(lambda value: value == Outcome.CORRECT)

    @cached_property
    def changed(self) -> Mask:
        """Tell of each trial whether our judge changes a verdict of the tool's own scorers."""
        return np.array([bool(entry.said) and entry.changed for entry in self.entries], bool)

    def entry(self, problem_id: str, key: str) -> Entry | None:
        """Return the entry of a trial; None where it is not there."""
        found = (entry for entry in self.of_problem.get(problem_id, ()) if entry.key == key)
        return next(found, None)

    @cached_property
    def values(self) -> Mapping[str, Set[Any]]:
        """Return the values that occur in each column with few of them."""
        problems = [self.problems[name] for name in {entry.problem_id for entry in self.entries}]
        return {
            "domain": {problem.domain for problem in problems},
            "level": {problem.level for problem in problems},
            **{
                name: set(self.columns[name].values)
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
