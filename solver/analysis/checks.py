"""Count what self-checks found, in modes that check their own answers, and weigh answers by it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from solver.analysis.accuracy import correct_by_problem
from solver.analysis.arms import ended_arms
from solver.modes import stored_mode
from solver.records import Turn, Verification
from solver.stats.metrics import Estimate, accuracy
from solver.store import Row, Store


@dataclass(frozen=True)
class Checks:
    """One model in one such mode: counts of trials, by what their last check found."""

    model: str
    mode: str
    found: Counter[Verification]
    """Trials with a check."""
    judged: Counter[Verification]
    """Those whose answer has a usable verdict."""
    right: Counter[Verification]
    """Those whose answer was judged correct."""
    accuracy: Mapping[Verification, Estimate]
    """The share of correct answers, as a mean over problems, where any answer was judged."""
    revised: int
    """Trials that went on after a check, because it found the answer false."""


def checks_of(store: Store, rows: Iterable[Row]) -> tuple[Checks, ...]:
    """Count the checks of every such arm. `rows` are those of the run, in the order to show."""
    return tuple(
        _checks(model, mode, [(row, store.turns(row.key)) for row in trials])
        for (model, mode), trials in ended_arms(rows).items()
        if stored_mode(mode).vote
    )


def vote_weights(store: Store, rows: Iterable[Row]) -> dict[str, float]:
    """Return the weight of each self-checked answer in the vote over repeats, by trial key."""
    config = store.manifest().get("config", {})
    found = {}
    for row in rows:
        mode = stored_mode(row.mode)
        if mode.vote is not None and row.turns:
            weights = mode.vote(mode.stored_options(config))
            state = store.turns(row.key)[-1].verification or Verification.UNCERTAIN
            found[row.key] = weights[state]
    return found


def _checks(model: str, mode: str, trials: Sequence[tuple[Row, Sequence[Turn]]]) -> Checks:
    last = [(row, state) for row, turns in trials if (state := turns[-1].verification)]
    scored = {
        state: correct_by_problem(
            row for row, found in last if found is state and row.outcome.scored
        )
        for state in Verification
    }
    return Checks(
        model=model,
        mode=mode,
        found=Counter(state for _, state in last),
        judged=Counter(state for row, state in last if row.outcome.scored),
        right=Counter(state for row, state in last if row.correct),
        accuracy={state: accuracy(found) for state, found in scored.items() if found},
        revised=sum(any(turn.verification for turn in turns[:-1]) for _, turns in trials),
    )
