"""Choose the trials of two arms that are compared with each other."""

from collections.abc import Callable, Sequence

from solver.analysis.accuracy import correct_by_problem
from solver.store import Row

Right = Callable[[Row], bool | None]
"""Tells whether a trial was right; None where it has no verdict."""


def paired(
    a: Sequence[Row], b: Sequence[Row], right_a: Right, right_b: Right
) -> tuple[dict[str, list[bool]], dict[str, list[bool]]]:
    """Return, by problem, whether each trial of `kept` was right, for both sides."""
    kept_a, kept_b = kept(a, b, right_a, right_b)
    ours = correct_by_problem(kept_a, lambda row: right_a(row) is True)
    theirs = correct_by_problem(kept_b, lambda row: right_b(row) is True)
    shared = sorted(ours.keys() & theirs.keys())
    return {name: ours[name] for name in shared}, {name: theirs[name] for name in shared}


def kept(
    a: Sequence[Row], b: Sequence[Row], right_a: Right, right_b: Right
) -> tuple[list[Row], list[Row]]:
    """Return both sides' trials that have a verdict.

    Where both sides have the same repeats, a repeat is used only if both sides keep it. Where they
    do not (such as one greedy trial against 48), all kept trials of a problem are used.
    """
    kept_a = [row for row in a if right_a(row) is not None]
    kept_b = [row for row in b if right_b(row) is not None]
    if {row.repeat for row in a} != {row.repeat for row in b}:
        return kept_a, kept_b
    both = {(r.problem_id, r.repeat) for r in kept_a} & {(r.problem_id, r.repeat) for r in kept_b}
    kept_a, kept_b = (
        [row for row in rows if (row.problem_id, row.repeat) in both] for rows in (kept_a, kept_b)
    )
    return kept_a, kept_b
