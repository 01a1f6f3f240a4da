"""Several problem sets in one run: joined, told apart, drawn from in turn."""

import json
from collections import Counter

import pytest

from solver.errors import ConfigError
from solver.problems import load, load_sets, select
from solver.records import Problem
from solver.run.start import copies_of
from tests.fakes import config_of


def written(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def rows(word, count):
    return [{"id": str(n), "question": f"{word} {n}?", "answer": str(n)} for n in range(count)]


def test_a_problem_knows_its_set_and_when_it_was_published(tmp_path):
    row = {"question": "1 + 1?", "answer": "2", "published": "2026-02"}
    (found,) = load(written(tmp_path / "mine.jsonl", row)).problems
    assert (found.set, found.published) == ("mine", "2026-02")


def test_a_date_that_is_none_is_refused_with_its_line(tmp_path):
    row = {"question": "1 + 1?", "answer": "2", "published": "last May"}
    with pytest.raises(ConfigError, match=r"mine.jsonl:1: published 'last May' should be like"):
        load(written(tmp_path / "mine.jsonl", row))


def test_set_and_date_are_no_part_of_a_problems_hash():
    bare = Problem(id="1", question="1 + 1?", answer="2")
    assert bare.hash == bare.model_copy(update={"set": "mine", "published": "2026"}).hash


def test_ids_that_two_sets_share_are_told_apart(tmp_path):
    names = [written(tmp_path / f"{word}.jsonl", *rows(word, 2)) for word in ("a", "b")]
    joined = load_sets(names)
    assert [problem.id for problem in joined.problems] == ["0", "1", "b/0", "b/1"]
    assert joined.name == "a + b"
    assert [each["problems"] for each in joined.facts["source"]["sets"]] == [2, 2]


def test_a_question_that_two_sets_share_is_refused(tmp_path):
    names = [written(tmp_path / f"{word}.jsonl", *rows("same", 2)) for word in ("a", "b")]
    with pytest.raises(ConfigError, match=r"2 questions of b are in a as well, the first 0 as 0"):
        load_sets(names)


def test_a_limit_takes_from_every_set_in_turn(tmp_path):
    names = [written(tmp_path / f"{w}.jsonl", *rows(w, n)) for w, n in (("a", 20), ("b", 3))]
    drawn = select(load_sets(names).problems, limit=10)
    assert Counter(problem.set for problem in drawn) == {"a": 7, "b": 3}
    assert select(load_sets(names).problems, limit=4) == drawn[:4]


def test_one_set_is_drawn_from_as_before():
    starter = load("starter").problems
    alone = [problem.model_copy(update={"set": ""}) for problem in starter]
    assert [p.id for p in select(starter, limit=20)] == [p.id for p in select(alone, limit=20)]


@pytest.mark.parametrize(
    ("given", "sets"),
    [("starter", ("starter",)), ("a.csv,starter", ("a.csv", "starter")), (["x"], ("x",))],
)
def test_problems_names_one_set_or_several(given, sets):
    config = config_of(problems=given)
    assert config.sets == sets
    assert isinstance(config.problems, str) == (len(sets) == 1)


def test_a_copy_of_one_of_several_sets_is_given_by_name():
    several = config_of(problems="math500,gsm8k", problems_file={"gsm8k": "copy.jsonl"})
    assert copies_of(several) == {"gsm8k": "copy.jsonl"}
    with pytest.raises(ConfigError, match="say whose copy it is"):
        copies_of(config_of(problems="math500,gsm8k", problems_file="copy.jsonl"))


def test_a_copy_of_a_set_that_does_not_run_is_refused():
    with pytest.raises(ConfigError, match="'gsm8k' is not among the problems starter"):
        load_sets(["starter"], {"gsm8k": "copy.jsonl"})
