"""Count why trials failed: each kind of failure, with an example to look at.

Outcomes are counted for each domain at each level. What a refused program would have answered if it
had run is found by `solver.checks.screen_audit`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, permutations
from pathlib import Path

import numpy as np

from judge.logs.records import Theirs
from solver.analysis.accuracy import counted, problems_of, several_sets
from solver.analysis.arms import stored_trials
from solver.analysis.other_judge import said_by_trial
from solver.analysis.overlooked import Overlooked, overlooked_in
from solver.analysis.retries import Retries, retries_in
from solver.analysis.trials import Place, ReadTexts, ReadVerdicts, place_of
from solver.analysis.wrong import WrongKind, wrong_in
from solver.collector import no_garbage_collection
from solver.errors import ConfigError
from solver.modes import stored_mode
from solver.records import Detail, Failure, Outcome, Problem
from solver.store import Store, Texts, Trials
from solver.store.columns import DETAILS, FAILURES, OUTCOMES

_LINE_CHARACTERS = 200
MANY_TEXTS = 20_000
"""The most crashed programs, and failed trials, whose texts `solver failures` reads of an arm."""


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


@no_garbage_collection()
def failures_of(
    store: Store,
    every: Trials | None = None,
    *,
    domain: str | None = None,
    level: int | None = None,
    model: str | None = None,
    mode: str | None = None,
) -> Failures:
    """Count what went wrong in a stored run, or in the part that the arguments select.

    `every` are its trials, where they have been read already.
    Raises ConfigError where that part holds no trial.
    """
    problems = store.problems()
    every = stored_trials(store) if every is None else every
    of_part = np.array(
        [
            domain in (None, problems[name].domain) and level in (None, problems[name].level)
            for name in every.problems
        ],
        dtype=bool,
    )
    of_arm = np.array(
        [model in (None, one) and mode in (None, other) for one, other in every.arms], dtype=bool
    )
    trials = every[of_part[every.problem] & of_arm[every.arm]] if len(every) else every
    if not len(trials):
        asked = {"domain": domain, "level": level, "model": model, "mode": mode}
        raise ConfigError(_nothing_there(store.folder, asked, problems, every))

    def many_texts(places: Iterable[tuple[str, int]]) -> Iterator[Texts]:
        return store.texts(islice(places, MANY_TEXTS))

    return analyse(trials, problems, many_texts, store.verdicts, said_by_trial(store))


def _nothing_there(
    folder: Path, asked: Mapping[str, object], problems: Mapping[str, Problem], trials: Trials
) -> str:
    """Say that no trial has what is asked for, and what of it those that ended have."""
    if not len(trials):
        return f"{folder}: no trial has ended yet"
    tried = [problems[name] for name in trials.problems]
    known: dict[str, set[object]] = {
        "domain": {problem.domain for problem in tried},
        "level": {problem.level for problem in tried},
        "model": {model for model, _ in trials.arms},
        "mode": {mode for _, mode in trials.arms},
    }
    given = [name for name, value in asked.items() if value is not None]
    unknown = [name for name in given if asked[name] not in known[name]] or given
    said = " and ".join(f"{name} {asked[name]}" for name in unknown)
    has = "; ".join(
        f"its {name}s: {', '.join(map(str, sorted(known[name], key=str)))}" for name in unknown
    )
    return f"{folder}: no trial of {said} has ended; {has}"


def analyse(
    trials: Trials,
    problems: Mapping[str, Problem],
    read_texts: ReadTexts,
    read_verdicts: ReadVerdicts,
    said: Mapping[str, Sequence[Theirs]],
) -> Failures:
    """Count what went wrong in trials.

    Texts are read for crashed programs, and for trials that gave a wrong answer or none; verdicts
    for the wrong answers that are listed. `said` are the verdicts of another tool's scorers, by
    trial.
    """
    read = _Reading(read_texts, read_verdicts, said)
    arms = {(model, mode): of_arm for model, mode, of_arm in trials.by_arm()}
    solved = {arm: problems_of(of_arm, of_arm.correct) for arm, of_arm in arms.items()}
    tried = problems_of(trials, trials.scored)
    unsolved = tried.difference(*solved.values())
    return Failures(
        arms=tuple(_arm(*arm, of_arm, problems, read) for arm, of_arm in arms.items()),
        tried=len(tried),
        unsolved=tuple(problem for problem in problems if problem in unsolved),
        solved_by=tuple(_solved_by(arms, solved, problems)),
    )


@dataclass(frozen=True)
class _Reading:
    """What reads more of a trial than its columns."""

    texts: ReadTexts
    verdicts: ReadVerdicts
    said: Mapping[str, Sequence[Theirs]]


def _arm(
    model: str, mode: str, trials: Trials, problems: Mapping[str, Problem], read: _Reading
) -> ArmFailures:
    details = counted(trials.detail, DETAILS)
    return ArmFailures(
        model=model,
        mode=mode,
        outcomes=counted(trials.outcome, OUTCOMES),
        cells=_cells(trials, problems),
        wrong=wrong_in(trials, problems, read.verdicts, read.said),
        crashes=_crashes(trials, read.texts),
        retries=retries_in(trials) if stored_mode(mode).retries else None,
        caps=_caps(trials),
        refusals=_refusals(trials),
        overlooked=overlooked_in(trials, problems, read.texts),
        details=Counter({each: count for each, count in details.items() if each is not None}),
        errors=_errors(trials),
    )


def _errors(trials: Trials) -> tuple[tuple[str, int], ...]:
    counts: Counter[str] = Counter()
    for text, count in counted(trials.error[trials.error >= 0], trials.errors).items():
        counts[first_line(text)] += count
    return tuple(counts.most_common())


def _cells(trials: Trials, problems: Mapping[str, Problem]) -> tuple[OutcomeCell, ...]:
    cells: dict[tuple[str, str, int], Counter[Outcome]] = defaultdict(Counter)
    several = several_sets(problems.values())
    packed = trials.problem.astype(np.int64) * len(OUTCOMES) + trials.outcome
    codes, counts = np.unique(packed, return_counts=True)
    for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
        problem = problems[trials.problems[code // len(OUTCOMES)]]
        part = (problem.set if several else "", problem.domain, problem.level)
        cells[part][OUTCOMES[code % len(OUTCOMES)]] += count
    return tuple(
        OutcomeCell(domain, level, cells[part, domain, level], part)
        for part, domain, level in sorted(cells)
    )


def _crashes(trials: Trials, read_texts: ReadTexts) -> tuple[Crash, ...]:
    turns = trials.turns
    trial, place = trials.of_turns()
    crashed = turns.failure[place] == FAILURES.index(Failure.CRASHED)
    trial, place = trial[crashed], place[crashed]
    lines: dict[str, Counter[str]] = defaultdict(Counter)
    first: dict[tuple[str, str], Place] = {}
    in_trials: dict[str, set[str]] = defaultdict(set)
    places = (
        (trials.key_of(t), number)
        for t, number in zip(trial.tolist(), turns.number[place].tolist(), strict=True)
    )
    for text, t, p in zip(read_texts(places), trial, place, strict=False):
        line = trouble(text.stderr)
        name = exception_name(line) or turns.exits[turns.exit[p]].replace("_", " ")
        lines[name][line] += 1
        in_trials[name].add(text.key)
        if (name, line) not in first:
            first[name, line] = place_of(trials, int(t), text.number)
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


def _caps(trials: Trials) -> Caps:
    capped = trials.numbers["capped"] > 0
    return Caps(
        replies=trials.total("turns"),
        capped=trials.total("capped"),
        capped_trials=int(capped.sum()),
        capped_not_correct=int((capped & ~trials.correct).sum()),
        cut=trials.total("prompt_cut"),
        cut_trials=int((trials.numbers["prompt_cut"] > 0).sum()),
        thinking=trials.total("cut_thinking"),
    )


def _refusals(trials: Trials) -> tuple[Refusal, ...]:
    trial, place = trials.of_turns()
    codes = trials.turns.refused[place]
    trial, codes = trial[codes >= 0], codes[codes >= 0]
    programs = counted(codes, range(len(trials.turns.rules)))
    found = []
    for code, count in programs.most_common():
        inside = np.unique(trial[codes == code])
        right = int(trials.correct[inside].sum())
        found.append(Refusal(trials.turns.rules[code], count, inside.size, right))
    return tuple(found)


def _solved_by(
    arms: Mapping[tuple[str, str], Trials],
    solved: Mapping[tuple[str, str], set[str]],
    problems: Mapping[str, Problem],
) -> Iterator[SolvedBy]:
    tried = {arm: problems_of(of_arm, of_arm.scored) for arm, of_arm in arms.items()}
    for one, other in permutations(arms, 2):
        if one[0] == other[0]:
            only = (solved[one] & tried[other]) - solved[other]
            yield SolvedBy(*one, never=other[1], problems=tuple(p for p in problems if p in only))
