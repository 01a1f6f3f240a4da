"""Read the runs that a report is about, and give their arms short names."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from judge.logs.records import Theirs
from solver.analysis import comparable
from solver.analysis.accuracy import Arm, RunAccuracy, accuracy_of_run
from solver.analysis.arms import stored_rows, stored_trials
from solver.analysis.budget import Budgets, budgets_of
from solver.analysis.checks import Checks, checks_of, vote_weights
from solver.analysis.contamination import Contamination, contamination_of
from solver.analysis.failures import Failures, analyse
from solver.analysis.labelled import Audited, audited_arms
from solver.analysis.other_judge import OtherJudge, other_judge_of, said_by_trial
from solver.analysis.regeneration import Regenerated, regeneration_of
from solver.analysis.rounds import Rounds, rounds_of
from solver.modes import Mode, stored_mode
from solver.records import Problem
from solver.store import Row, Store, Texts, Trials
from solver.store.labels import read_labels
from solver.text import model_name, plain, short

MOST_TEXTS = 2_000
"""The most failed programs, and wrong trials, whose texts are read for each arm, to save time."""

MOST_COMPARED = 20_000
"""The most trials for which votes compare answers mathematically; with more, as text."""

Key = tuple[str, str, str]
"""An arm by the names of its run, its model and its mode."""


@dataclass(frozen=True)
class Run:
    """One stored run and its analyses, each of which is made when it is first used."""

    store: Store
    name: str
    """The folder's name; the whole path where two runs share it."""

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Read the manifest."""
        return self.store.manifest()

    @cached_property
    def sessions(self) -> list[dict[str, Any]]:
        """Read when the run was started and ended, each time."""
        return self.store.sessions()

    @cached_property
    def problems(self) -> dict[str, Problem]:
        """Read the problems, by id."""
        return self.store.problems()

    @cached_property
    def trials(self) -> Trials:
        """Read the trials, arm by arm in the config's order."""
        return stored_trials(self.store)

    @cached_property
    def rows(self) -> list[Row]:
        """Read the same as records, for analyses that few runs need."""
        return stored_rows(self.store)

    def rows_if(self, wanted: Callable[[Mode], object]) -> list[Row]:
        """Return the records where the run has a mode of a kind; else none."""
        modes = {mode for _, mode in self.trials.arms}
        return self.rows if any(wanted(stored_mode(mode)) for mode in modes) else []

    @cached_property
    def compared(self) -> comparable.Run:
        """Return what comparisons need, the first prompts included."""
        prompts = comparable.first_prompts(self.store, self.trials, self.problems)
        return comparable.Run(
            self.name, self.manifest, self.problems, self.trials, prompts, self.said
        )

    @cached_property
    def accuracy(self) -> RunAccuracy:
        """Count how often the arms were right, how trials ended, what they used."""
        return accuracy_of_run(self.store, self.trials, self.problems)

    @cached_property
    def failures(self) -> Failures:
        """Count what went wrong, reading at most `MOST_TEXTS` texts of each kind."""

        def some_texts(places: Iterable[tuple[str, int]]) -> Iterator[Texts]:
            return self.store.texts(islice(places, MOST_TEXTS))

        return analyse(self.trials, self.problems, some_texts, self.store.verdicts, self.said)

    @cached_property
    def budgets(self) -> Budgets:
        """Compute what the arms get for their tokens."""
        same = None if len(self.trials) <= MOST_COMPARED else str.__eq__
        return budgets_of(self.trials, same=same)

    @cached_property
    def regeneration(self) -> tuple[tuple[Regenerated, ...], ...]:
        """Compare modes with a controller with the plain mode."""
        return regeneration_of(self.store, self.rows_if(lambda mode: mode.compared_with))

    @cached_property
    def rounds(self) -> tuple[Rounds, ...]:
        """Count replies and programs of modes that alternate between words and programs."""
        return rounds_of(self.store, self.rows_if(lambda mode: mode.rounds))

    @cached_property
    def checks(self) -> tuple[Checks, ...]:
        """Count what self-verification found."""
        return checks_of(self.store, self.rows_if(lambda mode: mode.vote))

    @cached_property
    def audited(self) -> tuple[Audited, ...]:
        """Compute the arms' accuracy by a person's labels, where there are any."""
        labels = read_labels(self.store.folder)
        return audited_arms(self.rows if labels else (), labels)

    @cached_property
    def said(self) -> Mapping[str, Sequence[Theirs]]:
        """Return what the scorers of the tool said that the run was imported from, by trial."""
        return said_by_trial(self.store)

    @cached_property
    def other_judge(self) -> tuple[OtherJudge, ...]:
        """Compare our verdicts with those of the tool that the run was imported from."""
        return other_judge_of(self.store, self.rows if self.said else ())

    @cached_property
    def contamination(self) -> Contamination | None:
        """Read the signs of memory; None where the run has no probe."""
        return contamination_of(self.store)

    @cached_property
    def vote_weights(self) -> dict[str, float]:
        """Return the weight of each self-checked answer in a vote, by trial key."""
        return vote_weights(self.store, self.rows_if(lambda mode: mode.vote))


def stored_run(store: Store) -> Run:
    """Return a run by the name of its folder."""
    return runs_of([store])[0]


def runs_of(stores: Sequence[Store]) -> list[Run]:
    """Return runs by the names of their folders, by whole paths where two share a name."""
    names = [store.folder.resolve().name for store in stores]
    return [
        Run(store, str(store.folder) if names.count(name) > 1 else name)
        for store, name in zip(stores, names, strict=True)
    ]


@dataclass(frozen=True)
class Named:
    """An arm (one model in one mode), with the shortest name that distinguishes it here."""

    name: str
    run: Run
    arm: Arm

    @property
    def key(self) -> Key:
        """Return the names of run, model and mode."""
        return self.run.name, self.arm.model, self.arm.mode


def named_arms(runs: Sequence[Run]) -> list[Named]:
    """Name every arm of every run, in the configs' order."""
    arms = [(run, arm) for run in runs for arm in run.accuracy.arms]
    names = short_names([(run.name, arm.model, arm.mode) for run, arm in arms])
    return [Named(names[run.name, arm.model, arm.mode], run, arm) for run, arm in arms]


def short_names(arms: Sequence[Key]) -> dict[Key, str]:
    """Name every arm by run, model and mode, without the run or the model if all share it."""
    runs = _told_apart({run: short(run, 24) for run, _, _ in arms})
    models = _told_apart({model: model_name(model) for _, model, _ in arms})
    names = {}
    for run, model, mode in arms:
        parts = [runs[run]] * (len(runs) > 1) + [models[model]] * (len(models) > 1)
        names[run, model, mode] = " · ".join([*parts, short(mode, 24)])
    return names


def _told_apart(names: Mapping[str, str]) -> dict[str, str]:
    """Return short names by the whole ones; in full where two would be the same."""
    counted = Counter(names.values())
    return {each: name if counted[name] == 1 else plain(each) for each, name in names.items()}


def names_by_arm(arms: Sequence[Named]) -> dict[Key, str]:
    """Return the arms' names by run, model and mode."""
    return {arm.key: arm.name for arm in arms}
