"""Measure how stable answers are over repeats: Pass@k, G-Pass@k, mG-Pass@k and majority votes.

The formulas are in `solver.stats.metrics`. Attempts within a trial are not repeats.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

import judge
from solver.analysis.accuracy import counts_by_problem
from solver.analysis.numbers import plain_number
from solver.modes import stored_mode
from solver.stats.metrics import (
    Count,
    Estimate,
    Tallies,
    accuracy,
    estimate,
    g_pass_at_k_each,
    mg_pass_at_k_each,
    pass_at_k_each,
)
from solver.stats.votes import Ballots, group, majorities, vote, voters
from solver.store import Trials
from solver.store.columns import Array, first_seen

TAUS = ("0.25", "0.5", "0.75", "1.0")
"""The thresholds of arXiv 2412.13147."""
Same: TypeAlias = Callable[[str, str], bool]
"""Tells whether two answers vote together."""


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


@dataclass(frozen=True)
class Rounds:
    """The trials of an arm, as many of each problem."""

    trials: Trials
    names: Sequence[str]
    """The problems, in the order in which they come."""
    places: Array
    """Where their trials are: a row a problem, in the order of the repeats."""

    def only(self, chosen: Array) -> "Rounds":
        """Return those of some problems, given as a mask."""
        names = [name for name, held in zip(self.names, chosen, strict=True) if held]
        return Rounds(self.trials, names, self.places[chosen])

    @property
    def whole(self) -> Array:
        """Tell which problems have nothing but scored trials."""
        return np.asarray(self.trials.scored[self.places].all(axis=1))

    def tallies(self) -> dict[str, Count]:
        """Count each problem's trials and those that are right."""
        right = self.trials.correct[self.places].sum(axis=1).tolist()
        return {
            name: Count(self.places.shape[1], c) for name, c in zip(self.names, right, strict=True)
        }


def rounds_in(trials: Trials) -> Rounds:
    """Return the first repeats of every problem: as many as all of them have."""
    order = first_seen(trials.problem, len(trials.problems))
    rank = np.zeros(len(trials.problems), dtype=np.int64)
    rank[order] = np.arange(order.size)
    ranks = rank[trials.problem]
    sorted_ = np.lexsort((trials.repeat, ranks))
    counts = np.bincount(ranks)
    starts = np.cumsum(counts) - counts
    if sorted_.size < 2**31:
        sorted_ = sorted_.astype(np.int32)  # an arm's places are kept several times
    places = sorted_[starts[:, None] + np.arange(counts.min())]
    return Rounds(trials, [trials.problems[code] for code in order], places)


def repeats_of(
    trials: Trials,
    *,
    ks: Sequence[int] | None = None,
    taus: Sequence[str] = TAUS,
    greedy: Sequence[Trials] = (),
    same: Same | None = None,
    weights: Mapping[str, float] | None = None,
) -> tuple[Repeats, ...]:
    """Compute the metrics of every model and mode that has at least two repeats of each problem.

    `ks` are by default `usual_ks`; larger ones than there are repeats are left out. `greedy` are
    the trials of runs at temperature 0; those of problems that `trials` do not hold are left out.
    `same` says which answers vote together, by default those that are equal by the judge's
    rules, which takes a millisecond a pair. `weights` are those of self-verified trials, by key
    (`solver.analysis.checks.vote_weights`).
    """
    once: dict[tuple[str, str], list[Trials]] = defaultdict(list)
    for run in greedy:
        for model, mode, of_arm in run.by_arm():
            once[model, mode].append(of_arm)
    found = []
    for model, mode, of_arm in trials.by_arm():
        rounds = rounds_in(of_arm)
        n = rounds.places.shape[1]
        if n < 2:
            continue
        wanted = [k for k in ks or usual_ks(n) if k <= n]
        of_all = _reading(rounds, wanted, taus, same or equivalent)
        whole = rounds.whole
        of_scored = of_all if whole.all() else None
        if whole.any() and not whole.all():
            of_scored = _reading(rounds.only(whole), wanted, taus, same or equivalent)
        verified = None
        if stored_mode(mode).vote:
            verified = _verified(rounds, same or equivalent, weights or {})
        found.append(
            Repeats(
                model=model,
                mode=mode,
                repeats=n,
                unscored=int((~of_arm.scored[rounds.places]).sum()),
                of_scored=of_scored,
                of_all=of_all,
                verified=verified,
                greedy=_greedily(once[model, mode], rounds),
            )
        )
    return tuple(found)


