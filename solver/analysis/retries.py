"""Measure what retries gain: by attempt, by kind of failure, and compared with fresh starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

import numpy as np

from solver.analysis.accuracy import counted, counts_by_problem
from solver.records import Failure
from solver.stats.metrics import Estimate, accuracy, none_but
from solver.store import Trials
from solver.store.columns import FAILURES, Array, first_seen


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


class _Attempts:
    """The attempts of some trials, those of a trial side by side and in order."""

    def __init__(self, trials: Trials) -> None:
        trial, place = trials.of_turns()
        held = trials.turns.attempt[place]
        self.trials = trials
        self.trial, place = trial[held], place[held]
        self.made = np.bincount(self.trial, minlength=len(trials))
        first = np.cumsum(self.made) - self.made
        self.number = np.arange(self.trial.size) - first[self.trial]
        """From 0."""
        self.failure = trials.turns.failure[place]
        self.sent = trials.turns.input_tokens[place].astype(np.int64)
        self.received = trials.turns.output_tokens[place].astype(np.int64)

    @property
    def tokens(self) -> Array:
        """Return the tokens sent and received."""
        return np.asarray(self.sent + self.received)


def retries_in(trials: Trials) -> Retries:
    """Count what retries did in these trials.

    Only attempts count: a turn before them, such as a plan in words, is no part of the analysis.
    """
    attempts = _Attempts(trials)
    return Retries(_after_attempts(attempts), _repairs(attempts), _fresh_or_retry(attempts))


def _after_attempts(attempts: _Attempts) -> tuple[AfterAttempt, ...]:
    trials = attempts.trials
    reached = np.bincount(attempts.number)
    sent = np.cumsum(np.bincount(attempts.number, attempts.sent)).astype(np.int64).tolist()
    received = np.cumsum(np.bincount(attempts.number, attempts.received)).astype(np.int64).tolist()
    right_at = np.where(trials.correct, attempts.made, _NEVER)
    at_first = int((right_at == 1).sum())
    found: list[AfterAttempt] = []
    for attempt, count in enumerate(reached.tolist(), start=1):
        correct = int(((right_at > 0) & (right_at <= attempt)).sum())
        spent = sent[attempt - 1] + received[attempt - 1] - sent[0] - received[0]
        extra = correct - at_first
        right = right_at <= attempt
        scored = counts_by_problem(trials, right, trials.scored)
        found.append(
            AfterAttempt(
                attempt=attempt,
                reached=count,
                correct=correct,
                of_scored=accuracy(scored) if scored else None,
                of_all=accuracy(counts_by_problem(trials, right)),
                input_tokens=sent[attempt - 1],
                output_tokens=received[attempt - 1],
                tokens_per_extra_correct=spent / extra if extra else None,
            )
        )
    return tuple(found)


_NEVER = 10**9


def _repairs(attempts: _Attempts) -> tuple[Repair, ...]:
    failure = attempts.failure
    goes_on = np.flatnonzero(attempts.trial[1:] == attempts.trial[:-1])
    before, size = failure[goes_on], len(FAILURES)
    retried = np.bincount(before, minlength=size)
    answered = np.bincount(before, failure[goes_on + 1] == 0, size)
    correct = np.bincount(before, attempts.trials.correct[attempts.trial[goes_on]], size)
    return tuple(
        Repair(kind, count, *(int(of[FAILURES.index(kind)]) for of in (retried, answered, correct)))
        for kind, count in counted(failure, FAILURES).most_common()
        if kind is not None
    )


def _fresh_or_retry(attempts: _Attempts) -> FreshOrRetry | None:
    trials, made = attempts.trials, attempts.made
    scored = trials.scored & (made > 0)
    counts = np.bincount(trials.problem[scored], minlength=len(trials.problems))
    chosen = scored & (counts > 1)[trials.problem]
    most = int(made[chosen].max(initial=0))
    if most < 2:
        return None
    codes = first_seen(trials.problem[chosen], len(trials.problems))
    repeats = int(counts[codes].min())
    retries = _mean_budgets(*_retried(attempts, chosen, codes, most))
    fresh = _mean_budgets(*_started_afresh(attempts, chosen, codes, repeats))
    tokens = min(retries[-1].tokens, fresh[-1].tokens)
    return FreshOrRetry(
        problems=codes.size,
        repeats=repeats,
        retries=retries,
        fresh=fresh,
        tokens=tokens,
        retry_accuracy=_at_tokens(retries, tokens),
        fresh_accuracy=_at_tokens(fresh, tokens),
    )


def _rows(attempts: _Attempts, codes: Array) -> tuple[Array, Array]:
    """Return for each trial the row of its problem, and the rows."""
    rows = np.zeros(len(attempts.trials.problems), dtype=np.int64)
    rows[codes] = np.arange(codes.size)
    return rows[attempts.trials.problem], np.arange(codes.size)


def _retried(attempts: _Attempts, chosen: Array, codes: Array, most: int) -> tuple[Array, Array]:
    """Compute the mean tokens and accuracy after each of `most` attempts, a row a problem."""
    row, every = _rows(attempts, codes)
    n = np.bincount(row[chosen], minlength=every.size)
    held = chosen[attempts.trial]
    of_attempt = row[attempts.trial[held]]
    cells = of_attempt * most + attempts.number[held]
    tokens = np.bincount(cells, attempts.tokens[held] / n[of_attempt], every.size * most)
    right = chosen & attempts.trials.correct
    ends = row[right] * most + attempts.made[right] - 1
    correct = np.bincount(ends, 1 / n[row[right]], every.size * most)
    shape = (every.size, most)
    return np.cumsum(tokens.reshape(shape), axis=1), np.cumsum(correct.reshape(shape), axis=1)


def _started_afresh(
    attempts: _Attempts, chosen: Array, codes: Array, most: int
) -> tuple[Array, Array]:
    """Compute the mean tokens and accuracy of at most 1, 2, … `most` fresh starts, by problem.

    The mean is over all orders of the n first attempts; the first one that answers is the last.
    """
    row, every = _rows(attempts, codes)
    begins = (attempts.number == 0) & chosen[attempts.trial]
    of_first, failed = row[attempts.trial[begins]], attempts.failure[begins] > 0
    spent = attempts.tokens[begins]
    n = np.bincount(of_first, minlength=every.size).tolist()
    failing = np.bincount(of_first, failed, every.size).astype(np.int64).tolist()
    lost = np.bincount(of_first, spent * failed, every.size)
    answering = np.bincount(of_first, spent * ~failed, every.size)
    at_once = chosen & attempts.trials.correct & (attempts.made == 1)
    right = np.bincount(row[at_once], minlength=every.size)
    tokens, accuracies = np.zeros((every.size, most)), np.zeros((every.size, most))
    for place in every.tolist():
        mean_failing = lost[place] / failing[place] if failing[place] else 0.0
        before = np.arange(min(most, failing[place] + 1))
        # the chance that the first `before` replies all failed, for each of the n - before others
        share = none_but(n[place], failing[place], before) / (n[place] - before)
        left = (failing[place] - before) * mean_failing + answering[place]
        tokens[place, : before.size] = share * left
        accuracies[place, : before.size] = share * right[place]
    return np.cumsum(tokens, axis=1), np.cumsum(accuracies, axis=1)


def _mean_budgets(tokens: Array, right: Array) -> tuple[Budget, ...]:
    """Return the means over problems, given a row each."""
    return tuple(
        Budget(draws, fmean(used), fmean(correct))
        for draws, (used, correct) in enumerate(
            zip(tokens.T.tolist(), right.T.tolist(), strict=True), start=1
        )
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
