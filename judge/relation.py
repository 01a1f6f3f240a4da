"""The result of a comparison: equal, different or undecided, with the rule and the reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum


class Relation(StrEnum):
    """How an answer relates to its reference."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Finding:
    """The result of one rule, without the normal forms."""

    relation: Relation
    tier: str
    """The rule that decided: string, text, exact, digits, sampling, set, symbolic, limit, ..."""
    reason: str

    @property
    def is_equal(self) -> bool:
        """Tell whether both sides were found equal."""
        return self.relation is Relation.EQUAL

    @property
    def is_different(self) -> bool:
        """Tell whether they were found different."""
        return self.relation is Relation.DIFFERENT

    @property
    def is_undecided(self) -> bool:
        """Tell whether they were found neither."""
        return self.relation is Relation.UNDECIDED


@dataclass(frozen=True)
class Comparison(Finding):
    """The result of comparing two texts, with their normal forms."""

    reference_form: str
    answer_form: str


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
