"""Arms stand in the config's order, whichever of their trials was started first."""

import pytest

from solver.analysis.accuracy import accuracy_of_run
from solver.analysis.arms import stored_rows, stored_trials
from solver.analysis.comparable import read_run
from solver.analysis.compare import compare_runs
from solver.analysis.cost import costs
from solver.analysis.failures import failures_of
from solver.report import write_tables
from solver.report.runs import stored_run
from solver.report.show import show_run
from tests.fakes import config_of
from tests.stored import problem, said, stored, trial

PROBLEMS = [problem(n) for n in range(3)]


@pytest.fixture(params=[1, -1], ids=["as listed", "the other way round"])
def store(request, tmp_path):
    """Two models in three modes; trials were started in the config's order, or in the reverse."""
    config = config_of(model=["scripted/b", "scripted/a"], mode="tir,code,cot",
                       code={"regenerate": "guided"})  # fmt: skip
    arms = [(model, mode) for model in ("scripted/b", "scripted/a") for mode in config.modes]
    trials = [
        trial(f"p{n}", said("1"), right=mode == "tir" or n == 0, mode=mode, model=model)
        for model, mode in arms[:: request.param]
        for n in range(3)
    ]
    for number, one in enumerate(trials):
        trials[number] = one.model_copy(update={"started": float(number)})
    store = stored(tmp_path / "run", PROBLEMS, trials, config=config.model_dump(mode="json"))
    yield store
    store.close()


ORDER = [
    (model, mode)
    for model in ("scripted/b", "scripted/a")
    for mode in ("tir", "code", "code+guided", "cot")
]


def test_every_analysis_names_arms_in_the_config_s_order(store):
    trials = stored_trials(store)
    for found in (accuracy_of_run(store).arms, failures_of(store).arms, costs(trials, {})):
        assert [(arm.model, arm.mode) for arm in found] == ORDER


def test_a_difference_is_the_first_listed_minus_the_second(store, capsys):
    found = compare_runs([read_run(store)])
    places = {arm: place for place, arm in enumerate(ORDER)}
    for each in found:
        assert places[each.a.model, each.a.mode] < places[each.b.model, each.b.mode]
    assert (found[0].a.mode, found[0].b.mode) == ("tir", "code")
    assert found[0].difference.value == pytest.approx(2 / 3)
    show_run(stored_run(store))
    shown = capsys.readouterr().out
    assert "scripted/b: tir − code " in shown
    assert "code − tir" not in shown


def test_the_page_and_the_terminal_list_arms_alike(store, capsys):
    show_run(stored_run(store))
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("scripted/")]
    names = [f"{model} · {mode}" for model, mode in ORDER]
    assert [line for line in shown if line in names] == names
    write_tables([store.folder], "csv")
    lines = (store.folder / "tables" / "accuracy.csv").read_text().splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == names


def test_a_mode_that_the_config_does_not_list_comes_last(tmp_path):
    trials = [
        trial("p0", said("1"), right=True, mode=mode)
        for mode in ("gone.mode", "code+guided", "cot", "code")
    ]
    store = stored(tmp_path, PROBLEMS, trials, config={"mode": ["code", "cot"]})
    assert [row.mode for row in stored_rows(store)] == ["code", "code+guided", "cot", "gone.mode"]
    store.close()
