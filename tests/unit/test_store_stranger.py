"""A run's file that a stranger made, or that is damaged, is refused in one line and in bounds."""

import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from solver.errors import ConfigError
from solver.report import write_report
from solver.store import FILE, Store
from solver.store.opening import MOST_BYTES
from tests.stored import problem, said, stored, trial
from tests.viewed import client_of, page, write

NESTED = "[" * 100_000 + "]" * 100_000
ENDLESS = "(WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n)"


def damaged(folder, *statements):
    """A run with one trial, to whose file these statements were applied."""
    stored(folder, [problem(1)], [trial("p1", said("1"), right=True)]).close()
    with closing(sqlite3.connect(folder / FILE)) as database:
        for statement in statements:
            database.execute(*statement if isinstance(statement, tuple) else (statement,))
        database.commit()
    return folder


def bomb():
    """A turn of some kilobytes that would be gigabytes."""
    packer = zlib.compressobj(9)
    block = b" " * 2**24
    packed = b"".join(packer.compress(block) for _ in range(MOST_BYTES // len(block) + 1))
    return packed + packer.flush()


def read_all(folder):
    store = Store.open(folder)
    try:
        store.manifest(), store.sessions(), store.problems()
        for row in store.rows():
            store.trial(row.key)
        store.trials()
        list(store.texts([(row.key, 0) for row in store.rows()]))
    finally:
        store.close()


@pytest.mark.parametrize(
    "statements",
    [
        ["DROP TABLE manifest", f"CREATE VIEW manifest AS SELECT x AS key, x FROM {ENDLESS}"],
        ["DROP TABLE replies", "CREATE VIEW replies AS SELECT 1 AS key"],
        ["CREATE VIEW mine AS SELECT 1"],
        ["CREATE TRIGGER t AFTER INSERT ON turns BEGIN DELETE FROM trials; END"],
        ["DROP TABLE trials", "CREATE VIRTUAL TABLE trials USING fts5(key, problem_id)"],
        ["DROP TABLE manifest",
         "CREATE TABLE manifest (key TEXT, value TEXT AS (hex(zeroblob(100000000))))"],
        [("UPDATE turns SET body = ?", (b"no zlib",))],
        [("UPDATE turns SET body = ?", (zlib.compress(b"{}")[:-1],))],
        [("UPDATE turns SET body = ?", (zlib.compress(b"{}"),))],
        [("UPDATE turns SET body = ?", (zlib.compress(NESTED.encode()),))],
        ["UPDATE turns SET body = 7"],
        ["INSERT OR REPLACE INTO manifest VALUES ('config', '7')"],
        ["INSERT OR REPLACE INTO manifest VALUES ('warnings', 'null')"],
        [("INSERT OR REPLACE INTO manifest VALUES ('config', ?)", ('{"model": [{"a": 1}]}',))],
        [("INSERT OR REPLACE INTO manifest VALUES ('config', ?)", ('{"mode": [true]}',))],
        [("INSERT OR REPLACE INTO manifest VALUES ('config', ?)", ('{"repeats": 1e99}',))],
        [("INSERT OR REPLACE INTO manifest VALUES ('models', ?)", ('{"m/x": [1]}',))],
        [("INSERT OR REPLACE INTO manifest VALUES ('until', ?)", ('{"of": "all"}',))],
        [("UPDATE turns SET body = ?", (zlib.compress(b'{"reply": {"text": null}}'),))],
        ["DELETE FROM problems"],
        ["UPDATE turns SET exit = 'melted', answer = NULL"],
        [("UPDATE verdicts SET body = ?", ('{"score": "many"}',))],
        [("INSERT INTO sessions VALUES (1, 0, 0, ?)", ("[]",))],
        [("INSERT INTO sessions VALUES (1, 'soon', 0, ?)", ("{}",))],
        [("INSERT INTO manifest VALUES ('deep', ?)", (NESTED,))],
        [("INSERT INTO manifest VALUES ('cut', ?)", ("{",))],
        ["UPDATE problems SET body = '{}'"],
        ["UPDATE trials SET repeat = 'once'"],
    ],
)  # fmt: skip
def test_what_a_stranger_put_into_a_file_is_one_line(tmp_path, statements):
    folder = damaged(tmp_path / "run", *statements)
    with pytest.raises(ConfigError) as refused:
        read_all(folder)
    assert "\n" not in str(refused.value)
    assert str(folder / FILE) in str(refused.value)
    assert len(str(refused.value)) < 500


def test_a_record_that_would_fill_the_memory_is_refused(tmp_path):
    folder = damaged(tmp_path / "run", ("UPDATE turns SET body = ?", (bomb(),)))
    with pytest.raises(ConfigError, match="takes more than"):
        read_all(folder)


def test_a_statement_that_would_never_end_is_interrupted(tmp_path):
    store = Store.open(damaged(tmp_path / "run"))
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        store._database.execute(f"SELECT count(*) FROM {ENDLESS}").fetchone()
    assert list(store.rows())
    store.close()


def test_nothing_is_written_through_a_reader(tmp_path):
    store = Store.open(damaged(tmp_path / "run"))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store._database.execute("DELETE FROM trials")
    store.close()


def test_a_command_says_it_in_one_line(tmp_path):
    folder = damaged(tmp_path / "run", ("INSERT INTO manifest VALUES ('deep', ?)", (NESTED,)))
    asked = [sys.executable, "-m", "solver.cli", "show", str(folder)]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    with pytest.raises(ConfigError, match="cannot be read"):
        write_report([folder])


@pytest.mark.parametrize(
    "statement",
    [
        ("INSERT OR REPLACE INTO manifest VALUES ('deep', ?)", (NESTED,)),
        ("INSERT INTO sessions VALUES (9, 0, 0, '[]')",),
        ("INSERT INTO sessions VALUES (9, 'soon', 0, '{}')",),
        ("CREATE VIEW mine AS SELECT 1",),
    ],
)
def test_one_bad_run_among_good_ones_is_marked_and_the_others_are_shown(tmp_path, statement):
    write(tmp_path / "good")
    damaged(tmp_path / "bad", statement)
    with client_of(tmp_path) as client:
        index = page(client, "/")
        assert "/run/good" in index
        assert "cannot be read" in index
        assert client.get("/run/bad").status_code == 503
        assert page(client, "/run/good")


def test_trials_that_cannot_be_read_are_said_and_do_not_leave_a_page_waiting(tmp_path):
    damaged(tmp_path / "bad", "UPDATE turns SET exit = 'melted', answer = NULL")
    with client_of(tmp_path) as client:
        for _ in range(100):
            answer = client.get("/run/bad")
            if "for the first time" not in answer.text:
                break
        assert answer.status_code == 503
        assert "melted" in answer.text
