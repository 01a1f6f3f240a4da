"""The conventions on which graders disagree, each with a name and a default.

A `Policy` is recorded with a run, so that a score can be traced to its conventions. Not covered:
mathematics on which nobody disagrees, which is in the rules themselves.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from judge.relation import Finding, Relation


class Choice(StrEnum):
    """What to do with a pair that only a convention can decide."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    UNDECIDED = "undecided"

    def finding(self, tier: str, reason: str) -> Finding:
        """Return the finding that this choice leads to."""
        return Finding(_RELATIONS[self], tier, reason)


_RELATIONS = {
    Choice.ACCEPT: Relation.EQUAL,
    Choice.REFUSE: Relation.DIFFERENT,
    Choice.UNDECIDED: Relation.UNDECIDED,
}


@dataclass(frozen=True)
class Policy:
    """The choice for each contested convention. `dataclasses.asdict` gives plain JSON values."""

    rounded_decimal: Choice = Choice.UNDECIDED
    """A decimal that is the reference rounded, such as 0.33 for 1/3."""
    float_digits: int = 12
    """A decimal agreeing with an exact reference to this many significant digits is equal."""
    missing_unit: Choice = Choice.ACCEPT
    """One side has a unit (5 cm, $5, 60°), the other none."""
    missing_percent: Choice = Choice.ACCEPT
    """10 for 10 %, and 0.1 for 10 %."""
    missing_base: Choice = Choice.ACCEPT
    """The same digits without the base: 204 for 204 in base five."""
    degrees_for_radians: Choice = Choice.ACCEPT
    """π/3 for 60°."""
    ratio_for_number: Choice = Choice.ACCEPT
    """2 for 2:1."""
    interval_for_inequality: Choice = Choice.ACCEPT
    """[5, ∞) for x ≥ 5."""
    vector_for_tuple: Choice = Choice.ACCEPT
    """(1, 2) for a row or column of a matrix."""
    positive_letters: Choice = Choice.ACCEPT
    """Formulas in several letters that agree only where every letter is positive."""
    decimal_comma: Choice = Choice.ACCEPT
    """12,5 for 12.5."""
    set_for_tuple: Choice = Choice.ACCEPT
    """{1, 2} for (1, 2), in the same order."""
    renamed_letter: Choice = Choice.UNDECIDED
    """One letter renamed, such as kx for cx, where it is no constant of integration."""
    log_of_absolute: Choice = Choice.ACCEPT
    """ln u for ln |u|, as in antiderivatives."""


_DECIDING = (
    *("compare.py", "extract.py", "grade.py", "policy.py", "reading/*.*", "rules/*.py"),
    *("model/asked.py", "model/evidence.py", "model/guard.py", "model/replies.py"),
    *("model/rubric.py", "model/verdicts.py", "model/prompts.toml", "model/phrases.toml"),
)


@cache
def rules_version() -> str:
    """Return a hash of all that decides a verdict: it is part of a judge's identity.

    These are the sources and tables of the rules, of extraction, of the guards and of the reading
    of a model's reply.
    """
    folder, digest = Path(__file__).parent, hashlib.sha256()
    for name in _DECIDING:
        for path in sorted(folder.glob(name)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
