"""50 fixed pairs that a judging model is asked before it is used, and when it passes.

Most are of the kinds that the rules leave to a model: words, prose, other languages, injections.
A judge passes with at most 1 false accept, 4 false rejects, 3 replies in another format and 3 that
were cut. One that errs in 1 % of the wrong and 5 % of the right answers passes in 97 of 100 tries,
one with 10 % false accepts in 27, with 20 % in 3, with 30 % false rejects in 9, with 50 % never.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from judge.model.probes import Probe

MOST_FALSE_ACCEPTS = 1
MOST_FALSE_REJECTS = 4
MOST_UNUSABLE = 3
"""Invalid replies, and as many that were cut."""


@dataclass(frozen=True)
class Canaries:
    """The results of a judging model on the 50 fixed pairs."""

    false_accepts: tuple[str, ...]
    """Wrong answers it accepted, as "reference ← answer"."""
    false_rejects: tuple[str, ...]
    """Right answers it rejected."""
    invalid: int
    """Replies in another format than the one asked for."""
    total: int
    """Pairs that were asked about; fewer than 50 where it was given up."""
    kappa: float | None
    """Agreement with the labels, where an unusable reply counts as a rejection."""
    cut: int = 0
    """Replies that ended at their token limit before they had a verdict."""

    @property
    def state(self) -> str:
        """Return "passed", or why the judge must not be used: "drifted", "cut" or "format"."""
        accepts, rejects = len(self.false_accepts), len(self.false_rejects)
        if accepts > MOST_FALSE_ACCEPTS or rejects > MOST_FALSE_REJECTS:
            return "drifted"
        if self.cut > MOST_UNUSABLE:
            return "cut"
        return "format" if self.invalid > MOST_UNUSABLE else "passed"

    @property
    def drifted(self) -> bool:
        """Tell whether the judge must not be used, whatever the reason."""
        return self.state != "passed"

    def __str__(self) -> str:
        kappa = "–" if self.kappa is None else f"{self.kappa:.3f}"
        return (
            f"{_STATES[self.state]}: {len(self.false_accepts)} false accepts,"
            f" {len(self.false_rejects)} false rejects, {self.invalid} in another format,"
            f" {self.cut} cut, of {self.total}, κ {kappa}"
        )


_STATES = {
    "passed": "judge as it should be",
    "drifted": "judge drifted",
    "cut": "judge's replies were cut (raise its max_tokens, or let it think less)",
    "format": "judge's replies are not in the format it was asked for",
}


def _canaries() -> Iterator[Probe]:
    """Read the pairs: each line of the file has a right and a wrong answer."""
    text = Path(__file__).with_suffix(".jsonl").read_text(encoding="utf-8")
    for case in map(json.loads, text.splitlines()):
        for right in (True, False):
            answer = case["right" if right else "wrong"]
            yield Probe(case["question"], case["reference"], answer, right, case["kind"])


CANARIES = tuple(_canaries())
"""25 right and 25 wrong answers."""
