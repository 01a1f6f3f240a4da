"""Compare our verdicts with those that another tool's scorers gave on the same replies."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from judge.logs.changes import Change, Tally, change_of
from judge.logs.records import Theirs
from solver.records import Outcome
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
        change = scorer.tally.add(theirs, ours_of(row.outcome))
        if change is not None:
            scorer.changed.append(Changed(row, theirs, change))
    for scorers in arms.values():
        for scorer in scorers.values():
            scorer.changed.sort(key=lambda each: (each.row.problem_id, each.row.repeat))
    return tuple(
        OtherJudge(model, mode, tuple(scorers.values())) for (model, mode), scorers in arms.items()
    )


def said_by_trial(store: Reader) -> Mapping[str, Sequence[Theirs]]:
    """Return what another tool's scorers said of trials, by key; nothing for a run of ours."""
    said: dict[str, list[Theirs]] = defaultdict(list)
    for key, theirs in store.other_verdicts():
        said[key].append(theirs)
    return dict(said)


def ours_of(outcome: Outcome) -> bool | None:
    """Return our verdict on a trial that ended so; None where it is not scored."""
    return outcome is Outcome.CORRECT if outcome.scored else None


def word_of(theirs: Theirs) -> str:
    """Return `right`, `wrong` or a share, and say where it is of several replies together."""
    if theirs.whole:
        return f"{theirs.value:g} of several replies together"
    return {0.0: "wrong", 1.0: "right"}.get(theirs.value, f"{theirs.value:g}")


def together(said: Sequence[Theirs]) -> str | None:
    """Return what all scorers say of one trial: `right`, `wrong`, a share, or `mixed`.

    None where no scorer has a verdict on this trial alone.
    """
    words = {word_of(theirs) for theirs in said if not theirs.whole}
    return "mixed" if len(words) > 1 else next(iter(words), None)


def change_among(said: Sequence[Theirs], outcome: Outcome) -> Change | None:
    """Return how our verdict on a trial differs from that of the first scorer that it changes."""
    changes = (change_of(theirs, ours_of(outcome)) for theirs in said)
    return next((change for change in changes if change is not None), None)
