"""Count what happens in a run, as it happens, for the progress line and for stopping it."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from solver.errors import ModelError, StoreError
from solver.records import Outcome, Trial
from solver.run.pace import Count, Pace
from solver.run.schedule import Traffic
from solver.store.facts import Ends


@dataclass
class Watch:
    """The state of a run in progress."""

    total: int = 0
    """Trials of the whole run."""
    before: int = 0
    """Trials that were finished before the command was started this time."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    """Trials ended since the command started."""
    retries: int = 0
    """Turns after the first of their trial."""
    errors_in_a_row: int = 0
    phase: str = "solving"
    traffic: Traffic = field(default_factory=Traffic)
    judge_traffic: Traffic = field(default_factory=Traffic)
    ends: Counter[str] = field(default_factory=Counter)
    """Replies that ended neither by a stop nor at the cap, by the server's words."""
    errors: Counter[str] = field(default_factory=Counter)
    """Errors of trials that ended since the command started."""
    ended_by: ModelError | StoreError | None = None
    """Why the run cannot go on."""
    started: float = field(default_factory=time.monotonic)
    pace: Pace = field(default_factory=Pace)
    """The trials of the whole run, arm by arm."""

    def __post_init__(self) -> None:
        """Let one Ctrl-C stop the requests of the judge too."""
        self.judge_traffic.stop = self.traffic.stop

    @property
    def stopping(self) -> bool:
        """Tell whether no request starts any more: after Ctrl-C, or where the run cannot go on."""
        return self.traffic.stop.is_set()

    def stop(self) -> None:
        """Let no request start any more."""
        self.traffic.stop.set()

    def end_by(self, failure: ModelError | StoreError) -> None:
        """Let no request start any more, since none would be answered or stored."""
        self.ended_by = self.ended_by or failure
        self.stop()

    def raise_end(self) -> None:
        """Raise what keeps the run from going on, with how much of it is stored."""
        if self.ended_by is None:
            return
        if isinstance(self.ended_by, StoreError):
            raise self.ended_by
        stored = self.before + self.done
        goes_on = f"; {stored} of {self.total} trials are stored, the same command goes on"
        raise ModelError(f"{self.ended_by}{goes_on if stored else ''}") from self.ended_by

    def begin(self, trials: Mapping[tuple[str, str], int], stored: Iterable[Ends]) -> None:
        """Take how many trials each arm has, and count those that the store holds already.

        A run that goes on for more problems is counted again.
        """
        self.pace.arms.clear()
        self.pace.arms.update({arm: Count(count) for arm, count in trials.items()})
        self.total, found = sum(trials.values()), 0
        for ends in stored:
            if ends.outcome is not Outcome.ERROR and (ends.model, ends.mode) in self.pace.arms:
                found += ends.trials
                self._count(ends)
        self.before = max(0, found - self.done)
        if not self.done:
            self.started = time.monotonic()

    def ended(self, trial: Trial) -> None:
        """Count a trial that has ended and was stored."""
        outcome = trial.outcome
        if outcome is not Outcome.ERROR:
            seconds = sum(turn.reply.seconds for turn in trial.turns)
            self._count(Ends(trial.model, trial.mode, outcome, 1, seconds))
        self.outcomes[outcome] += 1
        self.retries += max(0, len(trial.turns) - 1)
        self.ends.update(turn.reply.ended for turn in trial.turns if turn.reply.ended)
        if trial.error is not None:
            self.errors[trial.error] += 1
        self.errors_in_a_row = self.errors_in_a_row + 1 if outcome is Outcome.ERROR else 0

    @property
    def done(self) -> int:
        """Count the trials ended since the command started."""
        return self.outcomes.total()

    @property
    def scored(self) -> int:
        """Count the trials among them that are scored: not errors of ours or of the judge."""
        return sum(count for outcome, count in self.outcomes.items() if outcome.scored)

    def seconds(self) -> float:
        """Return the time since the command started."""
        return time.monotonic() - self.started

    def seconds_left(self) -> float | None:
        """Estimate the time left; None before the first trial has ended."""
        traffic, now = self.traffic, time.monotonic()
        found = self.pace.seconds_left(
            traffic.model_seconds, traffic.started, elapsed=now - (traffic.began or now), now=now
        )
        if found is not None:
            return found
        left = self.total - self.before - self.done
        return left * self.seconds() / self.done if self.done else None

    def _count(self, ends: Ends) -> None:
        arm = self.pace.arms.setdefault((ends.model, ends.mode), Count())
        arm.ended += ends.trials
        arm.scored += ends.trials * ends.outcome.scored
        arm.correct += ends.trials * (ends.outcome is Outcome.CORRECT)
        arm.model_seconds += ends.model_seconds
