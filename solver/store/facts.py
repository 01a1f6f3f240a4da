"""What is read of a stored trial or turn without reading all of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from judge import Verdict
from judge.logs.records import Theirs
from solver.records import Detail, Failure, Outcome, Trial, Turn, digest, outcome_of


@dataclass(frozen=True, slots=True)
class Row:
    """One stored trial without its texts. Tables are made of these."""

    key: str
    problem_id: str
    model: str
    mode: str
    repeat: int
    error: str | None
    seconds: float
    turns: int
    attempts: int
    """Turns whose program was to print the answer."""
    requests: int
    input_tokens: int
    output_tokens: int
    model_seconds: float
    sandbox_seconds: float
    capped: int
    """Replies that reached the cap."""
    prompt_cut: int
    """Prompts that the server cut."""
    programs: int
    """Programs written."""
    refused: int
    """Programs the screen refused."""
    thought_tokens: int
    """Those of `output_tokens` that thoughts took."""
    cut_thinking: int
    """Replies that reached the cap before anything but thoughts was written."""
    answer: str | None
    failure: Failure | None
    """Why the last turn gave no answer."""
    detail: Detail | None
    """What explains that failure."""
    verdict: Verdict | None
    judge: str | None
    """Who gave that verdict."""
    outcome: Outcome = field(init=False)
    """How the trial counts: derived here once, because every table asks for it."""

    def __post_init__(self) -> None:
        valid = self.verdict is not None and self.verdict.valid
        outcome = outcome_of(
            error=self.error is not None or not self.turns,
            failure=self.failure,
            correct=self.verdict.correct if self.verdict is not None and valid else None,
        )
        object.__setattr__(self, "outcome", outcome)

    @property
    def correct(self) -> bool:
        """Tell whether the trial was judged right."""
        return self.outcome is Outcome.CORRECT


class Ends(NamedTuple):
    """How some stored trials of one arm ended: alike."""

    model: str
    mode: str
    outcome: Outcome
    trials: int
    """How many they are."""
    model_seconds: float
    """Seconds that their replies took, added up."""


@dataclass(frozen=True, slots=True)
class Refused:
    """One turn whose program the screen kept from running."""

    key: str
    """The trial it was written in."""
    rule: str
    """The first rule that refused it."""
    turn: Turn


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one stored turn: the reply, and its program's output where one ran."""

    key: str
    number: int
    reply: str
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Imported:
    """A trial that another tool measured, ready to be stored."""

    key: str
    trial: Trial
    judge: str
    """Who gave its verdict."""
    theirs: tuple[Theirs, ...]
    """What the tool's own scorers said."""


def judge_id(facts: Mapping[str, Any]) -> str:
    """Return the id of a judge from the facts that a manifest holds of it."""
    return digest({k: v for k, v in facts.items() if not k.startswith("workers")})
