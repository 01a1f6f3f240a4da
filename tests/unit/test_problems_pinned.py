"""The sets known by name: the same problems from whatever file, and no other."""

import csv
import gzip
import json
from collections import Counter

import pytest

from solver.errors import ConfigError
from solver.problems import load
from solver.problems.files import Row
from solver.problems.pinned import (
    Pinned,
    check,
    draw_math945,
    pinned_gsm8k,
    pinned_math,
    subset,
    text_hash,
)
from solver.records import Problem
from tests.needs import shared_data

QUESTION, ANSWER = "What is 1 + 1?", "2"
PINNED = (Pinned("set/1", "algebra", 2, text_hash(QUESTION), text_hash(ANSWER)),)


def rows(question: str = QUESTION, answer: str = ANSWER) -> list[Row]:
    other = Problem(id="x", question="Another?", answer="3")
    return [Row(other, 1), Row(Problem(id="y", question=question, answer=answer), 2)]


def test_a_pinned_problem_gets_its_id_domain_and_level():
    (found,) = check(rows(), PINNED, name="set", place="copy.jsonl")
    expected = Problem(id="set/1", question="What is 1 + 1?", answer="2", domain="algebra", level=2)
    assert found == expected


def test_an_edited_question_is_refused():
    with pytest.raises(ConfigError, match=r"not the pinned set: 1 of its 1 questions .* set/1"):
        check(rows(question="What is 1 + 2?"), PINNED, name="set", place="copy.jsonl")


def test_an_edited_answer_is_refused_with_its_line():
    with pytest.raises(
        ConfigError, match=r"^copy.jsonl:2: not the pinned set: the answer to set/1"
    ):
        check(rows(answer="3"), PINNED, name="set", place="copy.jsonl")


def test_math945_holds_27_of_each_domain_and_level():
    cells = Counter((entry.domain, entry.level) for entry in subset(pinned_math(), "math945"))
    assert len(cells) == 35
    assert set(cells.values()) == {27}


def test_math945_is_what_its_seed_draws():
    assert tuple(entry.id for entry in subset(pinned_math(), "math945")) == draw_math945()


def test_no_question_is_pinned_twice():
    for pinned, count in ((pinned_math(), 5000), (pinned_gsm8k(), 1319)):
        assert len({entry.question_hash for entry in pinned}) == count
        assert len({entry.id for entry in pinned}) == count


@pytest.mark.parametrize(
    ("name", "file", "count"),
    [
        ("math", "math_test", 5000),
        ("math500", "math500", 500),
        ("math500", "math_test", 500),
        ("math945", "math_test", 945),
        ("gsm8k", "gsm8k_test", 1319),
    ],
)
def test_a_local_copy_gives_the_pinned_set(name, file, count):
    loaded = load(name, file=shared_data(f"{file}.jsonl"))
    assert len(loaded.problems) == count
    assert loaded.name == name
    assert loaded.source["kind"] == "file"


def test_the_set_is_the_same_from_whichever_file():
    small = load("math500", file=shared_data("math500.jsonl"))
    assert small.hash == load("math500", file=shared_data("math_test.jsonl")).hash


def test_a_copy_that_lacks_problems_is_refused():
    with pytest.raises(ConfigError, match="4500 of its 5000 questions are not there or differ"):
        load("math", file=shared_data("math500.jsonl"))


def test_a_copy_without_ids_and_answers_is_recognised(tmp_path):
    """As the hub has it: no id, no answer, the level in words."""
    lines = shared_data("math500.jsonl").read_text(encoding="utf-8").splitlines()
    path = tmp_path / "copy.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for row in map(json.loads, lines):
            kept = {key: row[key] for key in ("problem", "solution")}
            placed = {"type": row["subject"], "level": f"Level {row['level']}"}
            file.write(json.dumps({**kept, **placed}) + "\n")
    assert (
        load("math500", file=path).hash == load("math500", file=shared_data("math500.jsonl")).hash
    )


def test_the_shipped_hashes_are_those_of_the_published_manifest():
    with gzip.open(shared_data("math_manifest.csv.gz"), "rt", encoding="utf-8") as file:
        published = {row["id"].removesuffix(".json"): row for row in csv.DictReader(file)}
    assert sum(id.startswith("test/") for id in published) == len(pinned_math())
    for entry in pinned_math():
        row = published[entry.id]
        assert row["sha256_problem"].startswith(entry.question_hash)
        assert (row["level"], row["subject"].lower()) == (
            str(entry.level),
            entry.domain.replace("_", " ").replace("and", "&"),
        )
