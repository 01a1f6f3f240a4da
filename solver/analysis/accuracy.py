"""From stored trials to the numbers of a run. The arithmetic is in `metrics` and `paired`."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from solver.records import Outcome, Problem
from solver.stats.metrics import Estimate, accuracy
from solver.stats.paired import Difference, paired_difference
from solver.store import Row, Store

Key = TypeVar("Key", str, int)


@dataclass(frozen=True)
class Cell:
    """One line of an accuracy table."""

    problems: int
    trials: int
    unscored: int
    """Trials that say nothing about the model: errors of ours and answers without a verdict."""
    correct: int
    of_scored: Estimate | None
    """Accuracy over scored trials; None where there are none."""
    of_all: Estimate | None
    """Accuracy with unscored trials counted as wrong: the lower reading."""


@dataclass
class Arm:
    """One model in one mode."""

    model: str
    mode: str
    overall: Cell
    domains: dict[str, Cell]
    levels: dict[int, Cell]
    outcomes: Counter[Outcome]
    attempts: Counter[int]
    """Trials by the number of turns they took."""
    exhausted: int
    """Trials that used every attempt without an answer: unresolved, in the first reading."""
    programs: int
    refused: int
    """Programs the screen refused, of all that were written."""
    unsafe_trials: int
    """Trials with at least one refused program."""
    replies: int
    capped: int
    prompt_cut: int
    requests: int
    input_tokens: int
    output_tokens: int
    model_seconds: float
    sandbox_seconds: float
    by_rules: int
    by_model: int
    """Verdicts given by the rules and by the judge's model."""
    rules_alone: Estimate
    """Accuracy if nothing but the rules had judged, undecided answers counted as wrong."""
    rules_and_judge: Estimate
    """Accuracy counting only what both the rules and the final verdict accept."""
    rules_or_judge: Estimate
    """Accuracy counting what either accepts."""
    undecided: int
    """Answers without a usable verdict, or held to be undecidable: how far accuracy could move."""


@dataclass(frozen=True)
class Pair:
    """Two modes of one model on the same problems and repeats."""

    model: str
    first: str
    second: str
    difference: Difference
    """First minus second, over the trials that are scored in both."""


@dataclass
class Summary:
    """All the numbers of a run."""

    arms: list[Arm]
    pairs: list[Pair]
    trials: int
    planned: int
    problems: int
    judges: int
    """Judges whose verdicts count; more than one where judging again was interrupted."""
    unsolved: list[str]
    """Problems that no model solved in any mode: unresolved, in the second reading."""


def summary_of(store: Store, rows: Iterable[Row] | None = None) -> Summary:
    """The numbers of a stored run, or of the part of it that is done.

    `rows` are its rows, if read already.
    """
    manifest = store.manifest()
    config = manifest.get("config", {})
    return summarise(
        store.rows() if rows is None else rows,
        store.problems(),
        planned=manifest.get("trials", 0),
        most_attempts=1 + config.get("code", {}).get("retries", 0),
    )


def summarise(
    rows: Iterable[Row],
    problems: Mapping[str, Problem],
    *,
    planned: int,
    most_attempts: int,
) -> Summary:
    """Count everything once.

    `most_attempts` is the attempts a `code` trial has, `planned` the trials of the whole run.
    """
    by_arm: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_arm[row.model, row.mode].append(row)
    solved = {r.problem_id for rows in by_arm.values() for r in rows if r.correct}
    tried = {r.problem_id for rows in by_arm.values() for r in rows}
    return Summary(
        arms=[_arm(*arm, rows, problems, most_attempts) for arm, rows in by_arm.items()],
        pairs=[
            pair
            for (model, mode), (other_model, other_mode) in combinations(by_arm, 2)
            if model == other_model and (pair := _pair(model, mode, other_mode, by_arm)) is not None
        ],
        trials=sum(len(rows) for rows in by_arm.values()),
        planned=planned,
        problems=len(tried),
        judges=len({r.judge for rows in by_arm.values() for r in rows if r.judge}),
        unsolved=[problem_id for problem_id in problems if problem_id in tried - solved],
    )


