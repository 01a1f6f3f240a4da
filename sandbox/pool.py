"""Keeps workers warm, gives each program one, and replaces those that cannot be trusted any more.

When a worker is lost while it runs a program, the program is tried again on another. A program
cannot kill its worker, as far as we know; what does is an engine that restarts, or a person. A loss
while the engine is away says nothing about the program. Three workers have to be lost beside an
engine that answers, and a program known to be harmless has to succeed in between, before it is
believed that the program did it. It then counts as killed. If the harmless program fails as well,
nothing was learned, and the answer is a SandboxError.
"""

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Protocol, TypeVar

from sandbox.boxes.engine import EngineTrouble
from sandbox.channel import NotStarted, WorkerLost
from sandbox.execution import Execution, Exit, Limits, SandboxError
from sandbox.results import execution
from sandbox.worker import Worker

logger = logging.getLogger(__name__)

T = TypeVar("T")

_PROGRAMS_PER_WORKER = 500
_LOSSES = 3
_RESTARTS = 5
"""So often in a row the engine may take a program's worker with it before that is a loss."""
_PAUSES = (0.5, 1, 2, 4, 8, 8, 8)
"""Seconds between the tries to start a worker: 31 in all, twice what an engine takes to restart."""
_COLD_STARTS = 3
"""So many fork servers may end before they are ready, while the engine itself is there."""


class _NotWarm(EngineTrouble):
    """A fork server ended before it was ready, which waiting for the engine rarely mends."""


class Launcher(Protocol):
    """Builds one kind of box."""

    def prepare(self) -> None:
        """Find what is needed, once. Raises SandboxError."""
        ...

    def check(self) -> None:
        """See whether that which builds boxes is there at all. Raises SandboxError."""
        ...

    def launch(self, number: int) -> Worker:
        """Start one worker, not yet warm. Raises SandboxError."""
        ...

    def describe(self) -> dict[str, Any]:
        """Say what the boxes are made of, and what they do not cover."""
        ...


