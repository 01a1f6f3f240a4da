"""Count how often each arm (one model in one mode) was right, how trials ended, what they used."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from solver.analysis.arms import planned_trials, stored_rows, typed_config
from solver.config import Config
from solver.modes import Mode, stored_mode
from solver.records import Detail, Outcome, Problem
from solver.stats.metrics import Estimate, accuracy
from solver.stats.noise import interval_for_these, noise
from solver.store import Row, Store

Key = TypeVar("Key", str, int)


@dataclass(frozen=True)
class Cell:
    """One line of an accuracy table."""

    problems: int
    trials: int
    unscored: int
    """Trials that do not count for accuracy: errors of ours and answers without a verdict."""
    correct: int
    of_scored: Estimate | None
    """Accuracy over scored trials; None where there are none."""
    of_all: Estimate | None
    """Accuracy with unscored trials counted as wrong: the lower reading."""
    again: tuple[float, float] | None
    """95 % interval of the first reading over new runs of these same problems; None where one has a
    single scored trial, like what follows."""
    run_to_run: float | None
    """Standard deviation of the first reading over such runs."""


@dataclass
class Arm:
    """One model in one mode."""

    model: str
    mode: str
    overall: Cell
    sets: dict[str, Cell]
    """By problem set, where the run has several; else empty."""
    domains: dict[str, Cell]
    levels: dict[int, Cell]
    outcomes: Counter[Outcome]
    details: Counter[Detail]
    """Trials without an answer that thoughts or the cap explain."""
    attempts: Counter[int]
    """Trials by the number of attempts they took, in a mode with retries; else of turns."""
    exhausted: int
    """Trials of a mode with retries that used every attempt and gave no answer: unresolved."""
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
    thought_tokens: int
    """Of those, what thoughts took."""
    cut_thinking: int
    """Capped replies that held nothing but thoughts."""
    model_seconds: float
    sandbox_seconds: float
    by_rules: int
    by_model: int
    """Verdicts given by the rules and by the judge's model."""
    rules_alone: Estimate
    """Accuracy if only the rules had judged, with undecided answers counted as wrong."""
    rules_and_judge: Estimate
    """Accuracy counting only what both the rules and the final verdict accept."""
    rules_or_judge: Estimate
    """Accuracy counting what either accepts."""
    undecided: int
    """Answers without a usable verdict, or with the score 3, which means undecidable."""


@dataclass
class RunAccuracy:
    """The accuracy and counts of all arms of a run."""

    arms: list[Arm]
    trials: int
    planned: int
    problems: int
    scored: int
    """Problems with a scored trial: an error of ours says nothing about a problem."""
    judges: int
    """Judges whose verdicts count; more than one where judging again was interrupted."""
    unsolved: list[str]
    """Problems with a scored trial that no model solved in any mode."""


def accuracy_of_run(store: Store, rows: Iterable[Row] | None = None) -> RunAccuracy:
    """Return the accuracy and counts of a stored run, or of the part of it that is done.

    `rows` are its rows in the order to show them, if they have been read already.
    """
    manifest, problems = store.manifest(), store.problems()
    return count_accuracy(
        stored_rows(store) if rows is None else rows,
        problems,
        planned=planned_trials(manifest, problems),
        config=typed_config(manifest.get("config", {})),
    )


def count_accuracy(
    rows: Iterable[Row],
    problems: Mapping[str, Problem],
    *,
    planned: int,
    config: Config | None,
) -> RunAccuracy:
    """Count all arms of a run. `planned` is the number of trials of the whole run."""
    by_arm: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_arm[row.model, row.mode].append(row)
    everything = [row for rows in by_arm.values() for row in rows]
    scored = {row.problem_id for row in everything if row.outcome.scored}
    solved = {row.problem_id for row in everything if row.correct}
    return RunAccuracy(
        arms=[_arm(*arm, rows, problems, config) for arm, rows in by_arm.items()],
        trials=len(everything),
        planned=planned,
        problems=len({row.problem_id for row in everything}),
        scored=len(scored),
        judges=len({row.judge for row in everything if row.judge}),
        unsolved=[problem_id for problem_id in problems if problem_id in scored - solved],
    )


