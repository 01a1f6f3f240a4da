"""Shards of a run make the run that one process makes, also where a worker is killed."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from solver.errors import ConfigError
from solver.run.sharded import execute_shard
from solver.run.shards import Shard
from solver.run.start import execute, prepare
from solver.scale.merge import merge
from tests.bench.kills import CONFIG, IN_FLIGHT, Model, trials_of
from tests.integration.engines import require
from tests.servers import serving
from tests.wires import OpenAIWire, Said

ROOT = Path(__file__).parents[2]
SCRIPTED = """
model: scripted/m
providers: {scripted: {replies: [["so \\\\boxed{1}", "it is \\\\boxed{2}", "no idea"]]}}
problems: starter
limit: 15
repeats: 4
mode: cot
sampling: {temperature: 1}
judge: rules
"""


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    (tmp_path / "disk").mkdir()
    monkeypatch.setenv("SOLVER_SCRATCH", str(tmp_path / "disk"))
    return tmp_path / "disk"


def job(folder, shard=None, text=SCRIPTED):
    path = folder / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return prepare(path, {}, name="run", runs=folder / "runs", shard=shard)


def show(folder, name, capsys):
    from solver.cli import app

    capsys.readouterr()
    app(["show", str(folder / "runs" / name)], standalone_mode=False)
    return capsys.readouterr().out


def test_four_shards_and_a_merge_give_the_tables_of_one_process(tmp_path, scratch, capsys):
    assert execute(job(tmp_path)) == 0
    whole = show(tmp_path, "run", capsys)
    (tmp_path / "runs").rename(tmp_path / "whole")
    for number in (3, 1, 4, 2):
        shard = Shard(number, 4)
        assert execute_shard(job(tmp_path, shard), shard) == 0
    assert "4 shards are not merged" in show(tmp_path, "run", capsys)
    brought = [each.trials for each in merge(tmp_path / "runs" / "run")]
    assert sum(brought) == 60
    assert min(brought) > 0
    merged = show(tmp_path, "run", capsys)
    assert merged.replace(str(tmp_path), "") == whole.replace(str(tmp_path), "")
    assert not any(each.new for each in merge(tmp_path / "runs" / "run"))
    assert show(tmp_path, "run", capsys) == merged
    assert [path.name for path in scratch.rglob("*") if path.is_file()] == []
    assert execute(job(tmp_path)) == 0  # nothing is left to do
    assert show(tmp_path, "run", capsys) == merged


def test_another_number_of_shards_goes_on_with_what_is_there(tmp_path):
    first = Shard(1, 2)
    execute_shard(job(tmp_path, first), first)
    for number in (1, 2, 3):
        shard = Shard(number, 3)
        assert execute_shard(job(tmp_path, shard), shard) == 0
    merged = merge(tmp_path / "runs" / "run")
    assert sum(each.trials for each in merged) == 60
    assert len(trials_of(tmp_path / "runs" / "run")) == 60


def test_a_shard_of_another_config_is_refused_with_the_difference(tmp_path):
    first = Shard(1, 2)
    execute_shard(job(tmp_path, first), first)
    second = job(tmp_path, Shard(2, 2))
    other = replace(second, config=second.config.model_copy(update={"seed": 1}))
    with pytest.raises(ConfigError, match="seed: 1 → 0"):
        execute_shard(other, Shard(2, 2))
    assert not (tmp_path / "runs" / "run" / "shards" / "2-of-2").exists()


@contextmanager
def served(folder, reply, limit):
    """Write a config whose model is `reply`, served in a thread until the block ends."""
    ready, address, loop = threading.Event(), [], asyncio.new_event_loop()

    async def serve():
        async with serving(OpenAIWire(reply)) as server:
            address.append(server.url)
            ready.set()
            await stop.wait()

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    ready.wait()
    text = CONFIG.format(url=address[0], limit=limit, mode="cot", kind="reduced")
    try:
        yield text
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def start(folder, *options):
    """Start `solver run` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "solver.cli", "run", "run.yaml", "--name", "run", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=(folder / "stderr").open("ab"),
    )


def test_a_killed_worker_loses_nothing_and_three_others_go_on(tmp_path):
    model = Model()
    with served(tmp_path, model, limit=20) as text:
        assert execute(job(tmp_path, text=text)) == 0
        expected = trials_of(tmp_path / "runs" / "run")
        assert len(expected) == 40
        (tmp_path / "runs").rename(tmp_path / "whole")
        model.sent.clear()
        before = model.answered
        workers = [start(tmp_path, "--shard", f"{n}/4") for n in range(1, 5)]
        while model.answered < before + 12:
            time.sleep(0.01)
        victim = next(worker for worker in workers if worker.poll() is None)
        victim.kill()
        killed = time.monotonic()
        assert sorted(worker.wait() for worker in workers) == [-signal.SIGKILL, 0, 0, 0]
        for number in (1, 2, 3):
            assert execute_shard(job(tmp_path, Shard(number, 3), text), Shard(number, 3)) == 0
    merge(tmp_path / "runs" / "run")
    assert trials_of(tmp_path / "runs" / "run") == expected
    again = [
        killed - sent
        for times in model.sent.values()  # no two trials of a run ask the same
        for (_, sent), _ in pairwise(times)
    ]
    assert len(model.sent) == len(expected)
    assert [age for age in again if age > IN_FLIGHT] == []


def test_a_second_worker_of_a_shard_is_refused_and_a_stopped_one_has_saved(tmp_path):
    asked, seen, let_go = [], threading.Event(), threading.Event()

    async def reply(messages, body):
        asked.append(body)
        if len(asked) > 4:
            seen.set()
            await asyncio.to_thread(let_go.wait)
        return Said("so \\boxed{1}")

    with served(tmp_path, reply, limit=40) as text:
        job(tmp_path, text=text)
        worker = start(tmp_path, "--shard", "1/1")
        seen.wait()
        for shard, told in (
            (Shard(1, 1), "is writing this run; wait for it, or run another shard"),
            (Shard(1, 2), "shard 1-of-1 is being written"),
        ):
            with pytest.raises(ConfigError, match=told):
                execute_shard(job(tmp_path, shard, text), shard)
        with pytest.raises(ConfigError, match="shard 1-of-1 is being written"):
            execute(job(tmp_path, text=text))
        worker.terminate()
        while "stopping" not in (tmp_path / "stderr").read_text("utf-8"):
            time.sleep(0.01)
        let_go.set()
        assert worker.wait() == 130
    assert [each.trials for each in merge(tmp_path / "runs" / "run")] == [len(asked)]


@pytest.mark.native
def test_shards_on_a_read_only_disk_are_shown(tmp_path):
    require("native")
    shard = Shard(1, 1)
    execute_shard(job(tmp_path, shard), shard)
    runs = str(tmp_path / "runs")
    box = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", runs, runs]
    command = [sys.executable, "-m", "solver.cli", "show", f"{runs}/run"]
    done = subprocess.run([*box, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1 shard is not merged" in done.stderr


def test_the_replies_of_the_judge_and_labels_are_merged_once(tmp_path):
    shard = Shard(1, 1)
    execute_shard(job(tmp_path, shard), shard)
    run = tmp_path / "runs" / "run"
    for name in ("judge.jsonl", "labels.jsonl"):
        (run / "shards" / "1-of-1" / name).write_bytes(b'{"a": 1}\n{"b": 2}\n')
        (run / name).write_bytes(b'{"a": 1}\n')
    merge(run)
    merge(run)
    for name in ("judge.jsonl", "labels.jsonl"):
        assert (run / name).read_bytes() == b'{"a": 1}\n{"b": 2}\n'
