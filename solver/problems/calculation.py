"""Generated arithmetic, which no model can have seen: RandomCalculation of arXiv 2507.10532.

An expression of n steps joins, by one of four operations, two expressions of j and n - 1 - j steps,
as the paper's Algorithm 1 and its code do. Its value is that of the text as it reads, in exact
fractions; an expression that divides by zero, which nine of the released ones do, is drawn again.
The prompt's wording is the paper's.
"""

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil

from pydantic import Field

from solver.records import Problem, Record

_Number = tuple[str, Fraction]
_Pools = list[list["Expression"]]

MOST_STEPS = 20
_WORDS = (
    "Evaluate this LaTeX numerical expression step-by-step and give the final value within"
    " \\boxed{}: "
)
_SIGNS = {"+": "+", "-": "-", "*": " \\times ", "/": " \\div "}
_POOL = 600
"""Expressions of each number of steps from which longer ones are made."""


class Options(Record):
    """Which expressions are generated."""

    steps: tuple[int, ...] = (1, 5, 10, 20)
    """Operations in an expression, each from 0 to 20."""
    per_step: int = Field(default=50, ge=1, le=20_000)
    """How many expressions of each."""
    seed: int = Field(default=0, ge=0)


class Expression:
    """One expression: its text, its value, and how it may stand inside another one."""

    __slots__ = ("steps", "terms", "text")

    def __init__(self, text: str, steps: int, terms: Sequence[tuple[int, Fraction]]) -> None:
        self.text = text
        self.steps = steps
        self.terms = tuple(terms)
        """Its summands as the text reads, each a sign and a value."""

    @property
    def value(self) -> Fraction:
        """Return its value."""
        return sum((sign * value for sign, value in self.terms), Fraction(0))


def generate(options: Options) -> tuple[Problem, ...]:
    """Return the problems: `per_step` of each number of steps, all of them different.

    The same options give the same problems on every machine; more of a step only adds at its end.
    """
    problems = []
    for steps in options.steps:
        draw = random.Random(f"calculation {options.seed} {steps}")
        for number, found in enumerate(_distinct(steps, options.per_step, draw)):
            id_ = f"calculation/{options.seed}/{steps}/{number}"
            problems.append(
                Problem(
                    id=id_,
                    question=f"{_WORDS}${found.text}$",
                    answer=str(found.value),
                    domain=f"{steps}_steps",
                    set="calculation",
                )
            )
    return tuple(problems)


def _distinct(steps: int, count: int, draw: random.Random) -> Iterator[Expression]:
    """Yield `count` different expressions of so many steps."""
    pools = _pools(steps, draw)
    seen: set[str] = set()
    if steps == 0:  # there are 1,088 of them, so at most so many are different
        atoms = _atoms()
        draw.shuffle(atoms)
        yield from atoms[:count]
        return
    while len(seen) < count:
        found = _joined(steps, pools, draw)
        if found is not None and found.text not in seen:
            seen.add(found.text)
            yield found


def _pools(steps: int, draw: random.Random) -> _Pools:
    """Return expressions of each number of steps below this one."""
    pools: _Pools = [_atoms()]
    for fewer in range(1, steps):
        pool: list[Expression] = []
        while len(pool) < _POOL:
            if (found := _joined(fewer, pools, draw)) is not None:
                pool.append(found)
        pools.append(pool)
    return pools


def _atoms() -> list[Expression]:
    """Return the paper's 1,088 numbers: integers, fractions, squares and cubes."""
    found: list[_Number] = [(str(n), Fraction(n)) for n in range(100)]
    found += [
        (f"\\frac{{{a}}}{{{b}}}", Fraction(a, b)) for a in range(1, 100) for b in range(2, 10)
    ]
    found += [(f"{a}^{power}", Fraction(a**power)) for a in range(2, 100) for power in (2, 3)]
    return [Expression(text, 0, [(1, value)]) for text, value in found]


def _joined(steps: int, pools: _Pools, draw: random.Random) -> Expression | None:
    """Draw one expression of so many steps; None where it would divide by zero."""
    fewer = draw.randrange(max(1, ceil(steps / 2)))
    left, right = draw.choice(pools[fewer]), draw.choice(pools[steps - 1 - fewer])
    if draw.random() < 0.5:
        left, right = right, left
    operation = draw.choice("+-*/")
    if operation in "+-":  # printed without parentheses, so a - (b + c) reads a - b + c
        sign = 1 if operation == "+" else -1
        (_, first), *rest = right.terms
        terms = [*left.terms, (sign, first), *rest]
        return Expression(f"{left.text} {_SIGNS[operation]} {right.text}", steps, terms)
    if operation == "/" and right.value == 0:
        return None
    value = left.value * right.value if operation == "*" else left.value / right.value
    text = f"{_inside(left)}{_SIGNS[operation]}{_inside(right)}"
    return Expression(text, steps, [(1, value)])


def _inside(part: Expression) -> str:
    """Return the text of a factor, in parentheses where it holds an operation."""
    return f"({part.text})" if part.steps else part.text