def cell(rows: Sequence[Row]) -> Cell:
    """Accuracy of some trials, in both readings."""
    everything = correct_by_problem(rows)
    scored = correct_by_problem(row for row in rows if row.outcome.scored)
    return Cell(
        problems=len(everything),
        trials=len(rows),
        unscored=len(rows) - sum(map(len, scored.values())),
        correct=sum(map(sum, everything.values())),
        of_scored=accuracy(scored) if scored else None,
        of_all=accuracy(everything) if everything else None,
    )


def correct_by_problem(
    rows: Iterable[Row], correct: Callable[[Row], bool] = lambda row: row.correct
) -> dict[str, list[bool]]:
    """Whether each trial was right, by problem and in the rows' order."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        groups[row.problem_id].append(correct(row))
    return groups


def _arm(
    model: str, mode: str, rows: list[Row], problems: Mapping[str, Problem], most_attempts: int
) -> Arm:
    def total(count: Callable[[Row], float]) -> float:
        return sum(map(count, rows))

    def split(key: Callable[[Problem], Key]) -> dict[Key, Cell]:
        parts: dict[Key, list[Row]] = defaultdict(list)
        for row in rows:
            parts[key(problems[row.problem_id])].append(row)
        return {name: cell(parts[name]) for name in sorted(parts)}

    verdicts = [row.verdict for row in rows if row.verdict is not None]
    return Arm(
        model=model,
        mode=mode,
        overall=cell(rows),
        domains=split(lambda problem: problem.domain),
        levels=split(lambda problem: problem.level),
        outcomes=Counter(row.outcome for row in rows),
        attempts=Counter(row.turns for row in rows if row.error is None),
        exhausted=sum(
            mode.startswith("code")
            and row.error is None
            and row.turns >= most_attempts
            and row.failure is not None
            for row in rows
        ),
        programs=int(total(lambda row: row.programs)),
        refused=int(total(lambda row: row.refused)),
        unsafe_trials=sum(row.refused > 0 for row in rows),
        replies=int(total(lambda row: row.turns)),
        capped=int(total(lambda row: row.capped)),
        prompt_cut=int(total(lambda row: row.prompt_cut)),
        requests=int(total(lambda row: row.requests)),
        input_tokens=int(total(lambda row: row.input_tokens)),
        output_tokens=int(total(lambda row: row.output_tokens)),
        model_seconds=total(lambda row: row.model_seconds),
        sandbox_seconds=total(lambda row: row.sandbox_seconds),
        rules_alone=accuracy(correct_by_problem(rows, _right_by_rules)),
        rules_and_judge=accuracy(
            correct_by_problem(rows, lambda row: _right_by_rules(row) and row.correct)
        ),
        rules_or_judge=accuracy(
            correct_by_problem(rows, lambda row: _right_by_rules(row) or row.correct)
        ),
        by_rules=sum(verdict.by == "rules" for verdict in verdicts),
        by_model=sum(verdict.by == "model" for verdict in verdicts),
        undecided=sum(not verdict.valid or verdict.score == 3 for verdict in verdicts),
    )


def _pair(
    model: str, first: str, second: str, by_arm: Mapping[tuple[str, str], list[Row]]
) -> Pair | None:
    """Compare over the trials that both modes have scored; None where there are none."""
    ours, theirs = (
        {
            (row.problem_id, row.repeat): row.correct
            for row in by_arm[model, mode]
            if row.outcome.scored
        }
        for mode in (first, second)
    )
    a: dict[str, list[bool]] = defaultdict(list)
    b: dict[str, list[bool]] = defaultdict(list)
    for problem_id, repeat in sorted(ours.keys() & theirs.keys()):
        a[problem_id].append(ours[problem_id, repeat])
        b[problem_id].append(theirs[problem_id, repeat])
    return Pair(model, first, second, paired_difference(a, b)) if a else None


def _right_by_rules(row: Row) -> bool:
    return row.failure is None and row.verdict is not None and row.verdict.rules == "equal"
