"""How `solver run` ends: exit codes, what is said of errors, and Ctrl-C wherever it comes."""

import json
import signal
import subprocess
import sys
import time

import pytest
import yaml

QUESTIONS = ("What is 1 + 1?", "What is 2 + 2?", "What is 3 + 3?")


@pytest.fixture
def here(tmp_path):
    rows = [{"id": q[8], "question": q, "answer": str(2 * int(q[8]))} for q in QUESTIONS]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def start(here, scripted, **content):
    config = {
        "model": "scripted/test",
        "providers": {"scripted": scripted},
        "problems": "problems.jsonl",
        "mode": "cot",
        "judge": "rules",
        **content,
    }
    (here / "run.yaml").write_text(yaml.safe_dump(config))
    return subprocess.Popen(
        [sys.executable, "-m", "solver.cli", "run", "run.yaml"],
        cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(here, scripted, **content):
    child = start(here, scripted, **content)
    out, error = child.communicate(timeout=100)
    return child.returncode, out, error


def logged(here, words, count=1):
    """Wait until the run's log holds these words so often."""
    log, deadline = here / "runs/run/run.log", time.monotonic() + 60
    while not log.exists() or log.read_text().count(words) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def failing(**line):
    return {"replies": ["so \\boxed{2}"], "scripts": [{"when": "2 + 2", "replies": [line]}]}


def test_a_run_whose_trials_are_all_scored_ends_with_0(here):
    code, _, error = ended(here, {"replies": ["so \\boxed{2}"]})
    assert (code, "error:" in error) == (0, False)


def test_errors_that_are_left_are_named_counted_and_end_with_1(here):
    code, out, error = ended(here, failing(fails=-1, status=500), patience={"attempts": 1})
    assert code == 1
    assert "1/3 (33.3 %) trials have no score: ModelError: scripted/test: scripted" in error
    assert "the same command tries them again" in error
    assert "correct" in out


def test_a_lost_key_ends_the_run_with_2_and_says_that_it_can_go_on(here):
    scripted = failing(fails=-1, status=401)
    code, _, error = ended(here, scripted, patience={"parallel": 1})
    assert code == 2
    assert "of 3 trials are stored, the same command goes on" in error


def test_ctrl_c_in_a_back_off_ends_at_once_with_130(here):
    line = {"fails": -1, "status": 429, "retry_after": 500}
    child = start(here, {"replies": [line]}, patience={"wait_seconds": 10000})
    logged(here, "again in", 3)
    child.send_signal(signal.SIGINT)
    _, error = child.communicate(timeout=60)
    assert (child.returncode, "Traceback" in error) == (130, False)
    assert (here / "runs/run/run.log").read_text().count("request to") == 3


def test_ctrl_c_while_the_judge_is_proved_ends_at_once_with_130(here):
    judge = {"model": "scripted/judge", "options": {"replies": ["{}"], "delay": 500}}
    child = start(here, {"replies": ["so \\boxed{2}"]}, judge=judge)
    logged(here, "request to")
    child.send_signal(signal.SIGINT)
    _, error = child.communicate(timeout=60)
    assert (child.returncode, "Traceback" in error) == (130, False)
