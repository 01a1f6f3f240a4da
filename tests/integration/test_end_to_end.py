"""The main job with real parts: model servers over the wire, a real model, real sandboxes."""

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox import Exit
from solver.checks.screen_audit import run_refused
from solver.store import Store
from tests.fakes import config_of, finished_run, program
from tests.integration.engines import containers_of, ours, require
from tests.servers import serve_openai

PROBLEMS = "".join(
    json.dumps({"id": f"p{n}", "question": f"What is {n} + 2?", "answer": str(n + 2)}) + "\n"
    for n in range(12)
)
CONFIG = """
model: openai/any
providers: {{openai: {{base_url: "{url}", parallel: 4}}}}
problems: problems.jsonl
sandbox: {{kind: {kind}, workers: 2}}
judge: rules
"""
REPLY = program("import sympy\nprint(sympy.Integer(2) ** 3)")


def command(*arguments):
    return [sys.executable, "-m", "solver.cli", *arguments]


def prepare(folder, url, kind):
    (folder / "run.yaml").write_text(CONFIG.format(url=url, kind=kind), encoding="utf-8")
    (folder / "problems.jsonl").write_text(PROBLEMS, encoding="utf-8")


def run_solver(folder, *arguments):
    return subprocess.run(
        command(*arguments), cwd=folder, capture_output=True, text=True, timeout=400
    )


@pytest.mark.docker
async def test_a_run_over_the_wire_and_in_docker_prints_the_right_table(tmp_path):
    require("docker")
    run = ours("run")
    async with serve_openai(reply=REPLY) as url:
        prepare(tmp_path, url, "docker")
        done = run_solver(tmp_path, "run", "run.yaml", "--name", run)
    assert done.returncode == 0, done.stderr
    assert "correct 1 · wrong 11" in done.stdout
    assert "sandbox    docker" in done.stdout
    store = Store.open(tmp_path / "runs" / run)
    manifest = store.manifest()
    assert manifest["sandbox"]["image_id"].startswith("sha256:")
    assert manifest["models"]["openai/any"]
    assert {row.outcome for row in store.rows()} == {"correct", "wrong"}
    store.close()
    assert containers_of(run) == []


@pytest.mark.docker
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
async def test_no_container_outlives_the_run_however_it_ends(tmp_path, end):
    require("docker")
    name = ours(f"ended-{end}")
    async with serve_openai(reply=program("while True: pass")) as url:
        prepare(tmp_path, url, "docker")
        said = tmp_path / "said"
        with said.open("w") as file:
            child = subprocess.Popen(
                command("run", "run.yaml", "--name", name),
                cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=file,
            )  # fmt: skip
        wait_until(lambda: containers_of(name))
        wait_until(lambda: stored_replies(tmp_path / "runs" / name))
        child.send_signal(end)
        if end is not signal.SIGKILL:
            wait_until(lambda: "stopping" in said.read_text())
            child.send_signal(end)
        child.wait(120)
        wait_until(lambda: not containers_of(name))
    assert child.returncode == (-signal.SIGKILL if end is signal.SIGKILL else 130)


@pytest.mark.native
async def test_the_screen_s_price_is_counted_by_running_what_it_refused(tmp_path):
    require("native")
    config = config_of(sandbox="native", code={"retries": 0})
    replies = [program("import socket\nprint(1)")]
    async with finished_run(tmp_path, replies, config=config) as store:
        store.write_manifest(config=config.model_dump(mode="json"))
        audit = await run_refused(store, config)
    ((rule, account),) = audit.rules.items()
    assert (audit.programs, account.programs, account.right) == (3, 3, 1)
    assert account.exits == {Exit.OK: 3}
    assert len(account.lost) == 1
    assert "import" in rule or "network" in rule


@pytest.mark.native
@pytest.mark.model
def test_the_quickstart_runs_a_real_model_end_to_end(tmp_path):
    require("native")
    quickstart = Path(__file__).parents[2] / "configs" / "quickstart.yaml"
    done = run_solver(
        tmp_path,
        "run",
        str(quickstart),
        "--limit",
        "2",
        "--sandbox",
        "native",
        "--model",
        "local/smollm2",
        "--set",
        "sampling.max_tokens=48",
    )
    assert done.returncode == 0, done.stderr
    assert "local/smollm2 · code" in done.stdout
    assert "local/smollm2 · cot" in done.stdout
    assert "code − cot" in done.stdout
    (run,) = (tmp_path / "runs").iterdir()
    store = Store.open(run)
    rows = list(store.rows())
    assert len(rows) == 4
    assert all(row.output_tokens > 0 for row in rows)
    assert store.manifest()["models"]["local/smollm2"]["sha256"]
    store.close()


def stored_replies(run):
    """Count the replies of a run whose programs have not ended yet."""
    file = (run / "run.sqlite").as_uri()
    with contextlib.closing(sqlite3.connect(f"{file}?mode=ro", uri=True)) as database:
        return database.execute("SELECT count(*) FROM replies").fetchone()[0]


def wait_until(true):
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
