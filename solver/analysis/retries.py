"""Measure what retries gain: by attempt, by kind of failure, and compared with fresh starts."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from math import comb
from statistics import fmean

from solver.analysis.trials import TrialTurns
from solver.records import Failure
from solver.stats.metrics import MOST_EXACT, Estimate, accuracy, g_pass_at_k
from solver.store import TurnFacts


@dataclass(frozen=True)
class AfterAttempt:
    """The results after a number of attempts."""

    attempt: int
    """The number of attempts, from 1."""
    reached: int
    """Trials that made this attempt."""
    correct: int
    """Trials that were right after this attempt or an earlier one."""
    of_scored: Estimate | None
    of_all: Estimate
    input_tokens: int
    """Tokens sent by all trials in the attempts so far; `output_tokens` are those received."""
    output_tokens: int
    tokens_per_extra_correct: float | None
    """Tokens of all retries so far, divided by the trials that are right thanks to a retry."""


@dataclass(frozen=True)
class Repair:
    """How retries ended after one kind of failure."""

    failure: Failure
    attempts: int
    """Attempts that failed in this way."""
    retried: int
    """How many of them were followed by another attempt."""
    answered: int
    """How many of those retried gave an answer with the next attempt."""
    correct: int
    """How many of those retried were in trials that ended right."""


@dataclass(frozen=True)
class Budget:
    """The mean tokens and accuracy of a trial that may ask at most so often."""

    draws: int
    """The most attempts, or fresh starts, of the trial."""
    tokens: float
    """Tokens sent and received."""
    accuracy: float


@dataclass(frozen=True)
class FreshOrRetry:
    """Retries compared with fresh starts, for the same number of tokens.

    A fresh start asks again without showing the failed attempt. Both stop at the first answer,
    right or wrong. Fresh starts are simulated with the first attempts of the repeats, as the mean
    over every order in which these could have come.
    """

    problems: int
    repeats: int
    retries: tuple[Budget, ...]
    fresh: tuple[Budget, ...]
    tokens: float
    """The most tokens that both can spend, at which the accuracies below are interpolated."""
    retry_accuracy: float
    fresh_accuracy: float


@dataclass(frozen=True)
class Retries:
    """What retries gained for one model in one mode with retries."""

    attempts: tuple[AfterAttempt, ...]
    repairs: tuple[Repair, ...]
    """The most common failure first."""
    fresh: FreshOrRetry | None
    """None where no trial was retried, or where there are no repeats."""


def retries_in(trials: Sequence[TrialTurns]) -> Retries:
    """Count what retries did in these trials.

    Only attempts count: a turn before them, such as a plan in words, is no part of the analysis.
    """
    trials = [
        replace(trial, turns=[turn for turn in trial.turns if turn.attempt]) for trial in trials
    ]
    return Retries(_after_attempts(trials), _repairs(trials), _fresh_or_retry(trials))


def _after_attempts(trials: Sequence[TrialTurns]) -> tuple[AfterAttempt, ...]:
    reached: Counter[int] = Counter()
    sent: Counter[int] = Counter()
    received: Counter[int] = Counter()
    right: Counter[int] = Counter()
    everything: dict[str, list[int]] = defaultdict(list)
    scored: dict[str, list[int]] = defaultdict(list)
    for trial in trials:
        for attempt, turn in enumerate(trial.turns, start=1):
            reached[attempt] += 1
            sent[attempt] += turn.input_tokens
            received[attempt] += turn.output_tokens
        right_at = len(trial.turns) if trial.correct else _NEVER
        right[right_at] += 1
        everything[trial.row.problem_id].append(right_at)
        if trial.row.outcome.scored:
            scored[trial.row.problem_id].append(right_at)
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


def _repairs(trials: Sequence[TrialTurns]) -> tuple[Repair, ...]:
    attempts: Counter[Failure | None] = Counter()
    retried: Counter[Failure | None] = Counter()
    answered: Counter[Failure | None] = Counter()
    correct: Counter[Failure | None] = Counter()
    for trial in trials:
        attempts.update(turn.failure for turn in trial.turns)
        for turn, following in pairwise(trial.turns):
            retried[turn.failure] += 1
            answered[turn.failure] += following.failure is None
            correct[turn.failure] += trial.correct
    return tuple(
        Repair(kind, count, retried[kind], answered[kind], correct[kind])
        for kind, count in attempts.most_common()
        if kind is not None
    )


def _fresh_or_retry(trials: Sequence[TrialTurns]) -> FreshOrRetry | None:
    by_problem: dict[str, list[TrialTurns]] = defaultdict(list)
    for trial in trials:
        if trial.row.outcome.scored:
            by_problem[trial.row.problem_id].append(trial)
    repeated = {name: found for name, found in by_problem.items() if len(found) > 1}
    most = max((len(trial.turns) for found in repeated.values() for trial in found), default=0)
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


def _retried(found: Sequence[TrialTurns], most: int) -> list[tuple[float, float]]:
    """Compute the mean tokens and accuracy of the trials after each of `most` attempts."""
    tokens, right = [0.0] * most, [0.0] * most
    for trial in found:
        for number, turn in enumerate(trial.turns):
            tokens[number] += _tokens(turn) / len(found)
        if trial.correct:
            right[len(trial.turns) - 1] += 1 / len(found)
    return list(zip(accumulate(tokens), accumulate(right), strict=True))


def _started_afresh(found: Sequence[TrialTurns], most: int) -> list[tuple[float, float]]:
    """Compute the mean tokens and accuracy of at most 1, 2, … `most` fresh starts.

    The mean is over all orders of the n first attempts; the first one that answers is the last.
    """
    firsts = [trial.turns[0] for trial in found]
    n = len(firsts)
    right = sum(trial.correct and len(trial.turns) == 1 for trial in found)
    failing = [_tokens(turn) for turn in firsts if turn.failure is not None]
    answering = sum(_tokens(turn) for turn in firsts if turn.failure is None)
    mean_failing = sum(failing) / len(failing) if failing else 0.0
    tokens, accuracies = [0.0] * most, [0.0] * most
    for before in range(min(most, len(failing) + 1)):
        # the chance that the first `before` replies all failed, for each of the n - before others
        share = _chance_of_none(n, len(failing), before) / (n - before)
        tokens[before] = share * ((len(failing) - before) * mean_failing + answering)
        accuracies[before] = share * right
    return list(zip(accumulate(tokens), accumulate(accuracies), strict=True))


def _chance_of_none(n: int, failing: int, drawn: int) -> float:
    """Compute the chance that all of `drawn` replies, of n, are among those `failing`."""
    if n > MOST_EXACT:
        return g_pass_at_k(n, failing, drawn, 1) if drawn else 1.0
    return comb(failing, drawn) / comb(n, drawn)


def _mean_budgets(problems: Sequence[Sequence[tuple[float, float]]]) -> tuple[Budget, ...]:
    return tuple(
        Budget(draws, fmean(tokens for tokens, _ in column), fmean(right for _, right in column))
        for draws, column in enumerate(zip(*problems, strict=True), start=1)
    )


def _at_tokens(budgets: Sequence[Budget], tokens: float) -> float:
    """Interpolate the accuracy at a number of tokens between two points of the curve."""
    for low, high in pairwise(budgets):
        if tokens <= high.tokens:
            if high.tokens == low.tokens:
                return high.accuracy
            part = max(0.0, (tokens - low.tokens) / (high.tokens - low.tokens))
            return low.accuracy + part * (high.accuracy - low.accuracy)
    return budgets[-1].accuracy


def _tokens(turn: TurnFacts) -> int:
    return turn.input_tokens + turn.output_tokens
