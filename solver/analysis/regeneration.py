"""Compare regeneration with plain generation: `code+literal` etc. with mode `code`."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from solver.analysis.accuracy import correct_by_problem
from solver.analysis.arms import ended_arms
from solver.modes import stored_mode
from solver.records import Turn
from solver.stats.paired import Difference, MeanDifference, mean_difference, paired_difference
from solver.store import Row, Store


@dataclass(frozen=True)
class Spent:
    """What a trial used, as means over trials."""

    execution_seconds: float
    attempts: float
    requests: float
    input_tokens: float
    output_tokens: float
    model_seconds: float


@dataclass(frozen=True)
class Regenerated:
    """One mode with a controller, or the plain mode that it is compared with.

    Only those problems and repeats count that all these modes of a model finished without an error.
    """

    model: str
    mode: str
    trials: int
    accuracy: float
    """Accuracy over all these trials; one without a usable verdict counts as wrong."""
    spent: Spent
    programs: int
    refused: int
    interventions: Counter[str]
    difference: Difference | None
    """The accuracy minus that of the plain mode. This and the next three are None for that mode."""
    execution_seconds: MeanDifference | None
    attempts: MeanDifference | None
    same: int | None
    """The number of first replies that are equal to the plain mode's, or to its beginning."""
    differs_at: int | None
    """The lowest position, in characters, at which another first reply differs, if any does."""


def regeneration_of(store: Store, rows: Iterable[Row]) -> tuple[tuple[Regenerated, ...], ...]:
    """Return for each model its plain mode, followed by that mode with each controller.

    `rows` are those of the run, in the order to show them.
    """
    arms = ended_arms(rows)
    models = dict.fromkeys(model for model, _ in arms)
    return tuple(found for model in models if (found := _of_model(model, arms, store)))


def _of_model(
    model: str, arms: Mapping[tuple[str, str], Sequence[Row]], store: Store
) -> tuple[Regenerated, ...]:
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
        _compared(rows[mode], [store.turns(row.key) for row in rows[mode]], rows[plain_mode], plain)
        for mode in rows
    )


def _compared(
    rows: Sequence[Row],
    trials: Sequence[Sequence[Turn]],
    plain_rows: Sequence[Row],
    plain: Sequence[Sequence[Turn]],
) -> Regenerated:
    replies = [turn.reply for trial in trials for turn in trial]
    other = rows is not plain_rows
    first_differences = [
        _first_difference(trial[0].reply.text, plain_trial[0].reply.text)
        for trial, plain_trial in zip(trials, plain, strict=True)
    ]
    different = [place for place in first_differences if place is not None]
    right = correct_by_problem(rows)
    return Regenerated(
        model=rows[0].model,
        mode=rows[0].mode,
        trials=len(rows),
        accuracy=sum(map(sum, right.values())) / len(rows),
        spent=_spent(rows),
        programs=sum(row.programs for row in rows),
        refused=sum(row.refused for row in rows),
        interventions=Counter(i.kind for reply in replies for i in reply.interventions),
        difference=paired_difference(right, correct_by_problem(plain_rows)) if other else None,
        execution_seconds=_mean_difference(rows, plain_rows, "sandbox_seconds") if other else None,
        attempts=_mean_difference(rows, plain_rows, "turns") if other else None,
        same=len(first_differences) - len(different) if other else None,
        differs_at=min(different, default=None),
    )


def _first_difference(text: str, plain: str) -> int | None:
    """Return the position of the first character that differs; None where `plain` starts so."""
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
    """Compare means of problems, since repeats of one problem are not independent."""
    found: dict[str, list[float]] = defaultdict(list)
    for row, other in zip(rows, plain, strict=True):
        found[row.problem_id].append(getattr(row, name) - getattr(other, name))
    return mean_difference([sum(each) / len(each) for each in found.values()])
