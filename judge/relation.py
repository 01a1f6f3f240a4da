"""The result of a comparison: equal, different or undecided, with the rule and the reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import partial


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


def _found(relation: Relation, tier: str, reason: str) -> Finding:
    """Return a finding, and note it where findings are followed."""
    finding = Finding(relation, tier, reason)
    if (found := _FOLLOWED.get()) is not None:
        found.append(finding)
    return finding


equal = partial(_found, Relation.EQUAL)
"""Return the finding that two answers are equal, given the rule and the reason."""
different = partial(_found, Relation.DIFFERENT)
"""Return the finding that two answers are different."""
undecided = partial(_found, Relation.UNDECIDED)
"""Return the finding that a rule cannot decide."""
