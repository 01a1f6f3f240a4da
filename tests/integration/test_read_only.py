"""A run on a disk that cannot be written can be read by every command that reads."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.engines import require
from tests.stored import problem, said, stored, trial

ROOT = Path(__file__).parents[2]


def read_only(folder, *arguments):
    """Run a command where this folder is mounted so that nothing can be written to it."""
    box = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(folder), str(folder)]
    command = [*box, sys.executable, "-m", "solver.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def leave(folder, *, killed):
    """A run of one trial, as a clean end leaves it, or as a kill does."""
    if not killed:
        stored(folder, [problem(1)], [trial("p1", said("1"), right=True)]).close()
        return
    script = (
        "import os, sys; from pathlib import Path; from tests.stored import *;"
        "stored(Path(sys.argv[1]), [problem(1)], [trial('p1', said('1'), right=True)]);"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(folder)], cwd=ROOT, check=False)


@pytest.mark.native
@pytest.mark.parametrize("killed", [False, True])
def test_a_run_on_a_read_only_disk_is_shown_reported_and_exported(tmp_path, killed):
    require("native")
    run = tmp_path / "disk" / "run"
    run.parent.mkdir()
    leave(run, killed=killed)
    disk = run.parent
    shown = read_only(disk, "show", run)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "100.0 %" in shown.stdout
    for command in (
        ["report", run, "-o", tmp_path / "page.html"],
        ["export", run, "--format", "jsonl", "-o", tmp_path / "all.jsonl"],
    ):
        done = read_only(disk, *command)
        assert (done.returncode, done.stderr) == (0, "")
    inside = read_only(disk, "report", run)
    assert inside.returncode == 2
    assert inside.stderr.count("\n") == 1
    viewed = "from tests.viewed import *; from pathlib import Path; import sys;"
    viewed += "assert 'run/run' in page(client_of(Path(sys.argv[1])), '/')"
    box = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(disk), str(disk)]
    done = subprocess.run(
        [*box, sys.executable, "-c", viewed, str(disk)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
