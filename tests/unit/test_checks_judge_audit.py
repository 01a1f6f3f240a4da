"""A judging model is audited on any run's answers, also on those of another tool."""

import pytest

from solver.checks.judge_audit import _pairs, audit_judge
from tests.stored import problem, said, stored, trial


@pytest.fixture
def store(tmp_path):
    """A run as `solver import` makes it: no mode of ours, one problem with two references."""
    both = problem(2).model_copy(update={"other_answers": ("two",)})
    config = {
        "mode": ["jsonl:a"],
        "providers": {"scripted": {"replies": ["no verdict"]}},
        "judge": {"model": "scripted/judge"},
    }
    trials = [trial(f"p{n}", said(str(n)), right=True, mode="jsonl:a") for n in (1, 2)]
    opened = stored(tmp_path, [problem(1), both], trials, config=config)
    yield opened
    opened.close()


def test_the_judge_of_an_imported_run_is_audited(store):
    report = audit_judge(store, model=None, pairs=None, sample=9).report
    assert report.model == "scripted/judge"
    assert report.pairs == 1


def test_a_problem_with_several_references_labels_no_pair(store):
    assert [pair.reference for pair in _pairs(store, None)] == ["1"]
