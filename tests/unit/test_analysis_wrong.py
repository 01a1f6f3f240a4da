"""Wrong answers are grouped by how they differ, counted once, and shown."""

import pytest

from solver.analysis.failures import failures_of
from solver.analysis.wrong import kind_of
from solver.report.show import show_failures
from tests.stored import problem, said, stored, trial


@pytest.mark.parametrize(
    ("reference", "answer", "kind"),
    [
        ("12", "-12", "the sign"),
        (r"-\frac{3}{4}", "0.75", "the sign"),
        ("1,024", "1025", "off by one"),
        (r"\frac{1}{3}", "0.333", "rounded, or rounded less"),
        ("0.67", r"\frac{2}{3}", "rounded, or rounded less"),
        ("1000", "1003", "another number"),
        (r"\frac{3}{4}", r"\frac{4}{3}", "the reciprocal"),
        ("10", "20", "twice or half of it"),
        ("5", "0.05", "a power of ten times it"),
        (r"12\text{ hours}", "720", "7, 12, 24, 60 or 3,600 times it, as between units"),
        ("7", "49", "its square or its root"),
        ("0", "8", "another number"),
        ("5", "77", "a number of the question"),
        ("(1,2)", "(2,1)", "the same numbers, arranged differently"),
        (r"\{1,2\}", r"\{1\}", "only a part of it, or more than it"),
        ("2x+1", "3x+4", "another expression"),
        ("yes", "17", "another kind of answer"),
        ("5", "", "another kind of answer"),
        ("5", "1/0", "another expression"),
        ("5", "9" * 5_000, "another expression"),
    ],
)
def test_a_wrong_answer_has_the_kind_a_reader_would_give_it(reference, answer, kind):
    asked = problem(1, answer=reference).model_copy(update={"question": "What of 77?"})
    assert kind_of(asked, answer) == kind


@pytest.fixture
def store(tmp_path):
    answers = ["-1", "-2", "8", "3"]
    trials = [
        trial(f"p{1 + n % 2}", said(answer), right=False, repeat=n // 2)
        for n, answer in enumerate(answers)
    ]
    store = stored(tmp_path, [problem(1), problem(2)], [*trials, trial("p2", said("2"), right=True,
                   repeat=5)])  # fmt: skip
    yield store
    store.close()


def test_the_commonest_kind_comes_first_and_each_wrong_trial_counts_once(store):
    (arm,) = failures_of(store).arms
    assert [(kind.name, kind.trials, kind.problems) for kind in arm.wrong] == [
        ("the sign", 2, 2),
        ("another number", 1, 1),
        ("off by one", 1, 1),
    ]


def test_examples_come_from_as_many_problems_as_there_are(tmp_path):
    trials = [trial("p1", said("-1"), right=False, repeat=n) for n in range(3)]
    store = stored(tmp_path, [problem(1), problem(2)], [*trials, trial("p2", said("-2"),
                   right=False)])  # fmt: skip
    (arm,) = failures_of(store).arms
    store.close()
    assert [each.place.problem_id for each in arm.wrong[0].examples[:2]] == ["p1", "p2"]


def test_failures_show_question_reference_answer_and_reason_of_a_wrong_trial(
    store, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "200")
    show_failures(failures_of(store))
    shown = capsys.readouterr().out
    table = shown.partition("Wrong answers, by how they differ")[2].splitlines()
    row = next(line for line in table if "the sign" in line)
    for part in ("p1, repeat 0", "What is 1?", "-1", "compared"):
        assert part in row
