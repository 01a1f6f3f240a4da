"""Whether runs may be compared, and what sets them apart besides the arms."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Any

from judge.logs.records import Theirs
from solver.analysis.arms import planned_trials, stored_rows
from solver.analysis.other_judge import said_by_trial
from solver.errors import ConfigError
from solver.records import Problem, digest
from solver.store import Row, Store
from solver.store.alike import differences
from solver.text import first_of

SCORING = ("preset", "threshold", "policy", "model", "prompts")
"""What a manifest says of its judge that decides verdicts."""
OPENINGS = 3
"""Problems whose first prompts are read."""


@dataclass(frozen=True)
class Run:
    """A stored run, read whole but for its texts."""

    name: str
    manifest: Mapping[str, Any]
    problems: Mapping[str, Problem]
    rows: Sequence[Row]
    openings: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """By mode and problem, hashes of the first prompts that were sent; of some problems only."""
    said: Mapping[str, Sequence[Theirs]] = field(default_factory=dict)
    """By trial, what the scorers of the tool said that the run was imported from."""


def read_run(store: Store, name: str = "") -> Run:
    """Read what a comparison needs of a stored run, called by its folder's name or by another."""
    name, rows, problems = name or store.folder.name, stored_rows(store), store.problems()
    prompts = first_prompts(store, rows, problems)
    return Run(name, store.manifest(), problems, rows, prompts, said_by_trial(store))


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
        f"{run.name} is not complete: {len(run.rows)} of {planned} trials"
        for run in runs
        if len(run.rows) < (planned := planned_trials(run.manifest, run.problems))
    ]
    mixed = [f"{run.name} {remark}" for run in runs for remark in mixtures(run)]
    scored = [f"{run.name} is {remark}" for run in runs for remark in scoring(run.manifest)]
    return partial + mixed + scored + other_settings(runs)


def scoring(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Say where a run is scored in another way than by default, or than when it ran."""
    changed = dict(manifest.get("judge", {}).get("changed", {}))
    settings = [f"{name} {value}" for name, value in changed.pop("policy", {}).items()]
    settings = [f"{name} {value}" for name, value in changed.items()] + settings
    if settings:
        yield f"scored in another way than by default: {', '.join(settings)}"
    first = manifest.get("first_judge", {}).get("config")
    if first is not None and (moved := list(differences(first, manifest["config"]["judge"]))):
        yield (
            f"judged again in another way than when it ran: {', '.join(moved)};"
            " `solver rejudge --original` goes back"
        )


def other_settings(runs: Sequence[Run]) -> list[str]:
    """Say in what each run differs from the first, apart from problems, scoring and models."""
    return [
        f"{runs[0].name} and {run.name} differ in {difference}"
        for run in runs[1:]
        for difference in _other_settings(runs[0], run)
    ]


def mixtures(run: Run) -> Iterator[str]:
    """Say what a run mixes that should be one: prompts, or trials that were planned once."""
    repeats = Counter((row.model, row.mode, row.problem_id, row.repeat) for row in run.rows)
    if twice := sum(count > 1 for count in repeats.values()):
        yield (
            f"holds {counted(twice, 'repeat')} more than once: prompts or options have"
            " changed while it ran, and its numbers mix them"
        )
    for (mode, problem), prompts in run.openings.items():
        if len(prompts) > 1:
            yield f"asked {problem} in mode {mode} with {len(prompts)} different prompts"


def first_prompts(
    store: Store, rows: Sequence[Row], problems: Iterable[str]
) -> dict[tuple[str, str], frozenset[str]]:
    """Read the first prompts of the first problems, by mode: enough to see another wording."""
    chosen = set(islice(problems, OPENINGS))
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        if row.problem_id in chosen and row.turns:
            prompt = store.turns(row.key)[0].prompt
            found[row.mode, row.problem_id].add(digest([part.model_dump() for part in prompt]))
    return {place: frozenset(prompts) for place, prompts in found.items()}


def _other_settings(first: Run, second: Run) -> Iterator[str]:
    """Say in what settings the runs differ, apart from problems, scoring and the models' names."""
    for section, apart in _SECTIONS.items():
        ours, theirs = (
            {key: fact for key, fact in run.manifest.get(section, {}).items() if key not in apart}
            for run in (first, second)
        )
        if section == "models":
            shared = ours.keys() & theirs.keys()
            ours, theirs = ({key: facts[key] for key in shared} for facts in (ours, theirs))
        yield from differences(ours, theirs, "" if section == "identity" else section)
    ours, theirs = (_of_models(run) for run in (first, second))
    for model in sorted(ours.keys() & theirs.keys()):
        yield from differences(ours[model], theirs[model], model)
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
        {key: run.manifest.get("judge", {}).get(key) for key in SCORING} for run in (first, second)
    )
    found = list(differences(ours, theirs, "judge"))
    if found:
        yield f"scored in another way: {', '.join(found)} (`solver rejudge` can fix that)"


def counted(number: int, what: str) -> str:
    """Write `1 problem`, `2 problems`."""
    return f"{number:,} {what}{'s' * (number != 1)}"
