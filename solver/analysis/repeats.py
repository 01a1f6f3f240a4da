"""Measure how stable answers are over repeats: Pass@k, G-Pass@k, mG-Pass@k and majority votes.

The formulas are in `solver.stats.metrics`. Attempts within a trial are not repeats.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from statistics import fmean
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

import judge
from solver.analysis.numbers import plain_number
from solver.modes import stored_mode
from solver.stats.metrics import (
    Estimate,
    Tallies,
    accuracy,
    estimate,
    g_pass_at_k_each,
    mg_pass_at_k_each,
    pass_at_k_each,
)
from solver.stats.votes import Ballots, group, majorities, vote, voters
from solver.store import Row

TAUS = ("0.25", "0.5", "0.75", "1.0")
"""The thresholds of arXiv 2412.13147."""
Votes: TypeAlias = tuple[list[int | None], dict[int, float]]
"""The class of each trial's answer, and what share of each class was judged right."""


@dataclass(frozen=True)
class AtK:
    """The metrics for k repeats out of n, as means over problems."""

    k: int
    pass_at: Estimate
    g_pass: Mapping[str, Estimate]
    """G-Pass@k for each τ, which is a string as in `TAUS`."""
    mg_pass: Estimate
    majority: Estimate | None
    """maj@k. Mathematically equal answers vote together; a trial without answer does not vote. None
    where more answers would vote than `voters` allows."""


@dataclass(frozen=True)
class Reading:
    """The metrics, with unscored trials either left out or counted as wrong."""

    problems: int
    accuracy: Estimate
    """avg@n."""
    at: tuple[AtK, ...]


@dataclass(frozen=True)
class Repeats:
    """The metrics of one model in one mode, over the repeats that every problem has."""

    model: str
    mode: str
    repeats: int
    """n: the repeats that every problem has."""
    unscored: int
    """The trials among these that could not be scored."""
    of_scored: Reading | None
    """The metrics over the problems whose n trials were all scored; None where there is none."""
    of_all: Reading
    """The metrics over all problems, with unscored trials counted as wrong."""
    verified: Estimate | None
    """The vote of all n repeats, weighted by what their checks found; None without checks."""
    greedy: Estimate | None
    """Accuracy over scored trials of the same model and mode in the greedy run, if one is given."""


def repeats_of(
    rows: Iterable[Row],
    *,
    ks: Sequence[int] | None = None,
    taus: Sequence[str] = TAUS,
    greedy: Iterable[Row] = (),
    same: Callable[[str, str], bool] | None = None,
    weights: Mapping[str, float] | None = None,
) -> tuple[Repeats, ...]:
    """Compute the metrics of every model and mode that has at least two repeats of each problem.

    `ks` are by default `usual_ks`; larger ones than there are repeats are left out. `greedy` are
    the rows of a run at temperature 0; those of problems that `rows` does not hold are left out.
    `same` says which answers vote together, by default those that are equal by the judge's
    rules, which takes a millisecond a pair. `weights` are those of self-verified trials, by key
    (`solver.analysis.checks.vote_weights`).
    """
    arms = _by_arm(rows)
    greedy_arms = _by_arm(greedy)
    found = []
    for arm, problems in arms.items():
        n = min(len(trials) for trials in problems.values())
        if n < 2:
            continue
        rounds = {problem: trials[:n] for problem, trials in problems.items()}
        once = {p: trials for p, trials in greedy_arms.get(arm, {}).items() if p in rounds}
        found.append(
            _repeats(
                *arm, n, rounds, ks or usual_ks(n), taus, once, same or equivalent, weights or {}
            )
        )
    return tuple(found)


def usual_ks(n: int) -> list[int]:
    """Return 1, 2, 4, 8, … up to n, and n itself."""
    powers = [2**power for power in range(n.bit_length()) if 2**power <= n]
    return sorted({*powers, n})


def _repeats(
    model: str,
    mode: str,
    n: int,
    rounds: Mapping[str, Sequence[Row]],
    ks: Sequence[int],
    taus: Sequence[str],
    greedy: Mapping[str, Sequence[Row]],
    same: Callable[[str, str], bool],
    weights: Mapping[str, float],
) -> Repeats:
    whole = {
        problem: trials
        for problem, trials in rounds.items()
        if all(row.outcome.scored for row in trials)
    }
    ks = [k for k in ks if k <= n]
    of_all = _reading(rounds, ks, taus, same)
    scored_greedily = {
        problem: [row.correct for row in trials if row.outcome.scored]
        for problem, trials in greedy.items()
        if any(row.outcome.scored for row in trials)
    }
    return Repeats(
        model=model,
        mode=mode,
        repeats=n,
        unscored=sum(not row.outcome.scored for trials in rounds.values() for row in trials),
        of_scored=of_all
        if len(whole) == len(rounds)
        else _reading(whole, ks, taus, same)
        if whole
        else None,
        of_all=of_all,
        verified=_verified(rounds, same, weights) if stored_mode(mode).vote else None,
        greedy=accuracy(scored_greedily) if scored_greedily else None,
    )


