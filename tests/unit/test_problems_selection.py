"""Choosing problems: balanced, repeatable, and a larger choice holds the smaller."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.errors import ConfigError
from solver.problems import load, select
from solver.records import Problem

STARTER = load("starter").problems


def problem(number: int, domain: str = "algebra", level: int = 1) -> Problem:
    return Problem(id=f"p/{number}", question=f"{number}?", answer="1", domain=domain, level=level)


def cell(problem: Problem) -> tuple[str, int]:
    return problem.domain, problem.level


problems_of_any_shape = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=40
).map(lambda cells: [problem(i, domain, level) for i, (domain, level) in enumerate(cells)])


def test_35_of_the_starter_set_are_one_of_each_cell():
    assert set(Counter(map(cell, select(STARTER, limit=35))).values()) == {1}
    assert len(select(STARTER, limit=35)) == 35


def test_7_of_the_starter_set_are_one_of_each_domain_over_all_levels():
    chosen = select(STARTER, limit=7)
    assert len({p.domain for p in chosen}) == 7
    assert {p.level for p in chosen} == {1, 2, 3, 4, 5}


@given(problems_of_any_shape, st.integers(1, 40), st.integers(1, 40))
def test_a_larger_limit_only_adds(problems, one, other):
    small, large = sorted([one, other])
    assert select(problems, limit=large)[:small] == select(problems, limit=small)


@given(problems_of_any_shape, st.integers(1, 40))
def test_no_cell_is_two_ahead_of_one_that_has_more_to_give(problems, limit):
    available = Counter(map(cell, problems))
    chosen = Counter(map(cell, select(problems, limit=limit)))
    spare = [chosen[key] for key in available if chosen[key] < available[key]]
    assert max(chosen.values(), default=0) <= min(spare, default=len(problems)) + 1


@given(problems_of_any_shape, st.integers(0, 2**32), st.randoms())
def test_the_order_of_the_file_does_not_matter(problems, seed, random):
    shuffled = random.sample(problems, len(problems))
    assert select(shuffled, limit=5, seed=seed) == select(problems, limit=5, seed=seed)


@given(problems_of_any_shape)
def test_without_a_limit_every_problem_is_chosen_once(problems):
    assert sorted(p.id for p in select(problems)) == sorted(p.id for p in problems)


@given(problems_of_any_shape, st.integers(1, 4))
def test_per_cell_is_kept(problems, per_cell):
    chosen = Counter(map(cell, select(problems, per_cell=per_cell)))
    available = Counter(map(cell, problems))
    assert chosen == {key: min(count, per_cell) for key, count in available.items()}


def test_another_seed_draws_others():
    problems = [problem(i) for i in range(100)]
    assert select(problems, limit=10, seed=1) != select(problems, limit=10, seed=2)


def test_the_draw_never_changes_between_versions():
    drawn = [p.id for p in select([problem(i) for i in range(100)], limit=5)]
    assert drawn == ["p/36", "p/22", "p/92", "p/76", "p/26"]


def test_domains_and_levels_are_kept_apart():
    chosen = select(STARTER, domains=["algebra", "geometry"], levels=[4, 5])
    assert {cell(p) for p in chosen} == {(d, n) for d in ("algebra", "geometry") for n in (4, 5)}
    assert len(chosen) == 12


def test_an_unknown_domain_gets_a_suggestion():
    with pytest.raises(ConfigError, match=r"no problem has 'algebr'\. Did you mean 'algebra'\?"):
        select(STARTER, domains=["algebr"])


def test_an_unknown_level_is_refused():
    with pytest.raises(ConfigError, match="levels: no problem has '6'"):
        select(STARTER, levels=[6])
