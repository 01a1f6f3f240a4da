"""Why trials failed: every kind of failure counted, with an example of each to look at.

Counts of outcomes are those of the main table, only finer. Not here: what a refused program would
have answered if it had run (`screening.py`).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, groupby, pairwise, permutations
from math import comb
from statistics import fmean

from solver.errors import ConfigError
from solver.records import Failure, Outcome, Problem
from solver.stats.metrics import Estimate, accuracy
from solver.store import Row, Store, Texts, TurnFacts

MOST_MISSED = 100
"""So many answers that look right are kept as examples; all are counted."""
_LINE_CHARACTERS = 200

ReadTexts = Callable[[Iterable[tuple[str, int]]], Iterator[Texts]]
"""`Store.texts`."""


@dataclass(frozen=True)
class Place:
    """Where in a run to look."""

    key: str
    problem_id: str
    model: str
    mode: str
    repeat: int
    turn: int
    """From 1."""


@dataclass(frozen=True)
class OutcomeCell:
    """Trials of one domain and level by outcome."""

    domain: str
    level: int
    outcomes: Mapping[Outcome, int]

    @property
    def trials(self) -> int:
        """All of them, unscored ones included."""
        return sum(self.outcomes.values())


@dataclass(frozen=True)
class Crash:
    """One type of exception that ended programs."""

    name: str
    """`ZeroDivisionError`; in words where the program was stopped from outside."""
    turns: int
    trials: int
    line: str
    """The commonest last line of the traceback, cut at 200 characters."""
    line_turns: int
    example: Place
    """The first program that ended with that line."""


@dataclass(frozen=True)
class AfterAttempt:
    """Where a mode with retries stands after so many attempts."""

    attempt: int
    """From 1."""
    reached: int
    """Trials that made this attempt."""
    correct: int
    """Trials that were right by now."""
    of_scored: Estimate | None
    of_all: Estimate
    input_tokens: int
    """Spent by now, by all trials together; likewise `output_tokens`."""
    output_tokens: int
    tokens_per_extra_correct: float | None
    """What this and earlier retries spent, for each answer right beyond attempt 1."""


@dataclass(frozen=True)
class Repair:
    """What became of attempts that failed in one way."""

    failure: Failure
    attempts: int
    retried: int
    """Of those, followed by another attempt."""
    answered: int
    """Of those retried, how many gave an answer with the next attempt."""
    correct: int
    """Of those retried, how many were in trials that ended right."""


@dataclass(frozen=True)
class Budget:
    """What a way of spending tokens buys, for one trial of a mean problem."""

    draws: int
    """Attempts within a trial, or fresh replies, at the most."""
    tokens: float
    """Sent and received."""
    accuracy: float


@dataclass(frozen=True)
class FreshOrRetry:
    """Retries against starting afresh until a program gives an answer, at equal tokens.

    Fresh replies are the first attempts of the repeats, averaged over every order they could have
    come in. Neither way looks at whether the answer is right.
    """

    problems: int
    repeats: int
    retries: tuple[Budget, ...]
    fresh: tuple[Budget, ...]
    tokens: float
    """The budget both can spend; between two points, accuracy is on the line that joins them."""
    retry_accuracy: float
    fresh_accuracy: float


@dataclass(frozen=True)
class Caps:
    """Replies that reached the cap, and prompts that the server cut."""

    replies: int
    capped: int
    capped_trials: int
    capped_not_correct: int
    """Trials with a capped reply that did not end right: what a higher cap could win at most."""
    cut: int
    cut_trials: int


@dataclass(frozen=True)
class Refusal:
    """Programs that one rule of the screen refused."""

    rule: str
    programs: int
    trials: int
    correct: int
    """Of those trials, how many ended right."""


@dataclass(frozen=True)
class Missed:
    """An answer that looks right and was not the one extracted."""

    place: Place
    outcome: Outcome
    where: str
    """`printed`, `boxed` or `at the end`."""
    answer: str


@dataclass(frozen=True)
class ArmFailures:
    """One model in one mode."""

    model: str
    mode: str
    outcomes: Mapping[Outcome, int]
    cells: tuple[OutcomeCell, ...]
    crashes: tuple[Crash, ...]
    """The commonest first, like all that follow."""
    attempts: tuple[AfterAttempt, ...]
    """Only in mode `code`, where a turn is an attempt; likewise `repairs` and `fresh`."""
    repairs: tuple[Repair, ...]
    fresh: FreshOrRetry | None
    """None without retries or without repeats."""
    caps: Caps
    refusals: tuple[Refusal, ...]
    missed: tuple[Missed, ...]
    """At most `MOST_MISSED`."""
    missed_trials: int
    errors: tuple[tuple[str, int], ...]
    """Errors of ours by their first line, with the trials they ended."""

    @property
    def trials(self) -> int:
        """All of them, unscored ones included."""
        return sum(self.outcomes.values())


@dataclass(frozen=True)
class SolvedBy:
    """Problems that a model solved at least once in one mode and never in another it tried."""

    model: str
    mode: str
    never: str
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Failures:
    """What went wrong in a run."""

    arms: tuple[ArmFailures, ...]
    unsolved: tuple[str, ...]
    """Problems that no model solved in any mode."""
    solved_by: tuple[SolvedBy, ...]


@dataclass(frozen=True)
class _Told:
    """One trial with its turns."""

    row: Row
    turns: Sequence[TurnFacts]

    @property
    def correct(self) -> bool:
        return self.row.correct

    def place(self, number: int) -> Place:
        row = self.row
        return Place(row.key, row.problem_id, row.model, row.mode, row.repeat, number + 1)


def failures_of(
    store: Store,
    *,
    domain: str | None = None,
    level: int | None = None,
    model: str | None = None,
    mode: str | None = None,
) -> Failures:
    """What went wrong in a stored run, or in the part of it that is asked for.

    Raises ConfigError where that part holds no trial.
    """
    problems = store.problems()
    rows = [
        row
        for row in store.rows()
        if domain in (None, problems[row.problem_id].domain)
        and level in (None, problems[row.problem_id].level)
        and model in (None, row.model)
        and mode in (None, row.mode)
    ]
    if not rows:
        domains = ", ".join(sorted({problem.domain for problem in problems.values()}))
        raise ConfigError(f"{store.folder}: no such trial has ended yet; its domains: {domains}")
    return analyse(rows, problems, store.turn_facts(), store.texts)


def analyse(
    rows: Iterable[Row],
    problems: Mapping[str, Problem],
    turns: Iterable[TurnFacts],
    read_texts: ReadTexts,
) -> Failures:
    """Count everything once. `turns` come trial by trial; those of other trials are passed over.

    Texts are read for crashed programs and for trials that gave a wrong answer or none.
    """
    by_key = {row.key: row for row in rows}
    turns_of = {
        key: tuple(found) for key, found in groupby(turns, lambda turn: turn.key) if key in by_key
    }
    arms: dict[tuple[str, str], list[_Told]] = defaultdict(list)
    for key, row in by_key.items():
        arms[row.model, row.mode].append(_Told(row, turns_of.get(key, ())))
    solved: dict[tuple[str, str], set[str]] = {
        arm: {told.row.problem_id for told in trials if told.correct}
        for arm, trials in arms.items()
    }
    unsolved = {row.problem_id for row in by_key.values()}.difference(*solved.values())
    return Failures(
        arms=tuple(_arm(*arm, trials, problems, read_texts) for arm, trials in arms.items()),
        unsolved=tuple(problem for problem in problems if problem in unsolved),
        solved_by=tuple(_solved_by(arms, solved, problems)),
    )


def _arm(
    model: str,
    mode: str,
    trials: Sequence[_Told],
    problems: Mapping[str, Problem],
    read_texts: ReadTexts,
) -> ArmFailures:
    attempts = mode.startswith("code")
    missed, missed_trials = _missed(trials, problems, read_texts)
    errors = Counter(first_line(told.row.error) for told in trials if told.row.error is not None)
    return ArmFailures(
        model=model,
        mode=mode,
        outcomes=Counter(told.row.outcome for told in trials),
        cells=_cells(trials, problems),
        crashes=_crashes(trials, read_texts),
        attempts=_after_attempts(trials) if attempts else (),
        repairs=_repairs(trials) if attempts else (),
        fresh=_fresh_or_retry(trials) if attempts else None,
        caps=_caps(trials),
        refusals=_refusals(trials),
        missed=missed,
        missed_trials=missed_trials,
        errors=tuple(errors.most_common()),
    )


def _cells(trials: Sequence[_Told], problems: Mapping[str, Problem]) -> tuple[OutcomeCell, ...]:
    cells: dict[tuple[str, int], Counter[Outcome]] = defaultdict(Counter)
    for told in trials:
        problem = problems[told.row.problem_id]
        cells[problem.domain, problem.level][told.row.outcome] += 1
    return tuple(OutcomeCell(*cell, cells[cell]) for cell in sorted(cells))


def _crashes(trials: Sequence[_Told], read_texts: ReadTexts) -> tuple[Crash, ...]:
    told_of = {told.row.key: told for told in trials}
    crashed = {
        (turn.key, turn.number): turn.exit
        for told in trials
        for turn in told.turns
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
        first.setdefault((name, line), told_of[text.key].place(text.number))
    found = []
    for name, counts in lines.items():
        line, count = counts.most_common(1)[0]
        found.append(
            Crash(name, counts.total(), len(in_trials[name]), line, count, first[name, line])
        )
    return tuple(sorted(found, key=lambda crash: (-crash.turns, crash.name)))


def trouble(stderr: str) -> str:
    """The line that says what went wrong: the last that names an exception, else the last at all.

    Cut at 200 characters; empty where nothing was said.
    """
    lines = [line for line in stderr[-20_000:].splitlines() if line.strip()]
    named = (line for line in reversed(lines) if exception_name(line))
    return next(named, lines[-1] if lines else "")[:_LINE_CHARACTERS]


def exception_name(line: str) -> str | None:
    """`ZeroDivisionError` of `ZeroDivisionError: division by zero`, without its module."""
    found = _EXCEPTION.match(line)
    return found[1] if found else None


_EXCEPTION = re.compile(r"(?:[A-Za-z_]\w*\.)*([A-Z]\w*)(?::|$)")


def first_line(text: str) -> str:
    """The first line, cut at 200 characters."""
    return text.partition("\n")[0][:_LINE_CHARACTERS]


def _after_attempts(trials: Sequence[_Told]) -> tuple[AfterAttempt, ...]:
    reached: Counter[int] = Counter()
    sent: Counter[int] = Counter()
    received: Counter[int] = Counter()
    right: Counter[int] = Counter()
    everything: dict[str, list[int]] = defaultdict(list)
    scored: dict[str, list[int]] = defaultdict(list)
    for told in trials:
        for attempt, turn in enumerate(told.turns, start=1):
            reached[attempt] += 1
            sent[attempt] += turn.input_tokens
            received[attempt] += turn.output_tokens
        right_at = len(told.turns) if told.correct else _NEVER
        right[right_at] += 1
        everything[told.row.problem_id].append(right_at)
        if told.row.outcome.scored:
            scored[told.row.problem_id].append(right_at)
    found: list[AfterAttempt] = []
    for attempt in sorted(reached):
        correct = sum(right[earlier] for earlier in range(1, attempt + 1))
        spent = sum(sent[later] + received[later] for later in range(2, attempt + 1))
        extra = correct - right[1]
        found.append(
            AfterAttempt(
                attempt=attempt,
                reached=reached[attempt],
                correct=correct,
                of_scored=_right_by(attempt, scored) if scored else None,
                of_all=_right_by(attempt, everything),
                input_tokens=sum(sent[earlier] for earlier in range(1, attempt + 1)),
                output_tokens=sum(received[earlier] for earlier in range(1, attempt + 1)),
                tokens_per_extra_correct=spent / extra if extra else None,
            )
        )
    return tuple(found)


_NEVER = 10**9


def _right_by(attempt: int, right_at: Mapping[str, Sequence[int]]) -> Estimate:
    return accuracy([[at <= attempt for at in trials] for trials in right_at.values()])


def _repairs(trials: Sequence[_Told]) -> tuple[Repair, ...]:
    attempts: Counter[Failure | None] = Counter()
    retried: Counter[Failure | None] = Counter()
    answered: Counter[Failure | None] = Counter()
    correct: Counter[Failure | None] = Counter()
    for told in trials:
        attempts.update(turn.failure for turn in told.turns)
        for turn, following in pairwise(told.turns):
            retried[turn.failure] += 1
            answered[turn.failure] += following.failure is None
            correct[turn.failure] += told.correct
    return tuple(
        Repair(kind, count, retried[kind], answered[kind], correct[kind])
        for kind, count in attempts.most_common()
        if kind is not None
    )


def _fresh_or_retry(trials: Sequence[_Told]) -> FreshOrRetry | None:
    by_problem: dict[str, list[_Told]] = defaultdict(list)
    for told in trials:
        if told.row.outcome.scored:
            by_problem[told.row.problem_id].append(told)
    repeated = {name: found for name, found in by_problem.items() if len(found) > 1}
    most = max((len(told.turns) for found in repeated.values() for told in found), default=0)
    if most < 2:
        return None
    repeats = min(map(len, repeated.values()))
    retries = _mean_budgets([_retried(found, most) for found in repeated.values()])
    fresh = _mean_budgets([_started_afresh(found, repeats) for found in repeated.values()])
    tokens = min(retries[-1].tokens, fresh[-1].tokens)
    return FreshOrRetry(
        problems=len(repeated),
        repeats=repeats,
        retries=retries,
        fresh=fresh,
        tokens=tokens,
        retry_accuracy=_at_tokens(retries, tokens),
        fresh_accuracy=_at_tokens(fresh, tokens),
    )


def _retried(found: Sequence[_Told], most: int) -> list[tuple[float, float]]:
    """Tokens and accuracy of a mean trial after each of `most` attempts."""
    tokens, right = [0.0] * most, [0.0] * most
    for told in found:
        for number, turn in enumerate(told.turns):
            tokens[number] += _tokens(turn) / len(found)
        if told.correct:
            right[len(told.turns) - 1] += 1 / len(found)
    return list(zip(accumulate(tokens), accumulate(right), strict=True))


def _started_afresh(found: Sequence[_Told], most: int) -> list[tuple[float, float]]:
    """Tokens and accuracy of asking afresh until an answer comes, up to each of `most` times.

    The mean over all orders of the first attempts: some of the n give no answer, and the first
    that gives one ends the asking.
    """
    firsts = [told.turns[0] for told in found]
    n = len(firsts)
    right = sum(told.correct and len(told.turns) == 1 for told in found)
    failing = [_tokens(turn) for turn in firsts if turn.failure is not None]
    answering = sum(_tokens(turn) for turn in firsts if turn.failure is None)
    mean_failing = sum(failing) / len(failing) if failing else 0.0
    tokens, accuracies = [0.0] * most, [0.0] * most
    for before in range(min(most, len(failing) + 1)):
        # All replies before this one failed, so it is one of the n - before that are left.
        share = comb(len(failing), before) / comb(n, before) / (n - before)
        tokens[before] = share * ((len(failing) - before) * mean_failing + answering)
        accuracies[before] = share * right
    return list(zip(accumulate(tokens), accumulate(accuracies), strict=True))


def _mean_budgets(problems: Sequence[Sequence[tuple[float, float]]]) -> tuple[Budget, ...]:
    return tuple(
        Budget(draws, fmean(tokens for tokens, _ in column), fmean(right for _, right in column))
        for draws, column in enumerate(zip(*problems, strict=True), start=1)
    )


def _at_tokens(budgets: Sequence[Budget], tokens: float) -> float:
    """Accuracy at so many tokens, in proportion between two points of the curve."""
    for low, high in pairwise(budgets):
        if tokens <= high.tokens:
            if high.tokens == low.tokens:
                return high.accuracy
            share = max(0.0, (tokens - low.tokens) / (high.tokens - low.tokens))
            return low.accuracy + share * (high.accuracy - low.accuracy)
    return budgets[-1].accuracy


def _tokens(turn: TurnFacts) -> int:
    return turn.input_tokens + turn.output_tokens


def _caps(trials: Sequence[_Told]) -> Caps:
    capped = [told for told in trials if told.row.capped]
    return Caps(
        replies=sum(told.row.turns for told in trials),
        capped=sum(told.row.capped for told in trials),
        capped_trials=len(capped),
        capped_not_correct=sum(not told.correct for told in capped),
        cut=sum(told.row.prompt_cut for told in trials),
        cut_trials=sum(told.row.prompt_cut > 0 for told in trials),
    )


def _refusals(trials: Sequence[_Told]) -> tuple[Refusal, ...]:
    programs: Counter[str] = Counter()
    in_trials: dict[str, dict[str, bool]] = defaultdict(dict)
    for told in trials:
        for turn in told.turns:
            if turn.refused is not None:
                programs[turn.refused] += 1
                in_trials[turn.refused][told.row.key] = told.correct
    return tuple(
        Refusal(rule, count, len(in_trials[rule]), sum(in_trials[rule].values()))
        for rule, count in programs.most_common()
    )


def _missed(
    trials: Sequence[_Told], problems: Mapping[str, Problem], read_texts: ReadTexts
) -> tuple[tuple[Missed, ...], int]:
    """The first answers that look right, and the number of trials that hold one."""
    failed = {
        told.row.key: told
        for told in trials
        if told.turns and told.row.outcome.scored and not told.correct
    }
    references = {name: form(problems[name].answer) for name in {t.row.problem_id for t in trials}}
    found: list[Missed] = []
    count = 0
    for text in read_texts((key, told.turns[-1].number) for key, told in failed.items()):
        told = failed[text.key]
        reference = references[told.row.problem_id]
        right = (
            Missed(told.place(text.number), told.row.outcome, where, answer)
            for where, answer in candidates(text)
            if answer != told.row.answer and form(answer) == reference
        )
        if (missed := next(right, None)) is not None:
            count += 1
            if len(found) < MOST_MISSED:
                found.append(missed)
    return tuple(found), count


def candidates(text: Texts) -> Iterator[tuple[str, str]]:
    """What a reader might take for the answer, and where it stands.

    Lines of a short output, every box, and what follows the last "=", ":" or "is" near the end.
    A long output is passed over: among a hundred numbers, one is right by chance.
    """
    printed = [line for line in text.stdout[-5_000:].splitlines() if line.strip()]
    if len(printed) <= 10:
        for line in reversed(printed):
            yield "printed", line.strip()
            yield "printed", _end(line)
    for box in reversed(_BOX.findall(text.reply[-20_000:])):
        yield "boxed", box
    if not text.stdout:
        for line in [line for line in text.reply[-2_000:].splitlines() if line.strip()][-3:]:
            yield "at the end", _end(line)


_BOX = re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]*\}){1,200})\}")


def _end(line: str) -> str:
    """What follows the last sign or word that announces a result; the line where none does."""
    starts = (line.rfind(mark) + len(mark) for mark in _MARKS if mark in line)
    return line[max(starts, default=0) :].strip()


_MARKS = ("=", ":", "≈", " is ")


def form(text: str) -> Fraction | str:
    """A number as a number, anything else without spaces and dress: enough for "looks right"."""
    bare = _DRESS.sub("", text[:_LINE_CHARACTERS]).rstrip(".").strip("*`")
    bare = bare.replace("dfrac", "frac").replace("tfrac", "frac")
    number = plain_number(bare)
    return bare if number is None else number


def plain_number(text: str) -> Fraction | None:
    r"""The value of `-12`, `1,234`, `0.5`, `3/4` or `\frac{3}{4}`; None for all else."""
    if found := _TEX_FRACTION.fullmatch(text):
        text = f"{found[1]}{found[2]}/{found[3]}"
    elif _GROUPED.fullmatch(text):
        text = text.replace("{,}", "").replace(",", "")
    safe = _NUMBER.fullmatch(text) and not _OVER_ZERO.search(text)
    return Fraction(text) if safe else None


_DRESS = re.compile(r"\s|\\left|\\right|\\[,;!]|\*\*|\$|\\[()\[\]]")
_TEX_FRACTION = re.compile(r"(-?)\\frac\{(\d{1,20})\}\{(\d{1,20})\}")
_GROUPED = re.compile(r"-?\d{1,3}(?:(?:,|\{,\})\d{3})+(?:\.\d{1,20})?")
_NUMBER = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?|-?\d{1,40}/\d{1,40}")
_OVER_ZERO = re.compile(r"/0+$")


def _solved_by(
    arms: Mapping[tuple[str, str], Sequence[_Told]],
    solved: Mapping[tuple[str, str], set[str]],
    problems: Mapping[str, Problem],
) -> Iterator[SolvedBy]:
    tried = {arm: {told.row.problem_id for told in trials} for arm, trials in arms.items()}
    for one, other in permutations(arms, 2):
        if one[0] == other[0]:
            only = (solved[one] & tried[other]) - solved[other]
            yield SolvedBy(*one, never=other[1], problems=tuple(p for p in problems if p in only))
