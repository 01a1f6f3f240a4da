"""Count replies and programs of modes that alternate between words and programs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox import Exit
from solver.analysis.arms import ended_arms
from solver.modes import stored_mode
from solver.records import Turn
from solver.store import Row, Store


@dataclass(frozen=True)
class Rounds:
    """One model in one such mode."""

    model: str
    mode: str
    trials: int
    replies: int
    executions: int
    failed: int
    """Executions that crashed or reached a limit."""
    refused: int
    """Programs that the screen refused, so that they were not run."""
    answers: Counter[str]
    """Trials by the rule that found their answer; `none` for those without one."""


def rounds_of(store: Store, rows: Iterable[Row]) -> tuple[Rounds, ...]:
    """Count the replies and programs of every such arm.

    `rows` are those of the run, in the order to show them.
    """
    return tuple(
        _rounds(model, mode, [store.turns(row.key) for row in trials])
        for (model, mode), trials in ended_arms(rows).items()
        if stored_mode(mode).rounds
    )


def _rounds(model: str, mode: str, trials: Sequence[Sequence[Turn]]) -> Rounds:
    turns = [turn for trial in trials for turn in trial]
    exits = [turn.execution.exit for turn in turns if turn.execution is not None]
    return Rounds(
        model=model,
        mode=mode,
        trials=len(trials),
        replies=len(turns),
        executions=len(exits),
        failed=sum(exit is not Exit.OK for exit in exits),
        refused=sum(turn.program is not None for turn in turns) - len(exits),
        answers=Counter(trial[-1].answer_rule or "none" for trial in trials),
    )
