"""Continue an unfinished trial: give its mode the stored results first, then make new ones."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

from sandbox import Execution, Sandbox, SandboxError, Session
from solver.models import Extend
from solver.modes import Controller, Tools
from solver.records import Message, Reply
from solver.run.build import Parts
from solver.run.schedule import Endpoint, Stopped
from solver.run.sink import Sink
from solver.run.tasks import Task, Todo
from solver.run.watch import Watch
from solver.store import Reader


def todo_of(task: Task, store: Reader, *, begun: bool) -> Todo:
    """Return a trial to do, with what is stored of it; turns only where it is `begun`."""
    turns = store.turns(task.key) if begun else ()
    return Todo(task, turns, store.reply(task.key, len(turns)))


class Replay:
    """The tools of one trial, which return stored replies and executions as long as there are any.

    A reply is stored as soon as it arrives, so that it is not requested again where the run is
    killed while its program runs; the program then runs again.

    A mode does the same again when it is given the same replies and executions. So an unfinished
    trial is back where it was after its stored turns, and no reply is requested twice. The
    variables of a session are not stored: before its first new program the stored ones run again.
    """

    def __init__(
        self,
        todo: Todo,
        endpoint: Endpoint,
        parts: Parts,
        sink: Sink,
        watch: Watch,
    ) -> None:
        self._task = todo.task
        self._stored = todo.turns
        self._arrived = todo.reply
        self._endpoint = endpoint
        self._parts = parts
        self._sink = sink
        self._watch = watch
        self._turn = -1
        self._session: Session | None = None
        self._skipped: list[str] = []
        """Programs of the session that were not run, since their executions are stored."""
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._endpoint.gate.left(self)
        await self._open.aclose()

    def tools(self) -> Tools:
        """Return the tools to give to the mode."""
        return Tools(
            ask=self._ask,
            complete=self._complete,
            control=self._control,
            run=self._run,
            step=self._step,
            screen=self._parts.screen,
            max_tokens=self._task.max_tokens,
            greedy=self._task.greedy,
        )

    async def _ask(self, chat: Sequence[Message], *, seed: int, stop: Sequence[str] = ()) -> Reply:
        if (stored := self._next_reply()) is not None:
            return stored
        return self._kept(await self._endpoint.ask(chat, seed=seed, stop=stop, trial=self))

    async def _complete(self, prefix: str, *, seed: int, greedy: bool) -> Reply:
        if (stored := self._next_reply()) is not None:
            return stored
        return self._kept(await self._endpoint.complete(prefix, seed=seed, greedy=greedy))

    async def _control(self, controller: Controller) -> Reply:
        if (stored := self._next_reply()) is not None:
            return stored
        async with self._endpoint.hold() as extend:
            return self._kept(await controller(self._until_stopped(extend)))

    def _next_reply(self) -> Reply | None:
        """Return the stored reply of the next turn, or None where it must be requested."""
        self._turn += 1
        if self._turn < len(self._stored):
            return self._stored[self._turn].reply
        if self._turn == len(self._stored) and self._arrived is not None:
            return self._arrived
        if self._watch.stopping:
            raise Stopped
        return None

    def _kept(self, reply: Reply) -> Reply:
        """Store a reply that has just arrived, and return it."""
        self._sink.add_reply(self._task.key, self._turn, reply)
        return reply

    def _until_stopped(self, extend: Extend) -> Extend:
        """Return `extend`, made to raise Stopped after Ctrl-C instead of sending a request.

        A reply may take hundreds of requests, so it is not finished first.
        """

        async def extend_unless_stopped(chat: Sequence[Message], partial: str, **how: Any) -> Reply:
            if self._watch.stopping:
                raise Stopped
            return await extend(chat, partial, **how)

        return extend_unless_stopped

    async def _run(self, program: str) -> Execution:
        if (stored := self._stored_execution(program)) is not None:
            return stored
        return await self._sandbox().run(program)

    async def _step(self, program: str) -> Execution:
        if (stored := self._stored_execution(program)) is not None:
            self._skipped.append(program)
            return stored
        if self._session is None:
            self._session = await self._open.enter_async_context(self._sandbox().session())
            for earlier in self._skipped:
                await self._session.run(earlier)
        return await self._session.run(program)

    def _stored_execution(self, program: str) -> Execution | None:
        if self._turn >= len(self._stored):
            return None
        stored = self._stored[self._turn]
        return stored.execution if stored.program == program else None

    def _sandbox(self) -> Sandbox:
        if self._parts.sandbox is None:
            raise SandboxError("no sandbox is open, because no mode of this run executes programs")
        return self._parts.sandbox
