"""What the modes beyond one program did: rounds of `tir`, checks of `csv`, regeneration.

Reads the texts of these modes' trials alone. Accuracy by mode and its differences are `summary`'s.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sandbox import Exit
from solver.analysis.accuracy import correct_by_problem
from solver.modes import stored_mode
from solver.records import Outcome, Turn, Verification
from solver.stats.metrics import Estimate, accuracy
from solver.stats.paired import Difference, MeanDifference, mean_difference, paired_difference
from solver.store import Row, Store


@dataclass(frozen=True)
class Rounds:
    """Tool-integrated reasoning by one model."""

    model: str
    trials: int
    replies: int
    executions: int
    failed: int
    """Executions that crashed or reached a limit."""
    refused: int
    """Programs that the screen kept from running."""
    answers: Counter[str]
    """Trials by the rule that found their answer; `none` for those without one."""


@dataclass(frozen=True)
class Checks:
    """Self-verification by one model: trials with an answer, by what their last check found."""

    model: str
    found: Counter[Verification]
    judged: Counter[Verification]
    """Of these, with a usable verdict."""
    right: Counter[Verification]
    """Of those, judged correct."""
    accuracy: Mapping[Verification, Estimate]
    """The share of right ones, as a mean over problems; for states with a judged answer."""
    revised: int
    """Trials whose first check found false, and that went on to another answer."""


@dataclass(frozen=True)
class Spent:
    """Means over trials."""

    execution_seconds: float
    attempts: float
    requests: float
    input_tokens: float
    output_tokens: float
    model_seconds: float


@dataclass(frozen=True)
class Regrown:
    """`code` with one control beside plain `code`, over the trials that both have without error."""

    model: str
    mode: str
    """`code+guided`, or `code` itself for the row the others are compared with."""
    trials: int
    accuracy: float
    """Of all these trials: one without a usable verdict counts as wrong."""
    spent: Spent
    programs: int
    refused: int
    interventions: Counter[str]
    difference: Difference | None
    """In accuracy, this arm minus plain `code`. None for `code` itself, like the next three."""
    execution_seconds: MeanDifference | None
    attempts: MeanDifference | None
    same: int | None
    """First replies that are plain `code`'s, or the beginning of it that holds its program."""
    parted: int | None
    """Where the earliest of the others leaves it, in characters; None where there is none."""


@dataclass(frozen=True)
class Ways:
    """All of it for one run."""

    rounds: tuple[Rounds, ...]
    checks: tuple[Checks, ...]
    regrown: tuple[tuple[Regrown, ...], ...]
    """By model: plain `code` first, then its controls."""


def ways_of(store: Store, rows: Iterable[Row] | None = None) -> Ways:
    """Read a stored run, or the part of it that is done; `rows` are its rows, if read already."""
    arms: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in store.rows() if rows is None else rows:
        if row.outcome is not Outcome.ERROR:
            arms[row.model, row.mode].append(row)
    models = list(dict.fromkeys(model for model, _ in arms))
    return Ways(
        rounds=tuple(
            _rounds(model, [store.turns(row.key) for row in rows])
            for (model, mode), rows in arms.items()
            if stored_mode(mode).rounds
        ),
        checks=tuple(
            _checks(model, [(row, store.turns(row.key)) for row in rows])
            for (model, mode), rows in arms.items()
            if stored_mode(mode).vote
        ),
        regrown=tuple(found for model in models if (found := _regrown(model, arms, store))),
    )


def vote_weights(store: Store, rows: Iterable[Row] | None = None) -> dict[str, float]:
    """What each self-verified answer of a run counts in a vote, by its trial's key.

    `rows` are the run's rows, if read already.
    """
    config = store.manifest().get("config", {})
    found = {}
    for row in store.rows() if rows is None else rows:
        mode = stored_mode(row.mode)
        if mode.vote is not None and row.turns:
            weights = mode.vote(mode.stored_options(config))
            state = store.turns(row.key)[-1].verification or Verification.UNCERTAIN
            found[row.key] = weights[state]
    return found


def _rounds(model: str, trials: Sequence[Sequence[Turn]]) -> Rounds:
    turns = [turn for trial in trials for turn in trial]
    exits = [turn.execution.exit for turn in turns if turn.execution is not None]
    return Rounds(
        model=model,
        trials=len(trials),
        replies=len(turns),
        executions=len(exits),
        failed=sum(exit is not Exit.OK for exit in exits),
        refused=sum(turn.program is not None for turn in turns) - len(exits),
        answers=Counter(trial[-1].answer_rule or "none" for trial in trials),
    )


