"""A text of a model is no formula in a spreadsheet, where that is asked for."""

import csv

import pytest

from solver.bridges.tables import export_run
from solver.errors import ConfigError
from tests.stored import problem, said, stored, trial

FORMULAS = ['=HYPERLINK("http://x")', "+1+cmd|' /C calc'!A0", "-1+2", "@SUM(1)", "\t=1", "\r=1"]
PLAIN = ["-1", "+2.5", "-1e5", "1/2", "x = 1"]


@pytest.fixture
def run(tmp_path):
    answers = FORMULAS + PLAIN
    problems = [problem(n, domain=answer) for n, answer in enumerate(answers)]
    trials = [trial(f"p{n}", said(answer), right=True) for n, answer in enumerate(answers)]
    return stored(tmp_path / "r", problems, trials)


def columns(path):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["answer"] for row in rows], [row["domain"] for row in rows]


def test_csv_holds_every_text_as_it_is(run):
    for found in columns(export_run(run, "csv")):
        assert sorted(found) == sorted(FORMULAS + PLAIN)


def test_without_formulas_only_texts_that_would_be_run_are_changed(run):
    for found in columns(export_run(run, "csv", no_formulas=True)):
        assert sorted(found) == sorted([f"'{text}" for text in FORMULAS] + PLAIN)


@pytest.mark.parametrize("form", ["jsonl", "parquet", "sft"])
def test_the_option_is_refused_where_it_does_nothing(run, form):
    with pytest.raises(ConfigError, match="--no-formulas"):
        export_run(run, form, no_formulas=True)
