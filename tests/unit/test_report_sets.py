"""A run of several problem sets has a row for each of them in every table; others have none."""

import csv
import re

import pytest

from solver.analysis.accuracy import accuracy_of_run
from solver.analysis.comparable import read_run
from solver.analysis.compare import compare_runs
from solver.analysis.failures import failures_of
from solver.bridges.tables import export_run
from solver.report import write_report
from solver.report.runs import stored_run
from solver.report.show import show_comparisons, show_failures, show_run
from tests.stored import problem, said, stored, trial

SETS = {"aime2026": [1, 0, 0], "math500": [1, 1, 0, 1]}
PROBLEMS = [
    problem(f"{name}-{n}").model_copy(update={"set": name, "published": "2026-02"})
    for name, rights in SETS.items()
    for n in range(len(rights))
]


def run_of(folder, problems=PROBLEMS):
    rights = [bool(right) for of_set in SETS.values() for right in of_set]
    trials = [
        trial(each.id, said("1"), right=right == (mode == "code"), mode=mode)
        for each, right in zip(problems, rights, strict=True)
        for mode in ("code", "cot")
    ]
    return stored(folder, problems, trials)


@pytest.fixture
def run(tmp_path):
    store = run_of(tmp_path / "run")
    yield store
    store.close()


def test_sets_add_up_to_the_whole(run):
    for arm in accuracy_of_run(run).arms:
        assert {name: cell.problems for name, cell in arm.sets.items()} == {
            name: len(rights) for name, rights in SETS.items()
        }
        assert sum(cell.correct for cell in arm.sets.values()) == arm.overall.correct


def test_every_table_has_a_row_for_each_set(run, capsys):
    (found,) = compare_runs([read_run(run)])
    assert [part.name for part in found.sets] == [*SETS]
    for show in (
        lambda: show_run(stored_run(run)),
        lambda: show_comparisons([found]),
        lambda: show_failures(failures_of(run)),
    ):
        show()
        text = capsys.readouterr().out
        for name in SETS:
            assert re.search(rf"\b{name}\b", text), text
    page = write_report([run.folder]).read_text("utf-8")
    assert "By problem set" in page


def test_a_run_of_one_set_has_no_such_rows(tmp_path, capsys):
    alone = [each.model_copy(update={"set": "starter"}) for each in PROBLEMS]
    store = run_of(tmp_path / "alone", alone)
    show_run(stored_run(store))
    show_failures(failures_of(store))
    assert "starter" not in capsys.readouterr().out
    assert all(not arm.sets for arm in accuracy_of_run(store).arms)
    store.close()


def test_an_exported_trial_names_its_set_and_date(run, tmp_path):
    path = export_run(run, "csv", tmp_path / "trials.csv")
    with path.open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["set"], first["published"]) == ("aime2026", "2026-02")
