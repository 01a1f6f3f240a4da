"""The result of a comparison: equal, different or undecided, with the rule and the reason."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Relation(StrEnum):
    """How an answer relates to its reference."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Comparison:
    """The result of comparing two texts, with their normal forms."""

    relation: Relation
    tier: str
    """The rule that decided: string, text, exact, digits, sampling, set, symbolic, limit, ..."""
    reason: str
    reference_form: str
    answer_form: str


class Finding(NamedTuple):
    """The result of one rule, without the normal forms."""

    relation: Relation
    tier: str
    reason: str


def equal(tier: str, reason: str) -> Finding:
    """Return the finding that two answers are equal."""
    return Finding(Relation.EQUAL, tier, reason)


def different(tier: str, reason: str) -> Finding:
    """Return the finding that two answers are different."""
    return Finding(Relation.DIFFERENT, tier, reason)


def undecided(tier: str, reason: str) -> Finding:
    """Return the finding that a rule cannot decide."""
    return Finding(Relation.UNDECIDED, tier, reason)
