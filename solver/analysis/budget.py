"""Compare modes of a model at the same number of tokens, by spending more of the cheaper one.

With more tokens a mode can try longer (more attempts of one trial) or more often (several trials
whose majority counts). Tokens are those sent and received, as means over problems: a budget is
kept on average, not by every problem. Not compared: arms of different models.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, combinations, groupby
from statistics import fmean

from solver.analysis.repeats import equivalent, usual_ks, vote_chances
from solver.analysis.trials import TrialTurns
from solver.modes import stored_mode
from solver.stats.metrics import Estimate, estimate
from solver.stats.paired import MeanComparison, compare_means, holm
from solver.stats.votes import voters
from solver.store import Row, TurnFacts

Same = Callable[[str, str], bool]


@dataclass(frozen=True)
class Policy:
    """One way to spend tokens on each problem."""

    attempts: int | None
    """At most so many attempts of one trial; None for whole trials."""
    votes: int
    """The trials whose majority counts."""
    tokens: float
    """Mean over problems."""
    values: tuple[float, ...]
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
        return sum(self.values) / len(self.values)


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


def budgets_of(
    rows: Iterable[Row], turns: Iterable[TurnFacts], *, same: Same | None = None
) -> Budgets:
    """Compute what every arm gets for its tokens, and compare the modes of each model.

    Each mode is compared with the first one of its model; arms whose tokens nobody counted, or that
    have no problem with scored trials only, are left out. `turns` must come trial by trial. `same`
    says which answers vote together, by default those that the judge's rules find equal.
    """
    arms = _arms(rows, turns, same or equivalent)
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
    repeats: int
    trials: Mapping[str, Sequence[TrialTurns]]
    same: Same
    """Which answers vote together."""


def _arms(rows: Iterable[Row], turns: Iterable[TurnFacts], same: Same) -> list[_Arm]:
    facts = {key: tuple(found) for key, found in groupby(turns, lambda turn: turn.key)}
    arms: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        arms[row.model, row.mode][row.problem_id].append(row)
    found = []
    for (model, mode), problems in arms.items():
        repeats = min(map(len, problems.values()))
        first = {
            name: sorted(trials, key=lambda row: row.repeat)[:repeats]
            for name, trials in problems.items()
        }
        whole = {
            name: [TrialTurns(row, facts.get(row.key, ())) for row in trials]
            for name, trials in first.items()
            if all(row.outcome.scored for row in trials)
        }
        if (
            any(row.input_tokens + row.output_tokens for of in first.values() for row in of)
            and whole
        ):
            found.append(_Arm(model, mode, repeats, whole, same))
    return found


def _spending(arm: _Arm) -> Spending:
    names = sorted(arm.trials)
    policies = [*_attempts(arm, names), *_votes(arm, names, usual_ks(arm.repeats))]
    trials = arm.repeats * len(names)
    return Spending(
        arm.model,
        arm.mode,
        len(names),
        arm.repeats,
        tuple(policies),
        tuple(estimate(policy.values, trials) for policy in policies),
    )


def _attempts(arm: _Arm, names: Sequence[str]) -> list[Policy]:
    """Return what one trial gives that may make 1, 2, … attempts, but not all it made."""
    if not stored_mode(arm.mode).retries:
        return []
    spent = {name: [_after_attempts(trial) for trial in arm.trials[name]] for name in names}
    most = max(len(after) for trials in spent.values() for after in trials)
    policies = []
    for made in range(1, most):
        reached = {
            name: [after[min(made, len(after)) - 1] if after else (0, False) for after in trials]
            for name, trials in spent.items()
        }
        values = [sum(right for _, right in of) / len(of) for of in reached.values()]
        tokens = [sum(used for used, _ in of) / len(of) for of in reached.values()]
        policies.append(Policy(made, 1, fmean(tokens), tuple(values)))
    return policies


def _after_attempts(trial: TrialTurns) -> list[tuple[int, bool]]:
    """Return the tokens used up to the end of each attempt, and whether it ended right."""
    used = accumulate(turn.input_tokens + turn.output_tokens for turn in trial.turns)
    ends = [total for total, turn in zip(used, trial.turns, strict=True) if turn.attempt]
    return [(total, trial.correct and n == len(ends)) for n, total in enumerate(ends, start=1)]


def _votes(arm: _Arm, names: Sequence[str], ks: Sequence[int]) -> list[Policy]:
    """Return what votes of so many trials give, those left out that are too many to count."""
    rounds = {name: [trial.row for trial in arm.trials[name]] for name in names}
    one = _tokens_of_a_trial(arm, names)
    return [
        Policy(None, k, k * one, tuple(map(float, values)))
        for k, values in vote_chances(rounds, ks, arm.same).items()
    ]


def _tokens_of_a_trial(arm: _Arm, names: Sequence[str]) -> float:
    """Return the mean over problems of the mean over trials."""
    return fmean(
        fmean(trial.row.input_tokens + trial.row.output_tokens for trial in arm.trials[name])
        for name in names
    )


def _at_equal_tokens(a: _Arm, b: _Arm) -> Iterator[EqualTokens]:
    """Yield comparisons at the tokens of one attempt, of one trial of each, and of all repeats."""
    names = sorted(a.trials.keys() & b.trials.keys())
    if not names:
        return
    ladders = [_attempts(arm, names) for arm in (a, b)]
    one = [_tokens_of_a_trial(arm, names) for arm in (a, b)]
    most = min(arm.repeats * tokens for arm, tokens in zip((a, b), one, strict=True))
    budgets = {*one, most, *(ladder[0].tokens for ladder in ladders if ladder)}
    seen = set()
    for tokens in sorted(budgets):
        ours, theirs = (
            _affordable(arm, names, ladder, each, tokens)
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


def _affordable(
    arm: _Arm, names: Sequence[str], ladder: Sequence[Policy], one: float, tokens: float
) -> Policy | None:
    """Return the policy that spends most of these tokens; None where none is so cheap."""
    votes = min(voters(arm.repeats), int(tokens / one + 1e-9))
    if votes:
        return _votes(arm, names, [votes])[0]
    return max(
        (policy for policy in ladder if policy.tokens <= tokens),
        key=lambda policy: policy.tokens,
        default=None,
    )
