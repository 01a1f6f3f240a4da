"""Group wrong answers by how they differ from the reference, each with examples to look at."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from judge.logs.records import Theirs
from solver.analysis.numbers import form, plain_number
from solver.analysis.other_judge import together
from solver.analysis.trials import Place, ReadVerdicts, place_of
from solver.records import Outcome, Problem
from solver.store import Trials
from solver.store.columns import OUTCOMES, Array

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
    trials: Trials,
    problems: Mapping[str, Problem],
    read_verdicts: ReadVerdicts,
    said: Mapping[str, Sequence[Theirs]],
) -> tuple[WrongKind, ...]:
    """Group the wrong answers of one model in one mode, the commonest kind first."""
    wrong = np.flatnonzero(trials.outcome == OUTCOMES.index(Outcome.WRONG))
    size = len(trials.answers) + 1
    packed = trials.problem[wrong].astype(np.int64) * size + trials.answer[wrong] + 1
    answers, places = np.unique(packed, return_inverse=True)
    kinds: dict[str, int] = {}
    kind_of_answer = np.zeros(answers.size, dtype=np.int64)
    for place, code in enumerate(answers.tolist()):
        problem = problems[trials.problems[code // size]]
        answer = trials.answers[code % size - 1] if code % size else ""
        kind_of_answer[place] = kinds.setdefault(kind_of(problem, answer), len(kinds))
    kind = kind_of_answer[places]
    found = []
    for name, number in kinds.items():
        alike = wrong[kind == number]
        examples = _spread(alike, trials.problem[alike])[:MOST_EXAMPLES].tolist()
        found.append(
            WrongKind(
                name,
                alike.size,
                np.unique(trials.problem[alike]).size,
                tuple(_answer(trials, each, problems, read_verdicts, said) for each in examples),
            )
        )
    return tuple(sorted(found, key=lambda kind: (-kind.trials, kind.name)))


def _spread(alike: Array, problem: Array) -> Array:
    """Order trials so that each problem's first comes before any problem's second."""
    order = np.argsort(problem, kind="stable")
    counts = np.unique(problem, return_counts=True)[1]
    rank = np.empty(alike.size, dtype=np.int64)
    rank[order] = np.arange(alike.size) - np.repeat(np.cumsum(counts) - counts, counts)
    return alike[np.argsort(rank, kind="stable")]


def _answer(
    trials: Trials,
    trial: int,
    problems: Mapping[str, Problem],
    read_verdicts: ReadVerdicts,
    said: Mapping[str, Sequence[Theirs]],
) -> WrongAnswer:
    place = place_of(trials, trial, int(trials.numbers["turns"][trial]) - 1)
    problem, verdicts = problems[place.problem_id], read_verdicts(place.key)
    code = trials.answer[trial]
    return WrongAnswer(
        place,
        problem.question,
        problem.answer,
        trials.answers[code] if code >= 0 else "",
        verdicts[-1][1].reason if verdicts else "",
        together(said.get(place.key, ())),
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
