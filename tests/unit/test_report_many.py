"""Many arms are read from one table and a few sentences, and few as before, one by one."""

from contextlib import closing
from dataclasses import replace

import pytest

from solver.analysis.compare import Apart
from solver.cli import app
from solver.report.runs import stored_run
from solver.report.sections.compare import compared, comparisons_of
from solver.report.tables import Kind, text_of
from solver.store import Store
from tests.bench.report import write_run
from tests.stored import problem, said, stored, trial

MODELS = ("scripted/medium", "openai/gpt-4o-mini-2024-07-18", "ollama/qwen2.5-coder:7b")
MODES = ("code", "cot", "tir")


@pytest.fixture(scope="module")
def nine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many") / "nine"
    return write_run(folder, problems=20, repeats=1, models=MODELS, modes=MODES, errors=0.1)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    folder = tmp_path_factory.mktemp("few") / "three"
    return write_run(folder, problems=20, repeats=1, modes=MODES, errors=0.1)


def shown(monkeypatch, capsys, width, *arguments):
    monkeypatch.setenv("COLUMNS", str(width))
    app([*map(str, arguments)], standalone_mode=False)
    return capsys.readouterr().out


def reading_of(text):
    """The sentences under the title of the comparisons."""
    return text.partition("\nSide by side\n")[2].partition("\n\n")[0]


@pytest.mark.parametrize(("width", "most"), [(80, 18), (60, 24)])
@pytest.mark.parametrize("command", ["show", "compare"])
def test_nine_arms_are_compared_in_a_few_sentences(monkeypatch, capsys, nine, command, width, most):
    reading = reading_of(shown(monkeypatch, capsys, width, command, nine)).splitlines()
    assert 4 < len(reading) <= most


def test_the_table_of_all_arms_and_their_reading_come_before_any_arm(monkeypatch, capsys, nine):
    text = shown(monkeypatch, capsys, 80, "show", nine)
    arm = text.index(f"\n{MODELS[0]} · code\n")
    assert text.index("\nAccuracy\n") < text.index("\nSide by side\n") < arm
    assert text.count("\nSide by side\n") == 1


def test_three_arms_are_shown_one_after_the_other_and_then_compared(monkeypatch, capsys, three):
    text = shown(monkeypatch, capsys, 80, "show", three)
    reading = " ".join(reading_of(text).split())
    assert text.index("scripted/medium · tir\n") < text.index("\nSide by side\n")
    assert "code cannot be told apart with this many problems from cot (" in reading
    assert "With unscored trials counted as wrong, code − tir is +" in reading


def test_each_clear_difference_is_named_until_there_are_many(tmp_path):
    problems = [problem(n) for n in range(30)]
    rights = {"a": 30, "b": 29, "c": 3, "d": 2}
    trials = [
        trial(f"p{n}", said("1"), right=n < right, model=f"m/{name}")
        for name, right in rights.items()
        for n in range(30)
    ]
    stored(tmp_path, problems, trials).close()
    with closing(Store.open(tmp_path)) as store:
        found = comparisons_of([stored_run(store)]).found
    section = compared(found, every=True)
    assert len(found) == 6
    reading = section.words[0]
    assert reading.startswith("4 of 6 pairs differ clearly: ")
    clear = [row for row in section.tables[0].rows if row[5] < 0.05]
    assert len(clear) == 4
    for row in clear:
        assert f"{row[0]} ({text_of(row[2], Kind.POINTS)}; " in reading
    assert "The arms of the other 2 cannot be told apart with this many problems" in reading

    twice = [replace(each, a=replace(each.a, run="again")) for each in found]
    many = compared([*found, *twice, *found], every=True).words[0]
    assert "12 of 18 pairs differ clearly: " in many
    assert "and 6 more. " in many
    unclear = [each for each in found if each.difference.p_value > 0.05]
    assert len(unclear) == 2
    one = compared([each for each in found if each is not unclear[0]], every=True).words[0]
    assert one.startswith("4 of 5 pairs differ clearly: ")
    assert "The arms of the other pair, " in one


def test_reasons_of_many_pairs_that_are_not_compared_are_a_table(three):
    with closing(Store.open(three)) as store:
        found = comparisons_of([stored_run(store)]).found
    missing = [Apart(each.a, each.b, 0) for each in found]
    few = compared(found, missing)
    assert sum("not compared, because" in words for words in few.words) == 3
    many = compared(found, missing * 2)
    assert many.words[-1] == "6 pairs are not compared; a table below says why."
    table = many.tables[-1]
    assert [row[1] for row in table.rows] == ["no problem was tried on both sides"] * 6
    assert compared([], missing * 2).tables == (table,)


def test_of_many_arms_that_the_cap_cut_the_warning_names_the_worst(monkeypatch, capsys, nine):
    text = " ".join(shown(monkeypatch, capsys, 80, "show", nine).split())
    (warning,) = [part for part in text.split("WARNING ") if "sampling.max_tokens" in part]
    assert " of 9 arms (`solver failures " in warning
    assert warning.count("%") == 1
