"""Two programs have one normal form exactly where they differ only in form."""

import pytest

from solver.bridges.normal_form import normal_form

PROGRAM = """
def count(limit):
    total = 0
    for k in range(limit):
        total += k % 3 == 0
    return total
print(count(10))
"""


@pytest.mark.parametrize(
    "other",
    [
        PROGRAM.replace("total", "hits").replace("k", "number").replace("limit", "n"),
        PROGRAM.replace("count", "solve"),
        PROGRAM.replace("    total = 0", '    """Count them."""\n    total = 0  # so far'),
        PROGRAM.replace("k % 3 == 0", "(k%3==0)").replace("\n    return", "\n\n\n    return"),
        "# a remark\n" + PROGRAM,
    ],
)
def test_comments_formatting_docstrings_and_own_names_do_not_matter(other):
    assert normal_form(other) == normal_form(PROGRAM)


@pytest.mark.parametrize(
    "other",
    [
        PROGRAM.replace("10", "11"),
        PROGRAM.replace("%", "//"),
        PROGRAM.replace("range", "sorted"),
        PROGRAM.replace("total += k", "total += limit"),
        PROGRAM.replace("total = 0", "limit = 0"),
    ],
)
def test_what_a_program_does_matters(other):
    assert normal_form(other) != normal_form(PROGRAM)


def test_names_of_others_are_kept_and_own_names_of_imports_are_not():
    one = normal_form("import sympy as sp\nx = sp.Symbol('x')\nprint(x)")
    assert one == normal_form("import sympy as s\ny = s.Symbol('x')\nprint(y)")
    assert one != normal_form("import numpy as sp\nx = sp.Symbol('x')\nprint(x)")


def test_hostile_programs_have_a_form_too():
    for program in ("(" * 5_000, "-" * 100_000 + "1", "x = '\\d'", "\x00", "print(", "1" * 10_000):
        assert normal_form(program) != ""
