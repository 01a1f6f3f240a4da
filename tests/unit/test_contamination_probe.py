"""`solver probe` runs originals, variants and controls as any run: stored, resumed, refused."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from solver.cli import app
from solver.contamination.plan import read_plan
from solver.errors import ConfigError
from solver.problems import load, select
from solver.store import Store

CONFIG = {
    "model": "scripted/test",
    "problems": "starter",
    "limit": 2,
    "probes": {"prefix": {"ratios": [0.6]}, "bare": True},
    "control": {"problems": "starter~7"},
    "calculation": {"steps": [1], "per_step": 2},
    "judge": "rules",
    "providers": {"scripted": {"replies": ["so \\boxed{12}"]}},
}


def probed(folder, **more):
    config = {**CONFIG, **more}
    path = folder / "probe.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in config.items() if v is not None}), "utf-8")
    return CliRunner().invoke(app, ["probe", str(path), "--runs", str(folder / "runs")])


def test_originals_controls_and_arithmetic_are_asked_and_shown(tmp_path):
    done = probed(tmp_path)
    assert done.exit_code == 0, done.output
    store = Store.open(tmp_path / "runs/probe")
    sets = {problem.set for problem in store.problems().values()}
    assert sets == {"starter", "starter~7", "calculation"}
    assert {row.mode for row in store.rows()} == {"bare", "prefix+60-raw", "prefix+60-chat"}
    assert store.manifest()["probe"]["control"] == ["starter~7", "calculation"]
    shown = CliRunner().invoke(app, ["contamination", str(tmp_path / "runs/probe")])
    for words in ("Verdicts", "Completion of questions", "Generated arithmetic", "starter~7"):
        assert words in shown.output
    store.close()


def test_a_control_leaves_out_what_is_asked_as_a_variant_already(tmp_path):
    drawn = load("starter~7").problems
    originals = [problem.id for problem in select(load("starter").problems, limit=7)]
    first, *others = (problem for problem in drawn if problem.variant_of in originals)
    assert others
    same = first.model_dump(mode="json") | {"id": "mine", "set": "mine"}
    (tmp_path / "mine.jsonl").write_text(json.dumps(same) + "\n", "utf-8")
    probes = {"bare": True, "variants": str(tmp_path / "mine.jsonl")}
    done = probed(tmp_path, limit=7, probes=probes, calculation=None)
    assert done.exit_code == 0, done.output
    store = Store.open(tmp_path / "runs/probe")
    assert set(store.problems()) == {*originals, "mine", *(problem.id for problem in others)}
    store.close()


def test_the_same_command_resumes_and_asks_nothing_again(tmp_path):
    def requests():
        return (tmp_path / "runs/probe/run.log").read_text("utf-8").count("request to")

    probed(tmp_path)
    before = requests()
    assert probed(tmp_path).exit_code == 0
    assert requests() == before
    assert probed(tmp_path, limit=3).exit_code == 0
    assert requests() > before


def test_a_probe_asks_its_modes_in_several_wordings(tmp_path):
    done = probed(tmp_path, mode="cot", probes={"wordings": 3}, control=None, calculation=None)
    assert done.exit_code == 0, done.output
    store = Store.open(tmp_path / "runs/probe")
    assert len({row.mode for row in store.rows()}) == 3
    asked = {store.turns(row.key)[0].prompt for row in store.rows()}
    assert len(asked) == 3 * len(store.problems())
    store.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"probes": {"prefix": {"ratio": [0.6]}}}, "probes.prefix.ratio: unknown key"),
        ({"probes": {"likelihood": True}}, "no sign of memory"),
        ({"probes": {"bare": True, "variants": "missing.jsonl"}}, "missing.jsonl"),
        ({"probes": None, "calculation": None}, "nothing to probe"),
        ({"control": {"problems": "starter"}}, "asked already"),
        ({"control": {"after": "May"}}, "control.after"),
        ({"mode": "cott"}, "did you mean 'cot'"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_and_where(tmp_path, change, said):
    failure = probed(tmp_path, **change).exception
    assert isinstance(failure, ConfigError), failure
    assert said in str(failure)
    assert "\n" not in str(failure)


def test_the_config_of_a_probe_is_refused_by_run_with_what_to_do(tmp_path):
    probed(tmp_path, limit=1)
    failure = CliRunner().invoke(app, ["run", str(tmp_path / "probe.yaml")]).exception
    assert "`solver probe`" in str(failure)


def test_the_shipped_probe_is_good():
    shipped = read_plan(Path(__file__).parents[2] / "configs" / "probe.yaml", {})
    assert shipped.content["mode"] == ["bare", "prefix"]
    assert shipped.plan.control.problems == ("starter~7",)