def _reading(
    rounds: Mapping[str, Sequence[Row]],
    ks: Sequence[int],
    taus: Sequence[str],
    same: Callable[[str, str], bool],
) -> Reading:
    tallies = {p: (len(trials), sum(row.correct for row in trials)) for p, trials in rounds.items()}
    chances = vote_chances(rounds, ks, same)
    return Reading(
        problems=len(rounds),
        accuracy=accuracy({p: [row.correct for row in trials] for p, trials in rounds.items()}),
        at=tuple(_at(k, tallies, chances.get(k), taus) for k in ks),
    )


def _at(k: int, tallies: Tallies, votes: NDArray[np.float64] | None, taus: Sequence[str]) -> AtK:
    trials = sum(n for n, _ in tallies.values())
    return AtK(
        k=k,
        pass_at=estimate(pass_at_k_each(tallies, k), trials),
        g_pass={t: estimate(g_pass_at_k_each(tallies, k, Fraction(t)), trials) for t in taus},
        mg_pass=estimate(mg_pass_at_k_each(tallies, k), trials),
        majority=None if votes is None else estimate(votes, trials),
    )


def vote_chances(
    rounds: Mapping[str, Sequence[Row]], ks: Sequence[int], same: Callable[[str, str], bool]
) -> dict[int, NDArray[np.float64]]:
    """Return by k how often the vote of k repeats is right, for each problem in order.

    All problems have as many repeats. With more than `MOST_REPEATS`, votes of several are of the
    `FIRST` alone, and larger k are left out.
    """
    repeats = len(next(iter(rounds.values())))
    seats = voters(repeats)
    asked = [k for k in ks if k <= seats]
    ballots = [ballots_of(trials[:seats], same) for trials in rounds.values()]
    found = dict(zip(asked, majorities(ballots, asked).T, strict=True))
    if 1 in found and seats < repeats:  # a single repeat decides alone: all of them count
        found[1] = np.array([fmean(row.correct for row in each) for each in rounds.values()])
    return found


def ballots_of(trials: Sequence[Row], same: Callable[[str, str], bool]) -> Ballots:
    """Count the answers of some trials, as `votes_of` sorts them."""
    labels, right = votes_of(trials, same)
    sizes = Counter(labels)
    return Ballots(tuple(sizes[each] for each in right), tuple(right.values()), sizes[None])


def _verified(
    rounds: Mapping[str, Sequence[Row]],
    same: Callable[[str, str], bool],
    weights: Mapping[str, float],
) -> Estimate:
    """Return how often the answer with the most weight is right; t tied answers count 1/t each.

    Zhou et al. 2023, https://arxiv.org/abs/2308.07921.
    """
    values = []
    for trials in rounds.values():
        labels, right = votes_of(trials, same)
        winners = vote(labels, [weights.get(row.key, 0.0) for row in trials])
        values.append(sum(right[each] for each in winners) / len(winners) if winners else 0.0)
    return estimate(values, sum(map(len, rounds.values())))


def votes_of(trials: Sequence[Row], same: Callable[[str, str], bool]) -> Votes:
    """Return the class of each trial's answer, and what share of each class was judged right.

    Classes come from the answers alone: a vote that merged right answers because the judge accepts
    them would know the reference. Answers are compared by `same`, by default the judge's rules,
    which never ask a model.
    """
    labels = group([None if row.failure else row.answer for row in trials], same)
    verdicts: dict[int, list[bool]] = defaultdict(list)
    for row, label in zip(trials, labels, strict=True):
        if label is not None:
            verdicts[label].append(row.correct)
    return labels, {label: sum(found) / len(found) for label, found in verdicts.items()}


@lru_cache(maxsize=65536)
def equivalent(first: str, second: str) -> bool:
    """Tell whether two answers are equal by the judge's rules."""
    numbers = plain_number(first), plain_number(second)
    if None not in numbers:
        return numbers[0] == numbers[1]  # fast, and enough for most answers
    return judge.compare(first, second, symbolic=False).relation is judge.Relation.EQUAL


def _by_arm(rows: Iterable[Row]) -> dict[tuple[str, str], dict[str, list[Row]]]:
    arms: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        arms[row.model, row.mode][row.problem_id].append(row)
    for problems in arms.values():
        for trials in problems.values():
            trials.sort(key=lambda row: row.repeat)
    return arms
