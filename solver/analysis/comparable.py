"""Whether runs may be compared, and what sets them apart besides the arms."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import numpy as np

from judge.logs.records import Theirs
from solver.analysis.arms import planned_trials, stored_trials
from solver.analysis.other_judge import said_by_trial
from solver.errors import ConfigError
from solver.records import Problem, digest
from solver.store import Store, Trials
from solver.store.alike import differences
from solver.store.columns import first_seen
from solver.text import command, first_of, model_name

SCORING = ("preset", "threshold", "policy", "model", "prompts")
"""What a manifest says of its judge that decides verdicts."""
OPENINGS = 3
"""Problems whose first prompts are read."""
MOST_PROMPTS = 128
"""The most trials of a problem in one mode and model whose first prompts are read."""


@dataclass(frozen=True)
class Run:
    """A stored run, read whole but for its texts."""

    name: str
    manifest: Mapping[str, Any]
    problems: Mapping[str, Problem]
    trials: Trials
    openings: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """By mode and problem, hashes of the first prompts that were sent; of some problems only."""
    said: Mapping[str, Sequence[Theirs]] = field(default_factory=dict)
    """By trial, what the scorers of the tool said that the run was imported from."""


def read_run(store: Store, name: str = "") -> Run:
    """Read what a comparison needs of a stored run, called by its folder's name or by another."""
    name, trials, problems = name or store.folder.name, stored_trials(store), store.problems()
    prompts = first_prompts(store, trials, problems)
    return Run(name, store.manifest(), problems, trials, prompts, said_by_trial(store))


def check_comparable(runs: Sequence[Run]) -> None:
    """Raise ConfigError where two runs hold other problems or were scored in another way."""
    for first, second in combinations(runs, 2):
        wrong = [*_other_problems(first, second), *_other_scoring(first, second)]
        if wrong:
            raise ConfigError(
                f"{first.name} and {second.name} cannot be compared: {' · '.join(wrong)}"
            )


def remarks(runs: Sequence[Run]) -> list[str]:
    """Say what else sets the runs apart: trials that are missing, and other settings."""
    partial = [
        f"{run.name} is not complete: {len(run.trials)} of {planned} trials"
        for run in runs
        if len(run.trials) < (planned := planned_trials(run.manifest, run.problems))
    ]
    mixed = [f"{run.name} {remark}" for run in runs for remark in mixtures(run)]
    scored = [f"{run.name} is {remark}" for run in runs for remark in scoring(run.manifest)]
    return partial + mixed + scored + other_settings(runs)


def scoring(manifest: Mapping[str, Any], folder: Path | None = None) -> Iterator[str]:
    """Say where a run is scored in another way than by default, or than when it ran.

    With the run's `folder`, the command is named that goes back.
    """
    changed = dict(manifest.get("judge", {}).get("changed", {}))
    settings = [f"{name} {value}" for name, value in changed.pop("policy", {}).items()]
    settings = [f"{name} {value}" for name, value in changed.items()] + settings
    if settings:
        yield f"scored in another way than by default: {', '.join(settings)}"
    first = manifest.get("first_judge", {}).get("config")
    if first is not None and (
        moved := list(differences(first, manifest["config"]["judge"], absent="default"))
    ):
        back = f"; `{command('rejudge', folder, '--original')}` goes back" if folder else ""
        yield f"judged again in another way than when it ran: {', '.join(moved)}{back}"


def other_settings(runs: Sequence[Run]) -> list[str]:
    """Say in what each run differs from the first, apart from problems, scoring and models."""
    return [
        f"{runs[0].name} and {run.name} differ in {difference}"
        for run in runs[1:]
        for difference in _other_settings(runs[0], run)
    ]


def mixtures(run: Run) -> Iterator[str]:
    """Say what a run mixes that should be one: prompts, or trials that were planned once."""
    trials = run.trials
    arm_and_problem = trials.arm.astype(np.int64) * len(trials.problems) + trials.problem
    most = int(trials.repeat.max(initial=0)) + 1
    _, repeats = np.unique(arm_and_problem * most + trials.repeat, return_counts=True)
    if twice := int((repeats > 1).sum()):
        yield (
            f"holds {counted(twice, 'repeat')} more than once: prompts or options have"
            " changed while it ran, and its numbers mix them"
        )
    for (mode, problem), prompts in run.openings.items():
        if len(prompts) > 1:
            yield f"asked {problem} in mode {mode} with {len(prompts)} different prompts"


