"""The viewer follows a run while it is written."""

import re
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from threading import Event

import pytest

from judge import Verdict
from solver.errors import ConfigError
from solver.records import Outcome
from solver.store import FILE, Store
from solver.view.index import Index
from solver.view.library import Library
from tests.viewed import PROBLEMS, add, client_of, page, write


def outcomes(snapshot):
    return {entry.key: entry.outcome for entry in snapshot.entries}


def test_a_trial_that_ends_appears(tmp_path):
    store = Store.create_or_open(write(tmp_path / "first"))
    index = Index(tmp_path / "first")
    assert len(index.snapshot(patience=20).entries) == 8
    add(store, "new", PROBLEMS[3], repeat=1)
    assert "new" in outcomes(_eventually(index, lambda snapshot: len(snapshot.entries) == 9))
    store.close()


def test_a_trial_that_is_judged_again_changes(tmp_path):
    store = Store.create_or_open(write(tmp_path / "first"))
    index = Index(tmp_path / "first")
    assert outcomes(index.snapshot(patience=20))["code-0"] is Outcome.CORRECT
    store.add_verdict("code-0", Verdict(1, "model", "no", "different"), judge="k")
    _eventually(index, lambda now: outcomes(now)["code-0"] is Outcome.WRONG)
    store.close()


def test_a_trial_that_runs_again_after_an_error_changes(tmp_path):
    store = Store.create_or_open(write(tmp_path / "first"))
    add(store, "again", PROBLEMS[3], repeat=1, verdict=None, error="ModelError: away", turns=())
    index = Index(tmp_path / "first")
    assert outcomes(index.snapshot(patience=20))["again"] is Outcome.ERROR
    add(store, "again", PROBLEMS[3], repeat=1, started=1.9e9)
    _eventually(index, lambda now: outcomes(now)["again"] is Outcome.CORRECT)
    store.close()


def test_a_page_does_not_wait_for_a_long_reading_of_what_has_changed(tmp_path, monkeypatch):
    index, may_go_on = Index(write(tmp_path / "first")), Event()
    before = index.snapshot(patience=20)
    read = index._reader.read

    def long():
        may_go_on.wait(60)
        return replace(read())

    monkeypatch.setattr(index._reader, "read", long)
    assert index.snapshot(patience=0.01) is before
    may_go_on.set()
    _eventually(index, lambda snapshot: snapshot is not before)


def test_a_run_that_is_damaged_while_it_is_looked_at_is_refused_and_opened_anew(tmp_path):
    folder = write(tmp_path / "first")
    index = Index(folder)
    index.snapshot(patience=20)
    with closing(sqlite3.connect(folder / FILE)) as database:
        database.execute("DROP TABLE trials")
    with pytest.raises(ConfigError, match=re.escape(str(folder / FILE))):
        _eventually(index, lambda snapshot: False)
    assert index.is_stale()


def _eventually(index, holds):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        snapshot = index.snapshot(patience=20)
        if holds(snapshot):
            return snapshot
        time.sleep(0.02)
    raise AssertionError("the change was never seen")


def test_a_run_in_progress_says_so_and_comes_back_without_scripts(tmp_path):
    store = Store.create_or_open(write(tmp_path / "first", trials=20))
    store.begin_session()
    with client_of(tmp_path) as client:
        text = page(client, "/run/first")
        assert "running" in text
        assert "8 of 20" in text
        assert '<noscript><meta http-equiv="refresh"' in text
        assert "data-running" in page(client, "/run/first/live")
    store.close()


def test_a_run_whose_process_is_gone_is_not_running(tmp_path):
    store = Store.create_or_open(write(tmp_path / "first", trials=20))
    store.begin_session()
    store.close()
    (tmp_path / "first" / "run.lock").write_text("999999999")
    assert Library(tmp_path).about("first").state == "stopped"
