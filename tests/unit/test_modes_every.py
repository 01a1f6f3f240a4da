"""Every mode, the shipped ones and one from outside, is known to all that ask its record."""

import ast
import inspect
import re
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from solver.cli import app
from solver.config import make_config
from solver.errors import ConfigError
from solver.modes import Mode, mode_of, names, shipped, stored_mode
from solver.store import Store
from tests.fakes import example, program

OUTSIDE = "my_package.outline"
EVERY = (*(mode.name for mode in shipped() if mode.family is None), OUTSIDE)
REPLIES = ["No program yet.", program("print(1 / 0)"), f"{program('print(42)')}\nSo \\boxed{{42}}."]


@pytest.fixture(scope="module", autouse=True)
def _outside(tmp_path_factory):
    """Put the mode of CONTRIBUTING.md into a package that can be imported."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "my_package").mkdir()
    (folder / "my_package" / "__init__.py").touch()
    (folder / "my_package" / "outline.py").write_text(example("my_package/outline.py"), "utf-8")
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))
    for name in ("my_package", OUTSIDE):
        sys.modules.pop(name, None)


@pytest.fixture(params=EVERY, scope="module")
def mode(request) -> Mode:
    return mode_of(request.param)


def solver(*words) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def config_file(folder: Path, mode: Mode, **more) -> Path:
    """A config that runs the mode, which may be an arm that another one adds."""
    base, _, arm = mode.name.partition("+")
    content = {
        "model": "scripted/test",
        "mode": base,
        "limit": 3,
        "judge": "rules",
        "sandbox": "reduced",
        "code": {"retries": 3, **({"regenerate": arm} if arm else {})},
        "providers": {"scripted": {"replies": REPLIES}},
        **more,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(content), "utf-8")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory, mode):
    return finished(tmp_path_factory.mktemp("run"), mode)


def finished(folder: Path, mode: Mode, **more) -> Path:
    """The folder of a run of the mode, whose config lies in `folder`."""
    solver("run", config_file(folder, mode, **more), "--runs", folder / "runs")
    return folder / "runs" / "config"


# --- the record --------------------------------------------------------------------------------


def test_a_mode_says_what_it_is_and_what_it_sends(mode):
    assert mode.definition.startswith(f"{mode.section}:") or mode.compared_with
    assert mode.section in mode.definition
    assert mode.sentences
    assert all(isinstance(sentence, str) and sentence for sentence in mode.sentences)


def test_every_option_of_a_mode_is_documented(mode):
    if mode.options is not None:
        (body,) = ast.parse(inspect.getsource(mode.options)).body
        documented = {
            field.target.id
            for field, after in zip(body.body, body.body[1:], strict=False)
            if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr)
        }
        assert documented == {*mode.options.model_fields}


def test_an_arm_belongs_to_a_mode_that_asks_for_it(mode):
    if mode.compared_with is not None:
        assert mode.compared_with in mode.obeys
        assert mode.name not in names()


# --- what asks it ------------------------------------------------------------------------------


def test_show_has_the_mode_its_turns_and_what_became_of_its_programs(run, mode):
    text = solver("show", run)
    assert f"scripted/test · {mode.name}" in text
    if mode.runs_code:
        assert re.search(rf"^{mode.turn}s? ", text, re.MULTILINE)
        assert "of programs refused by the screen" in text
    assert ("of trials spent every attempt" in text) == any(
        stored_mode(row.mode).retries for row in Store.open(run).rows()
    )


def test_failures_have_the_mode_and_its_retries(run, mode):
    text = solver("failures", run, "--mode", mode.name)
    assert "Outcomes" in text
    assert ("after each attempt" in text.lower()) == mode.retries


def test_the_report_defines_the_mode(run, mode):
    solver("report", run)
    page = (run / "report.html").read_text("utf-8")
    assert mode.definition.split(".")[0].split(":")[-1].strip() in page


def test_one_trial_is_shown_with_each_turn_under_its_name(run, mode):
    store = Store.open(run)
    row = next(row for row in store.rows() if row.mode == mode.name)
    text = solver("show", run, "--problem", row.problem_id, "--mode", mode.name)
    for number, turn in enumerate(store.turns(row.key), start=1):
        assert mode.heading(turn, number) in text


def test_the_plan_counts_no_fewer_requests_than_a_trial_took(run, mode):
    text = solver("plan", run.parents[1] / "config.yaml", "--like", run)
    assert mode.name in text
    manifest = Store.open(run).manifest()
    most = mode.most_turns(make_config(manifest["config"]))
    assert all(row.turns <= most for row in Store.open(run).rows() if row.mode == mode.name)


def test_trials_are_exported_and_right_ones_become_training_data(tmp_path, mode):
    problems = tmp_path / "problems.jsonl"
    problems.write_text('{"question": "What is 6 times 7?", "answer": "42"}\n', "utf-8")
    replies = {"scripted": {"replies": REPLIES[-1:]}}
    folder = finished(tmp_path, mode, problems=str(problems), providers=replies)
    assert mode.name in Path(solver("export", folder, "--format", "jsonl").strip()).read_text()
    if mode.at_once:
        with pytest.raises(ConfigError, match="no trial to train on"):
            solver("export", folder, "--format", "sft")
        return
    *_, written = solver("export", folder, "--format", "sft").split("\n")[:-1]
    lines = Path(written).read_text("utf-8").splitlines()
    # an arm's program may be one that the mode it is compared with has written already
    taught = [f'"mode": "{name}"' for name in (mode.name, mode.compared_with)]
    assert any('"weight": 1' in line and any(t in line for t in taught) for line in lines)


def test_the_same_command_resumes_and_requests_nothing_again(run, mode):
    def requests():
        return (run / "run.log").read_text("utf-8").count("request to")

    before = requests(), [row.key for row in Store.open(run).rows()]
    finished(run.parents[1], mode)
    assert (requests(), [row.key for row in Store.open(run).rows()]) == before
