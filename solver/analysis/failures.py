"""Count why trials failed: each kind of failure, with an example to look at.

Outcomes are counted for each domain at each level. What a refused program would have answered if it
had run is found by `solver.checks.screen_audit`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, permutations

from judge.logs.records import Theirs
from solver.analysis.accuracy import several_sets
from solver.analysis.arms import stored_rows
from solver.analysis.other_judge import said_by_trial
from solver.analysis.overlooked import Overlooked, overlooked_in
from solver.analysis.retries import Retries, retries_in
from solver.analysis.trials import Place, ReadTexts, TrialTurns
from solver.analysis.wrong import WrongKind, wrong_in
from solver.errors import ConfigError
from solver.modes import stored_mode
from solver.records import Detail, Failure, Outcome, Problem
from solver.store import Row, Store, TurnFacts

_LINE_CHARACTERS = 200


@dataclass(frozen=True)
class OutcomeCell:
    """Trials of one set, domain and level by outcome."""

    domain: str
    level: int
    outcomes: Mapping[Outcome, int]
    set: str = ""
    """Empty where the run has one set."""

    @property
    def trials(self) -> int:
        """Count all trials, unscored ones included."""
        return sum(self.outcomes.values())


@dataclass(frozen=True)
class Crash:
    """One type of exception that ended programs."""

    name: str
    """The exception's name; in words, such as `killed`, where the program was stopped."""
    turns: int
    trials: int
    line: str
    """The most common last line of the traceback, cut at 200 characters."""
    line_turns: int
    example: Place
    """The first program that ended with that line."""


@dataclass(frozen=True)
class Caps:
    """Replies that reached the cap, and prompts that the server cut."""

    replies: int
    capped: int
    capped_trials: int
    capped_not_correct: int
    """Trials with a capped reply that did not end right. A higher cap could gain at most these."""
    cut: int
    cut_trials: int
    thinking: int
    """Of the capped replies, those in which the model had written nothing but thoughts."""


@dataclass(frozen=True)
class Refusal:
    """Programs that one rule of the screen refused."""

    rule: str
    programs: int
    trials: int
    correct: int
    """Of those trials, how many ended right."""


@dataclass(frozen=True)
class ArmFailures:
    """One model in one mode."""

    model: str
    mode: str
    outcomes: Mapping[Outcome, int]
    cells: tuple[OutcomeCell, ...]
    wrong: tuple[WrongKind, ...]
    crashes: tuple[Crash, ...]
    """The most common first, as in all fields below."""
    retries: Retries | None
    """None for a mode without retries."""
    caps: Caps
    refusals: tuple[Refusal, ...]
    overlooked: Overlooked
    details: Mapping[Detail, int]
    """Trials without an answer that thoughts or the cap explain."""
    errors: tuple[tuple[str, int], ...]
    """The first line of each error of ours, with the number of trials it ended."""

    @property
    def trials(self) -> int:
        """Count all trials, unscored ones included."""
        return sum(self.outcomes.values())


@dataclass(frozen=True)
class SolvedBy:
    """Problems that a model solved at least once in one mode, but never in another mode."""

    model: str
    mode: str
    never: str
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Failures:
    """What went wrong in a run."""

    arms: tuple[ArmFailures, ...]
    tried: int
    """Problems with a scored trial: an error of ours says nothing about a problem."""
    unsolved: tuple[str, ...]
    """Problems that no model solved in any mode."""
    solved_by: tuple[SolvedBy, ...]


def failures_of(
    store: Store,
    *,
    domain: str | None = None,
    level: int | None = None,
    model: str | None = None,
    mode: str | None = None,
) -> Failures:
    """Count what went wrong in a stored run, or in the part that the arguments select.

    Raises ConfigError where that part holds no trial.
    """
    problems = store.problems()
    rows = [
        row
        for row in stored_rows(store)
        if domain in (None, problems[row.problem_id].domain)
        and level in (None, problems[row.problem_id].level)
        and model in (None, row.model)
        and mode in (None, row.mode)
    ]
    if not rows:
        domains = ", ".join(sorted({problem.domain for problem in problems.values()}))
        raise ConfigError(f"{store.folder}: no such trial has ended yet; its domains: {domains}")
    return analyse(rows, problems, store.turn_facts(), store.texts, said_by_trial(store))


def analyse(
    rows: Iterable[Row],
    problems: Mapping[str, Problem],
    turns: Iterable[TurnFacts],
    read_texts: ReadTexts,
    said: Mapping[str, Sequence[Theirs]],
) -> Failures:
    """Count what went wrong in the trials of `rows`.

    `turns` must come trial by trial; those of other trials are ignored. Texts are read for crashed
    programs, and for trials that gave a wrong answer or none. `said` are the verdicts of another
    tool's scorers, by trial.
    """
    by_key = {row.key: row for row in rows}
    turns_of = {
        key: tuple(found) for key, found in groupby(turns, lambda turn: turn.key) if key in by_key
    }
    arms: dict[tuple[str, str], list[TrialTurns]] = defaultdict(list)
    for key, row in by_key.items():
        trial = TrialTurns(row, turns_of.get(key, ()), said.get(key, ()))
        arms[row.model, row.mode].append(trial)
    solved: dict[tuple[str, str], set[str]] = {
        arm: {trial.row.problem_id for trial in trials if trial.correct}
        for arm, trials in arms.items()
    }
    tried = {row.problem_id for row in by_key.values() if row.outcome.scored}
    unsolved = tried.difference(*solved.values())
    return Failures(
        arms=tuple(_arm(*arm, trials, problems, read_texts) for arm, trials in arms.items()),
        tried=len(tried),
        unsolved=tuple(problem for problem in problems if problem in unsolved),
        solved_by=tuple(_solved_by(arms, solved, problems)),
    )


