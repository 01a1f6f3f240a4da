"""In narrow terminals every printing command shows its numbers whole."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from solver.cli import app
from solver.report.tables import Kind, text_of
from solver.text import size
from tests.bench.report import write_run

WIDTHS = (80, 60)
CONFIG = """
model: scripted/a-model-with-a-rather-long-name
providers: {scripted: {replies: ["so 4"]}}
problems: starter
limit: 7
mode: code,cot
judge: rules
sandbox: {kind: native}
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("narrow")
    models = ("scripted/medium", "openai/gpt-4o-mini-2024-07-18", "ollama/qwen2.5-coder:7b")
    write_run(folder / "runs" / "many", problems=14, repeats=2, models=models,
              modes=("code", "cot", "tir"), errors=0.1)  # fmt: skip
    write_run(folder / "runs" / "once", problems=14, repeats=1)
    (folder / "run.yaml").write_text(CONFIG, encoding="utf-8")
    return folder


def printed(here, monkeypatch, width, command):
    monkeypatch.chdir(here)
    monkeypatch.setenv("COLUMNS", str(width))
    found = CliRunner().invoke(app, command.split())
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found.output


def numbers_of(here, monkeypatch, command):
    """Return every number of the tables that the command prints, as a terminal writes it."""
    data = json.loads(printed(here, monkeypatch, 80, f"{command} --json"))
    for section in data["sections"]:
        for table in section["tables"]:
            for row in table["rows"]:
                for value, column in zip(row, table["columns"], strict=True):
                    if not isinstance(value, str) and not column["minor"]:
                        value = tuple(value) if isinstance(value, list) else value
                        yield table["name"], text_of(value, Kind(column["kind"]))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "command",
    ["show runs/many", "show runs/once", "compare runs/many", "compare runs/many runs/once",
     "failures runs/many", "failures runs/once", "plan run.yaml --like runs/once"],
)  # fmt: skip
def test_every_number_of_a_table_is_there_whole(here, monkeypatch, width, command):
    shown = printed(here, monkeypatch, width, command)
    left = shown
    for table, number in numbers_of(here, monkeypatch, command):
        assert re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d.,]*\d)", left), (table, number)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "command",
    ["show runs/many", "show runs/once", "compare runs/many", "compare runs/many runs/once",
     "failures runs/many", "failures runs/once", "cost runs/many", "plan run.yaml",
     "plan run.yaml --like runs/once", "problems", "doctor", "doctor run.yaml",
     "run run.yaml --dry-run", "sandbox check", "report runs/many"],
)  # fmt: skip
def test_no_line_with_a_number_is_left_for_the_terminal_to_break(here, monkeypatch, width, command):
    if command == "sandbox check" and shutil.which("bwrap") is None:
        pytest.skip("needs bubblewrap")
    shown = printed(here, monkeypatch, width, command)
    assert shown.strip()
    for line in shown.splitlines():
        assert len(line) <= width or not line.startswith("──"), line
        broken = line[width - 1 : width + 1]
        assert not re.fullmatch(r"[\d.,%][\d.,%]", broken), line
        assert not re.search(r"\d…|…\d", line), line


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "command",
    ["show runs/many", "show runs/once", "compare runs/many", "failures runs/many",
     "failures runs/once", "cost runs/many", "plan run.yaml --like runs/once", "doctor",
     "problems", "config sampling"],
)  # fmt: skip
def test_no_line_but_a_command_to_copy_is_wider_than_the_terminal(
    here, monkeypatch, width, command
):
    lines = printed(here, monkeypatch, width, command).splitlines()
    wide = [
        each for each in lines if len(each) > width and not each.startswith("to read    solver")
    ]
    assert lines
    assert wide == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_of_the_help_is_wider_than_the_terminal(width):
    env = {**os.environ, "COLUMNS": str(width)}
    line = [sys.executable, "-m", "solver", "view", "--help"]
    done = subprocess.run(line, check=True, text=True, capture_output=True, env=env)
    assert width // 2 < max(map(len, done.stdout.splitlines())) <= width


def test_free_space_is_told_in_the_unit_that_fits(here, monkeypatch):
    assert re.search(r"disk here: [\d,.]+ (MiB|GiB) free", printed(here, monkeypatch, 80, "doctor"))
    assert [size(n * 2**20) for n in (0, 512, 1023, 1024, 72_828, 2**22)] == [
        "0 MiB", "512 MiB", "1023 MiB", "1.0 GiB", "71.1 GiB", "4,096.0 GiB",
    ]  # fmt: skip
