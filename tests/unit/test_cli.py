"""The command line: exit codes, one-line errors, dry run, resume, export."""

import csv
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from solver.config import DEFAULT_JUDGE
from solver.store import Store
from solver.view.library import Library

ROOT = Path(__file__).parents[2]

CONFIG = """
model: scripted/test
providers:
  scripted:
    replies: ["so \\\\boxed{4}"]
problems: problems.jsonl
mode: cot
judge: rules
"""
PROBLEMS = [
    {"id": f"p{n}", "question": f"What is {n} + {n}?", "answer": str(2 * n), "domain": "algebra"}
    for n in (1, 2, 3)
]


def prepared(folder):
    (folder / "run.yaml").write_text(CONFIG, encoding="utf-8")
    rows = "".join(json.dumps(problem) + "\n" for problem in PROBLEMS)
    (folder / "problems.jsonl").write_text(rows, encoding="utf-8")
    return folder


@pytest.fixture
def here(tmp_path):
    """A folder with a config and its problems."""
    return prepared(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = prepared(tmp_path_factory.mktemp("finished"))
    return folder, solver(folder, "run", "run.yaml").stdout


@pytest.fixture
def done(finished, tmp_path):
    """A copy of a folder in which the run is finished."""
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


def solver(here, *arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "solver.cli", *arguments],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, done.stderr + done.stdout
    return done


def test_a_run_prints_its_table_and_where_it_lies(finished):
    folder, out = finished
    assert "33.3 %" in out
    assert "run        runs/run" in out
    assert solver(folder, "show", "runs/run").stdout == out


def test_the_same_command_resumes_and_a_changed_one_is_refused_with_the_difference(here):
    solver(here, "run", "run.yaml", "--limit", "2")
    out = solver(here, "run", "run.yaml", "--limit", "3").stdout
    assert "all" in out
    refused = solver(here, "run", "run.yaml", "--limit", "1", code=2).stderr
    assert "limit: 3 → 1 (it may only grow)" in refused
    text = (here / "run.yaml").read_text("utf-8") + "sampling: {max_tokens: 9}\n"
    (here / "run.yaml").write_text(text, encoding="utf-8")
    refused = solver(here, "run", "run.yaml", "--limit", "3", code=2).stderr
    assert "sampling.max_tokens: 2048 → 9" in refused
    assert refused.count("\n") == 1


def test_another_model_is_another_run(here):
    solver(here, "run", "run.yaml", "--model", "scripted/other")
    assert (here / "runs" / "run-scripted-other" / "run.sqlite").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "rum.yaml"], "did you mean run.yaml?"),
        (["run", "run.yaml", "--problems", "none.jsonl"], "none.jsonl"),
        (["run", "run.yaml", "--problems", "math50"], "Did you mean 'math500'?"),
        (["run", "run.yaml", "--mode", "code,cut"], "did you mean"),
        (["run", "run.yaml", "--model", "openai/gpt-4o-mini"], "OPENAI_API_KEY"),
        (["run", "run.yaml", "--repeats", "2"], "temperature 0"),
        (["run", "run.yaml", "--judge", "mistral/mistral-small"], "MISTRAL_API_KEY"),
        (["show", "runs/none"], "no run there"),
    ],
)
def test_a_mistake_costs_nothing_but_one_line(here, arguments, message, monkeypatch):
    for key in ("OPENAI_API_KEY", "MISTRAL_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(key, raising=False)
    error = solver(here, *arguments, code=2).stderr
    assert message in error
    assert error.startswith("solver: ")
    assert error.count("\n") == 1


def test_a_dry_run_shows_the_prompt_and_the_counts_and_spends_nothing(here):
    out = solver(here, "run", "run.yaml", "--dry-run", "--mode", "code,cot").stdout
    assert "Write the program." in out
    assert "box the final answer." in out
    assert "3 problems × 2 modes: 6 trials, 6 to 36 replies of at most 2,048 tokens" in out
    assert not (here / "runs").exists()
    one = solver(here, "run", "run.yaml", "--dry-run", "--mode", "cot", "--limit", "1").stdout
    assert "1 problem: 1 trial, 1 reply of at most 2,048 tokens" in one
    repeated = ("--mode", "cot", "--repeats", "400", "--set", "sampling.temperature=1")
    many = solver(here, "run", "run.yaml", "--dry-run", *repeated).stdout
    assert "3 problems × 400 repeats: 1,200 trials, 1,200 replies" in many


def test_exports_hold_every_trial(done):
    for form in ("jsonl", "csv", "parquet"):
        path = done / solver(done, "export", "runs/run", "--format", form).stdout.strip()
        assert path.is_file()
    rows = [json.loads(line) for line in (done / "runs/run/trials.jsonl").open(encoding="utf-8")]
    assert {row["problem_id"] for row in rows} == {"p1", "p2", "p3"}
    assert rows[0]["turns"][0]["reply"]["text"] == "so \\boxed{4}"
    with (done / "runs/run/trials.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert sorted(row["outcome"] for row in table) == ["correct", "wrong", "wrong"]
    import pandas as pd

    assert len(pd.read_parquet(done / "runs/run/trials.parquet")) == 3


def test_a_problem_is_shown_by_its_id_and_another_refused(done):
    assert "so \\boxed{4}" in solver(done, "show", "runs/run", "--problem", "p2").stdout
    assert "no problem 'p9'" in solver(done, "show", "runs/run", "--problem", "p9", code=2).stderr


def test_every_command_has_help(here):
    listed = solver(here, "--help").stdout
    for command in ("run", "show", "export", "doctor", "sandbox"):
        assert command in listed
        assert len(solver(here, command, "--help").stdout) > 100


def test_a_key_never_reaches_any_output(here, monkeypatch):
    """A server that echoes the key in its error must not get it into the terminal or the run."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-value")
    text = CONFIG.replace("scripted/test", "openai/x").replace(
        "  scripted:\n    replies: [\"so \\\\boxed{4}\"]", "  openai: {base_url: 'http://127.0.0.1:9'}"
    ) + "patience: {attempts: 1}\n"  # fmt: skip
    (here / "run.yaml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "solver.cli", "run", "run.yaml"],
        cwd=here, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2
    assert "127.0.0.1:9" in done.stderr
    everything = done.stdout + done.stderr
    for file in here.rglob("*"):
        if file.is_file():
            everything += file.read_bytes().decode("latin-1")
    assert "very-secret" not in everything


def test_judging_again_appends_verdicts_and_says_what_changed(done):
    out = solver(done, "rejudge", "runs/run", "--threshold", "5").stdout
    assert "judged again: 3 answers, 0 outcomes changed" in out
    shown = solver(done, "show", "runs/run", "--problem", "p2").stdout
    assert shown.count("── verdict:") == 2


def test_the_first_judge_of_a_run_is_kept_and_can_be_gone_back_to(done):
    solver(done, "rejudge", "runs/run", "--threshold", "5", "--policy", "missing_unit=refuse")
    shown = " ".join(solver(done, "show", "runs/run").stdout.split())
    assert "scored in another way than by default: threshold 5, missing_unit refuse" in shown
    assert "threshold: 4 → 5" in shown
    assert "`solver rejudge runs/run --original` goes back" in shown
    shutil.copytree(done / "runs/run", done / "runs/copy")
    compared = " ".join(solver(done, "compare", "runs/run", "runs/copy").stdout.split())
    assert "scored in another way than by default: threshold 5" in compared
    about = Library(done / "runs").about("run")
    assert any("threshold 5, missing_unit refuse" in warning for warning in about.warnings)
    changed = manifest_of(done)["judge"]["changed"]
    assert changed == {"threshold": 5, "policy": {"missing_unit": "refuse"}}
    first = manifest_of(done)["first_judge"]
    assert first["config"]["threshold"] == 4
    out = solver(done, "rejudge", "runs/run", "--original").stdout
    assert "judged again: 3 answers" in out
    assert "another way" not in out
    back = manifest_of(done)
    assert (back["judge"], back["config"]["judge"]) == (first["facts"], first["config"])
    assert back["identity"]["judge"] == first["config"]
    store = Store.open(done / "runs/run")
    assert {row.verdict.threshold for row in store.rows() if row.verdict} == {4}
    store.close()
    refused = solver(done, "rejudge", "runs/run", "--original", "--threshold", "5", code=2)
    assert "--original" in refused.stderr


def test_judging_again_needs_no_key_where_nobody_asked_for_the_judge_that_needs_one(done):
    store = Store.create_or_open(done / "runs/run")
    config = store.manifest()["config"]
    unasked = {**config["judge"], "model": DEFAULT_JUDGE}  # as a config without `judge:` is stored
    store.write_manifest(config={**config, "judge": unasked})
    store.close()
    out = solver(done, "rejudge", "runs/run", "--policy", "missing_unit=refuse").stdout
    assert "judged again: 3 answers" in out
    refused = solver(done, "rejudge", "runs/run", "--judge", DEFAULT_JUDGE, code=2)
    assert "MISTRAL_API_KEY" in refused.stderr


def manifest_of(here):
    store = Store.open(here / "runs/run")
    try:
        return store.manifest()
    finally:
        store.close()


def test_judging_again_checks_its_words_first(done):
    for arguments, message in (
        (["--policy", "missing_unit=perhaps"], "judge.policy.missing_unit"),
        (["--policy", "missing_units=refuse"], "missing_units: unknown"),
        (["--policy", "missing_unit"], "name=value"),
        (["--threshold", "9"], "threshold: 9 is too large"),
        (["--judge", "mistral/x"], "MISTRAL_API_KEY"),
    ):
        assert message in solver(done, "rejudge", "runs/run", *arguments, code=2).stderr


def start_slow_run(here):
    """A run of three trials of which the later ones would take very long."""
    text = CONFIG.replace("replies: [", "delay: 1.5\n    parallel: 1\n    replies: [")
    (here / "run.yaml").write_text(text, encoding="utf-8")
    child = subprocess.Popen(
        [sys.executable, "-m", "solver.cli", "run", "run.yaml"],
        cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not any((here / "runs").glob("run/run.sqlite-wal")) or trials_in(here) < 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return child


def trials_in(here):
    database = sqlite3.connect(here / "runs/run/run.sqlite")
    try:
        return database.execute("SELECT count(*) FROM trials").fetchone()[0]
    except sqlite3.OperationalError:
        return 0
    finally:
        database.close()


def test_ctrl_c_saves_prints_the_table_so_far_and_exits_130(here):
    child = start_slow_run(here)
    child.send_signal(signal.SIGINT)
    out, error = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "stopping: finishing the requests in flight" in error
    assert "partial: 2 of 3 trials" in out
    again = solver(here, "run", "run.yaml").stdout
    assert "33.3 %" in again
    assert "partial" not in again


def test_a_second_ctrl_c_stops_at_once(here):
    child = start_slow_run(here)
    child.send_signal(signal.SIGINT)
    assert any("stopping" in line for line in child.stderr)
    child.send_signal(signal.SIGINT)
    out, error = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "stopped at once" in error
    assert "Traceback" not in error
    assert "partial: 1 of 3 trials" in out
