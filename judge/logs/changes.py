"""Count where our verdicts and those of a log's own scorer part."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from judge.logs.records import Theirs


class Change(StrEnum):
    """What our judge makes of a reply that another scorer called right or wrong."""

    TO_WRONG = "right → wrong"
    TO_RIGHT = "wrong → right"
    LEFT_OPEN = "left open"
    """The rules cannot decide, so the reply is not scored."""


def change_of(theirs: Theirs, correct: bool | None) -> Change | None:
    """Say how our verdict differs; None where it does not, or where theirs is of no single reply.

    `correct` is None where we have no usable verdict.
    """
    if theirs.whole or theirs.value not in (0, 1):
        return None
    if correct is None:
        return Change.LEFT_OPEN
    if bool(theirs.value) is correct:
        return None
    return Change.TO_RIGHT if correct else Change.TO_WRONG


@dataclass
class Tally:
    """One scorer of a log beside our judge, on the same replies."""

    replies: int = 0
    """Those that the scorer has a verdict on."""
    theirs: float = 0.0
    """The sum of its scores, and below of ours."""
    ours: int = 0
    single: int = 0
    """Replies with a verdict of their own, not one on several replies together."""
    changes: Counter[Change] = field(default_factory=Counter)

    def add(self, theirs: Theirs, correct: bool | None) -> Change | None:
        """Count one reply, and return how our verdict differs."""
        self.replies += 1
        self.theirs += theirs.value
        self.ours += correct is True
        self.single += not theirs.whole
        change = change_of(theirs, correct)
        if change is not None:
            self.changes[change] += 1
        return change
