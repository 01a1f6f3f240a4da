"""The result of a comparison: equal, different or undecided, with the rule and the reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
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


_FOLLOWED: ContextVar[list[Finding] | None] = ContextVar("followed", default=None)


@contextmanager
def followed() -> Iterator[list[Finding]]:
    """Collect what each rule finds in this thread meanwhile, in order."""
    found: list[Finding] = []
    before = _FOLLOWED.set(found)
    try:
        yield found
    finally:
        _FOLLOWED.reset(before)


def _noted(finding: Finding) -> Finding:
    if (found := _FOLLOWED.get()) is not None:
        found.append(finding)
    return finding


def equal(tier: str, reason: str) -> Finding:
    """Return the finding that two answers are equal."""
    return _noted(Finding(Relation.EQUAL, tier, reason))


def different(tier: str, reason: str) -> Finding:
    """Return the finding that two answers are different."""
    return _noted(Finding(Relation.DIFFERENT, tier, reason))


def undecided(tier: str, reason: str) -> Finding:
    """Return the finding that a rule cannot decide."""
    return _noted(Finding(Relation.UNDECIDED, tier, reason))