def first_prompts(
    store: Store, trials: Trials, problems: Iterable[str]
) -> dict[tuple[str, str], frozenset[str]]:
    """Read the first prompts of the first problems, by mode: enough to see another wording.

    Of a problem with many repeats in a mode, `MOST_PROMPTS` are read, spread over all of them.
    """
    chosen = set(islice(problems, OPENINGS))
    wanted = np.array([name in chosen for name in trials.problems], dtype=bool)
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for _, mode, of_arm in trials.by_arm():
        held = wanted[of_arm.problem] & (of_arm.numbers["turns"] > 0)
        for code in first_seen(of_arm.problem[held], len(trials.problems)):
            places = np.flatnonzero(held & (of_arm.problem == code))
            spread = np.linspace(0, places.size - 1, min(places.size, MOST_PROMPTS))
            for place in places[spread.astype(np.int64)]:
                prompt = store.turns(of_arm.key_of(place))[0].prompt
                text = digest([part.model_dump() for part in prompt])
                found[mode, trials.problems[code]].add(text)
    return {place: frozenset(prompts) for place, prompts in found.items()}


def _other_settings(first: Run, second: Run) -> Iterator[str]:
    """Say in what settings the runs differ, apart from problems, scoring and the models' names."""
    for section, apart in _SECTIONS.items():
        ours, theirs = (
            {key: fact for key, fact in run.manifest.get(section, {}).items() if key not in apart}
            for run in (first, second)
        )
        if section == "models":
            for model in sorted(ours.keys() & theirs.keys()):
                place = f"models.{model_name(model)}"
                yield from differences(ours[model], theirs[model], place)
        elif section == "identity":
            yield from differences(ours, theirs, absent="default")
        else:
            yield from differences(ours, theirs, section)
    ours, theirs = (_of_models(run) for run in (first, second))
    for model in sorted(ours.keys() & theirs.keys()):
        yield from differences(ours[model], theirs[model], model_name(model), "default")
    ours, theirs = (run.manifest.get("config", {}).get("repeats", 1) for run in (first, second))
    yield from differences(ours, theirs, "repeats")
    yield from _other_labels(first, second)
    shared = first.openings.keys() & second.openings.keys()
    changed = {place[0] for place in shared if first.openings[place] != second.openings[place]}
    yield from (f"the prompt of mode {mode}" for mode in sorted(changed))


_SECTIONS = {
    "identity": {"model", "problems", "judge"},
    "judge": {*SCORING, "changed", "workers", "workers_replaced"},
    "models": set[str](),
    "sandbox": {"workers", "processes"},
    "versions": set[str](),
}
"""Sections of a manifest, and what in them is no setting or was compared before."""


def _of_models(run: Run) -> dict[str, Any]:
    """Return, by model, its own sampling and options over those of all models."""
    models = run.manifest.get("identity", {}).get("model", ())
    if not isinstance(models, list):
        return {}
    return {
        each["name"]: {key: each.get(key, {}) for key in ("sampling", "options")}
        for each in models
        if isinstance(each, dict)
    }


def _other_labels(first: Run, second: Run) -> Iterator[str]:
    for label in ("domain", "level"):
        changed = [
            name
            for name, problem in first.problems.items()
            if name in second.problems
            and getattr(problem, label) != getattr(second.problems[name], label)
        ]
        if changed:
            yield f"the {label} of {counted(len(changed), 'problem')}, such as {changed[0]}"


def _other_problems(first: Run, second: Run) -> Iterator[str]:
    ours, theirs = first.problems, second.problems
    only_ours = [name for name in ours if name not in theirs]
    only_theirs = [name for name in theirs if name not in ours]
    changed = [name for name in ours if name in theirs and ours[name].hash != theirs[name].hash]
    for names, what in (
        (only_ours, f"only in {first.name}"),
        (only_theirs, f"only in {second.name}"),
        (changed, "with another question or reference"),
    ):
        if names:
            yield f"{counted(len(names), 'problem')} {what}: {first_of(names, 3)}"


def _other_scoring(first: Run, second: Run) -> Iterator[str]:
    ours, theirs = (
        {key: each[key] for key in SCORING if key in each}
        for each in (run.manifest.get("judge", {}) for run in (first, second))
    )
    found = list(differences(ours, theirs, "judge", "default"))
    if found:
        yield f"scored in another way: {', '.join(found)} (`solver rejudge RUN` can fix that)"


def counted(number: int, what: str) -> str:
    """Write `1 problem`, `2 problems`."""
    return f"{number:,} {what}{'s' * (number != 1)}"
