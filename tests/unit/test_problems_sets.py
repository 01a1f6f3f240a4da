"""Several problem sets in one run: joined, told apart, drawn from in turn."""

import json
from collections import Counter

import pytest

from solver.errors import ConfigError
from solver.problems import load, load_sets, select
from solver.problems.known import known, known_sets
from solver.problems.pinned import pinned_set
from solver.records import Problem
from solver.run.start import copies_of
from tests.fakes import config_of
from tests.needs import shared_data


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


# --- sets by name ------------------------------------------------------------------------------

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_every_known_set_says_what_it_is():
    for name, known_set in known_sets().items():
        assert known_set.about, name
        assert known_set.problems, name
        if known_set.check != "shipped":
            assert known_set.published, name
        if known_set.revision is not None:
            assert len(known_set.revision) == 40, name
            assert known_set.files, name


@pytest.mark.parametrize("name", [n for n, s in known_sets().items() if s.check == "hashes"])
def test_the_hashes_of_a_set_are_as_many_as_its_problems(name):
    assert len(pinned_set(name)) == known_sets()[name].problems


@pytest.mark.parametrize(
    ("name", "file", "count"),
    [
        ("aime2024", "aime2024", 30),
        ("livemathbench_202412", "livemathbench_202412_en", 119),
        ("livemathbench_202505", "livemathbench_202505_en_100", 99),
        ("math500_l5", "math500", 134),
    ],
)
def test_a_local_copy_of_a_contest_is_checked_by_hashes(name, file, count):
    loaded = load(name, file=shared_data(f"{file}.jsonl"))
    assert len(loaded.problems) == count
    assert {problem.set for problem in loaded.problems} == {name}
    assert {problem.published for problem in loaded.problems} == {known_sets()[name].published}


def test_zeros_before_an_answer_of_aime_do_not_count(tmp_path):
    copy = tmp_path / "copy.jsonl"
    rows = [json.loads(line) for line in shared_data("aime2024.jsonl").open(encoding="utf-8")]
    written(copy, *(row | {"answer": row["answer"].zfill(3)} for row in rows))
    assert (
        load("aime2024", file=copy).hash
        == load("aime2024", file=shared_data("aime2024.jsonl")).hash
    )


def contest(count, **more):
    return [
        {"problem_idx": n, "problem": f"Find {n}.", "answer": str(n), "problem_type": ["Algebra"]}
        | more
        for n in range(1, count + 1)
    ]


def test_a_contest_without_hashes_is_checked_by_its_rows(tmp_path):
    copy = written(tmp_path / "copy.jsonl", *contest(30))
    found = load("hmmt_feb_2025", file=copy)
    first = found.problems[0]
    assert (first.id, first.domain, first.published) == ("hmmt_feb_2025/1", "algebra", "2025-02")
    assert found.facts["source"]["rows"] == 30


@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [
        ("hmmt_feb_2025", contest(29), "29 rows, and it has 30"),
        ("hmmt_feb_2025", contest(30, answer=None), "30 of 30 rows are no problems"),
        ("aime2026", contest(30, answer="one"), "its answers are integers, and this one is 'one'"),
        ("aime2026", contest(30, answer="0\N{SUPERSCRIPT TWO}"), "its answers are integers, and"),
    ],
)
def test_a_copy_that_is_not_the_published_set_is_refused(tmp_path, name, rows, expected):
    copy = written(tmp_path / "copy.jsonl", *rows)
    with pytest.raises(ConfigError, match=expected):
        load(name, file=copy)


def test_an_answer_of_aime_2025_may_be_in_degrees(tmp_path):
    rows = [{"question": f"Find {n}.", "answer": str(n)} for n in range(1, 30)]
    rows.append({"question": "Find the angle.", "answer": r"336^\circ"})
    found = load("aime2025", file=written(tmp_path / "copy.jsonl", *rows))
    assert [found.problems[0].id, found.problems[-1].answer] == ["aime2025/1", r"336^\circ"]


def test_a_row_that_the_publisher_left_without_an_answer_is_left_out_and_counted(tmp_path):
    rows = contest(30)
    rows[7]["answer"] = ""
    found = load("hmmt_feb_2025", file=written(tmp_path / "copy.jsonl", *rows))
    assert len(found.problems) == 29
    assert sum(found.facts["source"]["left_out"].values()) == 1


def test_several_answers_of_a_problem_are_one_list(tmp_path):
    row = {"id": 1, "question": "Solve.", "final_answer": ["1", "2"], "subfield": "Algebra"}
    rows = [row | {"id": n, "question": f"Solve {n}."} for n in range(674)]
    found = load("olympiadbench", file=written(tmp_path / "copy.jsonl", *rows)).problems[0]
    assert (found.answer, found.domain) == ("1, 2", "algebra")


def test_a_domain_within_domains_is_the_one_below_mathematics(tmp_path):
    domain = ["Mathematics -> Algebra -> Inequalities", "Mathematics -> Geometry"]
    rows = [{"problem": f"{n}?", "answer": "1", "domain": domain} for n in range(4428)]
    found = load("omni_math", file=written(tmp_path / "copy.jsonl", *rows))
    assert {problem.domain for problem in found.problems} == {"algebra"}


def test_a_set_without_a_pinned_commit_takes_one():
    assert known(f"cmimc2025@{COMMIT}").source().revision == COMMIT
    with pytest.raises(ConfigError, match=r"no commit of MathArena/cmimc_2025 is pinned here"):
        load("cmimc2025")
    with pytest.raises(ConfigError, match="a commit is 40 hex digits"):
        load("cmimc2025@main")


def test_a_month_of_arxivmath_to_come_has_its_date():
    later = known(f"arxivmath-1126@{COMMIT}")
    assert (later.published, later.dataset) == ("2026-11", "MathArena/arxivmath-1126")
    assert later.problems is None
    assert known("arxivmath-1326") is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"problems": 5}, "problems: 5 should be a set's name, a file, or a list of them"),
        ({"problems": []}, "problems: [] should be a set's name"),
        ({"problems": ["starter", ""]}, "should be a set's name"),
        ({"problems": "starter,starter"}, "problems: 'starter' is listed twice"),
        ({"problems_file": {"math": 5}}, "problems_file: {'math': 5} should be a file"),
    ],
)
def test_a_mistake_in_problems_is_one_message(content, expected):
    with pytest.raises(ConfigError) as mistake:
        config_of(**content)
    assert expected in str(mistake.value)
    assert " · " not in str(mistake.value)
