"""A reply that arrived is never requested again, however its program's run was cut off."""

import sqlite3

import pytest

from sandbox import SandboxError
from solver.config import make_config
from solver.models import provider_of_model, template_identity
from solver.models.scripted import Scripted
from solver.modes import identity
from solver.records import Problem, digest
from solver.run.loop import run
from solver.run.tasks import tasks_of
from solver.run.watch import Watch
from solver.store import FILE, Store
from tests.fakes import PROBLEMS, EchoSandbox, config_of, parts_of, program, run_of


class Killed(Exception):
    """Stands for a kill -9 while a program runs."""


class DeadlySandbox(EchoSandbox):
    """Runs so many programs; the next one ends the process."""

    def __init__(self, *, runs, failure=Killed):
        super().__init__()
        self._left, self._failure = runs, failure

    async def run(self, program):
        self._left -= 1
        if self._left < 0:
            raise self._failure
        return await super().run(program)


CRASH = program("# exit: crashed\nprint(7)")
SCRIPT = [CRASH, program("print(1)")]


async def cut_off(folder, replies, *, runs, **content):
    """Do one trial until the process is killed while a program runs, after so many others."""
    config, watch, store = config_of(**content), Watch(), Store.create_or_open(folder)
    store.add_problems(PROBLEMS[:1])
    parts = parts_of(config, Scripted(replies=replies), sandbox=DeadlySandbox(runs=runs))
    with pytest.raises(Killed):
        await run(config, PROBLEMS[:1], parts, store, watch)
    store.close()


async def half_run(folder):
    """Do one trial that is killed while its second program runs."""
    await cut_off(folder, SCRIPT, runs=1)
    return Store.open(folder)


async def resumed(folder):
    history, sandbox = [], EchoSandbox()
    store = await run_of(
        folder, [program("print(5)")], problems=PROBLEMS[:1], history=history, sandbox=sandbox,
    )  # fmt: skip
    (row,) = store.rows()
    return store, row, history, sandbox


async def test_a_reply_is_stored_before_its_program_runs(tmp_path):
    store = await half_run(tmp_path)
    ((key, number),) = sqlite3.connect(tmp_path / FILE).execute("SELECT key, number FROM replies")
    assert number == 1
    assert store.reply(key, number).text == SCRIPT[1]
    assert [turn.reply.text for turn in store.turns(key)] == [CRASH]


async def test_a_stored_reply_is_run_and_not_requested_again(tmp_path):
    (await half_run(tmp_path)).close()
    store, row, history, sandbox = await resumed(tmp_path)
    assert history == []
    assert list(sandbox.ran) == ["print(1)\n"]
    assert (row.answer, row.turns) == ("1", 2)
    assert store.reply(row.key, 1) is None  # its turn is stored whole
    store.close()


async def test_a_reply_whose_program_our_sandbox_lost_is_not_requested_again(tmp_path):
    sandbox = DeadlySandbox(runs=0, failure=SandboxError("away"))
    store = await run_of(tmp_path, SCRIPT[1:], problems=PROBLEMS[:1], sandbox=sandbox)
    assert [row.error for row in store.rows()] == ["SandboxError: away"]
    store.close()
    store, row, history, _ = await resumed(tmp_path)
    assert (history, row.error, row.answer) == ([], None, "1")
    store.close()


async def test_a_reply_that_a_controller_made_is_stored_whole(tmp_path):
    content = {"mode": "code", "code": {"regenerate": "refine", "retries": 2}}
    await cut_off(tmp_path, [program("print(1)")], runs=0, **content)
    database = sqlite3.connect(tmp_path / FILE)
    (arrived,) = database.execute("SELECT count(*) FROM replies").fetchone()
    database.close()
    assert arrived > 0
    history = []
    store = await run_of(
        tmp_path, [program("print(1)")], problems=PROBLEMS[:1], config=config_of(**content),
        history=history,
    )  # fmt: skip
    assert len(history) == 2 - arrived
    assert [row.answer for row in store.rows()] == ["1", "1"]
    store.close()


async def test_a_run_of_an_earlier_version_without_the_table_goes_on(tmp_path):
    (await half_run(tmp_path)).close()
    database = sqlite3.connect(tmp_path / FILE)
    database.execute("DROP TABLE replies")
    database.commit()
    database.close()
    store, row, history, _ = await resumed(tmp_path)
    assert (len(history), row.answer, row.turns) == (1, "5", 2)
    store.close()


def test_a_key_is_the_digest_of_all_that_decides_a_trial():
    sampling = {"temperature": 0.7}
    config = make_config(
        {
            "model": "scripted/é",
            "problems": "starter",
            "repeats": 3,
            "seed": 5,
            "sampling": sampling,
        }
    )
    problem = Problem(id='é/"1"', question="Was\nist 1?", answer="1", domain="a", level=1)
    (mode,) = config.running
    (model,) = config.model
    measured = config.sampling_of(model).measured()
    options = provider_of_model(model.name).decisive(config.provider_options(model))
    options |= template_identity(model.template)
    for task in tasks_of(config, [problem]):
        assert task.seed == int(digest([5, problem.hash, task.repeat])[:7], 16)
        asked = [problem.id, problem.hash, model.name, options, mode.name, identity(mode, config)]
        assert task.key == digest([*asked, measured, task.repeat, task.seed])
