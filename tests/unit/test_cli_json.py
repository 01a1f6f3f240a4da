"""What `--json` prints: the same tables as a terminal, as one document with all digits."""

import json
import shutil
import sqlite3

import pytest

from solver import __version__
from solver.analysis.accuracy import accuracy_of_run
from solver.cli import app
from solver.errors import ConfigError
from solver.records import Outcome
from solver.report.parts import Section
from solver.report.render.data import as_data, print_data
from solver.report.runs import stored_run
from solver.report.show import show_run
from solver.report.tables import Column, Kind, Table
from solver.store import FILE, Store
from tests.bench.report import write_run

HOSTILE = "\x1b]0;owned\x07\u202e\ud800"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("json") / "many"
    return write_run(folder, problems=7, repeats=2, models=("scripted/a", "scripted/b"))


def printed(capsys, *arguments):
    app([*map(str, arguments)], standalone_mode=False)
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["show", "compare", "failures", "cost"])
def test_a_command_prints_one_document_with_a_value_in_each_column(capsys, run, command):
    found = json.loads(printed(capsys, command, run, "--json"))
    tables = [table for section in found["sections"] for table in section["tables"]]
    assert tables
    for table in tables:
        assert {len(row) for row in table["rows"]} == {len(table["columns"])}
    shown = printed(capsys, command, run)
    for section in found["sections"]:
        assert section["title"] in shown


@pytest.mark.parametrize("command", ["show", "compare", "failures", "cost"])
def test_a_document_is_made_of_one_reading_of_the_trials(monkeypatch, capsys, run, command):
    times, trials = [], Store.trials
    monkeypatch.setattr(Store, "trials", lambda *given: times.append(1) or trials(*given))
    printed(capsys, command, run, "--json")
    assert len(times) == 1


@pytest.mark.parametrize("command", ["show", "compare", "failures", "cost"])
def test_a_document_names_its_run_the_state_the_version_and_each_arms_results(capsys, run, command):
    found = json.loads(printed(capsys, command, run, "--json"))
    assert found["solver"] == __version__
    (about,) = found["runs"]
    assert about["name"] == "many"
    assert about["path"] == str(run)
    assert about["state"] == "finished"
    assert about["trials"] == {"ended": 56, "planned": 56}
    store = Store.open(run)
    arms = accuracy_of_run(store).arms
    store.close()
    for shown, arm in zip(about["arms"], arms, strict=True):
        overall = arm.overall.of_scored
        assert (shown["model"], shown["mode"]) == (arm.model, arm.mode)
        assert shown["arm"] == f"{arm.model} · {arm.mode}"
        assert shown["accuracy"] == overall.value
        assert shown["interval"] == [overall.low, overall.high]
        assert shown["trials"] == arm.overall.trials == sum(shown["outcomes"].values())


def test_an_arm_has_the_same_keys_in_every_run_also_where_nothing_is_scored(capsys, tmp_path, run):
    single = write_run(tmp_path / "single", problems=3, repeats=1, models=("scripted/a",))
    lost = tmp_path / "lost"
    shutil.copytree(run, lost)
    with sqlite3.connect(lost / FILE) as database:
        database.execute("DELETE FROM verdicts")
        database.execute("UPDATE trials SET error = 'gone'")
    arms = [
        arm
        for folder in (run, single, lost)
        for about in json.loads(printed(capsys, "show", folder, "--json"))["runs"]
        for arm in about["arms"]
    ]
    assert len({(*arm, *arm["outcomes"]) for arm in arms}) == 1
    repeated, once, unscored = arms[0], arms[4], arms[-1]
    assert set(once["outcomes"]) == {str(each) for each in Outcome}
    assert repeated["run_to_run"] is not None
    assert once["interval_on_these_problems"] is once["run_to_run"] is None
    assert unscored["accuracy"] is unscored["interval"] is None
    assert (unscored["accuracy_of_all"], unscored["unscored"]) == (0, unscored["trials"])
    assert unscored["outcomes"]["error"] == unscored["trials"] == 14


def test_a_run_that_ended_early_is_stopped_and_two_runs_are_told_apart(capsys, tmp_path, run):
    folders = [tmp_path / "many", tmp_path / "other"]
    for folder in folders:
        shutil.copytree(run, folder)
    with sqlite3.connect(folders[1] / FILE) as database:
        database.execute("DELETE FROM trials WHERE repeat = 1")
    one, two = json.loads(printed(capsys, "compare", *folders, "--json"))["runs"]
    assert (one["state"], two["state"]) == ("finished", "stopped")
    assert two["trials"] == {"ended": 28, "planned": 56}
    names = [arm["arm"] for each in (one, two) for arm in each["arms"]]
    assert len(set(names)) == 8
    assert names[-1].startswith("other · ")


def test_runs_of_one_name_are_named_alike_in_runs_and_in_sections(capsys, tmp_path, run):
    folders = [tmp_path / "one" / "many", tmp_path / "two" / "many", tmp_path / "other"]
    for folder in folders:
        shutil.copytree(run, folder)
    found = json.loads(printed(capsys, "compare", *folders, "--json"))
    assert [each["name"] for each in found["runs"]] == [*map(str, folders[:2]), "other"]
    arms = {arm["arm"] for each in found["runs"] for arm in each["arms"]}
    ranks = [t for s in found["sections"] for t in s["tables"] if t["columns"][1]["title"] == "arm"]
    assert arms == {row[1] for table in ranks for row in table["rows"]}
    assert len(arms) == 12


@pytest.mark.parametrize("command", ["show", "cost"])
def test_a_run_without_a_trial_says_so_as_a_page_and_as_a_document(capsys, tmp_path, run, command):
    folder = tmp_path / "empty"
    shutil.copytree(run, folder)
    with sqlite3.connect(folder / FILE) as database:
        for table in ("verdicts", "turns", "trials"):
            database.execute(f"DELETE FROM {table}")
    said = f"{folder}: no trial has ended yet"
    assert said in printed(capsys, command, folder)
    found = json.loads(printed(capsys, command, folder, "--json"))
    assert [s["facts"] for s in found["sections"]] == [[{"name": "run", "text": said}]]
    assert found["runs"][0]["arms"] == []
    for runs in ([folder], [folder, run]):
        with pytest.raises(ConfigError, match=r"^empty: no trial has ended yet$"):
            app(["compare", *map(str, runs)], standalone_mode=False)


def test_a_plan_is_printed_as_a_document_too(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(
        "model: scripted/x\nproviders: {scripted: {replies: [x]}}\nproblems: starter\nlimit: 3\n"
        "mode: cot\njudge: rules\n"
    )
    found = json.loads(printed(capsys, "plan", "run.yaml", "--json"))
    assert found["runs"] == []
    (section,) = found["sections"]
    (table,) = section["tables"]
    (row,) = table["rows"]
    assert row[:3] == ["scripted/x · cot", 3, [3, 3]]
    assert row[4] == [0, 3 * 2048]
    assert [column["kind"] for column in table["columns"]][2:] == ["range"] * 3


def test_a_value_has_the_digits_that_the_section_has(capsys, run):
    seen = []
    store = Store.open(run)
    show_run(stored_run(store), draw=seen.extend)
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


EVERY = ["show", "compare", "failures", "cost", "against", "contamination", "plan"]


@pytest.mark.parametrize("command", EVERY)
def test_help_says_what_the_document_holds(capsys, command):
    shown = " ".join(printed(capsys, command, "--help").split())
    assert "--json" in shown
    assert '"columns": [{"title", "kind", "minor"}], "rows"' in shown
