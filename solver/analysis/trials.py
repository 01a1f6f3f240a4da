"""Hold a stored trial with its turns, and the place of a turn, for the analyses of failures."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from judge.logs.records import Theirs
from solver.store import Row, Texts, TurnFacts

ReadTexts = Callable[[Iterable[tuple[str, int]]], Iterator[Texts]]
"""Reads the texts of turns, given by trial key and number of the turn, as `Store.texts` does."""


@dataclass(frozen=True)
class Place:
    """Where in a run to find a turn."""

    key: str
    problem_id: str
    model: str
    mode: str
    repeat: int
    turn: int
    """From 1."""


@dataclass(frozen=True)
class TrialTurns:
    """One trial with its turns."""

    row: Row
    turns: Sequence[TurnFacts]
    said: Sequence[Theirs] = ()
    """What the scorers of the tool said that it was imported from."""

    @property
    def correct(self) -> bool:
        """Tell whether the trial was judged correct."""
        return self.row.correct

    def place(self, number: int) -> Place:
        """Return the place of a turn, given its number from 0."""
        row = self.row
        return Place(row.key, row.problem_id, row.model, row.mode, row.repeat, number + 1)
