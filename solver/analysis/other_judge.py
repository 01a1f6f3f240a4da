"""Compare our verdicts with those that another tool's scorers gave on the same replies."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from judge.logs.changes import Change, Tally
from judge.logs.records import Theirs
from solver.store import Reader, Row


@dataclass(frozen=True)
class Changed:
    """One reply that our judge calls something else."""

    row: Row
    theirs: Theirs
    change: Change


@dataclass
class Scorer:
    """One scorer of another tool, beside our judge."""

    name: str
    tally: Tally = field(default_factory=Tally)
    changed: list[Changed] = field(default_factory=list)


@dataclass(frozen=True)
class OtherJudge:
    """All scorers of another tool on one arm."""

    model: str
    mode: str
    scorers: tuple[Scorer, ...]


def other_judge_of(store: Reader, rows: Sequence[Row]) -> tuple[OtherJudge, ...]:
    """Return, for each arm that another tool has scored, its scorers beside our judge."""
    by_key = {row.key: row for row in rows}
    arms: dict[tuple[str, str], dict[str, Scorer]] = defaultdict(dict)
    for key, theirs in store.other_verdicts():
        row = by_key.get(key)
        if row is None:
            continue
        scorers = arms[row.model, row.mode]
        scorer = scorers.setdefault(theirs.name, Scorer(theirs.name))
        change = scorer.tally.add(theirs, row.correct if row.outcome.scored else None)
        if change is not None:
            scorer.changed.append(Changed(row, theirs, change))
    for scorers in arms.values():
        for scorer in scorers.values():
            scorer.changed.sort(key=lambda each: (each.row.problem_id, each.row.repeat))
    return tuple(
        OtherJudge(model, mode, tuple(scorers.values())) for (model, mode), scorers in arms.items()
    )
