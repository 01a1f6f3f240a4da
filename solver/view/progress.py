"""Compute the progress of a run: the results so far, the speed, and the time left."""

import operator
import time
from collections.abc import Sequence
from dataclasses import dataclass

from solver.records import Outcome
from solver.view.columns import ENDED
from solver.view.library import About
from solver.view.snapshot import Snapshot
from solver.view.templating import duration


@dataclass(frozen=True)
class Progress:
    """The progress of a run, as texts and counts to show."""

    parts: Sequence[tuple[Outcome, int]]
    """The outcomes that occur, each with its number of trials."""
    total: int
    """The number of planned trials, or of ended ones if that is larger."""
    arms: Sequence[tuple[str, str, str, str]]
    """Model, mode, accuracy, and its interval with its n."""
    pace: str
    """Speed and time left, in words; empty unless the run is running."""


def progress_of(about: About, snapshot: Snapshot) -> Progress:
    """Count the results so far."""
    parts = [(kind, snapshot.outcomes[kind]) for kind in Outcome if snapshot.outcomes[kind]]
    total = max(about.planned, snapshot.outcomes.total(), 1)
    return Progress(parts, total, arms_of(snapshot), _pace(about, snapshot))


def arms_of(snapshot: Snapshot) -> Sequence[tuple[str, str, str, str]]:
    """Return model, mode, accuracy, and its interval with its n, for each arm."""
    return [
        (
            model,
            mode,
            f"{100 * found.value:.1f} %",
            f"{100 * found.low:.1f} – {100 * found.high:.1f} %"
            f" · {found.n_trials:,} scored trials of {found.n_problems:,} problems",
        )
        for (model, mode), found in snapshot.accuracies.items()
    ]


def _pace(about: About, snapshot: Snapshot) -> str:
    """Return the speed and the time left, in words; empty unless the run is running."""
    if not about.running:
        return ""
    ended = int(snapshot.columns[ENDED.name].compared(operator.ge, about.started).sum())
    seconds = time.time() - about.started
    if not ended or seconds <= 0:
        return "no trial has ended since it started"
    left = max(0, about.planned - about.done) * seconds / ended
    return f"{3600 * ended / seconds:,.0f} trials an hour · about {duration(left)} left"
