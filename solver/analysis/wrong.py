"""Group wrong answers by how they differ from the reference, each with examples to look at."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from solver.analysis.numbers import form, plain_number
from solver.analysis.other_judge import together
from solver.analysis.trials import Place, TrialTurns
from solver.records import Outcome, Problem

MOST_EXAMPLES = 100
"""The most examples of a kind that are kept; all are counted."""
_UNITS = frozenset(map(Fraction, (7, 12, 24, 60, 3600)))


@dataclass(frozen=True)
class WrongAnswer:
    """One answer that was judged wrong."""

    place: Place
    question: str
    reference: str
    answer: str
    reason: str
    """The verdict's."""
    theirs: str | None = None
    """What the scorers of the tool say that the trial was imported from."""


@dataclass(frozen=True)
class WrongKind:
    """Wrong answers that differ from their references in the same way."""

    name: str
    trials: int
    problems: int
    examples: tuple[WrongAnswer, ...]
    """At most `MOST_EXAMPLES`, of as many problems as there are."""


def wrong_in(
    trials: Sequence[TrialTurns], problems: Mapping[str, Problem]
) -> tuple[WrongKind, ...]:
    """Group the wrong answers of one model in one mode, the commonest kind first."""
    found: dict[str, list[TrialTurns]] = defaultdict(list)
    for trial in trials:
        if trial.row.outcome is Outcome.WRONG:
            found[kind_of(problems[trial.row.problem_id], trial.row.answer or "")].append(trial)
    kinds = (
        WrongKind(
            name,
            len(alike),
            len({trial.row.problem_id for trial in alike}),
            tuple(_answer(trial, problems) for trial in _spread(alike)[:MOST_EXAMPLES]),
        )
        for name, alike in found.items()
    )
    return tuple(sorted(kinds, key=lambda kind: (-kind.trials, kind.name)))


def _spread(alike: Sequence[TrialTurns]) -> list[TrialTurns]:
    """Order trials so that each problem's first comes before any problem's second."""
    seen: dict[str, int] = defaultdict(int)
    turns = []
    for place, trial in enumerate(alike):
        turns.append((seen[trial.row.problem_id], place, trial))
        seen[trial.row.problem_id] += 1
    return [trial for _, _, trial in sorted(turns, key=lambda turn: turn[:2])]


def _answer(trial: TrialTurns, problems: Mapping[str, Problem]) -> WrongAnswer:
    problem, verdict = problems[trial.row.problem_id], trial.row.verdict
    return WrongAnswer(
        trial.place(trial.row.turns - 1),
        problem.question,
        problem.answer,
        trial.row.answer or "",
        verdict.reason if verdict else "",
        together(trial.said),
    )


def kind_of(problem: Problem, answer: str) -> str:
    """Say how a wrong answer differs from the reference.

    A kind is what a reader would look at first, and not a proof of how the answer came about.
    """
    reference = _value(problem.answer)
    value = _value(answer)
    if reference is not None and value is not None:
        return _between_numbers(reference, value, problem.question)
    wanted, given = (sorted(_NUMBER.findall(str(form(text)))) for text in (problem.answer, answer))
    if given and given == wanted:
        return "the same numbers, arranged differently"
    if given and wanted and (set(given) < set(wanted) or set(given) > set(wanted)):
        return "only a part of it, or more than it"
    return "another expression" if given and wanted else "another kind of answer"


def _between_numbers(reference: Fraction, value: Fraction, question: str) -> str:
    """Say how two unequal numbers differ."""
    for name, holds in _KINDS:
        if holds(reference, value):
            return name
    asked = {_value(number) for number in _NUMBER.findall(question)}
    return "a number of the question" if value in asked else "another number"


def _ratio(reference: Fraction, value: Fraction) -> Fraction:
    """Return the larger magnitude divided by the smaller; 0 where one of them is zero."""
    low, high = sorted((abs(reference), abs(value)))
    return high / low if low else Fraction(0)


def _is_rounded(exact: Fraction, rounded: Fraction) -> bool:
    """Tell whether a number is another one rounded to some decimal, and not to zero."""
    return rounded != 0 and any(round(exact, digits) == rounded for digits in range(13))


def _is_power_of_ten(ratio: Fraction) -> bool:
    """Tell whether a ratio is 10, 100, 1,000 and so on."""
    return ratio.denominator == 1 and re.fullmatch("10+", str(ratio.numerator)) is not None


_KINDS: tuple[tuple[str, Callable[[Fraction, Fraction], bool]], ...] = (
    ("the sign", lambda r, a: a == -r),
    ("off by one", lambda r, a: abs(a - r) == 1 and r.denominator == 1),
    ("rounded, or rounded less", lambda r, a: _is_rounded(r, a) or _is_rounded(a, r)),
    ("the reciprocal", lambda r, a: a * r == 1),
    ("twice or half of it", lambda r, a: _ratio(r, a) == 2),
    ("a power of ten times it", lambda r, a: _is_power_of_ten(_ratio(r, a))),
    ("its square or its root", lambda r, a: a == r * r or r == a * a),
    ("7, 12, 24, 60 or 3,600 times it, as between units", lambda r, a: _ratio(r, a) in _UNITS),
)
"""Tried in this order."""

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WITH_UNIT = re.compile(r"(-?[\d.,/]*\d)(?:\\%|%|(?:\\text|\\mathrm)?\{?[A-Za-z]+\}?(?:\^\d)?)?")


def _value(text: str) -> Fraction | None:
    """Return the number that a text is, a unit after it left out; None where it is none."""
    whole = form(text)
    if isinstance(whole, Fraction):
        return whole
    found = _WITH_UNIT.fullmatch(whole)
    return plain_number(found[1]) if found else None
