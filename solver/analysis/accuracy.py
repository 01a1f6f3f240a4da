"""Count how often each arm (one model in one mode) was right, how trials ended, what they used."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from solver.analysis.arms import planned_trials, stored_trials, typed_config
from solver.config import Config
from solver.modes import Mode, stored_mode
from solver.records import Detail, Outcome, Problem
from solver.stats.metrics import Count, Estimate, accuracy
from solver.stats.noise import interval_for_these, noise
from solver.store import Row, Store, Trials
from solver.store.columns import BY, DETAILS, OUTCOMES, RULES, Array, Chosen, first_seen

Key = TypeVar("Key", str, int)
Named = TypeVar("Named", bound=Hashable)


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
    verdicts: int
    agreed: int
    """Verdicts of the judge's model that say what the rules say, and `disagreed` the contrary."""
    disagreed: int
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


def accuracy_of_run(
    store: Store,
    trials: Trials | None = None,
    problems: Mapping[str, Problem] | None = None,
) -> RunAccuracy:
    """Return the accuracy and counts of a stored run, or of the part of it that is done.

    `trials` are its trials in the order to show them, and `problems` its problems, if they have
    been read already.
    """
    manifest, problems = store.manifest(), store.problems() if problems is None else problems
    return count_accuracy(
        stored_trials(store) if trials is None else trials,
        problems,
        planned=planned_trials(manifest, problems),
        config=typed_config(manifest.get("config", {})),
    )


def count_accuracy(
    trials: Trials,
    problems: Mapping[str, Problem],
    *,
    planned: int,
    config: Config | None,
) -> RunAccuracy:
    """Count all arms of a run. `planned` is the number of trials of the whole run."""
    scored, solved = problems_of(trials, trials.scored), problems_of(trials, trials.correct)
    unsolved = scored - solved
    return RunAccuracy(
        arms=[_arm(*arm, problems, config) for arm in trials.by_arm()],
        trials=len(trials),
        planned=planned,
        problems=len(problems_of(trials)),
        scored=len(scored),
        judges=np.unique(trials.judge[trials.judge >= 0]).size,
        unsolved=[problem_id for problem_id in problems if problem_id in unsolved],
    )


def problems_of(trials: Trials, among: Chosen = slice(None)) -> set[str]:
    """Return the ids of the problems of trials, or of some of them."""
    return {trials.problems[code] for code in np.unique(trials.problem[among])}


def several_sets(problems: Iterable[Problem]) -> bool:
    """Tell whether problems come from more than one set."""
    return len({problem.set for problem in problems}) > 1


def cell(trials: Trials, among: Array | None = None) -> Cell:
    """Compute the accuracy of trials, or of some of them, over the scored ones and over all."""
    chosen = np.ones(len(trials), dtype=bool) if among is None else among
    everything = counts_by_problem(trials, among=chosen)
    scored = counts_by_problem(trials, among=chosen & trials.scored)
    n_scored = sum(n for n, _ in scored.values())
    split = noise(scored)
    return Cell(
        problems=len(everything),
        trials=(number := sum(n for n, _ in everything.values())),
        unscored=number - n_scored,
        correct=sum(c for _, c in everything.values()),
        of_scored=accuracy(scored) if scored else None,
        of_all=accuracy(everything) if everything else None,
        again=interval_for_these(scored),
        run_to_run=split.run_to_run(n_scored) if split else None,
    )


def counts_by_problem(
    trials: Trials, right: Array | None = None, among: Array | None = None
) -> dict[str, Count]:
    """Count for each problem its trials, or `among` them some, and how many were right.

    Problems come in the order of their first trial.
    """
    codes, right = trials.problem, trials.correct if right is None else right
    if among is not None:
        codes, right = codes[among], right[among]
    size = len(trials.problems)
    n, c = np.bincount(codes, minlength=size), np.bincount(codes, right, size)
    return {
        trials.problems[code]: Count(int(n[code]), int(c[code])) for code in first_seen(codes, size)
    }


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
    trials: Trials,
    problems: Mapping[str, Problem],
    config: Config | None,
) -> Arm:
    def split(key: Callable[[Problem], Key]) -> dict[Key, Cell]:
        names = problems_of(trials)
        parts = sorted({key(problems[name]) for name in names})
        part_of = {part: place for place, part in enumerate(parts)}
        places = np.array(
            [part_of[key(problems[name])] if name in names else -1 for name in trials.problems]
        )
        of_trial = places[trials.problem]
        return {part: cell(trials, of_trial == place) for part, place in part_of.items()}

    def share(right: Array) -> Estimate:
        return accuracy(counts_by_problem(trials, right))

    judged, by = trials.judge >= 0, trials.by
    equal = trials.rules == RULES.index("equal")
    rules = judged & (trials.failure == 0) & equal
    both = (by == BY.index("model")) & (equal | (trials.rules == RULES.index("different")))
    turns = "attempts" if stored_mode(mode).retries else "turns"
    details = counted(trials.detail, DETAILS)
    return Arm(
        model=model,
        mode=mode,
        overall=cell(trials),
        sets=split(lambda problem: problem.set) if several_sets(problems.values()) else {},
        domains=split(lambda problem: problem.domain),
        levels=split(lambda problem: problem.level),
        outcomes=counted(trials.outcome, OUTCOMES),
        details=Counter({each: count for each, count in details.items() if each is not None}),
        attempts=_times(trials.numbers[turns][trials.error < 0]),
        exhausted=_exhausted(stored_mode(mode), trials, config),
        unsafe_trials=int((trials.numbers["refused"] > 0).sum()),
        replies=int(trials.total("turns")),
        **{name: trials.total(name) for name in _SUMS},
        rules_alone=share(rules),
        rules_and_judge=share(rules & trials.correct),
        rules_or_judge=share(rules | trials.correct),
        verdicts=int(judged.sum()),
        agreed=int((both & (equal == trials.passed)).sum()),
        disagreed=int((both & (equal != trials.passed)).sum()),
        by_rules=int((by == BY.index("rules")).sum()),
        by_model=int((by == BY.index("model")).sum()),
        undecided=int((judged & np.isin(trials.score, (-1, 3))).sum()),
    )


def _times(numbers: Array) -> Counter[int]:
    """Count how often each number occurs."""
    different, counts = np.unique(numbers, return_counts=True)
    return Counter(dict(zip(different.tolist(), counts.tolist(), strict=True)))


def counted(codes: Array, named: Sequence[Named]) -> Counter[Named]:
    """Count numbers under their names, those that come first first."""
    counts = np.bincount(codes, minlength=len(named))
    return Counter({named[code]: int(counts[code]) for code in first_seen(codes, len(named))})


_SUMS = (
    *("programs", "refused", "capped", "prompt_cut", "requests"),
    *("input_tokens", "output_tokens", "model_seconds", "sandbox_seconds"),
    *("thought_tokens", "cut_thinking"),
)
"""Counts of a trial that are added up for its arm."""


def _exhausted(mode: Mode, trials: Trials, config: Config | None) -> int:
    """Count trials of a mode with retries that used every attempt without an answer."""
    if not mode.retries:
        return 0
    # Such a trial goes on until it has an answer or no attempt is left, or thoughts were cut twice.
    most = mode.most_turns(config) if config else 1
    spent = (trials.error < 0) & (trials.numbers["turns"] >= most) & (trials.failure > 0)
    return int(spent.sum())


def right_by_rules(row: Row) -> bool:
    """Tell whether the rules alone find the trial's answer equal to the reference."""
    return row.failure is None and row.verdict is not None and row.verdict.rules == "equal"
