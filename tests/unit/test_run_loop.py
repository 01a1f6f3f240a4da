"""The main loop: what fires a retry, what is scored and stored, what is bought twice (nothing)."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

from solver.errors import ModelError, Scope
from solver.models.scripted import Line, Script, Scripted
from solver.records import Outcome
from solver.run.judging import Judging, grade_undecided
from solver.run.loop import ERRORS_IN_A_ROW, run
from solver.run.schedule import Endpoint, Gate
from solver.run.tasks import tasks_of
from solver.run.watch import Watch
from solver.store import Store
from tests.fakes import (
    PROBLEMS,
    EchoSandbox,
    ExactJudge,
    config_of,
    finished_run,
    parts_of,
    program,
    run_of,
)

ONE = PROBLEMS[:1]


async def outcome_of(tmp_path, replies, **more):
    async with finished_run(tmp_path, replies, problems=ONE, **more) as store:
        (row,) = store.rows()
        return row


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (program("print(1)"), Outcome.CORRECT),
        (program("print(7)"), Outcome.WRONG),
        (program("x = 1"), Outcome.NO_OUTPUT),
        (program("# exit: crashed"), Outcome.CRASHED),
        (program("# exit: timeout"), Outcome.TIMEOUT),
        (program("# exit: out_of_memory"), Outcome.OUT_OF_MEMORY),
        (program("import socket; print(1)"), Outcome.UNSAFE),
        ("I would rather not.", Outcome.NO_CODE),
        (Line(text="```python\nprint(1", capped=True), Outcome.TRUNCATED),
        (Line(text=program("print(1)"), prompt_cut=True), Outcome.TRUNCATED),
        (program("print(maybe)"), Outcome.JUDGE_INVALID),
    ],
)
async def test_each_failure_of_the_model_is_an_outcome_of_its_own(tmp_path, reply, outcome):
    row = await outcome_of(tmp_path, [reply], config=config_of(code={"retries": 0}))
    assert row.outcome is outcome


async def test_a_failed_program_is_shown_its_error_and_mended(tmp_path):
    history = []
    row = await outcome_of(
        tmp_path, [program("# exit: crashed"), program("print(1)")], history=history
    )
    assert (row.outcome, row.turns) == (Outcome.CORRECT, 2)
    second_chat, _ = history[1]
    assert "it ended: crashed" in second_chat[-1].text


async def test_a_wrong_answer_is_never_asked_again(tmp_path):
    row = await outcome_of(tmp_path, [program("print(7)"), program("print(1)")])
    assert (row.outcome, row.turns) == (Outcome.WRONG, 1)


async def test_ten_retries_are_eleven_attempts_and_the_last_one_counts(tmp_path):
    replies = [program(f"# exit: crashed {n}") for n in range(12)]
    row = await outcome_of(tmp_path, replies)
    assert (row.outcome, row.turns) == (Outcome.CRASHED, 11)


async def test_resampling_asks_the_same_question_with_another_seed(tmp_path):
    history = []
    config = config_of(code={"retry": "resample", "retries": 2}, sampling={"temperature": 1})
    await outcome_of(tmp_path, ["no"], config=config, history=history)
    chats, seeds = zip(*history, strict=True)
    assert len(set(chats)) == 1
    assert len(set(seeds)) == 3


async def test_no_prompt_ever_holds_the_reference(tmp_path):
    history = []
    problem = ONE[0].model_copy(update={"answer": "a reference nobody may see"})
    replies = [program("# exit: crashed"), "no", program("print(2)")]
    config = config_of(mode="code,cot", code={"examples": 2}, cot={"examples": 2})
    async with finished_run(tmp_path, replies, problems=[problem], config=config, history=history):
        assert all("nobody may see" not in m.text for chat, _ in history for m in chat)


async def test_modes_of_a_problem_share_its_seed(tmp_path):
    tasks = list(tasks_of(config_of(mode="code,cot"), PROBLEMS))
    seeds = {(task.problem.id, task.repeat): set() for task in tasks}
    for task in tasks:
        seeds[task.problem.id, task.repeat].add(task.seed)
    assert all(len(of_problem) == 1 for of_problem in seeds.values())


def test_keys_tell_every_trial_apart_and_change_with_what_is_measured():
    def keys(problems=PROBLEMS, **content):
        return {task.key for task in tasks_of(config_of(**content), problems)}

    warm = {"sampling": {"temperature": 1}}
    assert len(keys(mode="code,cot", repeats=4, **warm)) == 3 * 2 * 4
    for other in (
        keys(**warm),
        keys(seed=1),
        keys(code={"examples": 1}),
        keys(sandbox={"seconds": 5}),
        keys([p.model_copy(update={"answer": "0"}) for p in PROBLEMS]),
    ):
        assert not other & keys()
    assert keys(limit=2) == keys()


def test_what_one_mode_is_asked_for_changes_no_other_mode_s_keys():
    def keys(**content):
        keys = {}
        for task in tasks_of(config_of(**content), PROBLEMS):
            keys.setdefault(task.mode, set()).add(task.key)
        return keys

    everything = keys(mode="code,cot,tir,csv", code={"regenerate": "literal,guided,refine"})
    assert len(set.union(*everything.values())) == 3 * 7
    assert everything["code"] == keys()["code"]
    assert keys(mode="csv", csv={"weights": {"true": 9}})["csv"] == everything["csv"]
    assert not keys(mode="csv", csv={"revisions": 9})["csv"] & everything["csv"]
    assert not keys(mode="tir", tir={"format": "openmath"})["tir"] & everything["tir"]
    more = keys(code={"regenerate": {"controls": "literal,guided,refine", "interventions": 9}})
    changed = [mode for mode in more if more[mode] != everything[mode]]
    assert changed == ["code+guided"]


async def test_a_reply_that_grows_is_given_up_between_two_requests_when_the_run_stops(tmp_path):
    history = []
    watch = Watch()

    class Stopping(Scripted):
        async def extend(self, chat, begun, **how):
            if len(begun.split()) == 4:
                watch.stop()
            return await super().extend(chat, begun, **how)

    config = config_of(code={"regenerate": "literal", "retries": 0})
    model = Stopping(replies=["a b c d e f g h"], history=history)
    async with finished_run(
        tmp_path, [], problems=ONE, config=config, model=model, watch=watch
    ) as store:
        assert [row.mode for row in store.rows()] == ["code"]
    assert history[-1][0][-1].text == "a b c d"


async def test_a_broken_sandbox_is_an_error_of_ours_and_runs_again(tmp_path):
    replies = [program("print(1)")]
    row = await outcome_of(tmp_path, replies, sandbox=EchoSandbox(broken=1))
    assert row.outcome is Outcome.ERROR
    assert not row.outcome.scored
    again = await outcome_of(tmp_path, replies)
    assert again.outcome is Outcome.CORRECT


async def test_a_broken_judge_does_not_buy_the_reply_again(tmp_path):
    history = []
    replies = [program("print(1)")]
    row = await outcome_of(tmp_path, replies, judge=ExactJudge(broken=1), history=history)
    assert row.outcome is Outcome.ERROR
    sandbox = EchoSandbox()
    again = await outcome_of(tmp_path, replies, sandbox=sandbox, history=history)
    assert again.outcome is Outcome.CORRECT
    assert len(history) == 1
    assert not sandbox.ran


async def test_a_trial_cut_in_the_middle_goes_on_from_its_last_turn(tmp_path):
    first, second = program("# exit: crashed"), program("print(1)")
    history = []
    gone = Line(fails=-1, status=503)
    impatient = config_of(patience={"attempts": 1})
    row = await outcome_of(tmp_path, [first, gone], config=impatient, history=history)
    assert row.outcome is Outcome.ERROR
    again = await outcome_of(tmp_path, [first, second], config=impatient, history=history)
    assert (again.outcome, again.turns) == (Outcome.CORRECT, 2)
    assert len(history) == 3


async def test_a_finished_run_asks_nothing_more(tmp_path):
    history = []
    for _ in range(2):
        async with finished_run(tmp_path, [program("print(1)")], history=history) as store:
            assert len(list(store.rows())) == 3
    assert len(history) == 3


async def test_more_repeats_only_add(tmp_path):
    history = []
    for repeats in (1, 3):
        config = config_of(repeats=repeats, sampling={"temperature": 1})
        async with finished_run(tmp_path, [program("print(1)")], config=config, history=history):
            pass
    assert len(history) == 9


async def test_stopping_finishes_what_is_in_flight_and_starts_nothing(tmp_path):
    watch = Watch()
    config = config_of(repeats=100, sampling={"temperature": 1})
    model = Scripted(replies=[program("print(1)")], delay=0.05, parallel=4)
    store = Store.create_or_open(tmp_path)
    store.add_problems(PROBLEMS)
    going = asyncio.create_task(
        run(config, PROBLEMS, parts_of(config, model, watch=watch), store, watch)
    )
    while not (before := len(list(store.rows()))):
        await asyncio.sleep(0.001)
    watch.stop()
    await asyncio.wait_for(going, 60)
    assert before <= len(list(store.rows())) <= before + model.parallel
    store.close()


async def test_a_refused_key_ends_the_run_at_once(tmp_path):
    with pytest.raises(ModelError, match="401"):
        await run_of(tmp_path, [Line(fails=-1, status=401)])


async def test_one_refused_problem_does_not_end_a_run_that_works(tmp_path):
    refused = Script(when="What is 3", replies=(Line(fails=-1, status=400),))
    config = config_of(patience={"parallel": 1})
    async with finished_run(
        tmp_path, [program("print(1)")], scripts=[refused], config=config
    ) as store:
        outcomes = Counter(row.outcome for row in store.rows())
    assert outcomes[Outcome.ERROR] == 1


async def test_a_run_that_only_fails_stops_itself(tmp_path):
    config = config_of(repeats=50, sampling={"temperature": 1})
    with pytest.raises(ModelError, match=f"{ERRORS_IN_A_ROW} trials in a row"):
        await run_of(
            tmp_path, [program("print(1)")], config=config, sandbox=EchoSandbox(broken=10**6)
        )


async def test_a_judge_that_must_wait_grades_what_the_rules_left_open(tmp_path):
    class Lenient(ExactJudge):
        async def grade(self, question, reference, answer):
            return await super().grade(question, reference, reference)

    async with finished_run(
        tmp_path, [program("print(maybe)")], problems=ONE, second_judge=Lenient()
    ) as store:
        (row,) = store.rows()
        assert row.outcome is Outcome.CORRECT
        assert [verdict.score for _, verdict in store.verdicts(row.key)] == [None, 5]
        assert await grade_undecided(Judging(Lenient(), {}), store) == 0


async def test_a_running_program_leaves_the_model_free(tmp_path):
    """A model of one slot: the first program ends only when the other two were asked for."""
    history = []

    class Waiting(EchoSandbox):
        async def run(self, program):
            while len(history) < 3:
                await asyncio.sleep(0.001)
            return await super().run(program)

    config = config_of()
    watch = Watch()
    model = Scripted(replies=[program("print(1)")], history=history)
    parts = parts_of(config, model, sandbox=Waiting(), watch=watch)
    parts.endpoints = [Endpoint(model, config.patience, Gate(1), watch.traffic)]
    store = Store.create_or_open(tmp_path)
    store.add_problems(PROBLEMS)
    await asyncio.wait_for(run(config, PROBLEMS, parts, store, watch), 60)
    assert len(list(store.rows())) == 3
    store.close()


def test_kill_9_loses_nothing_that_was_bought(tmp_path):
    """A child is killed in the middle of its run; a second one finishes without buying twice."""
    script = """
