"""A run that is stopped at any of its suspension points goes on as if it had not been."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import asynccontextmanager, suppress

import pytest

from solver.models.scripted import Scripted
from solver.records import Reply
from solver.run.loop import run
from solver.run.watch import Watch
from solver.store import Store
from tests.fakes import PROBLEMS, EchoSandbox, ExactJudge, config_of, parts_of, program

CONFIG = {"mode": "code,cot,tir,csv", "tir": {"format": "openmath"}}


class Model(Scripted):
    """Answers a chat by its text alone, after a while; tells what was asked and what arrived."""

    def __init__(self, arrived):
        super().__init__(replies=["x"])
        self.asked, self._arrived = [], arrived

    async def generate(self, chat, *, seed, schema=None, stop=()):
        key = (tuple(message.text for message in chat), seed)
        self.asked.append(key)
        await asyncio.sleep(0)
        self._arrived.append(key)
        return Reply(text=answer_to(*[message.text for message in (chat[0], chat[-1])], len(chat)))


def answer_to(first, last, length):
    if "<llm-code>" in first:
        done = "<llm-code-output>" in last
        return "It is \\boxed{1}." if done else "<llm-code>\nx = 1\nprint(x)\n</llm-code>"
    if "Now check it" in last:
        return program("print(True)")
    if "by careful reasoning" in first:
        return "It is \\boxed{1}."
    return program("print(1)" if length > 2 else "# exit: crashed\nprint(1)")


class Sandbox(EchoSandbox):
    """Takes a while for everything, and counts the sessions that are open."""

    open = 0

    async def run(self, program):
        await asyncio.sleep(0)
        return await super().run(program)

    @asynccontextmanager
    async def session(self):
        await asyncio.sleep(0)
        async with super().session() as session:
            self.open += 1
            try:
                yield Slow(session)
            finally:
                self.open -= 1


class Slow:
    """A session that takes a while."""

    def __init__(self, session):
        self._session = session

    async def run(self, program):
        await asyncio.sleep(0)
        return await self._session.run(program)

    @property
    def restarts(self):
        return self._session.restarts


class Judge(ExactJudge):
    """Takes a while."""

    async def grade(self, *asked):
        await asyncio.sleep(0)
        return await super().grade(*asked)


class Counted(Coroutine):
    """A coroutine whose every suspension is counted."""

    def __init__(self, inner, suspended):
        self._inner, self._suspended = inner, suspended

    def send(self, value):
        waited_for = self._inner.send(value)
        self._suspended()
        return waited_for

    def throw(self, *failure):
        waited_for = self._inner.throw(*failure)
        self._suspended()
        return waited_for

    def close(self):
        self._inner.close()

    def __await__(self):
        return self._inner.__await__()


def run_until(folder, arrived, at, *, softly=False):
    """Run; at a suspension stop as Ctrl-C does: at once, or `softly`, as the first one does.

    Returns how many suspensions there were, what was asked, and the trials that are stored.
    """
    config, watch, suspensions = config_of(**CONFIG), Watch(), 0
    model, sandbox, store = Model(arrived), Sandbox(), Store.create_or_open(folder)
    store.add_problems(PROBLEMS[:1])
    parts = parts_of(config, model, sandbox=sandbox, judge=Judge(), watch=watch)

    async def whole():
        me, loop = asyncio.current_task(), asyncio.get_running_loop()

        def suspended():
            nonlocal suspensions
            suspensions += 1
            if suspensions == at and softly:
                watch.stop()
            elif suspensions == at:
                me.cancel()

        loop.set_task_factory(
            lambda loop, coro, **how: asyncio.Task(Counted(coro, suspended), loop=loop, **how)
        )
        with suppress(asyncio.CancelledError):
            await run(config, PROBLEMS[:1], parts, store, watch)

    asyncio.run(whole())
    trials = sorted((r.mode, str(r.outcome), r.answer, r.turns, r.error) for r in store.rows())
    replies = [turn.reply.text for row in store.rows() for turn in store.turns(row.key)]
    store.close()
    assert sandbox.open == 0
    return suspensions, model.asked, (trials, sorted(replies))


@pytest.mark.parametrize("softly", [False, True], ids=["at once", "softly"])
def test_a_run_that_is_stopped_at_any_suspension_requests_no_reply_again(tmp_path, softly):
    count, asked, expected = run_until(tmp_path / "whole", [], at=0)
    assert len(asked) >= 7
    assert len(expected[0]) == 4
    assert count > 20
    for at in range(1, count + 1):
        arrived: list = []
        run_until(tmp_path / f"{at}", arrived, at=at, softly=softly)
        _, _, found = run_until(tmp_path / f"{at}", arrived, at=0)
        assert Counter(arrived) == Counter(asked), f"asked again after suspension {at}"
        assert found == expected, f"other trials after suspension {at}"
