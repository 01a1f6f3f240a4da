"""Redraw the numbers of starter problems: text that no model has seen, with an exact answer.

A template names the integers of a problem's question, in order, and computes the answer from them.
Given the numbers of the original it gives the original's answer, which a test checks for each.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from solver.problems.templates.tex import number
from solver.records import Problem

DOMAINS = (
    "algebra", "counting_and_probability", "geometry", "intermediate_algebra", "number_theory",
    "prealgebra", "precalculus",
)  # fmt: skip
_INTEGER = re.compile(r"\d+")
_TRIES = 200_000
"""Draws until numbers fit; the rarest fit once in some thousand."""

Numbers = Mapping[str, int]


@dataclass(frozen=True)
class Template:
    """How to redraw one problem."""

    slots: str
    """A name for each integer of the question, in order; `_` for one that stays, and one name twice
    for one number that stands there twice."""
    answer: Callable[..., Any]
    """Computes the answer from the named numbers: LaTeX text, an integer or a Fraction."""
    fits: Callable[..., bool] = lambda **numbers: True
    """Tells whether numbers make a problem of the same kind."""
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """First and last value of a number, where those near the original's will not do."""
    make: Callable[[random.Random], dict[str, int]] | None = None
    """Draws all numbers at once, where few of those drawn one by one would fit."""

    def given(self, question: str) -> dict[str, int]:
        """Return the numbers of the original question by name."""
        found: dict[str, int] = {}
        for name, text in zip(self.slots.split(), _INTEGER.findall(question), strict=True):
            assert name == "_" or found.setdefault(name, int(text)) == int(text), (name, text)
        found.pop("_", None)
        return found

    def fill(self, question: str, numbers: Numbers) -> str:
        """Return the question with other numbers."""
        names = iter(self.slots.split())
        return _INTEGER.sub(lambda text: str(numbers.get(next(names), text[0])), question)

    def solution(self, numbers: Numbers) -> str:
        """Return the answer for some numbers, in LaTeX."""
        return number(self.answer(**numbers))

    def redraw(self, original: Problem, draw: random.Random) -> Iterator[dict[str, int]]:
        """Yield numbers that fit, each time others, whose answer is not the original's.

        It ends where the numbers are exhausted.
        """
        given = self.given(original.question)
        seen = [given]
        for _ in range(_TRIES):
            numbers = self._drawn(given, draw)
            if numbers in seen or not self.fits(**numbers):
                continue
            answer = self.solution(numbers)
            if answer != original.answer and _kind(answer) == _kind(original.answer):
                seen.append(numbers)
                yield numbers

    def _drawn(self, given: Numbers, draw: random.Random) -> dict[str, int]:
        if self.make is not None:
            return self.make(draw)
        return {name: draw.randint(*self.ranges.get(name, _near(at))) for name, at in given.items()}


def templates() -> dict[str, Template]:
    """Return the templates by the id of their problem."""
    return {
        f"starter/{domain}/{place}": template
        for domain in DOMAINS
        for place, template in import_module(f"{__name__}.{domain}").TEMPLATES.items()
    }


def variants(original: Problem, template: Template, *, seed: int, draws: int) -> Iterator[Problem]:
    """Yield at most `draws` variants of a starter problem, the same ones for the same seed."""
    found = template.redraw(original, random.Random(f"{seed} {original.id}"))
    for turn, numbers in zip(range(draws), found, strict=False):
        yield original.model_copy(
            update={
                "id": f"{original.id}~{seed}" + (f".{turn}" if turn else ""),
                "question": template.fill(original.question, numbers),
                "answer": template.solution(numbers),
                "variant_of": original.id,
                "set": f"{original.set or 'starter'}~{seed}",
                "published": "",
            }
        )


def _near(given: int) -> tuple[int, int]:
    """Return the first and the last value to draw, around the one given."""
    least = min(given, 2)
    return max(least, given - max(3, given // 2)), given + max(4, 2 * given // 3)


def _kind(answer: str) -> str:
    """Return what kind of answer it is: a whole number, a fraction, a decimal, or another form."""
    if re.fullmatch(r"-?\d+", answer):
        return "whole number"
    if re.fullmatch(r"-?\d+\.\d+", answer):
        return "decimal"
    if re.fullmatch(r"-?\\frac\{\d+\}\{\d+\}", answer):
        return "fraction"
    return ", ".join(sign for sign in (r"\sqrt", r"\pi", "x", "i") if sign in answer)
