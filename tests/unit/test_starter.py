"""The starter set: complete, graded, in its own words, and every answer right."""

import json
import re
from collections import Counter

import pytest
import sympy as sp
from sympy.parsing.sympy_parser import (
    implicit_multiplication,
    parse_expr,
    standard_transformations,
)

from judge import Relation, compare
from solver.problems import load
from tests.needs import shared_data
from tests.unit.starter_answers import ANSWERS

STARTER = load("starter").problems
DOMAINS = {
    "algebra",
    "counting_and_probability",
    "geometry",
    "intermediate_algebra",
    "number_theory",
    "prealgebra",
    "precalculus",
}


def test_three_problems_stand_in_each_of_the_35_cells():
    cells = Counter((problem.domain, problem.level) for problem in STARTER)
    assert cells == {(domain, level): 3 for domain in DOMAINS for level in range(1, 6)}


def test_ids_name_domain_level_and_number():
    pattern = [f"starter/{p.domain}/{p.level}/{i % 3 + 1}" for i, p in enumerate(STARTER)]
    assert [problem.id for problem in STARTER] == pattern


def test_every_answer_has_a_program_that_finds_it():
    assert set(ANSWERS) == {problem.id for problem in STARTER}


@pytest.mark.parametrize("problem", STARTER, ids=lambda problem: problem.id)
def test_the_answer_is_what_a_program_finds(problem):
    found = ANSWERS[problem.id]()
    assert same(written(problem.answer, like=found), found)


@pytest.mark.parametrize("problem", STARTER, ids=lambda problem: problem.id)
def test_the_judge_finds_the_answer_equal_to_itself(problem):
    assert compare(problem.answer, problem.answer).relation is Relation.EQUAL


@pytest.mark.parametrize("problem", STARTER, ids=lambda problem: problem.id)
def test_the_judge_accepts_the_answer_as_python_prints_it(problem):
    found = ANSWERS[problem.id]()
    assert compare(problem.answer, printed(found)).relation is Relation.EQUAL


@pytest.mark.parametrize("problem", STARTER, ids=lambda problem: problem.id)
def test_the_latex_is_closed(problem):
    for text in (problem.question, problem.answer):
        assert text.count("$") % 2 == 0
        assert text.count("{") == text.count("}")
        assert text.count(r"\[") == text.count(r"\]")
        assert text.count(r"\left") == text.count(r"\right")


@pytest.mark.parametrize("file", ["math_test.jsonl", "gsm8k_test.jsonl"])
def test_no_question_borrows_ten_words_in_a_row(file):
    rows = map(json.loads, shared_data(file).read_text(encoding="utf-8").splitlines())
    published = {phrase for row in rows for phrase in phrases(row["problem"])}
    borrowed = {p.id: phrases(p.question) & published for p in STARTER}
    assert not {id: found for id, found in borrowed.items() if found}


def phrases(text: str, length: int = 10) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z]+|\d+", text.lower())
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def written(answer: str, *, like: object) -> object:
    """The value of an answer in the starter's own LaTeX, read as the kind of thing `like` is."""
    answer = answer.replace(r"\left", "").replace(r"\right", "")
    match like:
        case sp.Interval():
            low, high = split(answer[1:-1])
            return sp.Interval(number(low), number(high), answer[0] == "(", answer[-1] == ")")
        case sp.MatrixBase():
            body = answer.removeprefix(r"\begin{pmatrix}").removesuffix(r"\end{pmatrix}")
            return sp.Matrix([[number(c) for c in row.split("&")] for row in body.split(r"\\")])
        case tuple():
            return tuple(number(part) for part in split(answer[1:-1]))
        case list():
            parts = split(answer.removeprefix(r"\{").removesuffix(r"\}"))
            return [written(part, like=like[0]) for part in parts]
        case _:
            return number(answer)


def same(one: object, other: object) -> bool:
    match one, other:
        case list(), list():
            return len(one) == len(other) and all(any(same(p, q) for q in other) for p in one)
        case tuple(), tuple():
            return len(one) == len(other) and all(map(same, one, other))
        case sp.Interval(), sp.Interval():
            ends_alike = (one.left_open, one.right_open) == (other.left_open, other.right_open)
            return ends_alike and same([one.start, one.end], [other.start, other.end])
        case sp.MatrixBase(), sp.MatrixBase():
            return one == other
        case _:
            return bool(sp.simplify(sp.sympify(one) - sp.sympify(other)) == 0)


def printed(found: object) -> str:
    """What a program that found it would print."""
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def number(latex: str) -> sp.Expr:
    text = re.sub(r"\\frac\{(.*?)\}\{(.*?)\}(?!\})", r"((\1)/(\2))", latex)
    text = re.sub(r"\\sqrt\{(.*?)\}", r" sqrt(\1)", text)
    text = text.replace(r"\pi", " pi").replace("^", "**")
    text = re.sub(r"(?<![a-z])i(?![a-z])", " I", text)
    return parse_expr(
        text, transformations=(*standard_transformations, implicit_multiplication), evaluate=True
    )


def split(text: str) -> list[str]:
    """At the commas outside all brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
