"""Rough inputs are one line that says what, where and what to do, and leave nothing behind."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from solver.errors import ConfigError
from solver.run.start import execute, prepare
from solver.store.lock import is_locked

ROOT = Path(__file__).parents[2]
CONFIG = """
model: scripted/any
providers: {scripted: {replies: ["so \\\\boxed{12}"]}}
problems: problems.jsonl
mode: cot
judge: rules
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A folder with a config, its problem and its run."""
    folder = tmp_path_factory.mktemp("rough")
    (folder / "run.yaml").write_text(CONFIG, encoding="utf-8")
    problem = {"id": "p", "question": "What is 6 + 6?", "answer": "12"}
    (folder / "problems.jsonl").write_text(json.dumps(problem), encoding="utf-8")
    assert solver(folder, "run", "run.yaml").returncode == 0
    return folder


def solver(here, *arguments, **more):
    return subprocess.run(
        [sys.executable, "-m", "solver", *arguments],
        cwd=here, stderr=subprocess.PIPE, text=True, timeout=120,
        **{"stdout": subprocess.PIPE, **more},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--runs", "/proc/x"], "/proc/x/run: cannot be written"),
        (["--name", ".."], "--name '..': should be the name of a folder"),
        (["--mode", "foo"], "solver: --mode: 'foo' is unknown"),
        (["--sandbox", "dockr"], "solver: --sandbox: 'dockr' is unknown; did you mean 'docker'?"),
        (["--model", "smollm2"], "solver: --model: 'smollm2' should be provider/name"),
        (["--set", "sampling.temp=1"], "--set sampling.temp: unknown key, did you mean 'temperat"),
        (["--set", "temperature=1"], "did you mean 'sampling.temperature'?"),
        (["--set", "judge.treshold=1"], "did you mean 'threshold'?"),
        (["--set", "attempts=1"], "solver: --set attempts: unknown key"),
        (["--set", "seed=x"], "'x' should be a whole number\n"),
        (
            ["--until", "0"],
            "invalid value for '--until': should be at least 1; `solver run -h` explains it",
        ),
        (["--set", "sampling.temperature=hot"], "'hot' should be a number\n"),
        (["--set", "model=[]"], "is empty, and at least one is needed"),
        (["--dry-run", "--set", "seed=5", "--name", "run"], "would be refused"),
    ],
)
def test_a_rough_input_is_one_line(here, arguments, said):
    done = solver(here, "run", "run.yaml", *arguments)
    assert done.returncode == 2
    assert said in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert "tuple" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "runs/ru"], "runs/ru: no run there (no run.sqlite); did you mean runs/run?"),
        (["show", "runs"], "runs: no run there (no run.sqlite); it holds the runs run: name one"),
        (["show", "problems.jsonl"], "problems.jsonl: no run there (no run.sqlite)"),
        (
            ["show", "elsewhere/run"],
            "elsewhere/run: no run there (no run.sqlite); `solver run` makes one",
        ),
        (["report", "runs/run", "runs/../runs/run"], "runs/../runs/run: this run is given twice"),
        (["compare", "runs/run", "runs/run"], "runs/run: this run is given twice; name two"),
    ],
)
def test_a_run_that_is_not_there_or_twice_is_one_line(here, arguments, said):
    done = solver(here, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"solver: {said}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--out", "x"], "solver run: no such option: --out (Possible options: --on, --"),
        (
            ["run", "--limit", "x"],
            "solver run: invalid value for '--limit': should be a whole number;",
        ),
        (["show"], "solver show: missing argument 'RUN'; `solver show -h` explains it"),
        (["shw"], "solver: no such command 'shw'. Did you mean 'show'?; `solver -h` explains it"),
        (["run", "--name"], "solver: option '--name' requires an argument"),
    ],
)
def test_a_command_line_that_cannot_be_parsed_is_one_line(here, arguments, said):
    done = solver(here, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


def test_what_a_run_says_fits_a_narrow_terminal(here, tmp_path):
    environment = {**os.environ, "COLUMNS": "60"}
    done = solver(here, "run", "run.yaml", "--runs", str(tmp_path), env=environment)
    assert done.returncode == 0
    assert "note: judge: rules alone" in done.stderr
    assert [line for line in done.stderr.splitlines() if len(line) > 60] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_is_full_is_one_line(here):
    with Path("/dev/full").open("w") as full:
        done = solver(here, "show", "runs/run", stdout=full)
    assert (done.returncode, done.stderr) == (
        2,
        "solver: the output cannot be written: No space left on device\n",
    )


@pytest.mark.parametrize(
    "arguments", [["show", "runs/run"], ["config", "seed"], ["--version"], ["-h"]]
)
def test_a_reader_that_is_gone_is_no_failure_of_a_command(here, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    done = solver(here, *arguments, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["plot", "runs/run", "-o", "run.yaml"],
        ["report", "runs/run", "--tables", "csv", "-o", "run.yaml"],
        ["export", "runs/run", "--format", "inspect", "-o", "run.yaml"],
        ["run", "run.yaml", "--runs", ".", "--name", "run.yaml"],
    ],
)
def test_a_file_where_a_folder_is_needed_is_said_so(here, arguments):
    done = solver(here, *arguments)
    assert done.returncode == 2
    assert "run.yaml: cannot be written: there is a file, and a folder is needed" in done.stderr


def test_a_run_whose_model_nobody_serves_leaves_no_folder(here):
    environment = {**os.environ, "OLLAMA_HOST": "http://127.0.0.1:9"}
    done = solver(here, "run", "--model", "ollama/any", "--sandbox", "reduced", env=environment)
    assert done.returncode == 2
    assert "127.0.0.1:9" in done.stderr
    assert [path.name for path in (here / "runs").iterdir()] == ["run"]


def test_the_folder_of_a_refused_run_goes_before_another_command_can_begin_in_it(here, monkeypatch):
    held = []

    def opening(*_):
        raise ConfigError("refused")

    def remove(folder, **options):
        held.append(is_locked(folder))
        rmtree(folder, **options)

    rmtree = shutil.rmtree
    monkeypatch.chdir(here)
    monkeypatch.setattr(shutil, "rmtree", remove)
    job = prepare(Path("run.yaml"), {}, name="refused", runs=here / "runs")
    with pytest.raises(ConfigError, match="refused"):
        execute(job, opening=opening)
    assert held == [True]
    assert not job.folder.exists()


@pytest.mark.parametrize("arguments", [["-h"], ["--version"], ["run", "-h"], ["config", "seed"]])
def test_what_people_try_first_works(here, arguments):
    assert solver(here, *arguments).returncode == 0
