"""A run's own model server: it starts, answers, comes back when it dies, and ends with the run.

`tests/fake_engine.py` is the server: a program that misbehaves as it is told to.
"""

import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from solver.checks.doctor import examine
from solver.errors import ConfigError, ModelError
from solver.run.dry import dry
from solver.run.sharded import execute_shard
from solver.run.shards import Shard
from solver.run.start import execute, prepare
from solver.serve.options import ServeOptions
from solver.serve.plan import is_free, plan_of
from solver.serve.server import Server, running
from solver.store import Store

ENGINE = Path(__file__).parents[1] / "fake_engine.py"
QUESTIONS = 6


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes").mkdir()
    rows = [
        {"id": f"p{n}", "question": f"What is {n} + 1?", "answer": "2"} for n in range(QUESTIONS)
    ]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def command(*options):
    words = [sys.executable, str(ENGINE), "--port", "{port}", "--notes", "notes"]
    return shlex.join([*words, "--reply", "so \\boxed{2}", *options])


def job(here, *options, **serve):
    (here / "run.yaml").write_text(
        yaml.safe_dump({
            "model": "openai/fake",
            "problems": "problems.jsonl",
            "mode": "cot",
            "judge": "rules",
            "patience": {"parallel": 2, "attempts": 1},
            "serve": {"engine": "vllm", "command": command(*options), **serve},
        })
    )  # fmt: skip
    return prepare(here / "run.yaml", {}, name=None, runs=here / "runs")


def server(here, *options, lost=None, **serve):
    """A server alone, and where it says that it has died too often."""
    chosen = ServeOptions.model_validate({"engine": "vllm", "command": command(*options), **serve})
    plan = plan_of(chosen, [("openai/fake", {})])
    return Server(plan, plan.models, here, {}, (lost if lost is not None else []).append)


def noted(here, kind):
    """The first number in each note of a kind: a process's id."""
    return [int(note.read_text().split()[0]) for note in sorted((here / "notes").glob(f"{kind}-*"))]


def alive(pids):
    """The processes among these that have not ended."""
    found = []
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat")
        try:
            ended = stat.read_text().rpartition(")")[2].split()[0] == "Z" if stat.exists() else None
            os.kill(pid, 0)
        except OSError:
            continue
        if not ended:
            found.append(pid)
    return found


def until(what, seconds=60):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def outcomes(here):
    return [row.outcome.value for row in Store.open(here / "runs/run").rows()]


def test_a_run_starts_its_server_and_leaves_no_process_behind(here, capsys, monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "kEy-0123456789")
    options = ("--forks", "--ignores-term", "--says", "\x1b[31mred\x1b[0m\x07 kEy-0123456789")
    assert execute(job(here, *options, grace_seconds=0.3)) == 0
    assert outcomes(here) == ["correct"] * QUESTIONS
    started, children = noted(here, "start"), noted(here, "child")
    assert (len(started), len(children), alive(started + children)) == (1, 1, [])
    assert (here / "notes/ignored-term").exists()  # it was asked first
    log = (here / "runs/run/serve.log").read_text()
    assert "red\\u0007 ***" in log
    assert "\x1b" not in log
    stored = Store.open(here / "runs/run").manifest()
    assert stored["serve"]["command"].startswith(sys.executable)
    assert "--port PORT" in stored["serve"]["command"]
    assert "serve: vllm answers after" in capsys.readouterr().err


def test_a_server_that_dies_comes_back_and_no_trial_is_lost_or_wrong(here, capsys):
    """Each start answers four requests; with `attempts: 1` a request that counted would be lost.

    Its child has to be killed, which takes longer than the end of the server to be noticed.
    """
    options = ("--dies-after", "4", "--forks", "--ignores-term")
    assert execute(job(here, *options, grace_seconds=1.5)) == 0
    assert outcomes(here) == ["correct"] * QUESTIONS
    assert len(noted(here, "start")) == 2
    assert alive(noted(here, "child")) == []
    said = capsys.readouterr().err
    assert "vllm ended (exit code 3): CUDA error: out of memory; starting it again, 1 of 3" in said
    assert Store.open(here / "runs/run").manifest()["serve"]["restarts"] == 1


def test_a_server_that_dies_too_often_ends_the_run_which_the_same_command_goes_on_with(here):
    with pytest.raises(ModelError) as ended:
        execute(job(here, "--dies-after", "2", restarts=1))
    assert str(ended.value).startswith(
        "serve: vllm ended (exit code 3) with no restart left (serve.restarts: 1): CUDA error: out"
    )
    assert f"of {QUESTIONS} trials are stored, the same command goes on" in str(ended.value)
    stored = len(outcomes(here))
    assert 0 < stored < QUESTIONS
    assert "error" not in outcomes(here)
    assert execute(job(here)) == 0
    assert outcomes(here) == ["correct"] * QUESTIONS
    (note,) = [n for n in Store.open(here / "runs/run").manifest()["warnings"] if "serve:" in n]
    assert "--dies-after 2" in note
    assert "goes on with" in note


