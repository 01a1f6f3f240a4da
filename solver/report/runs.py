"""The runs a report is about, each read once, and short names for their arms."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from typing import Any

from solver.analysis.accuracy import Arm, Summary, summary_of
from solver.analysis.failures import Failures, analyse
from solver.analysis.ways import Ways, vote_weights, ways_of
from solver.records import Problem
from solver.report.tables import short
from solver.store import Row, Store, Texts

MOST_TEXTS = 2_000
"""Failed programs, and wrong trials, whose texts are read for each arm: a page must come soon."""


@dataclass(frozen=True)
class Run:
    """One run, without its texts."""

    name: str
    """The folder's name; the whole path where two runs share it."""
    manifest: dict[str, Any]
    sessions: list[dict[str, Any]]
    problems: dict[str, Problem]
    rows: list[Row]
    summary: Summary
    failures: Failures
    ways: Ways
    vote_weights: dict[str, float]
    """What each self-verified answer counts in a vote, by its trial's key."""


@dataclass(frozen=True)
class Named:
    """One model in one mode, under the shortest name that tells it from the others."""

    name: str
    run: Run
    arm: Arm


def read(store: Store, name: str) -> Run:
    """Read a run and count everything in it."""
    manifest, problems, rows = store.manifest(), store.problems(), list(store.rows())

    def some_texts(places: Iterable[tuple[str, int]]) -> Iterator[Texts]:
        return store.texts(islice(places, MOST_TEXTS))

    return Run(
        name=name,
        manifest=manifest,
        sessions=store.sessions(),
        problems=problems,
        rows=rows,
        summary=summary_of(store, rows),
        failures=analyse(rows, problems, store.turn_facts(), some_texts),
        ways=ways_of(store, rows),
        vote_weights=vote_weights(store, rows),
    )


def named_arms(runs: Sequence[Run]) -> list[Named]:
    """Every arm of every run, in the order they started. A name leaves out what all share."""
    several_models = len({arm.model for run in runs for arm in run.summary.arms}) > 1
    found = []
    for run in runs:
        for arm in run.summary.arms:
            parts = [short(run.name, 24)] * (len(runs) > 1)
            parts += [model_name(arm.model)] * several_models
            found.append(Named(" · ".join([*parts, short(arm.mode, 24)]), run, arm))
    return found


def in_order_of_arms(run: Run) -> list[Row]:
    """The rows arm by arm, in the order the arms are named."""
    rank = {(arm.model, arm.mode): place for place, arm in enumerate(run.summary.arms)}
    return sorted(run.rows, key=lambda row: rank[row.model, row.mode])


def names_by_arm(arms: Sequence[Named]) -> dict[tuple[str, str, str], str]:
    """Names by run, model and mode."""
    return {(arm.run.name, arm.arm.model, arm.arm.mode): arm.name for arm in arms}


def model_name(model: str) -> str:
    """`provider/name`; of a local file only the file's name, without ending."""
    provider, _, name = model.partition("/")
    if provider == "local" and "/" in name:
        name = PurePath(name).stem
    return short(f"{provider}/{name}", 40)
