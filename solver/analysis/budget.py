"""Compare modes of a model at the same number of tokens, by spending more of the cheaper one.

With more tokens a mode can try longer (more attempts of one trial) or more often (several trials
whose majority counts). Tokens are those sent and received, as means over problems: a budget is
kept on average, not by every problem. Not compared: arms of different models.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from solver.analysis.repeats import (
    Rounds,
    Same,
    equivalent,
    rounds_in,
    usual_ks,
    vote_chances,
)
from solver.modes import stored_mode
from solver.stats.metrics import Estimate, estimate
from solver.stats.paired import MeanComparison, compare_means, holm
from solver.stats.votes import voters
from solver.store import Trials


@dataclass(frozen=True, eq=False)
class Policy:
    """One way to spend tokens on each problem."""

    attempts: int | None
    """At most so many attempts of one trial; None for whole trials."""
    votes: int
    """The trials whose majority counts."""
    tokens: float
    """Mean over problems."""
    values: NDArray[np.float64]
    """The chance that it is right, by problem."""

    @property
    def name(self) -> str:
        """Say what is done."""
        if self.attempts is not None:
            return f"{self.attempts} attempt{'s' * (self.attempts > 1)}"
        return "one trial" if self.votes == 1 else f"vote of {self.votes}"

    @property
    def accuracy(self) -> float:
        """Return the mean over problems."""
        return float(sum(self.values.tolist()) / self.values.size)


@dataclass(frozen=True)
class Spending:
    """What an arm gets for more and more tokens."""

    model: str
    mode: str
    problems: int
    """Those whose compared repeats are all scored."""
    repeats: int
    policies: tuple[Policy, ...]
    """The cheapest first."""
    estimates: tuple[Estimate, ...]
    """Their accuracies."""


@dataclass(frozen=True)
class EqualTokens:
    """Two modes of a model, where neither may use more than `tokens` a problem."""

    model: str
    a_mode: str
    b_mode: str
    tokens: float
    a: Policy
    b: Policy
    n_problems: int
    difference: MeanComparison
    """Accuracy of a minus accuracy of b."""
    adjusted: float
    """p-value after Holm, over all that is compared at equal tokens in the run."""


@dataclass(frozen=True)
class Budgets:
    """What the arms of a run get for their tokens."""

    arms: tuple[Spending, ...]
    equal: tuple[EqualTokens, ...]


def budgets_of(trials: Trials, *, same: Same | None = None) -> Budgets:
    """Compute what every arm gets for its tokens, and compare the modes of each model.

    Each mode is compared with the first one of its model; arms whose tokens nobody counted, or that
    have no problem with scored trials only, are left out. `same` says which answers vote together,
    by default those that the judge's rules find equal.
    """
    arms = _arms(trials, same or equivalent)
    equal = [
        each
        for a, b in combinations(arms, 2)
        if a.model == b.model and a is next(arm for arm in arms if arm.model == a.model)
        for each in _at_equal_tokens(a, b)
    ]
    adjusted = holm([each.difference.p_value for each in equal])
    return Budgets(
        arms=tuple(_spending(arm) for arm in arms),
        equal=tuple(replace(each, adjusted=p) for each, p in zip(equal, adjusted, strict=True)),
    )


@dataclass(frozen=True)
class _Arm:
    """The trials of an arm, of the problems whose first `repeats` trials are all scored."""

    model: str
    mode: str
    rounds: Rounds
    same: Same
    """Which answers vote together."""

    @property
    def names(self) -> Sequence[str]:
        """Return the problems."""
        return self.rounds.names

    @property
    def repeats(self) -> int:
        """Return how many trials of each problem there are."""
        return int(self.rounds.places.shape[1])

    def over(self, names: Sequence[str]) -> "_Arm":
        """Return the arm with the trials of these problems, in this order."""
        place = {name: row for row, name in enumerate(self.names)}
        rows = [place[name] for name in names]
        chosen = Rounds(self.rounds.trials, names, self.rounds.places[rows])
        return replace(self, rounds=chosen)


def _arms(trials: Trials, same: Same) -> list[_Arm]:
    found = []
    for model, mode, of_arm in trials.by_arm():
        rounds = rounds_in(of_arm)
        whole = rounds.whole
        if whole.any() and of_arm.tokens[rounds.places].any():
            found.append(_Arm(model, mode, rounds.only(whole), same))
    return found


def _spending(arm: _Arm) -> Spending:
    arm = arm.over(sorted(arm.names))
    policies = [*_attempts(arm), *_votes(arm, usual_ks(arm.repeats))]
    trials = arm.repeats * len(arm.names)
    return Spending(
        arm.model,
        arm.mode,
        len(arm.names),
        arm.repeats,
        tuple(policies),
        tuple(estimate(policy.values, trials) for policy in policies),
    )


def _attempts(arm: _Arm) -> list[Policy]:
    """Return what one trial gives that may make 1, 2, … attempts, but not all it made."""
    if not stored_mode(arm.mode).retries:
        return []
    chosen, turns = arm.rounds.places.ravel(), arm.rounds.trials.turns
    trial, place = arm.rounds.trials.of_turns(chosen)
    used = np.cumsum(turns.tokens[place], dtype=np.int64)
    begins = np.flatnonzero(np.diff(trial, prepend=-1))
    counts = np.diff(begins, append=trial.size)
    used -= np.repeat(used[begins] - turns.tokens[place[begins]], counts)
    ends = turns.attempt[place]
    used, trial = used[ends], trial[ends]
    made = np.bincount(trial, minlength=chosen.size)
    first = np.cumsum(made) - made
    correct = arm.rounds.trials.correct[chosen]
    tokens, shape = np.zeros(chosen.size, dtype=np.int64), arm.rounds.places.shape
    policies = []
    for most in range(1, int(made.max(initial=0))):
        goes_on = made >= most
        tokens[goes_on] = used[first[goes_on] + most - 1]
        right = correct & (made > 0) & (made <= most)
        values = right.reshape(shape).sum(axis=1) / shape[1]
        spent = tokens.reshape(shape).sum(axis=1) / shape[1]
        policies.append(Policy(most, 1, fmean(spent), values))
    return policies


def _votes(arm: _Arm, ks: Sequence[int]) -> list[Policy]:
    """Return what votes of so many trials give, those left out that are too many to count."""
    one = _tokens_of_a_trial(arm)
    return [
        Policy(None, k, k * one, values)
        for k, values in vote_chances(arm.rounds, ks, arm.same).items()
    ]


def _tokens_of_a_trial(arm: _Arm) -> float:
    """Return the mean over problems of the mean over trials."""
    rounds = arm.rounds
    return fmean(rounds.trials.tokens[rounds.places].sum(axis=1) / rounds.places.shape[1])


def _at_equal_tokens(a: _Arm, b: _Arm) -> Iterator[EqualTokens]:
    """Yield comparisons at the tokens of one attempt, of one trial of each, and of all repeats."""
    names = sorted(set(a.names) & set(b.names))
    if not names:
        return
    a, b = a.over(names), b.over(names)
    ladders = [_attempts(arm) for arm in (a, b)]
    one = [_tokens_of_a_trial(arm) for arm in (a, b)]
    most = min(arm.repeats * tokens for arm, tokens in zip((a, b), one, strict=True))
    budgets = {*one, most, *(ladder[0].tokens for ladder in ladders if ladder)}
    seen = set()
    for tokens in sorted(budgets):
        ours, theirs = (
            _affordable(arm, ladder, each, tokens)
            for arm, ladder, each in zip((a, b), ladders, one, strict=True)
        )
        if ours is None or theirs is None or (ours.name, theirs.name) in seen:
            continue
        if 2 * min(ours.tokens, theirs.tokens) < max(ours.tokens, theirs.tokens):
            continue  # the cheaper one has nothing to spend so many tokens on
        seen.add((ours.name, theirs.name))
        difference = compare_means(ours.values, theirs.values)
        yield EqualTokens(
            *(a.model, a.mode, b.mode, tokens, ours, theirs, len(names)),
            *(difference, difference.p_value),
        )


def _affordable(arm: _Arm, ladder: Sequence[Policy], one: float, tokens: float) -> Policy | None:
    """Return the policy that spends most of these tokens; None where none is so cheap."""
    votes = min(voters(arm.repeats), int(tokens / one + 1e-9))
    if votes:
        return _votes(arm, [votes])[0]
    return max(
        (policy for policy in ladder if policy.tokens <= tokens),
        key=lambda policy: policy.tokens,
        default=None,
    )
