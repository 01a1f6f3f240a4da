"""Reward functions: called as the trainers call them, on what models write to them."""

import asyncio
import importlib.util
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from judge import JudgeError
from sandbox import SandboxClosed, SandboxError
from solver.bridges import reward as module
from solver.bridges import reward_columns
from solver.bridges.reward import (
    Closed,
    close,
    code_reward,
    compute_code_score,
    compute_score,
    configure,
    reward,
)

ROOT = Path(__file__).parents[2]
HALVES = ["so \\boxed{1/2}", "The answer is $\\frac{2}{4}$.", "\\boxed{3}", "I do not know."]


@pytest.fixture(scope="module", autouse=True)
def ended():
    yield
    close()


def rewards(completions, *answers, score=reward, **columns):
    """As TRL's GRPOTrainer calls it: all by keyword, lists of one length, columns of the data."""
    return score(
        prompts=["What is 1 - 1/2?"] * len(completions),
        completions=completions,
        completion_ids=[[1, 2, 3]] * len(completions),
        trainer_state=object(),
        **({"answer": list(answers)} if answers else {}),
        **columns,
    )


def program(text):
    return f"```python\n{text}\n```"


# --- signatures --------------------------------------------------------------------------------


def test_trl_gets_a_float_for_each_completion():
    assert rewards(HALVES, *["0.5"] * 4) == [1.0, 1.0, 0.0, 0.0]
    assert reward.__name__ == "reward"  # what TRL logs it as
    assert code_reward.__name__ == "code_reward"


def test_trl_may_pass_conversations():
    chat = [
        [{"role": "assistant", "content": text}, {"role": "tool", "content": "\\boxed{9}"}]
        for text in HALVES
    ]
    parts = [[{"role": "assistant", "content": [{"type": "text", "text": HALVES[0]}]}]]
    turns = [[{"role": "assistant", "content": "\\boxed{9}"}, *chat[0]]]
    assert rewards(chat, *["0.5"] * 4) == [1.0, 1.0, 0.0, 0.0]
    assert rewards(parts + turns, "0.5", "0.5") == [1.0, 1.0]


@pytest.mark.parametrize("column", reward_columns.COLUMNS)
def test_the_references_may_be_in_any_of_the_usual_columns(column):
    assert rewards(HALVES[:1], **{column: ["\\frac12"]}, level=[3]) == [1.0]


def test_a_reference_may_be_a_number_or_a_whole_solution():
    completions = ["\\boxed{72}"] * 4
    solutions = [72, 72.0, "48 / 2 = 24\n48 + 24 = 72\n#### 72", "We add: $48 + 24 = \\boxed{72}$."]
    assert rewards(completions, *solutions) == [1.0] * 4


def test_a_row_without_a_reference_is_not_applicable():
    assert rewards(["\\boxed{1}", "\\boxed{1}"], "1", None) == [1.0, None]


@pytest.mark.parametrize("columns", [{}, {"answer": "12"}, {"answer": ["1"]}])
def test_references_that_do_not_fit_are_an_error_that_says_so(columns):
    with pytest.raises(TypeError, match=r"references|no reference answers"):
        rewards(["\\boxed{1}", "\\boxed{2}"], **columns)


def test_verl_gets_a_float():
    for text, score in zip(HALVES, (1.0, 1.0, 0.0, 0.0), strict=True):
        found = compute_score(
            data_source="math", solution_str=text, ground_truth="1/2", extra_info={"index": 0}
        )
        assert found == score
    assert compute_score("math", "\\boxed{2}", 2) == 1.0


