"""Files of problems: what is read, what is refused, and in which words."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.errors import ConfigError
from solver.problems import load
from solver.problems.files import MOST_BYTES, domain_name, last_boxed
from solver.records import Problem
from tests.needs import shared_data

DATA = Path(__file__).parents[1] / "data"

GOOD = {"question": "What is 1 + 1?", "answer": "2"}


def jsonl(folder: Path, *rows: object, name: str = "data.jsonl") -> str:
    path = folder / name
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return str(path)


def only(path: str) -> Problem:
    (problem,) = load(path).problems
    return problem


def refusal(path: str, **options: str) -> str:
    with pytest.raises(ConfigError) as refused:
        load(path, **options)
    message = str(refused.value)
    assert "\n" not in message
    return message.replace(str(Path(path).parent) + "/", "")


# What is read


@pytest.mark.parametrize("field", ["question", "problem", "Problem", "QUESTION"])
def test_a_question_goes_by_several_names(tmp_path, field):
    assert only(jsonl(tmp_path, {field: "Why?", "answer": "2"})).question == "Why?"


@pytest.mark.parametrize("field", ["answer", "expected_answer", "final_answer", "Answer"])
def test_an_answer_goes_by_several_names(tmp_path, field):
    assert only(jsonl(tmp_path, {"question": "Why?", field: "2"})).answer == "2"


@pytest.mark.parametrize("field", ["id", "unique_id", "ID", "problem_idx"])
def test_an_id_goes_by_several_names(tmp_path, field):
    assert only(jsonl(tmp_path, {**GOOD, field: "a/7"})).id == "a/7"


@pytest.mark.parametrize("field", ["domain", "subject", "type"])
def test_a_domain_goes_by_several_names(tmp_path, field):
    assert only(jsonl(tmp_path, {**GOOD, field: "Number Theory"})).domain == "number_theory"


def test_a_row_without_id_gets_the_files_name_and_its_line(tmp_path):
    path = jsonl(tmp_path, GOOD, "", {"question": "Then?", "answer": "3"})
    assert [problem.id for problem in load(path).problems] == ["data/1", "data/3"]


def test_math_ids_lose_their_file_ending(tmp_path):
    assert only(jsonl(tmp_path, {**GOOD, "id": "test/algebra/1.json"})).id == "test/algebra/1"


def test_a_missing_domain_is_unknown_and_a_missing_level_0(tmp_path):
    problem = only(jsonl(tmp_path, GOOD))
    assert (problem.domain, problem.level) == ("unknown", 0)


def test_a_missing_answer_is_the_last_box_of_the_solution(tmp_path):
    solution = r"First \boxed{1}, then \boxed{\frac{1}{2}}."
    assert only(jsonl(tmp_path, {"problem": "Why?", "solution": solution})).answer == r"\frac{1}{2}"


def test_an_empty_answer_counts_as_missing(tmp_path):
    row = {"problem": "Why?", "answer": "", "solution": r"\boxed{7}"}
    assert only(jsonl(tmp_path, row)).answer == "7"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("He has 2 * 3 = <<2*3=6>>6 left.\n#### 6", "6"),
        ("So 2,125 in all.\n#### 2,125", "2125"),
        ("So it is.\n#### -1,234,567", "-1234567"),
        ("The pair.\n#### 1,2", "1,2"),
    ],
)
def test_gsm8k_answers_follow_their_four_hashes(tmp_path, written, read):
    assert only(jsonl(tmp_path, {"question": "Why?", "answer": written})).answer == read


@pytest.mark.parametrize(("written", "read"), [(27, "27"), (27.0, "27"), (0.5, "0.5"), (-3, "-3")])
def test_a_number_may_be_the_answer(tmp_path, written, read):
    assert only(jsonl(tmp_path, {"question": "Why?", "answer": written})).answer == read


@pytest.mark.parametrize(
    ("written", "read"),
    [(3, 3), ("3", 3), ("Level 3", 3), ("Level ?", 0), ("?", 0), ("", 0), (None, 0), (3.0, 3)],
)
def test_levels_are_read_in_every_known_spelling(tmp_path, written, read):
    assert only(jsonl(tmp_path, {**GOOD, "level": written})).level == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Counting & Probability", "counting_and_probability"),
        ("Intermediate Algebra", "intermediate_algebra"),
        ("number_theory", "number_theory"),
        (" Geometry ", "geometry"),
    ],
)
def test_domains_become_snake_case(written, read):
    assert domain_name(written) == read


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        (r"\boxed{1} and \boxed{2}", "2"),
        (r"\boxed{\frac{1}{\sqrt{2}}}", r"\frac{1}{\sqrt{2}}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{\{}", r"\{"),
        (r"\boxed{\begin{pmatrix} 1 \\ 2 \end{pmatrix}}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
        (r"\fbox{9}", "9"),
        (r"\boxed {9}", "9"),
        (r"\boxed{ 9 }", "9"),
        (r"\boxed{1} and \boxed{2", None),
        (r"\boxed{1} and \boxed 2", None),
        ("no box", None),
    ],
)
def test_the_last_box_is_read_whole_or_not_at_all(solution, answer):
    assert last_boxed(solution) == answer


def test_byte_order_mark_and_windows_line_ends_make_no_difference(tmp_path):
    plain = tmp_path / "plain.jsonl"
    windows = tmp_path / "windows.jsonl"
    text = json.dumps({**GOOD, "id": "a"}) + "\n" + json.dumps({"id": "b", **GOOD, "question": "?"})
    plain.write_bytes(text.encode())
    windows.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load(str(plain)).hash == load(str(windows)).hash


def test_a_line_separator_inside_a_question_does_not_end_the_line(tmp_path):
    path = jsonl(tmp_path, json.dumps({**GOOD, "question": "a\u2028b\x85c"}, ensure_ascii=False))
    assert only(path).question == "a\u2028b\x85c"


def test_csv_holds_commas_quotes_and_line_ends(tmp_path):
    path = tmp_path / "data.csv"
    question = 'Let "f"(x) = 1,\nwhat is f?'
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([["Problem", "Answer"], [question, "1"], ["Why?", "2"]])
    assert [(p.id, p.question) for p in load(str(path)).problems] == [
        ("data/2", question),
        ("data/4", "Why?"),
    ]


def test_the_same_rows_hash_alike_from_jsonl_and_csv(tmp_path):
    (tmp_path / "data.csv").write_text("id,question,answer,level\na,What is 1 + 1?,2,Level 3\n")
    path = jsonl(tmp_path, {**GOOD, "id": "a", "level": 3})
    assert load(path).hash == load(str(tmp_path / "data.csv")).hash


def test_facts_say_where_the_problems_came_from(tmp_path):
    path = jsonl(tmp_path, {**GOOD, "question": "See [asy]draw(circle);[/asy]?"})
    facts = load(path).facts
    assert facts["source"]["path"] == path
    assert len(facts["source"]["sha256"]) == 64
    assert (facts["name"], facts["problems"], facts["with_figures"]) == ("data", 1, 1)
    json.dumps(facts)


# What is refused


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"answer": "2"}, "data.jsonl:2: no question: give 'question' or 'problem'"),
        (
            {"question": "Why?"},
            r"data.jsonl:2: no answer: give 'answer', or a 'solution' with \boxed{…}",
        ),
        (
            {"question": "Why?", "solution": "It is 2."},
            r"data.jsonl:2: no answer: give 'answer', or a 'solution' with \boxed{…}",
        ),
        (
            {"question": " ", "answer": "2"},
            "data.jsonl:2: no question: give 'question' or 'problem'",
        ),
        (
            {"question": "Why?", "answer": ["2"]},
            "data.jsonl:2: answer ['2'] should be text or a number",
        ),
        (
            {"question": "Why?", "answer": True},
            "data.jsonl:2: answer True should be text or a number",
        ),
        (
            {"question": "Why?", "answer": "2", "level": "hard"},
            "data.jsonl:2: level 'hard' should be a number from 1 to 5, or 'Level 3'",
        ),
        (
            {"question": "Why?", "answer": "2", "level": 6},
            "data.jsonl:2: level 6 should be a number from 1 to 5, or 'Level 3'",
        ),
        (
            '{"question": "Wh\\ud800y?", "answer": "2"}',
            "data.jsonl:2: question holds half of a surrogate pair, which no encoding can write",
        ),
        ("[1, 2]", "data.jsonl:2: a JSON list; one object a line is expected"),
        (GOOD, "data.jsonl:2: repeats the question of line 1: remove one of them"),
        (
            {"question": " What is\n1 + 1? ", "answer": "two"},
            "data.jsonl:2: repeats the question of line 1: remove one of them",
        ),
    ],
)
def test_a_bad_row_is_named_with_file_and_line(tmp_path, row, message):
    assert refusal(jsonl(tmp_path, GOOD, row)) == message


def test_a_repeated_id_is_refused(tmp_path):
    rows = [{"id": "a", "question": question, "answer": "1"} for question in ("One?", "Two?")]
    assert refusal(jsonl(tmp_path, *rows)) == "data.jsonl:2: id 'a' is also that of line 1"


@pytest.mark.parametrize("line", ["{", '{"question": "Why?"', "[" * 100_000, "question,answer"])
def test_what_is_not_json_is_named_with_file_and_line(tmp_path, line):
    assert refusal(jsonl(tmp_path, GOOD, line)).startswith("data.jsonl:2: not JSON: ")


def test_one_message_tells_how_many_rows_are_bad(tmp_path):
    path = jsonl(tmp_path, GOOD, {"answer": "1"}, *["{"] * 6)
    assert refusal(path).endswith(" (and 6 more, on lines 3, 4, 5, 6, …)")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_an_empty_file_is_refused(tmp_path, content, ending):
    path = tmp_path / f"data.{ending}"
    path.write_bytes(content)
    assert refusal(str(path)) == f"data.{ending}: no problems in it"


def test_what_is_not_utf8_is_named_with_file_and_line(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b'\n{"question": "caf\xe9"}\n')
    assert refusal(str(path)) == "data.jsonl:2: not UTF-8 (invalid continuation byte)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("question,answer\nWhy?,1\nHow?,1,2\n", "data.csv:3: 3 columns, the header has 2"),
        ("question,answer\nWhy?\n", "data.csv:2: 1 columns, the header has 2"),
        ('question,answer\nWhy?,1\n"How?,1\n', "data.csv:3: not CSV: unexpected end of data"),
        ("q,a\nWhy?,1\n", "data.csv:2: no question: give 'question' or 'problem'"),
    ],
)
def test_a_bad_csv_is_named_with_file_and_line(tmp_path, text, message):
    path = tmp_path / "data.csv"
    path.write_text(text)
    assert refusal(str(path)) == message


def test_a_misspelt_set_gets_a_suggestion():
    assert "no set or file called 'math50'. Did you mean 'math500'?" in refusal("math50")


def test_a_missing_file_is_told_with_the_one_beside_it_that_may_be_meant(tmp_path):
    (tmp_path / "own.csv").write_text("question,answer\n1+1,2\n")
    assert refusal(str(tmp_path / "ow.csv")).endswith("no such file; did you mean own.csv?")


def test_a_misspelt_column_is_named_with_the_one_that_may_be_meant(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("id,question,anwser\n1,What is 2?,2\n")
    assert refusal(str(path)).endswith("; is 'anwser' meant to be 'answer'?")


def test_a_missing_file_is_named():
    assert refusal("nowhere/data.jsonl") == "data.jsonl: no such file"


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "data.xlsx").touch()
    expected = "data.xlsx: problems are read from .jsonl, .csv, .parquet files"
    assert refusal(str(tmp_path / "data.xlsx")) == expected


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "data.jsonl").mkdir()
    assert refusal(str(tmp_path / "data.jsonl")) == "data.jsonl: cannot be read: Is a directory"


def test_a_local_copy_of_a_plain_file_makes_no_sense(tmp_path):
    assert refusal(jsonl(tmp_path, GOOD), file="x.jsonl").startswith("problems_file: only for")


def test_a_local_copy_of_the_starter_set_makes_no_sense():
    assert refusal("starter", file="x.jsonl").startswith("problems_file: the starter set ships")


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
any_row = st.dictionaries(
    st.sampled_from(["id", "question", "problem", "answer", "solution", "level", "domain"])
    | st.text(),
    any_json,
)
any_line = st.binary() | (any_row | any_json).map(lambda value: json.dumps(value).encode())


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
@given(lines=st.lists(any_line))
def test_whatever_a_file_holds_is_problems_or_one_line(tmp_path_factory, ending, lines):
    path = tmp_path_factory.mktemp("any") / f"data.{ending}"
    path.write_bytes(b"\n".join(lines))
    try:
        problems = load(str(path)).problems
    except ConfigError as refusal:
        message = str(refusal)
    else:
        message = ""
        assert len({problem.id for problem in problems}) == len(problems) > 0
    assert "\n" not in message


# Data sets as they are published


@pytest.mark.parametrize("form", ["math", "math_on_the_hub", "gsm8k", "aime"])
def test_every_form_that_sets_are_published_in_is_read_with_the_same_answers(form):
    problems = load(str(DATA / f"as_{form}.jsonl")).problems
    assert [problem.answer for problem in problems] == ["12", r"\frac{3}{4}", "210"]
    if form.startswith("math"):
        placed = [(problem.domain, problem.level) for problem in problems]
        assert placed == [("prealgebra", 1), ("counting_and_probability", 2), ("number_theory", 5)]


@pytest.mark.parametrize(
    ("file", "count"),
    [("math_test", 5000), ("math500", 500), ("gsm8k_test", 1319), ("aime2024", 30)],
)
def test_published_files_are_read_whole(file, count):
    assert len(load(str(shared_data(f"{file}.jsonl"))).problems) == count


def test_the_last_box_is_maths_published_answer_for_all_5000_solutions():
    lines = shared_data("math_test.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    wrong = [row["id"] for row in rows if last_boxed(row["solution"]) != row["answer"].strip()]
    assert len(rows) == 5000
    assert not wrong


# Size


def holes(path: Path, size: int) -> str:
    """A file of this size that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(size)
    return str(path)