def test_a_server_that_ends_at_once_is_one_line_and_its_log_stays(here):
    with pytest.raises(ModelError) as ended:
        execute(job(here, "--fails", "1"))
    log = here / "runs/run/serve.log"
    assert str(ended.value) == (
        "serve: vllm ended (exit code 1) before it answered: RuntimeError: no GPU here;"
        f" its log is {log}"
    )
    assert "started: " in log.read_text()
    assert execute(job(here, "--fails", "1")) == 0


def test_a_shard_starts_its_server_too_and_keeps_the_log_of_one_that_ends_at_once(
    here, monkeypatch
):
    monkeypatch.setenv("SOLVER_SCRATCH", str(here))
    folder = job(here).folder / "shards" / "1-of-1"
    with pytest.raises(ModelError, match="its log is"):
        execute_shard(job(here, "--fails", "1"), Shard(1, 1))
    assert (folder / "serve.log").exists()
    assert execute_shard(job(here), Shard(1, 1)) == 0
    store = Store.open(folder)
    assert len(store.finished()) == QUESTIONS
    assert store.manifest()["serve"]["engine"] == "vllm"
    store.close()
    assert noted(here, "start")
    assert alive(noted(here, "start")) == []


def test_a_dry_run_and_doctor_show_the_command_and_start_nothing(here, capsys):
    asked = job(here)
    assert dry(asked) == 0
    assert f"serve: {sys.executable} {ENGINE} --port PORT --notes notes" in capsys.readouterr().out
    (found,) = [each for each in examine(here / "run.yaml") if each.what == "server vllm"]
    assert (found.good, "the run starts it" in found.detail) == (True, True)
    assert noted(here, "start") == []


def test_a_program_that_is_not_there_is_said_before_anything_starts(here, capsys):
    asked = job(here, command="no-such-server --port {port}")
    assert dry(asked) == 2
    assert "missing: serve: no program 'no-such-server'" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="no program 'no-such-server' on the PATH"):
        execute(asked)
    assert not (here / "runs/run").exists()


async def test_a_server_that_never_answers_is_ended_after_a_time(here):
    slow = server(here, "--slow", "600", ready_seconds=0.5)
    with pytest.raises(ModelError, match=r"vllm did not answer at http://127.0.0.1:\d+/health in"):
        async with running(slow):
            pass
    wrong = server(here, ready="/nowhere", ready_seconds=2)
    with pytest.raises(ModelError, match=r"404; set serve.ready to a path that it has\) in 2 s"):
        async with running(wrong):
            pass
    assert alive(noted(here, "start")) == []


async def test_a_free_port_that_something_took_meanwhile_is_replaced_by_another(here):
    async with running(server(here, "--taken", "2")) as found:
        assert found.restarts == 0
    ports = {note.read_text().split()[1] for note in (here / "notes").glob("start-*")}
    assert len(ports) == 3


async def test_a_port_in_use_and_a_program_that_is_no_program_are_refused(here):
    async with running(server(here)) as found:
        port = found.port
        with pytest.raises(ConfigError, match=rf"serve.port: {port} is in use on this machine"):
            await server(here, port=port).start()
    assert is_free(port)
    (here / "notes/text").write_text("no program")
    (here / "notes/text").chmod(0o755)
    broken = server(here, command=[str(here / "notes/text")], port=port)
    with pytest.raises(ConfigError, match="cannot be started: Exec format error"):
        async with running(broken):
            pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a server with its guard")
async def test_a_guard_that_is_killed_takes_its_server_along_and_both_come_back(here):
    async with running(server(here)) as found:
        (first,) = noted(here, "start")
        guard = int(Path(f"/proc/{first}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(guard, signal.SIGKILL)
        broken = ModelError("no connection")
        assert not await found.back("openai/other", broken, found.starts)
        assert await asyncio.wait_for(found.back("openai/fake", broken, found.starts), 60)
        _, second = noted(here, "start")
        assert (alive([first]), alive([second])) == ([], [second])
    assert alive([second]) == []


def started(here, *options, **serve):
    """`solver run` in a process of its own, once its server has a request."""
    job(here, *options, **serve)
    child = subprocess.Popen(
        [sys.executable, "-m", "solver.cli", "run", "run.yaml"],
        cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    until(lambda: (here / "runs/run/run.log").exists())
    until(lambda: "request to" in (here / "runs/run/run.log").read_text())
    return child


def test_kill_9_of_the_run_leaves_no_server_and_no_child_of_it(here):
    child = started(here, "--delay", "600", "--forks", "--ignores-term", grace_seconds=0.3)
    pids = noted(here, "start") + noted(here, "child")
    assert alive(pids) == pids
    child.kill()
    child.communicate()
    until(lambda: alive(pids) == [])


def test_ctrl_c_finishes_the_requests_in_flight_before_the_server_ends(here):
    child = started(here, "--delay", "2")
    child.send_signal(signal.SIGINT)
    _, error = child.communicate(timeout=60)
    assert (child.returncode, "Traceback" in error) == (130, False)
    assert outcomes(here) == ["correct"] * 2
    assert alive(noted(here, "start")) == []
