"""The main loop: every problem, in every mode, by every model, as often as the config repeats it.

Read down: `run` works off the trials the store does not hold yet, `solve` is one trial, and what is
below them are its parts.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self

from judge import JudgeError
from sandbox import Execution, Sandbox, SandboxError, Session
from solver.config import Config, measured
from solver.errors import ModelError
from solver.models import Extend
from solver.modes import Controller, Tools, identity, mode_of
from solver.records import Message, Problem, Reply, Trial, Turn, digest
from solver.run.build import Judging, Parts
from solver.run.schedule import Endpoint
from solver.run.watch import Watch
from solver.store import Store

ERRORS_IN_A_ROW = 25
"""So many trials in a row that end in an error of ours stop the run: something is down."""


@dataclass(frozen=True)
class Task:
    """One trial to be done."""

    key: str
    problem: Problem
    model: str
    mode: str
    repeat: int
    seed: int
    max_tokens: int
    """The cap on one reply."""


class Stopped(Exception):
    """Ctrl-C: the trial stays unfinished, its turns stored, and goes on when the run is resumed."""


async def run(
    config: Config, problems: Sequence[Problem], parts: Parts, store: Store, watch: Watch
) -> None:
    """Do every trial that the store does not hold yet.

    Models on one endpoint take turns, so that weights load once; endpoints work side by side.
    Raises ModelError, SandboxError or JudgeError where the run cannot go on.
    """
    finished, unfinished = store.finished(), store.unfinished()
    watch.total = trials_of(config, problems)
    watch.before = sum(task.key in finished for task in plan(config, problems))

    async def work_off(endpoint: Endpoint) -> None:
        todo = (
            task
            for task in plan(config, problems)
            if task.model == endpoint.model.name and task.key not in finished
        )

        async def worker() -> None:
            for task in todo:  # one iterator for all workers: each takes the next task
                if watch.stopping:
                    return
                try:
                    trial = await solve(task, endpoint, config, parts, store, watch, unfinished)
                except Stopped:
                    return
                store.add_trial(task.key, trial, judge=parts.judge.id)
                watch.ended(trial)
                if watch.errors_in_a_row >= ERRORS_IN_A_ROW:
                    raise ModelError(f"{ERRORS_IN_A_ROW} trials in a row failed: {trial.error}")

        await together([worker() for _ in range(endpoint.gate.ceiling + parts.programs_at_once)])

    async def in_turn(endpoints: Sequence[Endpoint]) -> None:
        for endpoint in endpoints:
            await work_off(endpoint)

    await together([in_turn(group) for group in parts.endpoint_groups()])
    if parts.second_judge is not None and not watch.stopping:
        watch.phase = "judging"
        await grade_undecided(parts.second_judge, store, watch)


async def solve(
    task: Task,
    endpoint: Endpoint,
    config: Config,
    parts: Parts,
    store: Store,
    watch: Watch,
    unfinished: set[str],
) -> Trial:
    """One trial. A failure of ours is recorded on it; the turns already paid for stay stored."""
    started, clock = time.time(), time.monotonic()
    stored = store.turns(task.key) if task.key in unfinished else ()
    turns: list[Turn] = []
    verdict = error = None
    try:
        async with _Tape(task, stored, endpoint, parts, watch) as tape:
            async for turn in mode_of(task.mode).solve(
                task.problem, tape.tools(), config, task.seed
            ):
                if len(turns) >= len(stored):
                    store.add_turn(task.key, len(turns), turn)
                turns.append(turn)
        last = turns[-1]
        if last.answer is not None and last.failure is None:
            verdict = await parts.judge.judge.grade(
                task.problem.question, task.problem.answer, last.answer
            )
    except ModelError as failure:
        if not failure.retryable:
            raise
        error = f"ModelError: {failure}"
    except (SandboxError, JudgeError) as failure:
        error = f"{type(failure).__name__}: {failure}"
    return Trial(
        problem_id=task.problem.id,
        model=task.model,
        mode=task.mode,
        repeat=task.repeat,
        seed=task.seed,
        turns=tuple(turns),
        verdict=verdict,
        error=error,
        started=started,
        seconds=time.monotonic() - clock,
    )


def plan(config: Config, problems: Sequence[Problem]) -> Iterator[Task]:
    """Every trial of a run, in the order they are done: by model, repeat, problem, mode.

    A problem's modes share their seed, so code and chain of thought are compared pair by pair.
    """
    for model in config.model:
        sampling = config.sampling_of(model).model_dump(mode="json")
        options = measured(config.provider_options(model))
        hashes = {mode.name: identity(mode, config) for mode in config.running}
        for repeat in range(config.repeats):
            for problem in problems:
                seed = int(digest([config.seed, problem.hash, repeat])[:7], 16)
                for mode in hashes:
                    asked = [problem.id, problem.hash, model.name, options]
                    key = digest([*asked, mode, hashes[mode], sampling, repeat, seed])
                    yield Task(key, problem, model.name, mode, repeat, seed, sampling["max_tokens"])


def trials_of(config: Config, problems: Sequence[Problem]) -> int:
    """How many trials a run has."""
    return len(config.model) * config.repeats * len(problems) * len(config.modes)


async def grade_undecided(judging: Judging, store: Store, watch: Watch) -> int:
    """Judge the stored answers that have no usable verdict yet; how many there were."""
    problems = store.problems()
    waiting = [
        row for row in store.rows() if row.outcome == "judge_invalid" and row.answer is not None
    ]

    async def grade(key: str, problem: Problem, answer: str) -> None:
        if not watch.stopping:
            verdict = await judging.judge.grade(problem.question, problem.answer, answer)
            store.add_verdict(key, verdict, judge=judging.id)

    await together([grade(row.key, problems[row.problem_id], row.answer or "") for row in waiting])
    return len(waiting)


class _Tape:
    """Gives a mode the replies and executions that are stored already, then real ones.

    Modes are deterministic in what they are answered, so replaying an unfinished trial's turns
    brings it back to where it was, and nothing is bought twice. A session's names are on no tape:
    before its first new program, those that are stored run again.
    """

    def __init__(
        self,
        task: Task,
        stored: Sequence[Turn],
        endpoint: Endpoint,
        parts: Parts,
        watch: Watch,
    ) -> None:
        self._task = task
        self._stored = stored
        self._endpoint = endpoint
        self._parts = parts
        self._watch = watch
        self._turn = -1
        self._session: Session | None = None
        self._stepped: list[str] = []
        """Programs of the session that were not run, since how they went is stored."""
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def tools(self) -> Tools:
        """What the mode works with."""
        return Tools(
            ask=self._ask,
            control=self._control,
            run=self._run,
            step=self._step,
            screen=self._parts.screen,
            max_tokens=self._task.max_tokens,
        )

    async def _ask(self, chat: Sequence[Message], *, seed: int, stop: Sequence[str] = ()) -> Reply:
        if (stored := self._next_reply()) is not None:
            return stored
        return await self._endpoint.ask(chat, seed=seed, stop=stop)

    async def _control(self, controller: Controller) -> Reply:
        if (stored := self._next_reply()) is not None:
            return stored
        async with self._endpoint.hold() as extend:
            return await controller(self._until_stopped(extend))

    def _next_reply(self) -> Reply | None:
        """The stored reply of the turn that begins, or None where it must be made."""
        self._turn += 1
        if self._turn < len(self._stored):
            return self._stored[self._turn].reply
        if self._watch.stopping:
            raise Stopped
        return None

    def _until_stopped(self, extend: Extend) -> Extend:
        """A reply that takes hundreds of requests is given up at Ctrl-C, before the next one."""

        async def extend_unless_stopped(chat: Sequence[Message], begun: str, **how: Any) -> Reply:
            if self._watch.stopping:
                raise Stopped
            return await extend(chat, begun, **how)

        return extend_unless_stopped

    async def _run(self, program: str) -> Execution:
        if (stored := self._stored_execution(program)) is not None:
            return stored
        return await self._sandbox().run(program)

    async def _step(self, program: str) -> Execution:
        if (stored := self._stored_execution(program)) is not None:
            self._stepped.append(program)
            return stored
        if self._session is None:
            self._session = await self._open.enter_async_context(self._sandbox().session())
            for earlier in self._stepped:
                await self._session.run(earlier)
        return await self._session.run(program)

    def _stored_execution(self, program: str) -> Execution | None:
        if self._turn >= len(self._stored):
            return None
        stored = self._stored[self._turn]
        return stored.execution if stored.program == program else None

    def _sandbox(self) -> Sandbox:
        if self._parts.sandbox is None:
            raise SandboxError("no sandbox was opened, for no mode of this run executes code")
        return self._parts.sandbox


async def together(works: Sequence[Coroutine[None, None, None]]) -> None:
    """Await all; the first failure cancels the others and is raised alone."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
