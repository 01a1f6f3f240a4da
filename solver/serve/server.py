"""A model server that lives as long as a run: started, awaited, started again when it dies."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from solver.errors import ConfigError, ModelError, Scope
from solver.serve import LOG
from solver.serve.plan import Plan, choose_port, is_free
from solver.serve.process import Process
from solver.text import duration, say

logger = logging.getLogger(__name__)

NOTICE_SECONDS = 1.0
"""How long after a broken connection the end of the server may be noticed."""
ASK_EVERY = 0.25
"""Seconds between two looks whether it answers."""
SAY_FIRST, SAY_EVERY = 5.0, 30.0
OTHER_PORTS = 5
"""How often another port is tried where something took the free one."""
OK = range(200, 400)
NEEDS_KEY = (401, 403)
MAY_PASS = (Scope.REQUEST, Scope.ADDRESS)
"""How far a failure reaches that may come of a server that has died."""


class Server:
    """One server of a run. Requests that fail while it is down wait in `back`."""

    def __init__(
        self,
        plan: Plan,
        models: Collection[str],
        folder: Path,
        loading: dict[str, float],
        give_up: Callable[[ModelError], None],
    ) -> None:
        """Hold what to start; nothing starts yet.

        `models` are all that it answers for, a judge included. `loading` gets an entry while it is
        started again; `give_up` is called where it has died more often than the config allows.
        """
        self.plan = plan
        self.models = models
        self.name = plan.engine.name
        self.log = folder / LOG
        self.port = 0
        self.starts = 0
        """How often it was started and answered."""
        self.answers = asyncio.Event()
        self.lost = asyncio.Event()
        """Set while it is down."""
        self._loading = loading
        self._give_up = give_up
        self._process: Process | None = None
        self.restarts = 0
        """How often it was started again, whether it then answered or not."""

    async def start(self) -> None:
        """Start it for the first time and wait until it answers.

        Raises ConfigError where it cannot be started, ModelError where it ends or does not answer.
        """
        if missing := self.plan.missing():
            raise ConfigError(missing)
        for left in reversed(range(OTHER_PORTS)):
            self.port = choose_port(self.plan.options.port)
            shown = f"{self.plan.shown(self.port)} (log: {self.log})"
            say(f"serve: starting {shown}", error=True)
            logger.info("starting %s", shown)
            began = time.monotonic()
            try:
                await self._start()
            except _Died as death:
                if death.port_taken and self.plan.options.port == "auto" and left:
                    logger.warning("port %d was taken meanwhile", self.port)
                    continue
                raise self.failure(f"{death} before it answered") from death
            said = f"{self.name} answers after {duration(time.monotonic() - began)}"
            say(f"serve: {said}", error=True)
            logger.info("%s", said)
            return

    async def keep(self) -> None:
        """Start it again whenever it dies, as often as the config allows, until cancelled."""
        while True:
            assert self._process is not None
            await self._process.down.wait()
            self.answers.clear()
            self.lost.set()
            self._loading[self.name] = began = time.monotonic()
            what = f"ended ({await asyncio.shield(self._process.ended)})"
            while not self.answers.is_set():
                most = self.plan.options.restarts
                if self.restarts >= most:
                    failure = self.failure(f"{what} with no restart left (serve.restarts: {most})")
                    logger.error("%s", failure)
                    self._loading.pop(self.name, None)
                    self._give_up(failure)
                    return
                self.restarts += 1
                told = f"{self.name} {what}: {self._process.last_line()}"
                say(f"serve: {told}; starting it again, {self.restarts} of {most}", error=True)
                logger.error("%s; starting it again, %d of %d", told, self.restarts, most)
                await asyncio.sleep(min(60.0, 2.0 ** (self.restarts - 2)))
                try:
                    await self._start()
                except (_Died, ConfigError) as death:
                    what = str(death)
            self._loading.pop(self.name, None)
            say(
                f"serve: {self.name} answers again after {duration(time.monotonic() - began)}",
                error=True,
            )
            logger.info("%s answers again", self.name)

    def not_kept(self, keeping: asyncio.Task[None]) -> None:
        """End the run where `keep` has failed: nothing would start the server again."""
        if not keeping.cancelled() and (bug := keeping.exception()) is not None:
            self._give_up(self.failure(f"is not watched any more: {bug!r}"))

    async def back(self, model: str, failure: ModelError, since: int) -> bool:
        """Wait until it answers again, where it died under a request, after its start `since`.

        Returns whether it did: then the request to the model was not at fault. Waits for ever where
        it is not started again, so the caller stops waiting when the run ends.
        """
        broken = failure.status is None or failure.status >= 500
        if model not in self.models or not broken or failure.scope not in MAY_PASS:
            return False
        if self.starts == since and not self.lost.is_set():
            with suppress(TimeoutError):  # a connection breaks before the end is noticed
                async with asyncio.timeout(NOTICE_SECONDS):
                    await self.lost.wait()
        if self.starts == since and not self.lost.is_set():
            return False
        await self.answers.wait()
        return True

    async def end(self) -> None:
        """End it with all that it started, and wait until it has."""
        if self._process is not None:
            most = duration(self.plan.options.grace_seconds)
            told = f"serve: {self.name} is ending, and is killed after {most}"
            saying = asyncio.get_running_loop().call_later(1.0, lambda: say(told, error=True))
            try:
                await self._process.end()
            finally:
                saying.cancel()
            logger.info("%s ended with the run", self.name)

    def facts(self) -> dict[str, Any]:
        """Return what the manifest holds of it."""
        return {
            "engine": self.name,
            "command": self.plan.shown(),
            "models": list(self.plan.models),
            "restarts": self.restarts,
            "log": LOG,
        }

    def failure(self, what: str) -> ModelError:
        """Return the failure that ends the run, with the last line of the log and its path."""
        line = self._process.last_line() if self._process is not None else ""
        return ModelError(
            f"serve: {self.name} {what}: {line}; its log is {self.log}", scope=Scope.RUN
        )

    async def _start(self) -> None:
        """Start one process and wait until it answers. Raises _Died, ConfigError."""
        if not is_free(self.port):  # taken since: what answers there would not be ours
            raise _Died(f"could not start, as port {self.port} was taken", port_taken=True)
        self._process = Process(
            self.plan.command(self.port),
            self.plan.environment(self.port),
            self.log,
            self.plan.options.grace_seconds,
        )
        await self._process.started()
        try:
            await self._until_it_answers(self._process)
        except _Died:
            await self._process.end()
            raise
        self.starts += 1
        self.lost.clear()
        self.answers.set()

    async def _until_it_answers(self, process: Process) -> None:
        """Wait until requests can be sent, and say now and then for how long. Raises _Died."""
        import httpx

        began, url = time.monotonic(), self.plan.ready(self.port)
        most, said = self.plan.options.ready_seconds, began + SAY_FIRST - SAY_EVERY
        seen = ""
        async with httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
            while not process.ended.done():
                with suppress(httpx.HTTPError):
                    status = (await client.get(url)).status_code
                    if (status in OK or status in NEEDS_KEY) and not process.down.is_set():
                        return
                    no_path = "; set serve.ready to a path that it has" * (status == 404)
                    seen = f" (HTTP {status}{no_path})"
                now = time.monotonic()
                if now - began > most:
                    raise _Died(
                        f"did not answer at {url}{seen} in {duration(most)} (serve.ready_seconds)"
                    )
                if now - said > SAY_EVERY:
                    said = now
                    waited = f"{duration(now - began)} of at most {duration(most)}"
                    say(
                        f"serve: waiting for {self.name} at {url}{seen} for {waited}:"
                        f" {process.last_line()}",
                        error=True,
                    )
                await asyncio.wait({process.ended}, timeout=ASK_EVERY)
        how = process.ended.result()
        raise _Died(f"ended ({how})", port_taken=process.says_port_is_taken())


class _Died(Exception):
    """A start that came to nothing, and whether something else listens at its port."""

    def __init__(self, message: str, *, port_taken: bool = False) -> None:
        super().__init__(message)
        self.port_taken = port_taken


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[Server]:
    """Have a server run until the block ends; then it ends, too, whatever happened.

    Raises ConfigError and ModelError as `Server.start` does.
    """
    try:
        await server.start()
        keeping = asyncio.create_task(server.keep())
        keeping.add_done_callback(server.not_kept)
        try:
            yield server
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
    finally:
        await server.end()
