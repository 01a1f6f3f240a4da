"""The sums: complete, graded, and every answer right."""

import pytest

from solver.problems import load

SUMS = load("sums").problems
ANSWERS = {
    "addition": (9 + 6, 12 + 7, 347 + 586),
    "subtraction": (20 - 8, 15 - 4, 1000 - 364),
    "multiplication": (7 * 8, 6 * 5, 48 * 27),
    "division": (36 // 4, 20 // 5, 1512 // 36),
    "powers": (5**2, 4**2, 7**4),
    "remainders": (17 % 5, 10 % 3, 2500 % 37),
    "percentages": (50 * 80 // 100, 10 * 200 // 100, 35 * 240 // 100),
}


def test_each_of_seven_operations_has_three_levels():
    cells = [(operation, level) for operation in ANSWERS for level in (1, 2, 3)]
    assert [(problem.domain, problem.level) for problem in SUMS] == cells
    assert [problem.id for problem in SUMS] == [f"sums/{name}/{level}" for name, level in cells]


@pytest.mark.parametrize("problem", SUMS, ids=lambda problem: problem.id)
def test_the_answer_is_what_python_computes(problem):
    assert int(problem.answer) == ANSWERS[problem.domain][problem.level - 1]
