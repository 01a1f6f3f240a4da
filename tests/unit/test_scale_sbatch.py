"""The script for Slurm: what is given cannot break out of its place, and it says what to do."""

import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from solver.cli import app
from solver.errors import ConfigError
from solver.scale.sbatch import Request, script

HOSTILE = 'a b\'; touch "pwned" $(touch pwned) `touch pwned`'


def printed(*arguments):
    return CliRunner().invoke(app, ["sbatch", *arguments])


def test_the_script_runs_the_config_in_an_array_and_saves_before_the_limit():
    options = ["--time", "04:00:00", "--partition", "gpu", "--gpus", "a100:2"]
    done = printed("first", "--array", "8", *options, "--sbatch=--account=math", "--repeats", "1")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    for line in (
        "--array=0-7", "--time=04:00:00", "--partition=gpu", "--gpus=a100:2", "--account=math",
        "--signal=TERM@120", "--output=solver-first-%A_%a.log",
    ):  # fmt: skip
        assert f"#SBATCH {line}" in lines
    assert lines[-1] == "srun solver run first --repeats 1 --shard auto"
    assert "solver merge runs/first" in done.stdout


def test_a_shell_reads_the_arguments_as_they_were_given(tmp_path):
    text = script(Request(2), ["my config.yaml", "--name", HOSTILE], Path("runs") / HOSTILE)
    (tmp_path / "srun").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    (tmp_path / "srun").chmod(0o755)
    done = subprocess.run(
        ["bash"], input=text, cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    given = ["solver", "run", "my config.yaml", "--name", HOSTILE, "--shard", "auto"]
    assert done.stdout.splitlines() == given
    assert {path.name for path in tmp_path.iterdir()} == {"srun"}


def test_the_merge_that_it_names_can_be_pasted():
    text = script(Request(2), ["x.yaml"], Path("runs") / "it's")
    (line,) = [line for line in text.splitlines() if "--wrap=" in line]
    (wrap,) = [word for word in shlex.split(line[1:]) if word.startswith("--wrap=")]
    assert shlex.split(wrap.removeprefix("--wrap=")) == ["solver", "merge", "runs/it's"]


@pytest.mark.parametrize(
    "request_",
    [
        Request(0),
        Request(2, partition="gpu\n#SBATCH --x"),
        Request(2, time="1 2"),
        Request(2, extra=("rm -rf /",)),
        Request(2, extra=("--a\nrm",)),
    ],
)
def test_what_cannot_stand_in_the_script_is_refused(request_):
    with pytest.raises(ConfigError):
        script(request_, ["x.yaml"], Path("runs/x"))


def test_a_mistake_in_the_config_is_told_before_a_script_is_printed():
    done = printed("first", "--array", "2", "--set", "limmit=3")
    assert isinstance(done.exception, ConfigError)
    assert "#SBATCH" not in done.stdout


def test_the_shard_is_the_scripts_to_choose():
    done = printed("first", "--array", "2", "--shard", "1/2")
    assert "--shard does not go with" in str(done.exception)
