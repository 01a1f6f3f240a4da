"""What a judge says about one answer, and the error it raises when it could not say anything."""

from dataclasses import dataclass


class JudgeError(Exception):
    """The judge itself could not be reached, so nothing was learned about the answer."""


@dataclass(frozen=True)
class Verdict:
    """One answer's grade: facts as they were found, from which `correct` is derived."""

    score: int | None
    """5 same value, 4 same under the problem's convention, 3 not decidable, 2 partly right,
    1 different or no answer. None: no usable verdict was given, which is not the same as wrong."""
    by: str
    """Who decided: "rules", "model", or "none" where nobody could."""
    reason: str
    relation: str
    """The observed relation, in the words of whoever decided."""
    tier: str = ""
    """Which tier of the rules decided, or gave up."""
    reference_form: str = ""
    """The normal form of the reference that was compared."""
    answer_form: str = ""
    judge_model: str = ""
    """The model that was asked; empty where none was."""
    seconds: float = 0.0
    """Wall time of this verdict, waiting for a worker or an endpoint included."""
    threshold: int = 4
    """The lowest score that counts as correct."""
    rules: str = ""
    """What the rules alone said: "equal", "different" or "undecided"; beside `score`, so that
    a table can show both columns whoever decided."""
    rules_reason: str = ""
    flags: tuple[str, ...] = ()
    """What a reader of the verdict should know: "float", "vetoed", "second_look", "suspicious" …"""
    cached: bool = False
    """The model's replies came from the cache, every one of them."""

    @property
    def valid(self) -> bool:
        """Whether there is a score at all."""
        return self.score is not None

    @property
    def correct(self) -> bool:
        """Whether the score reaches the threshold."""
        return self.score is not None and self.score >= self.threshold
