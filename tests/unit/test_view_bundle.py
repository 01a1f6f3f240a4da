"""Runs are written as pages that open without a server, and hold only what was chosen."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from solver.errors import ConfigError
from solver.view.bundle import write_bundle
from tests.bench.report import write_run
from tests.viewed import ATTACK, hostile_run, write


def pages(folder):
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_every_link_leads_to_a_file_and_every_file_is_linked_to(tmp_path):
    write(tmp_path / "runs/first")
    write(tmp_path / "runs/second", modes=("code",))
    assert write_bundle(tmp_path / "runs", tmp_path / "out") == 12
    written = pages(tmp_path / "out")
    links = {link.partition("#")[0] for text in written.values()
             for link in re.findall(r'<a\b[^>]* href="([^"]*)"', text)}  # fmt: skip
    assert links - {""} == written.keys()
    assert len([name for name in written if name.startswith("trial-")]) == 12


def test_whole_trials_are_included(tmp_path):
    write(tmp_path / "runs/first")
    write_bundle(tmp_path / "runs", tmp_path / "out")
    trial = next(t for name, t in pages(tmp_path / "out").items() if name.startswith("trial-"))
    for part in ("Write Python.", "NameError: y", "Score 5 of 5", "<style>", "<math"):
        assert part in trial


def test_a_bundle_needs_no_server_and_runs_no_script(tmp_path):
    hostile_run(tmp_path / "runs/bad", ATTACK)
    write_bundle(tmp_path / "runs", tmp_path / "out")
    for name, text in pages(tmp_path / "out").items():
        if name.endswith(".html"):
            assert "default-src 'none'" in text
            assert not re.search(r"<(script|form|img|iframe)\b", text)
            assert not re.search(r'(href|src)="/', text)


def test_only_the_chosen_trials_are_written_page_by_page(tmp_path):
    write_run(tmp_path / "runs/large", problems=30, repeats=3)
    count = write_bundle(tmp_path / "runs", tmp_path / "out", "mode:code")
    written = pages(tmp_path / "out")
    assert count == 90
    assert len([name for name in written if name.startswith("trial-")]) == 90
    assert "page 1 of 2" in written["index.html"]
    assert "code" in written["index.html"]


@pytest.mark.parametrize(
    ("line", "says"),
    [("level:>9", "holds no trial that passes 'level:>9'"), ("levle:1", "levle: no such word")],
)
def test_a_filter_that_finds_nothing_or_cannot_be_read_writes_nothing(tmp_path, line, says):
    write(tmp_path / "runs/first")
    with pytest.raises(ConfigError, match=says):
        write_bundle(tmp_path / "runs", tmp_path / "out", line)
    assert not (tmp_path / "out").exists()


def test_what_is_there_already_is_left_alone(tmp_path):
    write(tmp_path / "runs/first")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").touch()
    with pytest.raises(ConfigError, match="is there already"):
        write_bundle(tmp_path / "runs", tmp_path / "out")


def test_the_command_names_the_page_to_open(tmp_path):
    write(tmp_path / "runs/first")
    command = [sys.executable, "-m", "solver.cli", "view", "runs", "--bundle", "out",
               "--filter", "mode:cot"]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"{Path('out/index.html')}: 4 trials\n")