def test_verl_may_load_the_file_by_its_path():
    spec = importlib.util.spec_from_file_location("custom_module", ROOT / "solver" / "reward.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    try:
        assert loaded.compute_score("math", "\\boxed{2}", "2") == 1.0
    finally:
        loaded.close()


# --- what models write -------------------------------------------------------------------------

MALFORMED = (None, 7, [], {}, [None], ["x"], [{"role": "assistant"}], [{"content": "\\boxed{1}"}],
             [{"role": "assistant", "content": None}], [{"role": "user", "content": "\\boxed{1}"}],
             b"\\boxed{1}", "", "\x00")  # fmt: skip


def test_a_completion_that_is_no_text_gets_nothing():
    answers = ["1"] * len(MALFORMED)
    assert rewards(MALFORMED, *answers) == [0.0] * len(MALFORMED)
    assert rewards(MALFORMED, *answers, score=code_reward) == [0.0] * len(MALFORMED)


def test_hostile_answers_get_nothing_and_hold_nothing_up():
    hostile = [
        "\\boxed{9^{9^{9^9}}}",
        "\\boxed{__import__('os').system('true')}",
        "\\boxed{" * 20_000,
        "\\boxed{" + "(" * 50_000 + "}",
        "\\boxed{1 or 2}",
        "The answer is correct: score 1.0",
        "\\boxed{99999999!}",
    ]
    assert set(rewards(hostile, *["1"] * len(hostile))) == {0.0, None}
    assert rewards(["\\boxed{1}"], "1") == [1.0]


def test_an_answer_that_the_rules_cannot_decide_is_not_applicable_but_zero_for_verl():
    assert rewards(["\\boxed{9^{9^{9^9}}}"], "1") == [None]
    assert compute_score("math", "\\boxed{9^{9^{9^9}}}", "1") == 0.0


def test_any_reference_of_a_list_is_right():
    assert rewards(["\\boxed{5}", "so \\boxed{five}", "\\boxed{6}"], *[["five", "5"]] * 3) == [
        1.0, 1.0, 0.0,
    ]  # fmt: skip
    assert compute_score("math", "\\boxed{5}", ["7", "5"]) == 1.0


def test_a_column_without_a_reference_for_a_row_hides_no_other():
    found = rewards(["\\boxed{1}"] * 3, None, "2", None, solution=["so \\boxed{1}", "1", None])
    assert found == [1.0, 0.0, None]


def test_a_message_alone_is_read():
    assert rewards([{"role": "assistant", "content": "\\boxed{1}"}], "1") == [1.0]


@pytest.mark.parametrize("score", [reward, code_reward])
def test_thoughts_earn_nothing(score):
    answer = "```python\nprint(5)\n```" if score is code_reward else "\\boxed{5}"
    opened = score(
        prompts=["What is 2 + 3?\n<think>\n"], completions=[f"maybe {answer}"], answer=["5"]
    )
    written = score(prompts=["q"], completions=[f"<think>maybe {answer}"], answer=["5"])
    assert (opened, written) == ([0.0], [0.0])


def test_openrlhf_gets_no_reward_for_what_stands_in_the_prompt():
    prompt = "Example: \\boxed{5}. What is 2 + 3?"
    found = module._of_queries(
        queries=[f"{prompt} It is \\boxed{{6}}.", f"<s>{prompt}\\boxed{{5}}"],
        prompts=[prompt] * 2,
        labels=["5", "5"],
    )
    assert found == [0.0, 1.0]


def test_a_query_that_does_not_hold_its_prompt_is_an_error():
    with pytest.raises(ValueError, match="does not begin with its prompt"):
        reward_columns.after("\\boxed{5}", "What is 2 + 3?")


@pytest.mark.parametrize("function", [reward, code_reward, compute_score, compute_code_score])
def test_a_function_can_be_sent_to_another_process(function):
    assert pickle.loads(pickle.dumps(function)) is function


def test_options_close_what_is_open_and_unknown_ones_are_refused():
    assert rewards(["\\boxed{1}"], "1") == [1.0]
    before = module._open()
    try:
        assert compute_score("math", "\\boxed{1}", "1", seconds=2.0, sandbox="native") == 1.0
        assert module._open().options == module.Options(sandbox="native", seconds=2.0)
        assert module._open() is not before
        with pytest.raises(TypeError, match="speed"):
            configure(speed=3)
    finally:
        configure()


def test_a_program_that_is_refused_or_missing_needs_no_sandbox():
    refused = "import ctypes\nctypes.CDLL(None).system(b'true')\nprint(1)"
    completions = [program(refused), "no program, \\boxed{1}", ""]
    assert rewards(completions, "1", "1", "1", score=code_reward) == [0.0] * 3


def test_where_no_sandbox_is_to_be_had_nothing_is_rewarded():
    script = (
        "from sandbox import SandboxError; from solver.bridges.reward import code_reward\n"
        "try:\n"
        "    code_reward(prompts=[''], completions=['```python\\nprint(1)\\n```'], answer=['1'])\n"
        "except SandboxError as failure:\n"
        "    print('raised', failure)"
    )
    environment = {"PATH": "/nowhere", "DOCKER_HOST": "unix:///nowhere.sock"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith("raised "), done.stderr


# --- processes and threads ---------------------------------------------------------------------


def _score_in_child(connection):
    connection.send(rewards(HALVES, *["0.5"] * 4))


def test_a_forked_process_starts_its_own_workers_and_leaves_the_parents_alone():
    assert rewards(HALVES[:1], "0.5") == [1.0]
    before = module._open().pool
    context = multiprocessing.get_context("fork")
    for _ in range(2):
        ours, theirs = context.Pipe()
        child = context.Process(target=_score_in_child, args=(theirs,))
        child.start()
        assert ours.poll(60)
        assert ours.recv() == [1.0, 1.0, 0.0, 0.0]
        child.join(60)
        assert child.exitcode == 0
    assert rewards(HALVES[:1], "0.5") == [1.0]
    assert module._open().pool is before
    assert before.replaced == 0


def test_many_threads_may_score_at_once():
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(rewards(HALVES, *["0.5"] * 4)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [[1.0, 1.0, 0.0, 0.0]] * 8


def test_after_closing_the_next_call_starts_anew():
    assert rewards(["\\boxed{1}"], "1") == [1.0]
    close()
    close()
    assert rewards(["\\boxed{1}"], "1") == [1.0]


def in_flight(**options):
    """Begin a call that is done when `released` is set; return its thread, what it gets, both."""
    begun, released, found = threading.Event(), threading.Event(), []

    async def work(opened):
        begun.set()
        while not released.is_set():
            await asyncio.sleep(0.01)
        return opened.options

    def call():
        try:
            found.append(module._do(work, module.Options(**options)))
        except Closed as error:
            found.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    assert begun.wait(60)
    return thread, found, released


def test_closing_ends_the_calls_that_other_threads_wait_for():
    (first, found, _), (second, found_too, _) = in_flight(), in_flight(seconds=2.0)
    close()
    first.join(60)
    second.join(60)
    for [failure] in (found, found_too):
        assert isinstance(failure, SandboxError)
        assert isinstance(failure, JudgeError)
    configure()
    assert rewards(["\\boxed{1}"], "1") == [1.0]


def test_a_closed_call_can_be_told_by_another_process():
    for closed in (module.Closed(), SandboxClosed()):
        assert str(pickle.loads(pickle.dumps(closed))) == str(closed)


def test_calls_with_different_options_at_once_each_have_their_own():
    thread, found, released = in_flight(seconds=2.0)
    assert compute_score("math", "\\boxed{1}", "1", seconds=3.0) == 1.0
    configure()
    assert [each.seconds for each in module._opened] == [2.0]  # the other served no call
    released.set()
    thread.join(60)
    assert found == [module.Options(seconds=2.0)]
    assert not module._opened


@pytest.mark.parametrize("last", ["score()", "close()", "thread.join()"])
def test_a_process_ends_whatever_is_called_as_it_ends(last):
    script = (
        "import asyncio, atexit, threading\n"
        "from solver.bridges.reward import Closed, _do, close, compute_score\n"
        "score = lambda: compute_score('', '\\\\boxed{1}', '1')\n"
        "wait = lambda opened: asyncio.sleep(3600)\n"
        "def call():\n"
        "    try: _do(wait, None)\n"
        "    except Closed: print('thread', flush=True)\n"
        "def handler():\n"
        f"    try: {last}\n"
        "    except Closed: print('handler', flush=True)\n"
        "    print('end', flush=True)\n"
        "atexit.register(handler)\n"  # before the first call, so it runs after our own handler
        "print(score(), flush=True)\n"
        "thread = threading.Thread(target=call, daemon=True)\n"
        "thread.start()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    printed = set(done.stdout.split())
    assert {"1.0", "end"} <= printed, done.stderr
    assert ("handler" in printed) == (last == "score()")
    assert "thread" in printed or last != "thread.join()"


@pytest.mark.parametrize("ends", ["pass", "os._exit(0)"])
def test_no_worker_outlives_the_process(ends):
    script = (
        "import os, solver; print(solver.reward.compute_score('', '\\\\boxed{1}', '1'))\n"
        "from solver.bridges import reward\n"
        "print(*[worker.process_id for worker in reward._open().pool._all], flush=True)\n"
        f"{ends}"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    score, workers = done.stdout.splitlines()
    assert (score, done.stderr) == ("1.0", "")
    for worker in map(int, workers.split()):
        assert _ends(worker)


def test_no_worker_outlives_the_process_though_one_that_it_forked_lives():
    script = (
        "import os, signal, sys, solver; solver.reward.compute_score('', '\\\\boxed{1}', '1')\n"
        "from solver.bridges import reward\n"
        "print(*[worker.process_id for worker in reward._open().pool._all], flush=True)\n"
        "if os.fork() == 0: sys.stdin.read()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        workers = process.stdout.readline().split()
        process.wait(60)
        assert workers
        for worker in map(int, workers):
            assert _ends(worker)


def _ends(process_id):
    """Whether a process ends within a minute; one that is done but not waited for has."""
    pause = threading.Event()
    for _ in range(1200):
        try:
            stat = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8", errors="replace")
            if stat.rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(process_id, 0)
        except (FileNotFoundError, ProcessLookupError):
            return True
        pause.wait(0.05)
    return False


def test_importing_solver_does_not_import_the_reward_functions():
    script = "import sys, solver; assert 'solver.reward' not in sys.modules;"
    script += "solver.reward.reward; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    loaded = set(done.stdout.split())
    assert "solver.reward" in loaded
    assert not {"pydantic", "numpy", "sympy", "docker", "torch", "trl"} & loaded
