"""Templates of the starter set: each gives its reference back, and other sound problems."""

from itertools import islice
from random import Random

import pytest

from judge import Relation, compare
from solver.errors import ConfigError
from solver.problems import load, starter_variants
from solver.problems.templates import templates, variants

STARTER = {problem.id: problem for problem in load("starter").problems}
TEMPLATES = templates()
VARIANTS = {
    name: list(variants(STARTER[name], template, seed=7, draws=4))
    for name, template in TEMPLATES.items()
}


def test_at_least_90_of_the_problems_have_one():
    assert len(TEMPLATES) >= 90
    assert set(TEMPLATES) <= set(STARTER)


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_original_numbers_give_the_original_problem(name):
    problem, template = STARTER[name], TEMPLATES[name]
    given = template.given(problem.question)
    assert template.fill(problem.question, given) == problem.question
    assert template.solution(given) == problem.answer
    assert template.fits(**given)


@pytest.mark.parametrize("name", TEMPLATES)
def test_four_draws_give_four_other_questions_and_answers_that_can_be_judged(name):
    found = VARIANTS[name]
    assert len({p.question for p in found} | {STARTER[name].question}) == 5
    for variant in found:
        assert variant.variant_of == name
        assert variant.answer != STARTER[name].answer
        assert compare(variant.answer, variant.answer).relation is Relation.EQUAL
        assert variant.question.count("$") % 2 == 0
        assert "<" not in variant.answer


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_variant_is_no_other_problem_of_the_set(name):
    assert not {p.question for p in VARIANTS[name]} & {p.question for p in STARTER.values()}


def test_the_same_seed_draws_the_same_and_more_draws_only_add():
    one, four = starter_variants(7), starter_variants(7, 4)
    assert one.problems == load("starter~7").problems or {p.id for p in one.problems} == {
        p.id for p in load("starter~7").problems
    }
    assert {p.id: p.question for p in one.problems}.items() <= {
        p.id: p.question for p in four.problems
    }.items()
    assert one.hash != starter_variants(8).hash


def test_a_set_without_a_number_as_its_seed_is_refused():
    with pytest.raises(ConfigError, match="starter~7"):
        load("starter~x")


def test_numbers_that_stay_are_kept():
    name = "starter/algebra/1/1"
    template = TEMPLATES[name]
    numbers = next(islice(template.redraw(STARTER[name], Random(0)), 1))
    assert set(numbers) == {"a", "b", "c", "d"}
