"""The verdict on an answer, and the error raised where there can be none."""

from dataclasses import dataclass


class JudgeError(Exception):
    """The judge itself failed, so there is no verdict on the answer."""


@dataclass(frozen=True)
class Verdict:
    """The grade of one answer; `correct` follows from `score` and `threshold`."""

    score: int | None
    """5 same value, 4 same under the problem's convention, 3 not decidable, 2 partly right,
    1 different or no answer. None: no usable verdict was given, which is not the same as wrong."""
    by: str
    """Who decided: "rules", "model", or "none" where nobody could."""
    reason: str
    relation: str
    """How the answer relates to the reference, in the terms of whoever decided."""
    tier: str = ""
    """The tier of the rules that decided or gave up."""
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
    """What the rules alone said, whoever decided: "equal", "different" or "undecided"."""
    rules_reason: str = ""
    flags: tuple[str, ...] = ()
    """Remarks on how the verdict was reached: "float", "vetoed", "second_look", "suspicious",
    "cut" (the model saw only the start of the answer), "inconsistent" (the model's score was not
    its relation's, and the lower of the two counts)."""
    cached: bool = False
    """True where all replies of the model came from the cache."""

    @property
    def valid(self) -> bool:
        """Tell whether there is a score at all."""
        return self.score is not None

    @property
    def correct(self) -> bool:
        """Tell whether the score reaches the threshold."""
        return self.score is not None and self.score >= self.threshold
