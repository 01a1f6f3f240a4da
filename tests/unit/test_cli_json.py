"""What `--json` prints: the same tables as a terminal, as one document with all digits."""

import json

import pytest

from solver.cli import app
from solver.report.parts import Section
from solver.report.render.data import as_data, print_data
from solver.report.show import show_run
from solver.report.tables import Column, Kind, Table
from solver.store import Store
from tests.bench.report import write_run

HOSTILE = "\x1b]0;owned\x07\u202e\ud800"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("json") / "many"
    return write_run(folder, problems=7, repeats=2, models=("scripted/a", "scripted/b"))


def printed(capsys, *arguments):
    app([*map(str, arguments)], standalone_mode=False)
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["show", "compare", "failures"])
def test_a_command_prints_one_document_with_a_value_in_each_column(capsys, run, command):
    found = json.loads(printed(capsys, command, run, "--json"))
    tables = [table for section in found["sections"] for table in section["tables"]]
    assert tables
    for table in tables:
        assert {len(row) for row in table["rows"]} == {len(table["columns"])}
    shown = printed(capsys, command, run)
    for section in found["sections"]:
        assert section["title"] in shown


def test_a_plan_is_printed_as_a_document_too(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(
        "model: scripted/x\nproviders: {scripted: {replies: [x]}}\nproblems: starter\nlimit: 3\n"
        "mode: cot\njudge: rules\n"
    )
    (section,) = json.loads(printed(capsys, "plan", "run.yaml", "--json"))["sections"]
    assert section["tables"][0]["rows"][0][:2] == ["scripted/x · cot", 3]


def test_a_value_has_the_digits_that_the_section_has(capsys, run):
    seen = []
    store = Store.open(run)
    show_run(store, draw=seen.extend)
    store.close()
    held = [
        [list(cell) if isinstance(cell, tuple) else cell for cell in row]
        for section in seen
        if section is not None
        for table in section.tables
        for row in table.rows
    ]
    found = json.loads(printed(capsys, "show", run, "--json"))
    assert held == [r for s in found["sections"] for t in s["tables"] for r in t["rows"]]


def test_what_is_missing_or_infinite_is_null_and_an_interval_a_pair():
    columns = (Column("a", Kind.TEXT), Column("b", Kind.INTERVAL), Column("c", Kind.NUMBER))
    rows = (("x", (1 / 3, float("inf")), 1 / 3), (None, None, float("nan")))
    (section,) = as_data([None, Section("s", "S", folded=(Table("t", "T", columns, rows),))])[
        "sections"
    ]
    assert section["tables"][0]["rows"] == [["x", [1 / 3, None], 1 / 3], [None, None, None]]


def test_no_text_of_a_model_leaves_the_document(capsys):
    table = Table(HOSTILE, HOSTILE, (Column(HOSTILE, Kind.TEXT),), ((HOSTILE,),), HOSTILE)
    print_data(
        [Section("s", HOSTILE, (HOSTILE,), (), (table,), (), (HOSTILE,), ((HOSTILE, HOSTILE),))]
    )
    shown = capsys.readouterr().out
    assert shown.isascii()
    assert all(character.isprintable() for character in shown.replace("\n", ""))
    assert "\ud800" not in str(json.loads(shown))


@pytest.mark.parametrize("command", ["show", "compare", "failures", "plan"])
def test_help_says_what_the_document_holds(capsys, command):
    shown = " ".join(printed(capsys, command, "--help").split())
    assert "--json" in shown
    assert '"columns": [{"title", "kind", "minor"}], "rows"' in shown