import asyncio, sys
from pathlib import Path
from tests.fakes import *
from solver.models.scripted import Scripted
from solver.run.loop import run

folder, log, delay = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])

class Logged(Scripted):
    async def generate(self, chat, *, seed, schema=None, stop=()):
        reply = await super().generate(chat, seed=seed, schema=schema)
        with log.open("a") as file:
            file.write(f"{chat[-1].text!r} {seed}\\n")
        return reply

async def main():
    config = config_of(repeats=40, sampling={"temperature": 1})
    replies = [program("# exit: crashed"), program("print(1)")]
    model = Logged(replies=replies, delay=delay, parallel=2)
    store = Store.create_or_open(folder)
    store.add_problems(PROBLEMS)
    await run(config, PROBLEMS, parts_of(config, model), store, Watch())

asyncio.run(main())
"""
    log = tmp_path / "bought"
    arguments = [sys.executable, "-c", script, str(tmp_path / "run"), str(log)]
    child = subprocess.Popen([*arguments, "0.01"])
    while not log.exists() or len(log.read_text().splitlines()) < 40:
        assert child.poll() is None
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    before = len(log.read_text().splitlines())
    subprocess.run([*arguments, "0"], check=True, timeout=60)
    bought = Counter(log.read_text().splitlines())
    assert before < 240
    assert len(bought) == 240
    assert sum(bought.values()) - 240 <= 2  # at most the two requests that were in flight
    store = Store.open(tmp_path / "run")
    assert Counter(row.turns for row in store.rows()) == {2: 120}
    store.close()


async def test_replies_in_flight_are_stored_when_the_run_cannot_go_on(tmp_path):
    """The second request is refused for good while the first one is still being answered."""

    class OneAnswer(Scripted):
        async def generate(self, chat, **how):
            if "What is 1" in chat[-1].text:
                return await super().generate(chat, **how)
            raise ModelError("no credit", scope=Scope.RUN)

    model = OneAnswer(replies=[program("print(1)")], delay=0.2, parallel=2)
    config, watch = config_of(), Watch()
    store = Store.create_or_open(tmp_path)
    store.add_problems(PROBLEMS)
    with pytest.raises(ModelError, match="no credit"):
        await run(config, PROBLEMS, parts_of(config, model, watch=watch), store, watch)
    assert sum(len(store.turns(task.key)) for task in tasks_of(config, PROBLEMS)) == 1
    store.close()


@pytest.mark.parametrize("ended", ["refusal: I cannot", "tool_calls"])
async def test_a_reply_the_model_ended_without_a_text_is_not_asked_for_again(tmp_path, ended):
    class Refusing(Scripted):
        async def generate(self, chat, **how):
            reply = await super().generate(chat, **how)
            return reply.model_copy(update={"text": "", "ended": ended})

    history, watch = [], Watch()
    model = Refusing(replies=["x"], history=history)
    async with finished_run(tmp_path, [], problems=ONE, model=model, watch=watch) as store:
        (row,) = store.rows()
        (turn,) = store.turns(row.key)
    assert (row.outcome, turn.reply.ended) == (Outcome.NO_CODE, ended)
    assert len(history) == 1
    assert watch.ends == {ended: 1}
