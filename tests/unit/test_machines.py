"""The program on other machines, as far as this one can look like them (see tests/simulated.py)."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.simulated import make_python

ROOT = Path(__file__).parents[2]
CONFIG = """
model: scripted/any
providers: {scripted: {replies: ["so \\\\boxed{12}"]}}
problems: starter
limit: 7
mode: cot
judge: rules
"""
READING = [
    ["show", "runs/run"], ["failures", "runs/run"], ["compare", "runs/run", "runs/other"],
    ["report", "runs/run"], ["export", "runs/run", "--format", "csv"], ["cost", "runs/run"],
    ["plan", "run.yaml"], ["init", "first"], ["config"],
]  # fmt: skip
ALL_IN_TURN = """
import json, sys
from solver.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["solver", *arguments]
    try:
        main()
    except SystemExit as end:
        assert not end.code, arguments
"""


@pytest.fixture(scope="module")
def ran_on_a_mac(tmp_path_factory):
    """A folder with two runs that a Python like a Mac's has made."""
    pytest.importorskip("psutil", reason="needs psutil, which is installed where it is used")
    folder = tmp_path_factory.mktemp("mac")
    (folder / "run.yaml").write_text(CONFIG, encoding="utf-8")
    python = make_python("mac", folder / "python")
    for name in ("run", "other"):
        done = on(python, folder, "-m", "solver", "run", "run.yaml", "--name", name)
        assert done.returncode == 0, done.stderr
    return folder, done.stdout


def on(python, folder, *arguments):
    return subprocess.run(
        [str(python), *arguments], cwd=folder, capture_output=True, text=True, timeout=120
    )


def test_a_run_on_a_mac_judges_although_no_address_space_can_be_limited(ran_on_a_mac):
    _, shown = ran_on_a_mac
    assert "wrong " in shown
    assert "rules 7 · model 0 · undecided 0" in shown


def test_all_that_reads_works_on_windows(ran_on_a_mac, tmp_path):
    folder, _ = ran_on_a_mac
    python = make_python("windows", tmp_path / "python")
    done = on(python, folder, "-c", ALL_IN_TURN, json.dumps(READING))
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-2000:]


def test_a_run_on_windows_is_one_line_that_says_where_it_works(ran_on_a_mac, tmp_path):
    folder, _ = ran_on_a_mac
    python = make_python("windows", tmp_path / "python")
    done = on(python, folder, "-m", "solver", "run", "run.yaml")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "use WSL" in done.stderr


def test_the_simulation_lacks_what_it_says(tmp_path):
    python = make_python("mac", tmp_path / "python")
    code = (
        "import os, resource\n"
        "assert not hasattr(os, 'sched_getaffinity')\n"
        "try: open('/proc/self/stat')\n"
        "except FileNotFoundError: print('no /proc')\n"
        "try: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "except ValueError: print('no limit')\n"
    )
    assert on(python, tmp_path, "-c", code).stdout.split("\n")[:2] == ["no /proc", "no limit"]
