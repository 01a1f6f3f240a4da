"""A clock that is set back, or a time that is none, changes no duration and ends no command."""

import sqlite3

import pytest

from solver.errors import ConfigError
from solver.report import write_report
from solver.store import FILE, Store
from tests.stored import problem, said, stored, trial
from tests.viewed import client_of, page


def changed(folder, statement, *values):
    """A run of one trial and one session, to whose file a statement was applied."""
    store = stored(folder, [problem(1)], [trial("p1", said("1"), right=True)])
    number = store.begin_session()
    store._database.execute("UPDATE sessions SET started = started + 86400")  # the clock goes back
    store.end_session(number)
    store.close()
    with sqlite3.connect(folder / FILE) as database:
        database.execute(statement, values)
    return folder


def test_a_session_lasts_as_long_as_it_did_although_the_clock_was_set_back(tmp_path):
    (session,) = Store.open(changed(tmp_path / "r", "SELECT 1")).sessions()
    assert 0 <= session["ended"] - session["started"] < 3600


def test_a_session_of_an_earlier_version_never_ends_before_it_started(tmp_path):
    folder = changed(tmp_path / "r", "UPDATE sessions SET ended = started - 7200")
    (session,) = Store.open(folder).sessions()
    assert session["ended"] == session["started"]


@pytest.mark.parametrize("time", [1e300, -1.0, "soon", float("inf"), b"x"])
@pytest.mark.parametrize("column", ["started", "ended"])
def test_a_time_that_no_calendar_has_is_said_in_one_line(tmp_path, time, column):
    folder = changed(tmp_path / "r", f"UPDATE sessions SET {column} = ?", time)
    for read in (lambda: Store.open(folder).sessions(), lambda: write_report([folder])):
        with pytest.raises(ConfigError, match="cannot be read") as refused:
            read()
        assert "\n" not in str(refused.value)
    with client_of(tmp_path) as client:
        assert "cannot be read" in page(client, "/")


@pytest.mark.parametrize("time", [1e12, -1e12, 0.0])
def test_trials_with_strange_times_are_shown(tmp_path, time):
    folder = changed(tmp_path / "r", "UPDATE trials SET started = ?, seconds = ?", time, time)
    write_report([folder])
    with client_of(tmp_path) as client:
        page(client, "/")
        assert page(client, "/run/r")
