"""A run's trials as arrays, one value a trial: what tables are made of, for a million trials too.

`Row` says the same of one trial. Texts that few trials share (models, problems, errors, answers)
are stored once, and each trial has its number.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from solver.records import Detail, Failure, Outcome

Array: TypeAlias = NDArray[Any]
Chosen: TypeAlias = NDArray[Any] | slice
"""Trials: a mask, their places, or a slice."""
Arm: TypeAlias = tuple[str, str]
Ranked: TypeAlias = Callable[[Sequence[Arm]], Sequence[Arm]]
"""Sorts arms, given in the order in which they started."""

OUTCOMES = tuple(Outcome)
FAILURES = (None, *Failure)
DETAILS = (None, *Detail)
BY = ("", "rules", "model", "none")
"""Who gave a verdict; empty without one."""
RULES = ("", "equal", "different", "undecided")
"""What the rules said of an answer."""
SCORED = np.array([outcome.scored for outcome in OUTCOMES])
CORRECT = OUTCOMES.index(Outcome.CORRECT)


@dataclass(frozen=True, eq=False)
class TurnColumns:
    """The turns of a run, those of a trial side by side and in order."""

    number: Array
    """From 0."""
    failure: Array
    """Why it gave no answer, as a place in `FAILURES`."""
    exit: Array
    """How its program ended, as a place in `EXITS`; 0 where none ran."""
    refused: Array
    """The first rule by which the screen refused the program, as a place in `rules`; else -1."""
    input_tokens: Array
    output_tokens: Array
    attempt: Array
    """Whether its program was to print the answer."""
    rules: Sequence[str]
    exits: Sequence[str]

    @cached_property
    def tokens(self) -> Array:
        """Return the tokens sent and received."""
        found = self.input_tokens.astype(np.int64) + self.output_tokens
        return found.astype(np.int32) if found.max(initial=0) < 2**31 else found


@dataclass(frozen=True, eq=False)
class Trials:
    """Some trials of a run, in an order; arrays have a value for each of them."""

    problems: Sequence[str]
    """Ids. `problem` holds places in it; so do the next four."""
    arms: Sequence[tuple[str, str]]
    """Models and modes."""
    answers: Sequence[str]
    errors: Sequence[str]
    judges: Sequence[str]
    problem: Array
    arm: Array
    answer: Array
    """That of the last turn; -1 for none, as in the next two."""
    error: Array
    judge: Array
    key: Array
    """Bytes."""
    repeat: Array
    outcome: Array
    """A place in `OUTCOMES`."""
    failure: Array
    """Why the last turn gave no answer, as a place in `FAILURES`."""
    detail: Array
    """What explains that, as a place in `DETAILS`."""
    score: Array
    """Of the verdict that counts; -1 for none."""
    passed: Array
    """Whether it reaches the threshold."""
    by: Array
    """Who gave it, as a place in `BY`."""
    rules: Array
    """What the rules said, as a place in `RULES`."""
    numbers: Mapping[str, Array]
    """Counts and sums over the trial's turns, called as in `Row`."""
    first: Array
    """The place of the trial's first turn in `turns`."""
    turns: TurnColumns
    """Those of the whole run."""

    def __len__(self) -> int:
        """Count the trials."""
        return len(self.problem)

    def __getitem__(self, chosen: Chosen) -> "Trials":
        """Return some of the trials."""
        arrays = {name: getattr(self, name)[chosen] for name in _ARRAYS}
        numbers = {name: values[chosen] for name, values in self.numbers.items()}
        return replace(self, **arrays, numbers=numbers)

    @property
    def correct(self) -> Array:
        """Tell which were judged right."""
        found: Array = self.outcome == CORRECT
        return found

    @property
    def scored(self) -> Array:
        """Tell which count for accuracy."""
        found: Array = SCORED[self.outcome]
        return found

    @property
    def tokens(self) -> Array:
        """Return the tokens sent and received."""
        found: Array = self.numbers["input_tokens"].astype(np.int64) + self.numbers["output_tokens"]
        return found

    def key_of(self, place: int) -> str:
        """Return the key of the trial at a place."""
        return bytes(self.key[place]).decode(errors="replace")

    def keys(self) -> Iterator[str]:
        """Yield the keys."""
        return (self.key_of(place) for place in range(len(self)))

    def places(self, keys: Iterable[str]) -> Mapping[str, int]:
        """Return where the trials with these keys are; those of other keys are left out."""
        wanted = np.array([key.encode() for key in keys], dtype=self.key.dtype)
        held = np.flatnonzero(np.isin(self.key, wanted)).tolist() if wanted.size else []
        return {self.key_of(place): place for place in held}

    def total(self, name: str) -> Any:
        """Add up a number over the trials."""
        values = self.numbers[name]
        if values.dtype.kind == "f":  # one after the other, so that the order decides the last bit
            return float(np.cumsum(values)[-1]) or 0 if values.size else 0
        return int(values.sum(dtype=np.int64))

    def by_arm(self) -> Iterator[tuple[str, str, "Trials"]]:
        """Yield model, mode and trials of each arm, in the order in which they come."""
        for code in first_seen(self.arm, len(self.arms)):
            held = np.flatnonzero(self.arm == code)
            whole = slice(int(held[0]), int(held[-1]) + 1)
            together = held.size == whole.stop - whole.start  # a view then costs no memory
            yield *self.arms[code], self[whole if together else held]

    def of_turns(self, chosen: Chosen = slice(None)) -> tuple[Array, Array]:
        """Return, for each turn of these trials, the trial's place here and its own in `turns`.

        Of all trials or of some; the trial's place is that among the chosen ones.
        """
        counts = self.numbers["turns"][chosen].astype(np.int64)
        kind = np.int32 if self.turns.number.size < 2**31 else np.int64
        trial = np.repeat(np.arange(counts.size, dtype=kind), counts)
        before = np.cumsum(counts) - counts
        place = np.repeat((self.first[chosen] - before).astype(kind), counts)
        place += np.arange(trial.size, dtype=kind)
        return trial, place


_ARRAYS = (
    *("problem", "arm", "answer", "error", "judge", "key", "repeat", "outcome", "failure"),
    *("detail", "score", "passed", "by", "rules", "first"),
)


def first_seen(codes: Array, size: int) -> Array:
    """Return the numbers that occur, in the order in which they first do; all are below `size`."""
    first = np.full(size, codes.size)
    first[codes[::-1]] = np.arange(codes.size)[::-1]
    order: Array = np.argsort(first, kind="stable")[: int((first < codes.size).sum())]
    return order


def smallest(values: Array) -> Array:
    """Return whole numbers in the smallest type that holds them."""
    if not values.size:
        return values
    low, high = int(values.min()), int(values.max())
    for kind in ("u1", "i1", "u2", "i2", "u4", "i4"):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return values.astype(kind)
    return values
