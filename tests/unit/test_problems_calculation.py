"""Generated arithmetic: distinct, exact, never divided by zero, the same each time."""

import ast
import re
import time
from fractions import Fraction
from operator import add, mul, sub, truediv

import pytest

from solver.problems import load
from solver.problems.calculation import Options, generate

ALL = generate(Options(steps=tuple(range(21)), per_step=1000, seed=0))


SIGNS = {ast.Add: add, ast.Sub: sub, ast.Mult: mul, ast.Div: truediv, ast.Pow: pow}


def value(question: str) -> Fraction:
    """The value of a question's text, by Python's own order of operations."""
    text = question.partition("$")[2].rstrip("$")
    text = re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"(\1/\2)", text)
    text = text.replace("\\times", "*").replace("\\div", "/").replace("^", "**")
    return reckoned(ast.parse(text, mode="eval").body)


def reckoned(node: ast.AST) -> Fraction:
    if isinstance(node, ast.Constant):
        return Fraction(node.value)
    return SIGNS[type(node.op)](reckoned(node.left), reckoned(node.right))


def test_21000_expressions_are_distinct_and_have_so_many_operations():
    assert len(ALL) == len({problem.question for problem in ALL}) == 21_000
    for problem in ALL[::97]:
        operations = re.findall(r" [-+] |\\times|\\div", problem.question)
        assert problem.domain == f"{len(operations)}_steps"


def test_they_take_less_than_a_minute():
    before = time.process_time()
    generate(Options(steps=tuple(range(21)), per_step=1000, seed=1))
    assert time.process_time() - before < 60


def test_no_value_divides_by_zero_and_each_is_that_of_the_text():
    for problem in ALL[::7]:
        assert value(problem.question) == Fraction(problem.answer), problem.question


def test_the_median_grows_with_the_steps_as_in_the_paper():
    def median(steps):
        sizes = sorted(abs(Fraction(p.answer)) for p in ALL if p.domain == f"{steps}_steps")
        return float(sizes[500])

    assert median(1) < median(5) < median(10) < median(20)


def test_a_seed_gives_the_same_problems_and_another_seed_others():
    few = Options(steps=(3,), per_step=20)
    assert generate(few) == generate(few)
    assert generate(few)[:5] == generate(Options(steps=(3,), per_step=5))
    others = {p.question for p in generate(Options(steps=(3,), per_step=20, seed=1))}
    assert len(others & {p.question for p in generate(few)}) < 3


def test_it_is_a_set_by_name():
    found = load("calculation")
    assert len(found.problems) == 200
    assert {problem.set for problem in found.problems} == {"calculation"}


@pytest.mark.parametrize("steps", [0, 20])
def test_the_first_and_the_last_number_of_steps_work(steps):
    assert len(generate(Options(steps=(steps,), per_step=1000))) == 1000
