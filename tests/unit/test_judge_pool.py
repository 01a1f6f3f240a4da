"""The worker pool: deadlines, deaths, memory, threads, and what happens when the parent goes."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from judge import JudgeError, Policy, Relation
from judge.policy import Choice
from judge.relation import Comparison
from judge.workers.pool import LONGEST, Pool
from judge.workers.work import processor_seconds
from judge.workers.worker import policy_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pool():
    with Pool(2) as pool:
        yield pool


class SlowPool(Pool):
    """A pool whose workers obey the answer: work, sleep, nap, die, fill memory, recurse, print."""

    program = """
import json, os, sys, time
sys.path[:] = json.loads(sys.argv[1])
from judge import compare
from judge.workers.worker import main

def obey(reference, answer, policy):
    while answer == "work":
        pass
    if answer == "sleep":
        time.sleep(600)
    if answer == "nap":
        time.sleep(2)
        answer = reference
    if answer == "die":
        print("overwhelmed", file=sys.stderr, flush=True)
        os._exit(3)
    if answer == "fill":
        bytearray(10**10)
    if answer == "recurse":
        return obey(reference, answer, policy)
    if answer == "print":
        print('["forged"]', flush=True)
    return compare(reference, answer, policy)

main(float(sys.argv[2]), int(sys.argv[3]), obey)
"""


@pytest.fixture(scope="module")
def slow_pool():
    with SlowPool(1, seconds=1) as pool:
        yield pool


def test_a_pair_is_compared_in_another_process(pool):
    assert pool.compare("1/2", "0.5").relation is Relation.EQUAL
    assert pool.compare("1/2", "0.6").relation is Relation.DIFFERENT


def test_the_policy_reaches_the_worker():
    policy = Policy(rounded_decimal=Choice.REFUSE, float_digits=9)
    assert policy_of(json.dumps(asdict(policy))) == policy


def test_many_threads_share_the_workers_without_mixing_results(pool):
    def equal(number: int) -> bool:
        return pool.compare(str(number), str(number % 7)).relation is Relation.EQUAL

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(equal, range(200)))
    assert found == [number < 7 for number in range(200)]


@pytest.mark.parametrize("answer", ["work", "sleep"])
def test_a_pair_that_takes_too_long_is_undecided_and_the_next_one_is_not(slow_pool, answer):
    late = slow_pool.compare("1", answer)
    assert (late.relation, late.tier) == (Relation.UNDECIDED, "deadline")
    assert slow_pool.compare("1", "1").relation is Relation.EQUAL


@pytest.mark.skipif(
    processor_seconds(os.getpid()) is None, reason="this system does not tell what a process used"
)
def test_a_pair_may_wait_for_a_busy_machine_longer_than_it_may_work(slow_pool):
    assert slow_pool.compare("1", "nap").relation is Relation.EQUAL


def test_a_deadline_does_not_run_while_a_pair_waits_for_a_worker(slow_pool):
    futures = [slow_pool.submit("1", answer) for answer in ("work", "work", "1")]
    assert [future.result().tier for future in futures[:2]] == ["deadline", "deadline"]
    assert futures[2].result().relation is Relation.EQUAL


def test_a_worker_that_dies_leaves_its_pair_undecided_with_its_last_words(slow_pool):
    dead = slow_pool.compare("1", "die")
    assert (dead.relation, dead.tier) == (Relation.UNDECIDED, "crashed")
    assert "overwhelmed" in dead.reason
    assert slow_pool.compare("1", "1").relation is Relation.EQUAL


@pytest.mark.parametrize("answer", ["fill", "recurse"])
def test_memory_and_stack_that_run_out_leave_the_pair_undecided(slow_pool, answer):
    try:
        resource.setrlimit(resource.RLIMIT_AS, resource.getrlimit(resource.RLIMIT_AS))
    except (ValueError, OSError):
        if answer == "fill":
            pytest.skip("this system limits no memory: a worker is killed by its size")
    before = slow_pool.replaced
    assert slow_pool.compare("1", answer).tier == "memory"
    assert slow_pool.replaced == before


def test_nothing_printed_in_a_worker_is_taken_for_its_answer(slow_pool):
    assert isinstance(slow_pool.compare("1", "print"), Comparison)


def test_replaced_workers_are_counted(slow_pool):
    before = slow_pool.replaced
    slow_pool.compare("1", "die")
    assert slow_pool.replaced == before + 1


def test_a_very_long_text_is_undecided_without_a_worker(pool):
    assert pool.compare("1", "1" * (LONGEST + 1)).tier == "length"


@pytest.mark.parametrize("answer", ["\ud800", "\n", '"]\n["', "\x00", "é∞", "9" * LONGEST])
def test_any_text_passes_through_the_pipe(pool, answer):
    assert pool.compare(answer, answer) == pool.compare(answer, answer)


def test_a_closed_pool_refuses_work():
    pool = Pool(1)
    pool.close()
    pool.close()
    with pytest.raises(JudgeError, match="closed"):
        pool.submit("1", "1")


def test_closing_stops_a_pair_that_is_running():
    pool = SlowPool(1, seconds=300)
    future = pool.submit("1", "sleep")
    time.sleep(0.3)
    started = time.monotonic()
    pool.close()
    with pytest.raises(JudgeError):
        future.result(timeout=60)
    assert time.monotonic() - started < 60


def test_no_worker_is_left_after_closing():
    pool = Pool(2)
    pool.compare("1", "1")
    ids = [worker.process_id for worker in pool._all]
    pool.close()
    assert not any(_alive(process_id) for process_id in ids)


def test_workers_that_cannot_start_are_our_error_and_not_the_answers():
    class BrokenPool(Pool):
        program = "import sys; sys.exit('no such module')"

    with BrokenPool(1) as pool, pytest.raises(JudgeError, match="no such module"):
        pool.compare("1", "1")


def test_one_worker_answers_a_hundred_pairs_and_is_not_replaced():
    """How fast it is ready and answers is held by tests/bench/judge.py."""
    with Pool(1) as fresh:
        found = {fresh.compare("1/2", "0.5").relation for _ in range(100)}
        assert (found, fresh.replaced) == ({Relation.EQUAL}, 0)


@pytest.mark.parametrize("answer", ["1", "sleep"])
def test_workers_end_when_their_parent_is_killed(answer):
    script = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from judge.workers.pool import Pool

class SlowPool(Pool):
    program = {SlowPool.program!r}

pool = SlowPool(1, seconds=3)
pool.compare("1", "1")
print(pool._all[0].process_id, flush=True)
pool.submit("1", {answer!r})
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    worker = int(parent.stdout.readline())
    time.sleep(0.2)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 60  # far above, for a busy machine
    while _alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(worker)


def test_a_worker_gets_none_of_the_secrets_in_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with Pool(1) as pool:
        pool.compare("1", "1")
        environment = Path(f"/proc/{pool._all[0].process_id}/environ")
        try:
            content = environment.read_bytes()
        except FileNotFoundError:
            pytest.skip("no /proc on this system")
        assert b"sk-secret" not in content


def test_the_number_of_workers_is_checked():
    with pytest.raises(ValueError, match="at least 1"):
        Pool(0)


def test_a_pool_works_when_it_is_made_in_a_thread_that_ends():
    made = []
    thread = threading.Thread(target=lambda: made.append(Pool(1)))
    thread.start()
    thread.join()
    with made[0] as pool:
        assert pool.compare("2", "2").relation is Relation.EQUAL


def _alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:  # it ended meanwhile, or this system has no /proc
        return True
    return status.rsplit(")", 1)[1].split()[0] != "Z"


def test_a_worker_whose_memory_no_limit_holds_is_killed_by_its_size():
    pytest.importorskip("psutil", reason="needs psutil, which is installed where it is used")

    class Unlimited(Pool):
        program = (
            "import json, sys\n"
            "print(json.dumps({'ready': True, 'memory_limited': False}), flush=True)\n"
            "for line in sys.stdin:\n"
            "    hog = [bytes(1 << 20) for _ in range(400)]\n"
            "    hog = [bytearray(b'x' * (1 << 20)) for _ in range(400)]\n"
            "    sys.stdin.readline()\n"
        )

    with Unlimited(seconds=120, memory_mb=200) as pool:
        found = pool.compare("1", "1")
        assert found.reason == "more than 200 MiB"
        assert pool.replaced == 1