def _greedily(once: Sequence[Trials], rounds: Rounds) -> Estimate | None:
    """Return the accuracy over scored trials of the greedy runs, on the same problems."""
    names, shared = set(rounds.names), dict[str, Count]()
    for trials in once:
        for name, (n, c) in counts_by_problem(trials, among=trials.scored).items():
            if name in names:
                before = shared.get(name, Count(0, 0))
                shared[name] = Count(before.n + n, before.c + c)
    return accuracy(shared) if shared else None


def usual_ks(n: int) -> list[int]:
    """Return 1, 2, 4, 8, … up to n, and n itself."""
    powers = [2**power for power in range(n.bit_length()) if 2**power <= n]
    return sorted({*powers, n})


def _reading(rounds: Rounds, ks: Sequence[int], taus: Sequence[str], same: Same) -> Reading:
    tallies = rounds.tallies()
    chances = vote_chances(rounds, ks, same)
    return Reading(
        problems=len(tallies),
        accuracy=accuracy(tallies),
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


def vote_chances(rounds: Rounds, ks: Sequence[int], same: Same) -> dict[int, NDArray[np.float64]]:
    """Return by k how often the vote of k repeats is right, for each problem in order.

    With more repeats than `MOST_REPEATS`, votes of several are of the `FIRST` alone, and larger k
    are left out.
    """
    repeats = rounds.places.shape[1]
    seats = voters(repeats)
    asked = [k for k in ks if k <= seats]
    ballots = list(_ballots(rounds.trials, rounds.places[:, :seats], same))
    found = dict(zip(asked, majorities(ballots, asked).T, strict=True))
    if 1 in found and seats < repeats:  # a single repeat decides alone: all of them count
        found[1] = rounds.trials.correct[rounds.places].mean(axis=1)
    return found


def _ballots(trials: Trials, places: Array, same: Same) -> Iterator[Ballots]:
    """Count the answers of each problem, in the order in which they first come.

    Classes come from the answers alone: a vote that merged right answers because the judge accepts
    them would know the reference. Answers are compared by `same`, by default the judge's rules,
    which never ask a model.
    """
    labels = _labels(trials, places, same)
    size, rows = int(labels.max(initial=0)) + 1, np.arange(len(labels))[:, None]
    voting = labels >= 0
    cells = (rows * size + labels)[voting]
    classes, first, inverse = np.unique(cells, return_index=True, return_inverse=True)
    sizes = np.bincount(inverse)
    right = np.bincount(inverse, trials.correct[places][voting])
    order = np.argsort(first)
    ends = np.searchsorted((classes // size)[order], np.arange(len(labels)), side="right")
    sizes_in_order, shares = sizes[order].tolist(), (right / sizes)[order].tolist()
    silent = (~voting).sum(axis=1).tolist()
    start = 0
    for end, none in zip(ends.tolist(), silent, strict=True):
        yield Ballots(tuple(sizes_in_order[start:end]), tuple(shares[start:end]), none)
        start = end


def _labels(trials: Trials, places: Array, same: Same) -> Array:
    """Return the class of each trial's answer within its problem; -1 for none."""
    codes = np.where(trials.failure[places] > 0, -1, trials.answer[places]).astype(np.int64)
    if same is str.__eq__:
        return codes
    labels = np.full(codes.shape, -1, dtype=np.int64)
    for row, answers in enumerate(codes.tolist()):
        texts = [trials.answers[code] if code >= 0 else None for code in answers]
        labels[row] = [-1 if label is None else label for label in group(texts, same)]
    return labels


def _verified(rounds: Rounds, same: Same, weights: Mapping[str, float]) -> Estimate:
    """Return how often the answer with the most weight is right; t tied answers count 1/t each.

    Zhou et al. 2023, https://arxiv.org/abs/2308.07921.
    """
    trials, values = rounds.trials, []
    labels = _labels(trials, rounds.places, same)
    for classes, places in zip(labels.tolist(), rounds.places.tolist(), strict=True):
        verdicts: dict[int, list[bool]] = defaultdict(list)
        for label, place in zip(classes, places, strict=True):
            verdicts[label].append(bool(trials.correct[place]))
        voted = [None if label < 0 else label for label in classes]
        given = [weights.get(trials.key_of(place), 0.0) for place in places]
        winners = vote(voted, given)
        shares = [sum(verdicts[each]) / len(verdicts[each]) for each in winners]
        values.append(sum(shares) / len(winners) if winners else 0.0)
    return estimate(values, rounds.places.size)


@lru_cache(maxsize=65536)
def equivalent(first: str, second: str) -> bool:
    """Tell whether two answers are equal by the judge's rules."""
    numbers = plain_number(first), plain_number(second)
    if None not in numbers:
        return numbers[0] == numbers[1]  # fast, and enough for most answers
    return judge.compare(first, second, symbolic=False).relation is judge.Relation.EQUAL