def _arm(
    model: str,
    mode: str,
    trials: Sequence[TrialTurns],
    problems: Mapping[str, Problem],
    read_texts: ReadTexts,
) -> ArmFailures:
    errors = Counter(first_line(trial.row.error) for trial in trials if trial.row.error is not None)
    return ArmFailures(
        model=model,
        mode=mode,
        outcomes=Counter(trial.row.outcome for trial in trials),
        cells=_cells(trials, problems),
        wrong=wrong_in(trials, problems),
        crashes=_crashes(trials, read_texts),
        retries=retries_in(trials) if stored_mode(mode).retries else None,
        caps=_caps(trials),
        refusals=_refusals(trials),
        overlooked=overlooked_in(trials, problems, read_texts),
        details=Counter(trial.row.detail for trial in trials if trial.row.detail is not None),
        errors=tuple(errors.most_common()),
    )


def _cells(
    trials: Sequence[TrialTurns], problems: Mapping[str, Problem]
) -> tuple[OutcomeCell, ...]:
    cells: dict[tuple[str, str, int], Counter[Outcome]] = defaultdict(Counter)
    several = several_sets(problems.values())
    for trial in trials:
        problem = problems[trial.row.problem_id]
        cells[problem.set if several else "", problem.domain, problem.level][trial.row.outcome] += 1
    return tuple(
        OutcomeCell(domain, level, cells[part, domain, level], part)
        for part, domain, level in sorted(cells)
    )


def _crashes(trials: Sequence[TrialTurns], read_texts: ReadTexts) -> tuple[Crash, ...]:
    trial_of = {trial.row.key: trial for trial in trials}
    crashed = {
        (turn.key, turn.number): turn.exit
        for trial in trials
        for turn in trial.turns
        if turn.failure is Failure.CRASHED
    }
    lines: dict[str, Counter[str]] = defaultdict(Counter)
    first: dict[tuple[str, str], Place] = {}
    in_trials: dict[str, set[str]] = defaultdict(set)
    for text in read_texts(crashed):
        line = trouble(text.stderr)
        name = exception_name(line) or str(crashed[text.key, text.number]).replace("_", " ")
        lines[name][line] += 1
        in_trials[name].add(text.key)
        first.setdefault((name, line), trial_of[text.key].place(text.number))
    found = []
    for name, counts in lines.items():
        line, count = counts.most_common(1)[0]
        found.append(
            Crash(name, counts.total(), len(in_trials[name]), line, count, first[name, line])
        )
    return tuple(sorted(found, key=lambda crash: (-crash.turns, crash.name)))


def trouble(stderr: str) -> str:
    """Return the last line that names an exception, else the last line, cut at 200 characters.

    The result is empty where there is no error output.
    """
    lines = [line for line in stderr[-20_000:].splitlines() if line.strip()]
    named = (line for line in reversed(lines) if exception_name(line))
    return next(named, lines[-1] if lines else "")[:_LINE_CHARACTERS]


def exception_name(line: str) -> str | None:
    """Return `ZeroDivisionError` of `ZeroDivisionError: division by zero`, without its module."""
    found = _EXCEPTION.match(line)
    return found[1] if found else None


_EXCEPTION = re.compile(r"(?:[A-Za-z_]\w*\.)*([A-Z]\w*)(?::|$)")


def first_line(text: str) -> str:
    """Return the first line, cut at 200 characters."""
    return text.partition("\n")[0][:_LINE_CHARACTERS]


def _caps(trials: Sequence[TrialTurns]) -> Caps:
    capped = [trial for trial in trials if trial.row.capped]
    return Caps(
        replies=sum(trial.row.turns for trial in trials),
        capped=sum(trial.row.capped for trial in trials),
        capped_trials=len(capped),
        capped_not_correct=sum(not trial.correct for trial in capped),
        cut=sum(trial.row.prompt_cut for trial in trials),
        cut_trials=sum(trial.row.prompt_cut > 0 for trial in trials),
        thinking=sum(trial.row.cut_thinking for trial in trials),
    )


def _refusals(trials: Sequence[TrialTurns]) -> tuple[Refusal, ...]:
    programs: Counter[str] = Counter()
    in_trials: dict[str, dict[str, bool]] = defaultdict(dict)
    for trial in trials:
        for turn in trial.turns:
            if turn.refused is not None:
                programs[turn.refused] += 1
                in_trials[turn.refused][trial.row.key] = trial.correct
    return tuple(
        Refusal(rule, count, len(in_trials[rule]), sum(in_trials[rule].values()))
        for rule, count in programs.most_common()
    )


def _solved_by(
    arms: Mapping[tuple[str, str], Sequence[TrialTurns]],
    solved: Mapping[tuple[str, str], set[str]],
    problems: Mapping[str, Problem],
) -> Iterator[SolvedBy]:
    tried = {
        arm: {trial.row.problem_id for trial in trials if trial.row.outcome.scored}
        for arm, trials in arms.items()
    }
    for one, other in permutations(arms, 2):
        if one[0] == other[0]:
            only = (solved[one] & tried[other]) - solved[other]
            yield SolvedBy(*one, never=other[1], problems=tuple(p for p in problems if p in only))
