"""Compare arms pair by pair, over the problems that both tried.

An arm is one model in one mode. Of two arms of a run, the one that its config lists first is a, and
a difference is a minus b. Not here: the statistics of a pair (`solver.stats.paired`), and whether
runs may be compared (`comparable.py`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TypeVar

import numpy as np

from solver.analysis.accuracy import counted as counted_as
from solver.analysis.accuracy import problems_of, several_sets
from solver.analysis.comparable import Run, check_comparable, counted
from solver.analysis.cost import Usage, usage
from solver.analysis.pairing import Right, kept, paired
from solver.errors import ConfigError
from solver.records import Outcome, Problem
from solver.stats.metrics import Count, Estimate, accuracy
from solver.stats.noise import Noise, paired_noise
from solver.stats.paired import Difference, holm, paired_difference, tallies_of
from solver.stats.permutation import Tally
from solver.store import Trials
from solver.store.columns import OUTCOMES, Array

Key = TypeVar("Key", str, int)

MOST_REASONS = 3
"""The most pairs whose reason is in the refusal to compare anything."""


@dataclass(frozen=True)
class Tried:
    """One arm, and how many of its trials count."""

    run: str
    """The run's name."""
    model: str
    mode: str
    trials: int
    scored: int
    errors: int
    """Errors of ours; other unscored trials have an answer without a verdict."""


@dataclass(frozen=True)
class Apart:
    """Two arms that cannot be compared: no problem has a scored trial of both."""

    a: Tried
    b: Tried
    shared: int
    """Problems that both tried."""

    @property
    def why(self) -> str:
        """Say why there is no comparison, with the counts of both sides."""
        if not self.shared:
            return "no problem was tried on both sides"
        return (
            "no repeat of a problem is scored on both sides"
            f" (first: {_counted(self.a)}; second: {_counted(self.b)})"
        )


@dataclass(frozen=True)
class Side(Tried):
    """One arm of a comparison; the counts are of all its trials."""

    accuracy: Estimate
    """Over the trials that are compared."""
    replies: int
    capped: int
    """Replies that hit the token cap."""
    usage: Usage


@dataclass(frozen=True)
class Part:
    """The comparison within one problem set, domain or level."""

    name: str
    difference: Difference
    adjusted: float
    """p-value with Holm's correction over the sets, domains, or levels of this comparison."""


@dataclass(frozen=True)
class Flip:
    """A problem that one side solves far more often: by more than half of the repeats."""

    problem_id: str
    domain: str
    level: int
    a: float
    b: float
    a_outcomes: Mapping[Outcome, int]
    """How a's compared trials of the problem ended, counted; `b_outcomes` is b's."""
    b_outcomes: Mapping[Outcome, int]
    capped: int
    """Those trials of the losing side that the token cap cut."""
    a_key: str
    """The key of a's first trial that won or lost, as a did, to link to; `b_key` is b's."""
    b_key: str

    @property
    def lost(self) -> int:
        """Count the losing side's trials that are not right."""
        lost = self.b_outcomes if self.a > self.b else self.a_outcomes
        return sum(count for outcome, count in lost.items() if outcome is not Outcome.CORRECT)


@dataclass(frozen=True)
class ByScorers:
    """Two arms compared by the verdicts of the tools that they were imported from."""

    scorers: tuple[str, str]
    """The scorer of each side; empty for our judge, on a side that no other tool has scored."""
    a: Estimate
    b: Estimate
    difference: Difference


@dataclass(frozen=True)
class Comparison:
    """Arm a against arm b on the same problems."""

    a: Side
    b: Side
    difference: Difference
    """Accuracy of a minus accuracy of b, over the problems and repeats scored on both sides."""
    adjusted: float
    """p-value after Holm, over all comparisons made together."""
    noise: Noise | None
    """What problems and what repeats add to it; None where a problem has a single repeat."""
    tallies: tuple[Tally, ...]
    """The compared repeats of each problem."""
    of_all: Difference | None
    """The difference over all trials, unscored ones counted as wrong; None if all are scored."""
    left_out: tuple[str, ...]
    """Problems that were tried, but without a scored trial on both sides."""
    sets: tuple[Part, ...]
    """By problem set, where there are several."""
    domains: tuple[Part, ...]
    levels: tuple[Part, ...]
    flips: tuple[Flip, ...]
    """In the order of the problems."""
    by_scorers: tuple[ByScorers, ...]
    """The same comparison by each scorer of another tool; empty for runs of ours."""


