"""Count what happens in a run, as it happens, for the progress line and for stopping it."""

import time
from collections import Counter
from dataclasses import dataclass, field

from solver.records import Outcome, Trial
from solver.run.schedule import Traffic


@dataclass
class Watch:
    """The state of a run that is going on."""

    total: int = 0
    """Trials of the whole run."""
    before: int = 0
    """Trials that an earlier start of the command finished."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    """Trials ended since the command started."""
    retries: int = 0
    """Turns after the first of their trial."""
    errors_in_a_row: int = 0
    stopping: bool = False
    """Set by Ctrl-C: no request starts any more."""
    phase: str = "solving"
    traffic: Traffic = field(default_factory=Traffic)
    judge_traffic: Traffic = field(default_factory=Traffic)
    started: float = field(default_factory=time.monotonic)

    def ended(self, trial: Trial) -> None:
        """Count one trial that was stored."""
        outcome = trial.outcome
        self.outcomes[outcome] += 1
        self.retries += max(0, len(trial.turns) - 1)
        self.errors_in_a_row = self.errors_in_a_row + 1 if outcome is Outcome.ERROR else 0

    @property
    def done(self) -> int:
        """Count the trials ended since the command started."""
        return self.outcomes.total()

    @property
    def scored(self) -> int:
        """Count those of them that say anything about the model."""
        return sum(count for outcome, count in self.outcomes.items() if outcome.scored)

    def seconds(self) -> float:
        """Return the time since the command started."""
        return time.monotonic() - self.started

    def seconds_left(self) -> float | None:
        """Estimate the time left at the pace so far; None before there is one."""
        left = self.total - self.before - self.done
        return left * self.seconds() / self.done if self.done else None
