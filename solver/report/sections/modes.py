"""Define the modes of a run."""

from collections.abc import Sequence

from solver.modes import stored_mode
from solver.report.parts import Section
from solver.report.runs import Named


def defined(arms: Sequence[Named]) -> Section | None:
    """Define every mode, in the words of its own record."""
    words = tuple(dict.fromkeys(stored_mode(arm.arm.mode).definition for arm in arms))
    return Section("modes", "Modes", words) if words else None
