"""Hold the place of a turn, for the analyses of failures."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from judge import Verdict
from solver.store import Texts, Trials

ReadTexts: TypeAlias = Callable[[Iterable[tuple[str, int]]], Iterator[Texts]]
"""Reads the texts of turns, given by trial key and number of the turn, as `Store.texts` does."""
ReadVerdicts: TypeAlias = Callable[[str], Sequence[tuple[str, Verdict]]]
"""Reads the verdicts on a trial, given by its key, as `Store.verdicts` does."""


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


def place_of(trials: Trials, trial: int, number: int) -> Place:
    """Return the place of a turn, given where its trial is and its number from 0."""
    model, mode = trials.arms[trials.arm[trial]]
    problem, repeat = trials.problems[trials.problem[trial]], int(trials.repeat[trial])
    return Place(trials.key_of(trial), problem, model, mode, repeat, number + 1)