def compare_runs(runs: Sequence[Run]) -> tuple[Comparison, ...]:
    """Compare the arms of one run, or of several runs, pair by pair.

    Of a single run, those pairs are compared that share the model or the mode. Of two runs, those
    that share both; if there are none, those that share one of the two; else all pairs. Raises
    ConfigError where the runs' problems or scoring differ, and where there is nothing to compare.
    Pairs that have no problem in common are left out: `apart` names them.
    """
    check_comparable(runs)
    found = [_compared(*pair) for pair in _pairs(runs)]
    compared = [each for each in found if each is not None]
    if not compared:
        raise ConfigError(_nothing_to_compare(runs))
    adjusted = holm([each.difference.p_value for each in compared])
    return tuple(
        Comparison(**{**vars(each), "adjusted": p})
        for each, p in zip(compared, adjusted, strict=True)
    )


def _nothing_to_compare(runs: Sequence[Run]) -> str:
    """Say why no pair of arms can be compared, and what would be needed."""
    if empty := [run.name for run in runs if not len(run.trials)]:
        return f"{', '.join(empty)}: no trial has ended yet"
    needed = "two modes or models with scored trials of the same problems"
    if len(runs) == 1:
        needed += ", or a second run,"
    reasons = "".join(f"; {_pair(each)}: {each.why}" for each in apart(runs)[:MOST_REASONS])
    names = " and ".join(run.name for run in runs)
    return f"{names}: nothing to compare: {needed} are needed{reasons}"


def apart(runs: Sequence[Run]) -> tuple[Apart, ...]:
    """Return the pairs that `compare_runs` leaves out, with what there is of each side.

    Raises ConfigError where the runs' problems or scoring differ.
    """
    check_comparable(runs)
    return tuple(
        Apart(_tried(a), _tried(b), len(problems_of(a.trials) & problems_of(b.trials)))
        for a, b in _pairs(runs)
        if not paired(a.trials, b.trials, _ours(a), _ours(b))[0]
    )


@dataclass(frozen=True)
class _Arm:
    run: Run
    model: str
    mode: str
    trials: Trials


def _arms(run: Run) -> list[_Arm]:
    return [_Arm(run, *found) for found in run.trials.by_arm()]


def _pairs(runs: Sequence[Run]) -> Iterator[tuple[_Arm, _Arm]]:
    return _within(runs[0]) if len(runs) == 1 else _between(runs)


def _within(run: Run) -> Iterator[tuple[_Arm, _Arm]]:
    for a, b in combinations(_arms(run), 2):
        if a.model == b.model or a.mode == b.mode:
            yield a, b


def _between(runs: Sequence[Run]) -> Iterator[tuple[_Arm, _Arm]]:
    for first, second in combinations(runs, 2):
        pairs = list(product(_arms(first), _arms(second)))
        same = [(a, b) for a, b in pairs if a.model == b.model and a.mode == b.mode]
        alike = [(a, b) for a, b in pairs if a.model == b.model or a.mode == b.mode]
        yield from same or alike or pairs


def _compared(a: _Arm, b: _Arm) -> Comparison | None:
    """Compare two arms; None where no problem has a scored trial on both sides."""
    problems = a.run.problems
    ours, theirs = paired(a.trials, b.trials, _ours(a), _ours(b))
    if not ours:
        return None
    right = [arm.trials.correct.astype(np.int8) for arm in (a, b)]
    all_ours, all_theirs = paired(a.trials, b.trials, *right)
    unscored = any(not arm.trials.scored.all() for arm in (a, b))
    unmatched = (problems_of(a.trials) | problems_of(b.trials)) - ours.keys()
    difference = paired_difference(ours, theirs)
    return Comparison(
        a=_side(a, ours),
        b=_side(b, theirs),
        difference=difference,
        adjusted=difference.p_value,
        noise=paired_noise(ours, theirs),
        tallies=tallies_of(ours, theirs),
        of_all=paired_difference(all_ours, all_theirs) if unscored else None,
        left_out=tuple(problem for problem in problems if problem in unmatched),
        sets=_parts(ours, theirs, {name: problems[name].set for name in ours}, str)
        if several_sets(problems.values())
        else (),
        domains=_parts(ours, theirs, {name: problems[name].domain for name in ours}, str),
        levels=_parts(
            ours, theirs, {name: problems[name].level for name in ours}, "level {}".format
        ),
        flips=tuple(_flips(a, b, ours, theirs)),
        by_scorers=tuple(_by_scorers(a, b)),
    )


def _side(arm: _Arm, correct: Mapping[str, Count]) -> Side:
    trials = arm.trials
    return Side(
        **vars(_tried(arm)),
        accuracy=accuracy(correct),
        replies=int(trials.total("turns")),
        capped=int(trials.total("capped")),
        usage=usage(trials),
    )


def _tried(arm: _Arm) -> Tried:
    return Tried(
        arm.run.name,
        arm.model,
        arm.mode,
        trials=len(arm.trials),
        scored=int(arm.trials.scored.sum()),
        errors=int((arm.trials.outcome == OUTCOMES.index(Outcome.ERROR)).sum()),
    )