def _checks(model: str, trials: Sequence[tuple[Row, Sequence[Turn]]]) -> Checks:
    last = [(row, state) for row, turns in trials if (state := turns[-1].verification)]
    scored = {
        state: correct_by_problem(
            row for row, found in last if found is state and row.outcome.scored
        )
        for state in Verification
    }
    return Checks(
        model=model,
        found=Counter(state for _, state in last),
        judged=Counter(state for row, state in last if row.outcome.scored),
        right=Counter(state for row, state in last if row.correct),
        accuracy={state: accuracy(found) for state, found in scored.items() if found},
        revised=sum(any(turn.verification for turn in turns[:-1]) for _, turns in trials),
    )


def _regrown(
    model: str, arms: Mapping[tuple[str, str], Sequence[Row]], store: Store
) -> tuple[Regrown, ...]:
    """Plain `code` and its controls, over the trials that all of them have."""
    base = {mode: stored_mode(mode).compared_with for name, mode in arms if name == model}
    compared = [mode for mode, other in base.items() if other in base]
    if not compared:
        return ()
    plain_mode = base[compared[0]] or ""
    trials = {
        mode: {(row.problem_id, row.repeat): row for row in arms[model, mode]}
        for mode in (plain_mode, *compared)
    }
    shared = sorted(set.intersection(*({*rows} for rows in trials.values())))
    rows = {mode: [by_place[place] for place in shared] for mode, by_place in trials.items()}
    if not shared:
        return ()
    plain = [store.turns(row.key) for row in rows[plain_mode]]
    return tuple(
        _beside(rows[mode], [store.turns(row.key) for row in rows[mode]], rows[plain_mode], plain)
        for mode in rows
    )


def _beside(
    rows: Sequence[Row],
    trials: Sequence[Sequence[Turn]],
    plain_rows: Sequence[Row],
    plain: Sequence[Sequence[Turn]],
) -> Regrown:
    replies = [turn.reply for trial in trials for turn in trial]
    beside = rows is not plain_rows
    parted = [
        _parting(trial[0].reply.text, other[0].reply.text)
        for trial, other in zip(trials, plain, strict=True)
    ]
    left = [place for place in parted if place is not None]
    right = correct_by_problem(rows)
    return Regrown(
        model=rows[0].model,
        mode=rows[0].mode,
        trials=len(rows),
        accuracy=sum(map(sum, right.values())) / len(rows),
        spent=_spent(rows),
        programs=sum(row.programs for row in rows),
        refused=sum(row.refused for row in rows),
        interventions=Counter(i.kind for reply in replies for i in reply.interventions),
        difference=paired_difference(right, correct_by_problem(plain_rows)) if beside else None,
        execution_seconds=_mean_difference(rows, plain_rows, "sandbox_seconds") if beside else None,
        attempts=_mean_difference(rows, plain_rows, "turns") if beside else None,
        same=len(parted) - len(left) if beside else None,
        parted=min(left, default=None),
    )


def _parting(text: str, plain: str) -> int | None:
    """Where a reply leaves the plain one; None where it is the same, or ends before it does."""
    if plain.startswith(text):
        return None
    shorter = min(len(text), len(plain))
    return next((place for place in range(shorter) if text[place] != plain[place]), shorter)


def _spent(rows: Sequence[Row]) -> Spent:
    def mean(name: str) -> float:
        return float(sum(getattr(row, name) for row in rows)) / len(rows)

    return Spent(
        execution_seconds=mean("sandbox_seconds"),
        attempts=mean("turns"),
        requests=mean("requests"),
        input_tokens=mean("input_tokens"),
        output_tokens=mean("output_tokens"),
        model_seconds=mean("model_seconds"),
    )


def _mean_difference(rows: Sequence[Row], plain: Sequence[Row], name: str) -> MeanDifference:
    """By problem, so that repeats do not pass for independent problems."""
    found: dict[str, list[float]] = defaultdict(list)
    for row, other in zip(rows, plain, strict=True):
        found[row.problem_id].append(getattr(row, name) - getattr(other, name))
    return mean_difference([sum(each) / len(each) for each in found.values()])
