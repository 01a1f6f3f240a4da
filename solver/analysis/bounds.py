"""Bound the accuracy of each arm: under the strictest judge, and under the most lenient one."""

from collections.abc import Iterable
from dataclasses import dataclass

from solver.analysis.accuracy import correct_by_problem, right_by_rules
from solver.analysis.arms import ended_arms
from solver.stats.metrics import Estimate, accuracy
from solver.store import Row


@dataclass(frozen=True)
class Bounds:
    """The range of one arm's accuracy, over all trials that ended without an error of ours."""

    model: str
    mode: str
    rules_alone: Estimate
    """Counting as right only answers that the rules found equal."""
    reported: Estimate
    """Counting as right what the verdicts call correct; without a verdict is wrong."""
    highest: Estimate
    """Counting as right also answers that nobody decided or that only a model rejected."""
    by_model: int
    """Verdicts that a model gave, which are worth checking by hand."""


def bounds_of(rows: Iterable[Row]) -> tuple[Bounds, ...]:
    """Compute the range of every arm's accuracy, with intervals clustered by problem."""
    return tuple(
        Bounds(
            model=model,
            mode=mode,
            rules_alone=accuracy(correct_by_problem(of_arm, right_by_rules)),
            reported=accuracy(correct_by_problem(of_arm)),
            highest=accuracy(correct_by_problem(of_arm, lambda r: r.correct or _in_doubt(r))),
            by_model=sum(row.verdict is not None and row.verdict.by == "model" for row in of_arm),
        )
        for (model, mode), of_arm in ended_arms(rows).items()
    )


def _in_doubt(row: Row) -> bool:
    """Tell whether an answer was not accepted, but neither rules nor a guard refused it."""
    verdict = row.verdict
    if row.failure is not None:
        return False
    return verdict is None or (verdict.rules == "undecided" and verdict.tier != "guard")
