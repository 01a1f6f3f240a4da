"""Names, encodings and limits around a command are refused, or borne, in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from solver.errors import ConfigError
from solver.run.start import prepare
from tests.stored import problem, said, stored, trial

ROOT = Path(__file__).parents[2]
CONFIG = "model: scripted/x\nproviders: {scripted: {replies: [x]}}\nmode: cot\njudge: rules\n"


def solver(*arguments, before="", **environment):
    command = [sys.executable, "-m", "solver.cli", *map(str, arguments)]
    if before:
        command = ["sh", "-c", f'{before}; exec "$@"', "sh", *command]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, capture_output=True, check=False, env=env, cwd=ROOT)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "name", ["../../x", "..", ".", "", "a/b", "/tmp/x", "x" * 300, "ä" * 150, "a\nb", "a\x00b", " "]
)
def test_a_name_that_is_no_folder_s_is_refused_in_one_line(tmp_path, config, name):
    with pytest.raises(ConfigError, match="--name") as refused:
        prepare(config, {"limit": 1}, name=name, runs=tmp_path / "runs")
    assert "\n" not in str(refused.value)


def test_a_name_like_any_other_is_taken(tmp_path, config):
    job = prepare(config, {"limit": 1}, name="läuft 2.0", runs=tmp_path / "runs")
    assert job.folder == tmp_path / "runs" / "läuft 2.0"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_table_is_printed_in_any_encoding(tmp_path, encoding):
    said_ = [trial("p1", said("∞", text="∀x ∈ ℝ"), right=True)]
    stored(tmp_path / "r", [problem(1, domain="∑")], said_).close()
    done = solver("show", tmp_path / "r", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"100.0 %" in done.stdout
    done.stdout.decode(encoding)


def test_a_comparison_in_ascii_has_signs_for_its_minus_and_its_quotes(tmp_path):
    trials = [trial("p1", said("1"), right=mode == "code", mode=mode) for mode in ("code", "cot")]
    stored(tmp_path / "r", [problem(1)], trials).close()
    done = solver("compare", tmp_path / "r", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert b"code - cot" in done.stdout
    assert b"\\u" not in done.stdout


def test_too_few_files_are_said_before_anything_is_requested(tmp_path, config):
    done = solver("run", config, "--runs", tmp_path / "runs", before="ulimit -n 64")
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"only 64 files" in done.stderr


def test_a_place_where_no_run_can_be_is_one_line(tmp_path, config):
    (tmp_path / "file").write_text("")
    done = solver("run", config, "--runs", tmp_path / "file")
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("closed", "printed"),
    [("<&-", True), (">&-", False), ("2>&-", True), ("<&- >&-", False), ("<&- >&- 2>&-", False)],
)
def test_a_stream_that_is_closed_takes_nothing_from_a_run(tmp_path, config, closed, printed):
    runs = tmp_path / "runs"
    for command in (
        ["run", config, "--runs", runs, "--name", "r", "--limit", 1],
        ["show", runs / "r"],
    ):
        done = solver(*command, before=f"exec {closed}")
        assert done.returncode == 0
        assert bool(done.stdout) is printed
        assert b"Traceback" not in done.stderr
    assert b"correct" in solver("show", runs / "r").stdout


@pytest.mark.parametrize("arguments", [["show", "r"], ["--version"], ["-h"]])
def test_a_folder_that_was_deleted_is_one_line(tmp_path, arguments):
    done = solver(*arguments, before=f"mkdir {tmp_path}/z; cd {tmp_path}/z; rmdir {tmp_path}/z")
    assert done.returncode == 2
    assert done.stderr == (b"solver: the current folder was deleted: go to one that exists\n")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("COLUMNS", "\N{SUPERSCRIPT TWO}"),
        ("COLUMNS", "9" * 5_000),
        ("LINES", "\N{SUPERSCRIPT TWO}"),
        ("SOURCE_DATE_EPOCH", "abc"),
        ("SOURCE_DATE_EPOCH", "9" * 30),
        ("SOURCE_DATE_EPOCH", "-99999999999999999"),
        ("MPLBACKEND", "garbage"),
    ],
)
def test_a_variable_that_is_not_needed_ends_no_command(tmp_path, variable, value):
    stored(tmp_path / "r", [problem(1)], [trial("p1", said("1"), right=True)]).close()
    for command in ("show", "plot"):
        done = solver(command, tmp_path / "r", **{variable: value})
        assert (done.returncode, done.stderr) == (0, b"")
