"""Choose the trials of two arms that are compared with each other."""

from typing import TypeAlias

import numpy as np

from solver.analysis.accuracy import counts_by_problem
from solver.stats.metrics import Count
from solver.store import Trials
from solver.store.columns import Array

Right: TypeAlias = Array
"""For each trial 1 where it was right, 0 where it was not, -1 where it has no verdict."""


def paired(
    a: Trials, b: Trials, right_a: Right, right_b: Right
) -> tuple[dict[str, Count], dict[str, Count]]:
    """Count, by problem, the trials of `kept` and how many were right, for both sides."""
    kept_a, kept_b = kept(a, b, right_a, right_b)
    ours = counts_by_problem(a, right_a == 1, kept_a)
    theirs = counts_by_problem(b, right_b == 1, kept_b)
    shared = sorted(ours.keys() & theirs.keys())
    return {name: ours[name] for name in shared}, {name: theirs[name] for name in shared}


def kept(a: Trials, b: Trials, right_a: Right, right_b: Right) -> tuple[Array, Array]:
    """Tell which of both sides' trials have a verdict.

    Where both sides have the same repeats, a repeat is used only if both sides keep it. Where they
    do not (such as one greedy trial against 48), all kept trials of a problem are used.
    """
    kept_a, kept_b = right_a >= 0, right_b >= 0
    if not np.array_equal(np.unique(a.repeat), np.unique(b.repeat)):
        return kept_a, kept_b
    most = int(a.repeat.max(initial=0)) + 1
    number = {name: place for place, name in enumerate(a.problems)}
    others = np.array([number.get(name, len(number)) for name in b.problems], dtype=np.int64)
    ours = a.problem.astype(np.int64) * most + a.repeat
    theirs = others[b.problem] * most + b.repeat
    return kept_a & np.isin(ours, theirs[kept_b]), kept_b & np.isin(theirs, ours[kept_a])
