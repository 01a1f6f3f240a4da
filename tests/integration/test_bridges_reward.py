"""`code_reward` runs programs in the sandbox that `auto` finds, from plain synchronous code."""

import multiprocessing
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sandbox import SandboxError
from solver.bridges import reward as module
from solver.bridges.reward import close, code_reward, configure
from tests.integration.engines import DOCKER, NATIVE, require

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "from sympy import Rational\nprint(Rational(1, 2))": 1.0,
    "print('Answer: 0.5')": 1.0,
    "print(2)": 0.0,
    "1 / 0": 0.0,
    "raise SystemExit(print(0.5))": 1.0,
    "x = 1 / 2": 0.0,
    "print(0.5)\nprint(open('/etc/shadow').read())": 0.0,
    "import time\nprint(0.5, flush=True)\ntime.sleep(60)": 0.0,
}


@pytest.fixture(params=[DOCKER, NATIVE])
def auto(request, monkeypatch):
    """`auto` is docker, or native where there is no engine."""
    require(request.param)
    close()
    if request.param == "native":
        monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    yield
    configure()
    close()


def score(programs):
    completions = [f"Let us see.\n```python\n{program}\n```" for program in programs]
    return code_reward(
        prompts=[""] * len(completions),
        completions=completions,
        answer=["\\frac12"] * len(programs),
    )


def test_what_a_program_prints_is_judged(auto):
    assert dict(zip(PROGRAMS, score(PROGRAMS), strict=True)) == PROGRAMS


def _score_in_child(connection):
    connection.send(score(["print(0.5)", "print(2)"]))
    close()


def test_a_forked_process_has_its_own_sandbox_and_leaves_the_parents_alone(auto):
    assert score(["print(0.5)"]) == [1.0]
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=_score_in_child, args=(theirs,))
    child.start()
    assert ours.poll(60)
    assert ours.recv() == [1.0, 0.0]
    child.join(60)
    assert child.exitcode == 0
    assert score(["print(0.5)", "print(2)"]) == [1.0, 0.0]


def test_programs_that_hang_hold_a_call_no_longer_than_the_caller_allows(auto):
    configure(seconds=2, wall_seconds=2)
    assert score(["print(0.5)"]) == [1.0]  # the sandbox is open
    started = time.monotonic()
    assert score(["while True: pass"] * 8) == [0.0] * 8
    assert time.monotonic() - started < 60  # 240 s with the limits that configure() sets
    configure()
    assert score(["print(0.5)"]) == [1.0]
    with pytest.raises(ValueError, match="seconds"):
        configure(seconds=0)


def test_a_sandbox_that_is_closed_while_it_opens_leaves_nothing_open(auto):
    failures = queue.SimpleQueue()

    def call():
        try:
            score(["print(0.5)"])
        except SandboxError as failure:
            failures.put(failure)

    threading.Thread(target=call, daemon=True).start()
    deadline = time.monotonic() + 60
    while not (found := [each for each in module._opened.values() if each._opening]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    close()
    assert isinstance(failures.get(timeout=60), SandboxError)
    assert found[0]._opening.cancelled()
    assert score(["print(0.5)"]) == [1.0]


def test_programs_that_run_as_the_process_ends_get_no_reward(auto):
    script = (
        "import threading\n"
        "from sandbox import SandboxError\n"
        "from tests.integration.test_bridges_reward import configure, score\n"
        "def call():\n"
        "    try: score(['while True: pass'] * 8)\n"
        "    except SandboxError: print('no reward', flush=True)\n"
        "configure(workers=1, seconds=1)\n"
        "print(score(['print(0.5)']), flush=True)\n"
        "threading.Thread(target=call).start()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert done.stdout.splitlines() == ["[1.0]", "no reward"], done.stderr
    assert done.stderr == ""
