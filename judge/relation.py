"""What a comparison can say, and the record that says it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Relation(StrEnum):
    """How an answer stands to its reference."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Comparison:
    """One comparison: what was decided, by which tier, on which normal forms, and why."""

    relation: Relation
    tier: str
    """The rule that decided: string, text, exact, digits, sampling, set, symbolic, limit, ..."""
    reason: str
    reference_form: str
    answer_form: str


class Finding(NamedTuple):
    """What one rule found, before the normal forms are attached."""

    relation: Relation
    tier: str
    reason: str


def equal(tier: str, reason: str) -> Finding:
    """The rule found them equal."""
    return Finding(Relation.EQUAL, tier, reason)


def different(tier: str, reason: str) -> Finding:
    """The rule found them different."""
    return Finding(Relation.DIFFERENT, tier, reason)


def undecided(tier: str, reason: str) -> Finding:
    """The rule cannot tell."""
    return Finding(Relation.UNDECIDED, tier, reason)
