"""Keeps workers ready, gives one to each program, and replaces those that must not be used again.

A worker is a box with a fork server; it is warm once the libraries are imported. When a worker is
lost while it runs a program, the program runs again on another. As far as we know a program cannot
kill its worker, but a restart of the engine can, and so can a person. So a loss while the engine
does not answer is not blamed on the program. A program counts as killed only after three of its
workers were lost while the engine answered, and a program known to be harmless succeeded in
between. If that one fails too, the cause is unknown, and the result is a SandboxError.
"""

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, TypeVar

from sandbox.boxes.engine import EngineTrouble
from sandbox.channel import NotStarted, WorkerLost
from sandbox.execution import Execution, Exit, Limits, SandboxClosed, SandboxError
from sandbox.results import execution
from sandbox.sessions import PoolSession
from sandbox.worker import Launcher, Worker

logger = logging.getLogger(__name__)

T = TypeVar("T")

_PROGRAMS_PER_WORKER = 500
_LOSSES = 3
"""A program counts as killed after this many of its workers were lost."""
_RESTARTS = 5
"""How often in a row a program runs again because the engine failed; then that counts as a loss."""
_PAUSES = (0.5, 1, 2, 4, 8, 8, 8)
"""Seconds between attempts to start a worker: 31 in all, twice what an engine needs to restart."""
_COLD_STARTS = 3
"""How often in a row a fork server may end before it is ready, although the engine answers."""

_SEE = "`solver sandbox check` says which sandboxes work here"


class _NotWarm(EngineTrouble):
    """A fork server ended before it was ready, for which the engine is rarely the cause."""