@pytest.mark.parametrize("name", ["data.jsonl", "data.csv"])
def test_a_file_that_is_too_large_is_refused(tmp_path, name):
    expected = f"{name}: has more than 512 MiB; split it"
    assert refusal(holes(tmp_path / name, 2**40)) == expected


def test_a_parquet_file_is_refused_by_its_size_unpacked(tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow
    from pyarrow import parquet

    text = pyarrow.array(["x" * 2**20])
    rows = pyarrow.chunked_array([text] * (MOST_BYTES // 2**20 + 1))
    path = tmp_path / "data.parquet"
    table = pyarrow.table({"question": rows, "answer": ["1"] * len(rows)})
    parquet.write_table(table, path, compression="zstd", use_dictionary=False, row_group_size=64)
    assert path.stat().st_size < 2**20
    assert refusal(str(path)) == "data.parquet: holds more than 512 MiB; split it"


def test_a_line_nested_too_deep_is_refused_by_its_line(tmp_path):
    deep = '{"question": ' + "[" * 100_000 + "]" * 100_000 + "}"
    assert refusal(jsonl(tmp_path, GOOD, deep)).startswith("data.jsonl:2: not JSON: ")


def test_a_number_of_any_length_is_refused_by_its_line(tmp_path):
    long = '{"question": "a", "answer": ' + "9" * 5000 + "}"
    assert refusal(jsonl(tmp_path, GOOD, long)).startswith("data.jsonl:2: not JSON: ")
