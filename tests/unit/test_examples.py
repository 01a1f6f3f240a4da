"""The worked examples shown before a problem: right, and no part of what is measured."""

import subprocess
import sys

import pytest

from judge import Relation, compare, extract_answer, extract_output
from sandbox.screen import screen
from solver.modes._chat import worked_examples
from solver.problems import load

EXAMPLES = worked_examples()


def test_there_are_four():
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_program_prints_what_the_reasoning_boxes(example):
    printed = subprocess.run(
        [sys.executable, "-c", example.program], check=True, capture_output=True, text=True
    ).stdout
    assert printed == f"{example.output}\n"
    boxed = extract_answer(example.reasoning).answer
    assert boxed is not None
    answer = extract_output(printed).answer
    assert answer is not None
    assert compare(boxed, answer).relation is Relation.EQUAL


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_reasoning_ends_with_its_only_box(example):
    assert example.reasoning.count(r"\boxed{") == 1
    assert example.reasoning.splitlines()[-1].startswith(r"The answer is \boxed{")


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_screen_has_no_word_against_the_program(example):
    assert screen(example.program) == ()


def test_no_example_is_a_problem_of_the_starter_set():
    questions = {problem.question for problem in load("starter").problems}
    assert not questions & {example.question for example in EXAMPLES}
