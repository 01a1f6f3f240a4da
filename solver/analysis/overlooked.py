"""Find answers in failed trials that look right but were not extracted."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from solver.analysis.accuracy import problems_of
from solver.analysis.numbers import form
from solver.analysis.trials import Place, ReadTexts, place_of
from solver.records import Outcome, Problem
from solver.store import Texts, Trials
from solver.store.columns import OUTCOMES

MOST_LISTED = 100
"""The most examples that are kept; all are counted."""


@dataclass(frozen=True)
class Example:
    """An answer that looks right and was not the one extracted."""

    place: Place
    outcome: Outcome
    where: str
    """`printed`, `boxed` or `at the end`."""
    answer: str


@dataclass(frozen=True)
class Overlooked:
    """Trials of one model in one mode that may be right although they were not counted so."""

    trials: int
    """The number of trials with such an answer."""
    examples: tuple[Example, ...]
    """At most `MOST_LISTED` of them."""


def overlooked_in(
    trials: Trials, problems: Mapping[str, Problem], read_texts: ReadTexts
) -> Overlooked:
    """Look for the reference in the last replies of trials that gave a wrong answer or none."""
    turns = trials.numbers["turns"]
    failed = np.flatnonzero((turns > 0) & trials.scored & ~trials.correct)
    last = trials.turns.number[trials.first[failed] + turns[failed] - 1]
    references = {name: form(problems[name].answer) for name in problems_of(trials)}
    found: list[Example] = []
    count = 0
    places = (
        (trials.key_of(t), number) for t, number in zip(failed.tolist(), last.tolist(), strict=True)
    )
    for text, trial in zip(read_texts(places), failed.tolist(), strict=False):
        reference = references[trials.problems[trials.problem[trial]]]
        code = trials.answer[trial]
        given = trials.answers[code] if code >= 0 else None
        right = (
            Example(
                place_of(trials, trial, text.number),
                OUTCOMES[trials.outcome[trial]],
                where,
                answer,
            )
            for where, answer in candidates(text)
            if answer != given and form(answer) == reference
        )
        if (example := next(right, None)) is not None:
            count += 1
            if len(found) < MOST_LISTED:
                found.append(example)
    return Overlooked(count, tuple(found))


def candidates(text: Texts) -> Iterator[tuple[str, str]]:
    """Yield each text that a reader might take for the answer, after the place where it was found.

    These are the lines of a short output, the contents of every box, and what follows the last "=",
    ":" or "is" near the end. The lines of a long output are not used: among a hundred numbers, one
    may be right by chance.
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
    """Return what follows the last sign or word that announces a result; else the whole line."""
    starts = (line.rfind(mark) + len(mark) for mark in _MARKS if mark in line)
    return line[max(starts, default=0) :].strip()


_MARKS = ("=", ":", "≈", " is ")