class Pool:
    """A number of warm workers of one kind. This is what `open_sandbox` gives back."""

    def __init__(
        self,
        kind: str,
        launcher: Launcher,
        limits: Limits,
        workers: int,
        pauses: Sequence[float] = _PAUSES,
        passed_over: Sequence[str] = (),
    ) -> None:
        self.kind = kind
        self.workers = workers
        self._launcher = launcher
        self._limits = limits
        self._pauses = pauses
        self._passed_over = tuple(passed_over)
        """Better kinds that could not be had, and why."""
        strict = kind == "docker-strict"
        self._programs_per_worker = 1 if strict else _PROGRAMS_PER_WORKER
        self._spares = workers if strict else 1
        """Warm beyond `workers`, so that the next is ready when one has to be replaced."""
        self._slots = asyncio.Semaphore(workers)
        self._launches = asyncio.Semaphore(os.cpu_count() or 1)
        self._idle: deque[Worker] = deque()
        self._busy: set[Worker] = set()
        self._warming: set[Worker] = set()
        self._numbers = deque(range(1, 2 * (workers + self._spares) + 1))
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting = 0
        self._served = 0
        self._closed = False
        self._threads = ThreadPoolExecutor(3 * workers + 2, thread_name_prefix="sandbox")

    async def open(self) -> None:
        """Start, and wait for the first warm worker. Raises SandboxError."""
        opened = False
        try:
            await self._call(self._launcher.prepare)
            self._start_missing(most=1)
            await self._until_idle()
            opened = True
        finally:
            if not opened:
                await self.close()
        self._start_missing()

    async def run(self, program: str) -> Execution:
        """Run one program in a fresh process. Raises SandboxError."""
        async with self._slots:
            for loss in range(1, _LOSSES + 1):
                try:
                    return await self._outlast_engine(program)
                except WorkerLost as lost:
                    if self._closed:  # which ended the worker
                        raise SandboxError("the sandbox was closed") from lost
                    logger.warning("a worker was lost (%d of %d): %s", loss, _LOSSES, lost)
                    if loss == _LOSSES and isinstance(lost, NotStarted):
                        raise SandboxError(f"{lost}: see `solver sandbox check`") from lost
                if loss > 1:
                    await self._check_health()
            return _KILLED_ITS_WORKERS

    @contextlib.asynccontextmanager
    async def session(self) -> "AsyncIterator[PoolSession]":
        """Hold one worker for several programs that share their state. Raises SandboxError."""
        async with self._slots, self._worker() as worker:
            yield PoolSession(worker, self._limits, self._call)
            try:
                await self._call(worker.end_session)
            except WorkerLost as lost:
                logger.warning("a worker was lost at the end of a session: %s", lost)
                worker.worn = True

    async def describe(self) -> dict[str, Any]:
        """Say what a result from this box rests on."""
        return {
            "kind": self.kind,
            "passed_over": list(self._passed_over),
            "workers": self.workers,
            "limits": asdict(self._limits),
            "programs_per_worker": self._programs_per_worker,
            **self._launcher.describe(),
        }

    async def close(self) -> None:
        """End every worker, also those that are starting or busy. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._fail_waiting(SandboxError("the sandbox was closed"))
            for worker in (*self._idle, *self._busy):
                self._destroy(worker)
            for worker in self._warming:
                worker.channel.close()  # whoever warms it then destroys it
            self._idle.clear()
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _outlast_engine(self, program: str) -> Execution:
        """Try a program again while it is the engine that takes its workers. Raises WorkerLost."""
        for _ in range(_RESTARTS):
            try:
                return await self._try(program)
            except WorkerLost as lost:
                if self._closed or await self._is_engine_there():
                    raise
                logger.warning("a worker was lost with its engine: %s", lost)
        return await self._try(program)

    async def _is_engine_there(self) -> bool:
        try:
            await self._call(self._launcher.check)
        except SandboxError:
            return False
        return True

    async def _try(self, program: str) -> Execution:
        async with self._worker() as worker:
            facts, output = await self._call(worker.run, program, self._limits)
        return execution(facts, output, self._limits)

    async def _check_health(self) -> None:
        """Run a program that is known to be harmless. Raises SandboxError if even that fails."""
        try:
            control = await self._outlast_engine("print(6 * 7)")
        except WorkerLost as lost:
            raise EngineTrouble(f"workers keep getting lost: {lost}: see `docker info`") from lost
        if control.stdout != "42\n":
            raise SandboxError(f"a program that prints 42 printed {control.stdout!r}: do not go on")

    @contextlib.asynccontextmanager
    async def _worker(self) -> AsyncIterator[Worker]:
        """Lend a warm worker. It is ended if the borrower fails, is cancelled, or wears it out."""
        worker = await self._take()
        self._busy.add(worker)
        try:
            yield worker
        except BaseException:
            worker.worn = True
            raise
        finally:
            self._busy.discard(worker)
            self._served += 1
            if not self._closed:  # else close() has ended it
                if worker.worn or worker.programs >= self._programs_per_worker:
                    self._destroy(worker)
                else:
                    self._make_idle(worker)
                self._start_missing()

    async def _take(self) -> Worker:
        while True:
            await self._until_idle()
            worker = self._idle.popleft()
            if worker.channel.is_open():
                return worker
            words = await self._call(worker.channel.last_words)
            logger.warning("a worker ended while it was idle: %s", words)
            self._destroy(worker)

    async def _until_idle(self) -> None:
        """Wait for a warm worker. Raises SandboxError when none can be started."""
        while not self._idle:
            if self._closed:
                raise SandboxError("the sandbox was closed")
            self._start_missing()
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if self._idle:
                    self._wake_one()  # the worker that came for this one goes to another
                raise
            finally:
                self._waiting.remove(waiter)

    def _make_idle(self, worker: Worker) -> None:
        self._idle.append(worker)
        self._wake_one()

    def _wake_one(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
                return

    def _fail_waiting(self, error: BaseException) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(error)

    def _start_missing(self, most: int | None = None) -> None:
        """Start as many workers as are missing, in the background."""
        # a pool that runs one program and is closed should not have started a second worker
        wanted = self.workers + (self._spares if self._served > 1 else 0)
        missing = wanted - self._starting - len(self._idle) - len(self._busy)
        for _ in range(min(missing, len(self._numbers), most or missing)):
            self._starting += 1
            self._spawn(self._start_one(self._numbers.popleft()))

    async def _start_one(self, number: int) -> None:
        try:
            async with self._launches:
                worker = await self._launch_patiently(number)
        except SandboxError as error:
            if not self._closed:
                logger.warning("no worker could be started: %s", error)
            self._numbers.append(number)
            self._fail_waiting(error)
        else:
            if self._closed:
                self._destroy(worker)
            else:
                self._make_idle(worker)
        finally:
            self._starting -= 1

    async def _launch_patiently(self, number: int) -> Worker:
        cold_starts = 0
        for pause in self._pauses:
            try:
                return await self._launch(number)
            except EngineTrouble as trouble:
                cold_starts += isinstance(trouble, _NotWarm)
                if self._closed or cold_starts == _COLD_STARTS:
                    raise
                logger.warning("%s (trying again in %g s)", trouble, pause)
                await asyncio.sleep(pause)
        return await self._launch(number)

    async def _launch(self, number: int) -> Worker:
        worker = await self._call(self._launcher.launch, number)
        if self._closed:
            self._destroy(worker)
            raise SandboxError("the sandbox was closed")
        self._warming.add(worker)
        try:
            await self._call(worker.warm_up)
        except WorkerLost as lost:
            self._destroy(worker)
            if not self._closed:
                await self._call(self._launcher.check)
            raise _NotWarm(
                f"the fork server did not start: {lost}: see `solver sandbox check`"
            ) from lost
        finally:
            self._warming.discard(worker)
        return worker

    def _destroy(self, worker: Worker) -> None:
        self._spawn(self._end(worker))

    async def _end(self, worker: Worker) -> None:
        worker.channel.close()
        try:
            await self._call(worker.destroy)
        except SandboxError as error:
            logger.warning("a worker could not be removed, it ends by itself: %s", error)
        self._numbers.append(worker.number)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        """Let nobody wait for a worker that a bug of ours kept from starting."""
        self._tasks.discard(task)
        bug = None if task.cancelled() else task.exception()
        if bug is not None:
            logger.error("a bug in the sandbox", exc_info=bug)
            self._fail_waiting(bug)

    async def _call(self, function: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *arguments)


class PoolSession:
    """Programs that share one interpreter, in one worker that runs nothing else meanwhile."""

    def __init__(self, worker: Worker, limits: Limits, call: Callable[..., Any]) -> None:
        self._worker = worker
        self._limits = limits
        self._call = call
        self._starts = 0

    async def run(self, program: str) -> Execution:
        """Run one more program. Raises SandboxError, after which the session is over."""
        try:
            facts, output = await self._call(self._worker.step, program, self._limits)
        except WorkerLost as lost:
            self._worker.worn = True
            raise SandboxError(f"a session's worker was lost, with its state: {lost}") from lost
        self._starts += facts["fresh"]
        return execution(facts, output, self._limits)

    @property
    def restarts(self) -> int:
        """How often all names were lost, because a program had ended the process they lived in."""
        return max(0, self._starts - 1)


_KILLED_ITS_WORKERS = Execution(
    exit=Exit.KILLED,
    stdout="",
    stderr=f"The program was lost together with its worker, {_LOSSES} times.\n",
    seconds=0.0,
    cpu_seconds=0.0,
    peak_memory_mb=0.0,
    truncated=False,
)