def several_sets(problems: Iterable[Problem]) -> bool:
    """Tell whether problems come from more than one set."""
    return len({problem.set for problem in problems}) > 1


def cell(rows: Sequence[Row]) -> Cell:
    """Compute the accuracy of some trials, over the scored ones and over all."""
    everything = correct_by_problem(rows)
    scored = correct_by_problem(row for row in rows if row.outcome.scored)
    n_scored = sum(map(len, scored.values()))
    split = noise(scored)
    return Cell(
        problems=len(everything),
        trials=len(rows),
        unscored=len(rows) - n_scored,
        correct=sum(map(sum, everything.values())),
        of_scored=accuracy(scored) if scored else None,
        of_all=accuracy(everything) if everything else None,
        again=interval_for_these(scored),
        run_to_run=split.run_to_run(n_scored) if split else None,
    )


def correct_by_problem(
    rows: Iterable[Row], correct: Callable[[Row], bool] = lambda row: row.correct
) -> dict[str, list[bool]]:
    """Return for each problem whether each of its trials was right, in the order of the rows."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        groups[row.problem_id].append(correct(row))
    return groups


def _arm(
    model: str,
    mode: str,
    rows: list[Row],
    problems: Mapping[str, Problem],
    config: Config | None,
) -> Arm:
    def split(key: Callable[[Problem], Key]) -> dict[Key, Cell]:
        parts: dict[Key, list[Row]] = defaultdict(list)
        for row in rows:
            parts[key(problems[row.problem_id])].append(row)
        return {name: cell(parts[name]) for name in sorted(parts)}

    def share(right: Callable[[Row], bool]) -> Estimate:
        return accuracy(correct_by_problem(rows, right))

    verdicts = [row.verdict for row in rows if row.verdict is not None]
    retries = stored_mode(mode).retries
    return Arm(
        model=model,
        mode=mode,
        overall=cell(rows),
        sets=split(lambda problem: problem.set) if several_sets(problems.values()) else {},
        domains=split(lambda problem: problem.domain),
        levels=split(lambda problem: problem.level),
        outcomes=Counter(row.outcome for row in rows),
        details=Counter(row.detail for row in rows if row.detail is not None),
        attempts=Counter(
            row.attempts if retries else row.turns for row in rows if row.error is None
        ),
        exhausted=_exhausted(stored_mode(mode), rows, config),
        unsafe_trials=sum(row.refused > 0 for row in rows),
        replies=sum(row.turns for row in rows),
        **{name: sum(getattr(row, name) for row in rows) for name in _SUMS},
        rules_alone=share(right_by_rules),
        rules_and_judge=share(lambda row: right_by_rules(row) and row.correct),
        rules_or_judge=share(lambda row: right_by_rules(row) or row.correct),
        by_rules=sum(verdict.by == "rules" for verdict in verdicts),
        by_model=sum(verdict.by == "model" for verdict in verdicts),
        undecided=sum(not verdict.valid or verdict.score == 3 for verdict in verdicts),
    )


_SUMS = (
    *("programs", "refused", "capped", "prompt_cut", "requests"),
    *("input_tokens", "output_tokens", "model_seconds", "sandbox_seconds"),
    *("thought_tokens", "cut_thinking"),
)
"""Counts of a trial that are added up for its arm."""


def _exhausted(mode: Mode, rows: Iterable[Row], config: Config | None) -> int:
    """Count trials of a mode with retries that used every attempt without an answer."""
    if not mode.retries:
        return 0
    # Such a trial goes on until it has an answer or no attempt is left, or thoughts were cut twice.
    most = mode.most_turns(config) if config else 1
    return sum(row.error is None and row.turns >= most and row.failure is not None for row in rows)


def right_by_rules(row: Row) -> bool:
    """Tell whether the rules alone find the trial's answer equal to the reference."""
    return row.failure is None and row.verdict is not None and row.verdict.rules == "equal"
