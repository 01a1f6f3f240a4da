"""One trial in a list, without its texts."""

from typing import NamedTuple

from judge.logs.records import Theirs
from solver.analysis.other_judge import change_among, together
from solver.records import Outcome


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
