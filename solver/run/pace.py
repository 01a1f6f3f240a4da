"""Count each arm's trials of a run, and estimate how long the rest takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Arm = tuple[str, str]
"""A model's name and a mode's."""


@dataclass
class Count:
    """What is known of one arm, from the store and from this start of the command."""

    total: int = 0
    """Trials of the whole run."""
    ended: int = 0
    """Trials that ended without an error of ours."""
    scored: int = 0
    correct: int = 0
    model_seconds: float = 0.0
    """Seconds that the replies of the ended trials took, added up."""


@dataclass
class Pace:
    """The arms of a run, by which the time left is estimated."""

    arms: dict[Arm, Count] = field(default_factory=dict)

    def all_seen(self) -> bool:
        """Tell whether a trial of every arm has ended, so that an estimate knows them all."""
        return bool(self.arms) and all(arm.ended for arm in self.arms.values())

    def seconds_left(
        self, answered: float, started: Mapping[int, float], *, elapsed: float, now: float
    ) -> float | None:
        """Estimate the seconds left; None before a trial whose replies took time has ended.

        `answered` is how many seconds the replies of this start of the command took, added up,
        `started` when each request in flight began, and `elapsed` how long ago the first one did.
        What is left of an arm is its number of trials times the mean of those that ended; the pace
        is how many requests were in flight on average. So a reply that takes long does not move the
        estimate until it has ended.
        """
        ended = sum(arm.ended for arm in self.arms.values())
        worked = sum(arm.model_seconds for arm in self.arms.values())
        waiting = [now - since for since in started.values()]
        busy = answered + sum(waiting)
        if not ended or worked <= 0 or busy <= 0 or elapsed <= 0:
            return None
        mean = worked / ended
        work = sum(
            (arm.total - arm.ended) * (arm.model_seconds / arm.ended if arm.ended else mean)
            for arm in self.arms.values()
        )
        work = max(work - sum(min(seconds, mean) for seconds in waiting), 0.0)
        return work * elapsed / busy
