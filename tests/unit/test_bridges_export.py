"""Runs as logs of other tools, and back: no outcome moves."""

import json
import math
import zipfile

import pytest
import yaml

from judge import Verdict
from sandbox import Exit
from solver.bridges.formats import export
from solver.bridges.hub_export import export_eval_results
from solver.bridges.imports import import_logs
from solver.bridges.inspect_export import export_inspect
from solver.bridges.lm_eval_export import export_lm_eval
from solver.errors import ConfigError
from solver.records import Outcome
from solver.store import Store
from tests.needs import shared_data
from tests.stored import changed, problem, said, stored, trial

PROBLEMS = [problem(n) for n in range(1, 10)]
UNDECIDED = Verdict(None, "none", "unreadable", "undecided", rules="undecided")
BY_MODEL = Verdict(4, "model", "the same", "equal", judge_model="x/judge", rules="undecided")
TRIALS = [
    trial("p1", said("1"), right=True),
    trial("p2", said(exit=Exit.CRASHED, stderr="boom"), said("9"), right=False),
    trial("p3", said(refused="processes")),
    trial("p4", said(exit=Exit.TIMEOUT)),
    trial("p5", said(exit=Exit.OUT_OF_MEMORY)),
    trial("p6", said(capped=True)),
    trial("p7", said(exit=Exit.OK)),
    trial("p8", error="the endpoint was away"),
    trial("p9", changed(said("9"), thoughts="hm", thought_tokens=3)).model_copy(
        update={"verdict": BY_MODEL}
    ),
    trial("p1", said("x y", code=False), mode="cot").model_copy(update={"verdict": UNDECIDED}),
    trial("p2", said(code=False, text="<think>hm"), mode="cot"),
    trial("p1", said("1"), right=True, repeat=1),
    trial("p2", said(), repeat=1),
    trial("p3", said(exit=Exit.CRASHED, stderr="boom"), repeat=1),
]


class NoJudge:
    """Where every trial comes with its verdict, none is asked for."""

    async def describe(self):
        return {}


NO_JUDGE = NoJudge()


@pytest.fixture
def run(tmp_path):
    return stored(tmp_path / "run", PROBLEMS, TRIALS, problems={"name": "math500"})


def by_place(store):
    return {(r.problem_id, r.model, r.mode, r.repeat): r for r in store.rows()}


def back(paths, folder):
    import_logs([p for p in paths if "results_" not in p.name], folder, judge=NO_JUDGE)
    return Store.open(folder)


@pytest.mark.parametrize("write", [export_inspect, export_lm_eval])
def test_a_round_trip_moves_no_outcome(write, run, tmp_path):
    store = back(write(run, tmp_path / "out"), tmp_path / "back")
    before, after = by_place(run), by_place(store)
    assert {place: row.outcome for place, row in after.items()} == {
        place: row.outcome for place, row in before.items()
    }
    assert {row.outcome for row in before.values()} == set(Outcome)


def test_an_inspect_round_trip_keeps_every_turn(run, tmp_path):
    store = back(export_inspect(run, tmp_path / "out"), tmp_path / "back")
    before, after = by_place(run), by_place(store)
    for place, row in before.items():
        assert store.trial(after[place].key) == run.trial(row.key)


@pytest.mark.parametrize("write", [export_inspect, export_lm_eval])
def test_the_36_trials_of_each_arm_of_a_real_run_come_back(write, tmp_path):
    run = Store.open(shared_data("bridges") / "solver-run")
    store = back(write(run, tmp_path / "out"), tmp_path / "back")
    before, after = by_place(run), by_place(store)
    assert len(before) == 72
    assert {place: row.outcome for place, row in after.items()} == {
        place: row.outcome for place, row in before.items()
    }


def test_an_unscored_trial_is_nan_and_a_refused_program_a_tool_error(run, tmp_path):
    samples = {}
    for path in export_inspect(run, tmp_path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.startswith("samples/"):
                    samples[path.name.split("_")[-2], name] = json.loads(archive.read(name))
    assert math.isnan(samples["cot", "samples/p1_epoch_1.json"]["scores"]["solver_judge"]["value"])
    assert samples["code", "samples/p8_epoch_1.json"]["scores"] == {}
    refused = samples["code", "samples/p3_epoch_1.json"]["messages"][-1]
    assert (refused["role"], refused["error"]["type"]) == ("tool", "approval")


def test_the_answer_of_a_program_stands_in_the_filter_solver(run, tmp_path):
    path = next(p for p in export_lm_eval(run, tmp_path) if "_code_" in p.name)
    first = json.loads(path.read_text("utf-8").split("\n")[0])
    assert (first["filter"], first["filtered_resps"], first["correct"]) == (
        "solver", [["1", "1"]], 1.0,
    )  # fmt: skip
    results = json.loads(next(path.parent.glob("results_*")).read_text("utf-8"))
    assert results["model_name"] == "m/x"


def test_the_hub_gets_a_file_for_each_mode_with_its_settings(run, tmp_path):
    paths = export_eval_results(run, tmp_path, source="https://example.org/run")
    assert [path.name for path in paths] == ["math500_code.yaml", "math500_cot.yaml"]


def test_results_for_the_hub_say_value_date_source_and_settings(tmp_path):
    run = stored(tmp_path / "run", PROBLEMS, TRIALS[:2], problems={"name": "math500"})
    [path] = export_eval_results(run, tmp_path / "out", source="https://example.org/run")
    [entry] = yaml.safe_load(path.read_text("utf-8"))
    assert entry["dataset"] == {"id": "HuggingFaceH4/MATH-500", "task_id": "math_500"}
    assert (entry["value"], entry["source"]["url"]) == (50.0, "https://example.org/run")
    assert "mode code" in entry["notes"]


def test_a_set_that_the_hub_does_not_have_is_refused(tmp_path):
    run = stored(tmp_path / "run", PROBLEMS, TRIALS[:1], problems={"name": "mine"})
    with pytest.raises(ConfigError, match="the hub knows no data set 'mine'"):
        export_eval_results(run)


def test_an_unknown_format_lists_those_there_are(run):
    with pytest.raises(ConfigError, match="inspect, lm-eval, eval-results"):
        list(export(run, "xml"))