def _counted(side: Tried) -> str:
    undecided = side.trials - side.scored - side.errors
    errors = f", {counted(side.errors, 'error')} of ours" * (side.errors > 0)
    unread = f", {counted(undecided, 'answer')} without a verdict" * (undecided > 0)
    return f"{side.scored:,} of {side.trials:,} trials scored{errors}{unread}"


def _pair(each: Apart) -> str:
    first, second = (
        " ".join(dict.fromkeys((side.run, side.model, side.mode))) for side in (each.a, each.b)
    )
    return f"{first} − {second}"


def _ours(arm: _Arm) -> Right:
    """Return our own verdicts on the trials."""
    found: Right = np.where(arm.trials.scored, arm.trials.correct, -1).astype(np.int8)
    return found


def _by_scorers(a: _Arm, b: _Arm) -> Iterator[ByScorers]:
    """Compare by the scorers of other tools: by those that both sides have, else by all pairs."""
    first, second = _verdicts(a), _verdicts(b)
    if not first and not second:
        return
    both = [(name, name) for name in first if name in second]
    for one, other in both or product(first or [""], second or [""]):
        right = first[one] if one in first else _ours(a)
        rival = second[other] if other in second else _ours(b)
        ours, theirs = paired(a.trials, b.trials, right, rival)
        if ours:
            difference = paired_difference(ours, theirs)
            yield ByScorers((one, other), accuracy(ours), accuracy(theirs), difference)


def _verdicts(arm: _Arm) -> dict[str, Right]:
    """Return, for each scorer of another tool, its verdicts on single trials, not on several."""
    found: dict[str, Right] = {}
    for place, key in enumerate(arm.trials.keys()) if arm.run.said else ():
        for theirs in arm.run.said.get(key, ()):
            if not theirs.whole and theirs.value in (0, 1):
                none = np.full(len(arm.trials), -1, dtype=np.int8)
                found.setdefault(theirs.name, none)[place] = theirs.value
    return found


def _parts(
    a: Mapping[str, Count],
    b: Mapping[str, Count],
    part_of: Mapping[str, Key],
    name: Callable[[Key], str],
) -> tuple[Part, ...]:
    members: dict[Key, list[str]] = defaultdict(list)
    for problem_id, part in part_of.items():
        members[part].append(problem_id)
    names = sorted(members)
    found = [
        paired_difference({p: a[p] for p in members[part]}, {p: b[p] for p in members[part]})
        for part in names
    ]
    adjusted = holm([difference.p_value for difference in found])
    return tuple(
        Part(name(part), difference, p)
        for part, difference, p in zip(names, found, adjusted, strict=True)
    )


def _flips(
    a: _Arm, b: _Arm, ours: Mapping[str, Count], theirs: Mapping[str, Count]
) -> Iterator[Flip]:
    """Yield the problems whose counted trials differ by more than half."""
    both = kept(a.trials, b.trials, _ours(a), _ours(b))
    of_a, of_b = (_by_problem(arm.trials, among) for arm, among in zip((a, b), both, strict=True))
    for name, problem in a.run.problems.items():
        if name in ours:
            rates = ours[name].c / ours[name].n, theirs[name].c / theirs[name].n
            if abs(rates[0] - rates[1]) > 0.5:
                yield _flip(problem, (a.trials[of_a[name]], b.trials[of_b[name]]), rates)


def _flip(problem: Problem, sides: tuple[Trials, Trials], rates: tuple[float, float]) -> Flip:
    a_won = rates[0] > rates[1]
    lost = sides[1] if a_won else sides[0]
    cut = lost.outcome == OUTCOMES.index(Outcome.TRUNCATED)
    outcomes = [counted_as(side.outcome, OUTCOMES) for side in sides]
    first = [
        side.key_of(int(np.argmax(side.correct == won)))
        for side, won in zip(sides, (a_won, not a_won), strict=True)
    ]
    return Flip(
        problem_id=problem.id,
        domain=problem.domain,
        level=problem.level,
        a=rates[0],
        b=rates[1],
        a_outcomes=outcomes[0],
        b_outcomes=outcomes[1],
        capped=int((cut & (lost.numbers["capped"] > 0)).sum()),
        a_key=first[0],
        b_key=first[1],
    )


def _by_problem(trials: Trials, among: Array) -> dict[str, Array]:
    """Return where the chosen trials of each problem are, in the order of the repeats."""
    places = np.flatnonzero(among)
    places = places[np.lexsort((trials.repeat[places], trials.problem[places]))]
    codes = trials.problem[places]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    groups = np.split(places, starts[1:]) if places.size else []
    return {trials.problems[trials.problem[group[0]]]: group for group in groups}