class Pool:
    """Warm workers of one kind. This is what `open_sandbox` returns."""

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
        """Better kinds that were not available, and why."""
        strict = kind == "docker-strict"
        self._programs_per_worker = 1 if strict else _PROGRAMS_PER_WORKER
        self._spares = workers if strict else 1
        """Warm workers beyond `workers`, so that one is ready when another has to be replaced."""
        self._log_level = logging.DEBUG if strict else logging.INFO
        """The level for routine starts and replacements, which docker-strict makes all the time."""
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
        self._engine_fails = False
        self._closed = False
        self._threads = ThreadPoolExecutor(3 * workers + 2, thread_name_prefix="sandbox")

    async def open(self) -> None:
        """Start workers, and wait until the first has run a program. Raises SandboxError."""
        opened = False
        try:
            await self._call(self._launcher.prepare)
            self._start_missing(most=1)
            await self._check_health()
            self._served = 0  # that was none of the caller's programs
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
                    return await self._run_through_restarts(program, self._limits)
                except WorkerLost as lost:
                    if self._closed:  # closing ends the workers
                        raise SandboxClosed from lost
                    logger.warning("a worker was lost (%d of %d): %s", loss, _LOSSES, lost)
                    if loss == _LOSSES and isinstance(lost, NotStarted):
                        raise SandboxError(f"{lost}: {_SEE}") from lost
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
                worker.unfit = "it was lost at the end of a session"

    async def describe(self) -> dict[str, Any]:
        """Return what results depend on: kind, limits, workers, and what boxes consist of."""
        return {
            "kind": self.kind,
            "passed_over": list(self._passed_over),
            "workers": self.workers,
            "limits": asdict(self._limits),
            "programs_per_worker": self._programs_per_worker,
            **self._launcher.describe(),
        }

    async def close(self) -> None:
        """End every worker, including those that are starting or busy. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._fail_waiting(SandboxClosed())
            for worker in (*self._idle, *self._busy):
                self._destroy(worker)
            for worker in self._warming:
                worker.channel.close()  # the task that warms it up then destroys it
            self._idle.clear()
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run_through_restarts(self, program: str, limits: Limits) -> Execution:
        """Run a program, again if the engine failed and its worker was lost. Raises WorkerLost."""
        for _ in range(_RESTARTS):
            try:
                return await self._try(program, limits)
            except WorkerLost as lost:
                if self._closed or await self._is_engine_there():
                    raise
                logger.warning("a worker was lost because its engine failed: %s", lost)
        return await self._try(program, limits)

    async def _is_engine_there(self) -> bool:
        try:
            await self._call(self._launcher.check)
        except SandboxError as error:
            self._note_engine(error)
            return False
        self._note_engine(None)
        return True

    def _note_engine(self, trouble: SandboxError | None) -> None:
        """Log once when the engine stops working and once when it works again."""
        if trouble is not None and not self._engine_fails:
            logger.warning("the engine does not work: %s", trouble)
        if trouble is None and self._engine_fails:
            logger.info("the engine works again")
        self._engine_fails = trouble is not None

    async def _try(self, program: str, limits: Limits) -> Execution:
        async with self._worker() as worker:
            facts, output = await self._call(worker.run, program, limits)
        return execution(facts, output, limits)

    async def _check_health(self) -> None:
        """Run a program that is known to be harmless. Raises SandboxError if even that fails."""
        for loss in range(1, _LOSSES + 1):  # one more may be an accident: somebody ended a box
            try:
                control = await self._run_through_restarts("print(6 * 7)", Limits())
                break
            except WorkerLost as lost:
                if loss == _LOSSES:
                    raise SandboxError(f"workers keep getting lost: {lost}: {_SEE}") from lost
        if control.stdout != "42\n":
            raise SandboxError(f"a program that prints 42 printed {control.stdout!r}: do not go on")

    @contextlib.asynccontextmanager
    async def _worker(self) -> AsyncIterator[Worker]:
        """Give out a warm worker; afterwards make it available again, or replace it."""
        worker = await self._take()
        self._busy.add(worker)
        try:
            yield worker
        except BaseException as error:
            lost = isinstance(error, WorkerLost)
            worker.unfit = worker.unfit or ("it was lost" if lost else "its program was cancelled")
            raise
        finally:
            self._busy.discard(worker)
            self._served += 1
            if not self._closed:  # closing has ended the worker already
                self._take_back(worker)
                self._start_missing()

    def _take_back(self, worker: Worker) -> None:
        """Make a worker available to the next program, or end it so that another replaces it."""
        if worker.unfit:
            logger.info("replacing worker %d: %s", worker.number, worker.unfit)
            self._destroy(worker)
        elif worker.programs >= self._programs_per_worker:
            message = "replacing worker %d after %d programs"
            logger.log(self._log_level, message, worker.number, worker.programs)
            self._destroy(worker)
        else:
            self._make_idle(worker)

    async def _take(self) -> Worker:
        """Wait for a warm worker that is still alive. Raises SandboxError."""
        while True:
            await self._until_idle()
            worker = self._idle.popleft()
            if worker.channel.is_open():
                return worker
            reason = await self._call(worker.channel.why_not_idle)
            logger.warning("a worker ended while it was idle: %s", reason)
            self._destroy(worker)

    async def _until_idle(self) -> None:
        """Wait for a warm worker. Raises SandboxError when none can be started."""
        while not self._idle:
            if self._closed:
                raise SandboxClosed
            self._start_missing()
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if self._idle:
                    self._wake_one()  # this waiter may have been woken: pass that on to another
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
        """Start missing workers in the background, at most `most` of them."""
        # spares come later, so that a pool that runs a single program starts no second worker
        wanted = self.workers + (self._spares if self._served > 1 else 0)
        missing = wanted - self._starting - len(self._idle) - len(self._busy)
        for _ in range(min(missing, len(self._numbers), most or missing)):
            self._starting += 1
            self._spawn(self._start_one(self._numbers.popleft()))

    async def _start_one(self, number: int) -> None:
        """Start one worker and make it available; if that fails, raise the error in all waiters."""
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
                logger.log(self._log_level, "worker %d started", number)
                self._make_idle(worker)
        finally:
            self._starting -= 1

    async def _launch_patiently(self, number: int) -> Worker:
        """Start one worker, and try again after pauses, since the engine may work again."""
        cold_starts = 0
        for pause in self._pauses:
            try:
                return await self._launch(number)
            except EngineTrouble as trouble:
                if isinstance(trouble, _NotWarm):
                    cold_starts += 1
                else:
                    self._engine_fails = True
                if self._closed or cold_starts == _COLD_STARTS:
                    raise
                logger.warning(
                    "worker %d did not start: %s (trying again in %g s)", number, trouble, pause
                )
                await asyncio.sleep(pause)
        return await self._launch(number)

    async def _launch(self, number: int) -> Worker:
        """Start one worker and wait until it is warm. Raises SandboxError."""
        worker = await self._call(self._launcher.launch, number)
        if self._closed:
            self._destroy(worker)
            raise SandboxClosed
        self._warming.add(worker)
        try:
            await self._call(worker.warm_up)
        except WorkerLost as lost:
            self._destroy(worker)
            if not self._closed:
                await self._call(self._launcher.check)
            raise _NotWarm(f"the fork server did not start: {lost}: {_SEE}") from lost
        finally:
            self._warming.discard(worker)
        self._note_engine(None)
        return worker

    def _destroy(self, worker: Worker) -> None:
        self._spawn(self._end(worker))

    async def _end(self, worker: Worker) -> None:
        """Remove a worker's box and make its number available."""
        worker.channel.close()
        try:
            await self._call(worker.destroy)
        except SandboxClosed:
            return  # it ends by itself
        except SandboxError as error:
            logger.warning("worker %d is left, it ends by itself: %s", worker.number, error)
        self._numbers.append(worker.number)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        """Log a bug that ended a background task, and raise it in all who wait for a worker."""
        self._tasks.discard(task)
        bug = None if task.cancelled() else task.exception()
        if bug is not None:
            logger.error("a bug in the sandbox", exc_info=bug)
            self._fail_waiting(bug)

    async def _call(self, function: Callable[..., T], *arguments: Any) -> T:
        try:
            call = self._threads.submit(function, *arguments)
        except RuntimeError as failure:
            if "cannot schedule new futures" not in str(failure):
                raise SandboxError(f"no thread can be started: {failure}") from failure
            self._closed = True  # Python is ending
            raise SandboxClosed from failure
        return await asyncio.wrap_future(call)


_KILLED_ITS_WORKERS = Execution(
    exit=Exit.KILLED,
    stdout="",
    stderr=f"The program was lost together with its worker, {_LOSSES} times.\n",
    seconds=0.0,
    cpu_seconds=0.0,
    peak_memory_mb=0.0,
    truncated=False,
)
