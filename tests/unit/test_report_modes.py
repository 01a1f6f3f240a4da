"""A mode from outside is analysed and shown by what its record says, without any edit here."""

import pytest

from solver.analysis.accuracy import accuracy_of_run
from solver.analysis.failures import failures_of
from solver.report import write_report, write_tables
from solver.report.runs import stored_run
from solver.report.show import show_failures, show_run
from tests.stored import problem, said, stored, trial

FILE = """
from dataclasses import replace
from solver.modes import code

MODE = replace(code.MODE, name="plan", turn="draft", definition="plan: the model plans first.")
"""


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Two trials of a mode with retries that lives in a package of its own; one gave up."""
    package = tmp_path / "their_modes"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "plan.py").write_text(FILE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    trials = [
        trial("p1", said(), said("1"), right=True, mode="their_modes.plan"),
        trial("p2", said(), said(), mode="their_modes.plan"),
    ]
    store = stored(tmp_path / "run", [problem(1), problem(2)], trials)
    yield store
    store.close()


def test_its_turns_are_attempts_in_show(store, capsys):
    assert accuracy_of_run(store).arms[0].exhausted == 1
    show_run(stored_run(store))
    shown = capsys.readouterr().out
    assert "drafts     2: 2  (drafts used: trials)" in shown
    assert "unresolved 1/2 (50.0 %) of trials" in shown
    assert "unsafe     " in shown


def test_its_retries_are_analysed(store, capsys):
    (arm,) = failures_of(store).arms
    assert [after.correct for after in arm.retries.attempts] == [0, 1]
    show_failures(failures_of(store))
    shown = capsys.readouterr().out
    assert "After each attempt" in shown
    assert "What a retry repairs" in shown


def test_the_page_defines_it_and_has_its_retries(store):
    page = write_report([store.folder]).read_text(encoding="utf-8")
    assert "plan: the model plans first." in page
    names = {path.stem for path in write_tables([store.folder], "csv")}
    assert {"retries", "repairs"} <= names
