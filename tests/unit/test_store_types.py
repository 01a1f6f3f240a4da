"""Whatever stands in a column of a run's file, reading it is a table or one line."""

import random
import shutil
import sqlite3
from contextlib import closing

import pytest
from typer.testing import CliRunner

from solver.cli import app
from solver.errors import ConfigError
from solver.store import FILE, Reader, Store
from solver.store.schema import _COLUMNS
from tests.viewed import TURN, client_of, write

PLACES = [(table, column) for table, columns in _COLUMNS.items() for column in columns]
WRONG = {
    "text": [b"code", b"\xff\x00"],
    "integer": ["many", b"7", 1.5, 2**63 - 1, -(2**63)],
    "real": ["soon", b"1", float("inf"), 1e300],
    "blob": ["text", 7, 1.5],
}
ANY = [b"\xff", b"", "", "abc", "\x1b[31m", "nan", None, -1, 0, 7, 10**11, 2**63 - 1, 1e300, -2.5]
COMMANDS = [
    ["show"],
    ["show", "--problem", "test/algebra/1"],
    ["failures"],
    ["compare"],
    ["cost"],
    ["report", "--output", "page.html"],
    ["plot", "--output", "figures"],
    *(["export", "--format", kind, "--output", f"out.{kind}"] for kind in ("jsonl", "csv", "sft")),
]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A run with a row in each of its tables."""
    folder = write(tmp_path_factory.mktemp("good") / "run", turns=(TURN,))
    with closing(sqlite3.connect(folder / FILE)) as database:
        database.execute("INSERT INTO replies VALUES ('k', 0, x'00')")
        database.execute("INSERT INTO thoughts VALUES ('code-1', 1, 3, 0, 0, 0)")
        database.execute("INSERT INTO other_verdicts VALUES ('code-1', 'a', 1e300, NULL, 0)")
        database.commit()
    return folder


def with_value(good, folder, table, column, value):
    """Copy the run, with this value for one key of a table. False if SQLite refuses it."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder)
    key = next(iter(_COLUMNS[table]))
    change = f"UPDATE {table} SET {column} = ? WHERE {key} = (SELECT max({key}) FROM {table})"
    with closing(sqlite3.connect(folder / FILE)) as database:
        try:
            changed = database.execute(change, (value,))
        except (sqlite3.IntegrityError, OverflowError):
            return False
        database.commit()
        return changed.rowcount > 0


def declared(table, column):
    """The type of a column, as its condition names it."""
    return _COLUMNS[table][column].split("'")[1]


def test_a_run_as_it_is_written_opens(good):
    Reader.open(good).close()
    Store.create_or_open(good).close()


@pytest.mark.parametrize(("table", "column"), PLACES)
def test_a_value_of_another_type_is_one_line_before_anything_is_read(tmp_path, good, table, column):
    if (table, column) in {("verdicts", "id"), ("sessions", "id")}:
        return  # SQLite itself keeps anything but a whole number out of them
    refused = 0
    for value in WRONG[declared(table, column)]:
        free = column in ("seed", "value") and isinstance(value, int | float)
        if free or not with_value(good, tmp_path / "run", table, column, value):
            continue
        for opened in (Reader.open, Store.create_or_open):
            with pytest.raises(ConfigError) as line:
                opened(tmp_path / "run")
            named = f"{column} of {table}" in str(line.value)
            assert named or "does not hold all that was stored" in str(line.value)
            assert "\n" not in str(line.value)
            refused += 1
    assert refused


def test_no_command_has_a_traceback_for_whatever_a_column_holds(tmp_path, good, monkeypatch):
    draw = random.Random(2026)
    monkeypatch.chdir(tmp_path)
    for place in draw.sample(PLACES, 20):
        if not with_value(good, tmp_path / "run", *place, draw.choice(ANY)):
            continue
        for command in draw.sample(COMMANDS, 3):
            done = CliRunner().invoke(app, [command[0], "run", *command[1:]])
            assert isinstance(done.exception, ConfigError | SystemExit | None), (place, command)
            assert done.exit_code in (0, 1, 2)


def test_the_viewer_marks_a_run_with_a_value_of_another_type(tmp_path, good):
    assert with_value(good, tmp_path / "run", "trials", "mode", b"code")
    with client_of(tmp_path) as client:
        for _ in range(100):
            answer = client.get("/run/run")
            if "for the first time" not in answer.text:
                break
        assert answer.status_code == 503
        assert "mode of trials" in answer.text
        assert client.get("/run/run/trial/cot-3").status_code in (404, 503)
