"""Limit the requests in flight at each endpoint, and repeat those that fail.

A request occupies one of the endpoint's slots only while it is in flight, so that other trials can
use the model while this one waits before a retry or runs a program.
"""

import asyncio
import itertools
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from solver.config import Patience
from solver.errors import ModelError, Scope
from solver.models import (
    Extend,
    LoadingModel,
    Model,
    RawModel,
    begins_with_thoughts,
    continuing,
    keep_apart,
    refuse_thoughts,
)
from solver.records import Message, Reply
from solver.serve.server import Server

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

FIRST_WAIT = 1.0
"""Seconds before the second request; doubles each time, with jitter."""
KEPT_SECONDS = 2.0
"""How long the only slot of an endpoint is kept for the trial that had it: its program runs."""
LONGEST_WAIT = 60.0
"""Seconds between two requests, unless the server asks for more."""


class Stopped(Exception):
    """Ctrl-C: the trial stays unfinished, its turns stored, and goes on when the run is resumed."""


@dataclass
class Traffic:
    """Counts of the requests of a run, for the progress line."""

    started: dict[int, float] = field(default_factory=dict)
    """When each request in flight began (monotonic seconds), by its ticket."""
    began: float | None = None
    """When the first request began: after its model was loaded."""
    tickets: Iterator[int] = field(default_factory=itertools.count)
    waiting: int = 0
    """Requests sleeping between two attempts."""
    failed: int = 0
    """Requests that failed so far, whether they were repeated or not."""
    answered: int = 0
    """Replies so far."""
    output_tokens: int = 0
    model_seconds: float = 0.0
    loading: dict[str, float] = field(default_factory=dict)
    """When each model that a server is loading began to load (monotonic seconds), by its name."""
    last_trouble: str = ""
    """Why the last attempt failed."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by Ctrl-C: no request starts any more."""
    server: Server | None = None
    """The server that the run has started, for whose restarts requests wait."""

    def slowest(self) -> float:
        """Return how many seconds the oldest request in flight has taken so far."""
        return time.monotonic() - min(self.started.values()) if self.started else 0.0


class Gate:
    """Lets at most `limit` requests in at a time, and adapts `limit` to the server.

    An answer with status 429 (rate limit) halves it; every `limit` successes raise it by one. Where
    there is one slot only, the trial that had it keeps it for a moment, so that its next request
    finds the conversation in the server's prompt cache.
    """

    def __init__(self, limit: int, *, kept_seconds: float = KEPT_SECONDS) -> None:
        self.ceiling = limit
        self.limit = limit
        self._inside = 0
        self._changed = asyncio.Condition()
        self._good = 0
        self._shrunk_at = 0.0
        self._kept_seconds = kept_seconds
        self._keeper: object = None
        self._kept_until = 0.0

    @asynccontextmanager
    async def slot(self, trial: object = None) -> AsyncIterator[None]:
        """Hold a slot for a request of a trial; `left` says that no other one will follow."""
        async with self._changed:
            while not self._lets_in(trial):
                full = self._inside >= self.limit
                kept = None if full else self._kept_until - time.monotonic()
                with suppress(TimeoutError):
                    async with asyncio.timeout(kept):
                        await self._changed.wait()
            self._inside += 1
        try:
            yield
        finally:
            async with self._changed:
                self._inside -= 1
                if self.ceiling == 1 and trial is not None:
                    self._keeper, self._kept_until = trial, time.monotonic() + self._kept_seconds
                self._changed.notify_all()

    async def left(self, trial: object) -> None:
        """Give up what a trial keeps, since it makes no further request."""
        async with self._changed:
            if self._keeper is trial:
                self._keeper = None
                self._changed.notify_all()

    def _lets_in(self, trial: object) -> bool:
        """Tell whether a request of this trial may start now."""
        kept = self._keeper is not None and time.monotonic() < self._kept_until
        return self._inside < self.limit and (not kept or trial is self._keeper)

    def succeeded(self) -> None:
        """Count a success; after every `limit` of them, raise `limit` by one, up to the ceiling."""
        self._good += 1
        if self.limit < self.ceiling and self._good >= self.limit:
            self.limit, self._good = self.limit + 1, 0

    def limited(self) -> None:
        """Halve the limit, once for all the requests that were refused together."""
        now = time.monotonic()
        if now - self._shrunk_at > FIRST_WAIT:
            self.limit, self._good, self._shrunk_at = max(1, self.limit // 2), 0, now


def gate_of(gates: dict[str, Gate], model: Model, patience: Patience) -> Gate:
    """Return the gate of the model's endpoint, which all its models share, the judge's included."""
    return gates.setdefault(model.endpoint, Gate(patience.parallel or model.parallel))


class Endpoint:
    """A model behind its gate: requests are repeated within the limits of `patience`."""

    def __init__(self, model: Model, patience: Patience, gate: Gate, traffic: Traffic) -> None:
        self.model = model
        self.patience = patience
        self.gate = gate
        self.traffic = traffic
        self._answered = False
        self._loading = asyncio.Lock()
        self._to_load = model if isinstance(model, LoadingModel) else None
        self._loaded = False

    async def load(self) -> dict[str, Any]:
        """Have the model's weights loaded and return what its server then says of them.

        Empty where they were loaded before. Loading has a time of its own, and every request waits
        for it. Raises ModelError; Stopped at Ctrl-C, since there is nothing in it to be stored.
        """
        if self._loaded or (model := self._to_load) is None:
            return {}
        async with self._loading:
            if self._loaded:
                return {}
            if self.traffic.stop.is_set():
                raise Stopped
            logger.info("loading %s", self.model.name)
            self.traffic.loading[self.model.name] = time.monotonic()
            try:
                facts = await self._unless_stopped(model.load())
            finally:
                del self.traffic.loading[self.model.name]
            self._loaded = True
            logger.info("loaded %s", self.model.name)
            return facts

    async def ask(
        self,
        chat: Sequence[Message],
        *,
        seed: int,
        schema: dict[str, Any] | None = None,
        stop: Sequence[str] = (),
        trial: object = None,
    ) -> Reply:
        """Return one reply; `schema` and `stop` are passed to the model, `trial` to the gate.

        Raises ModelError: at once where asking again cannot help, else when the attempts or the
        total wait are spent. Its scope is the run where no other request can be answered, or where
        the endpoint has never answered and it is not known what was refused: one refused problem
        must not cost a night. Raises Stopped after Ctrl-C, unless the request is in flight.
        """
        reply = await self._patiently(
            lambda: self.model.generate(chat, seed=seed, schema=schema, stop=stop),
            lambda: self.gate.slot(trial),
        )
        return keep_apart(reply)  # for providers from outside the package, which may not know how

    async def complete(self, prefix: str, *, seed: int, greedy: bool) -> Reply:
        """Continue raw text, as `ask` continues a chat; where `greedy`, at temperature 0.

        The model must be one that can. Raises like `ask`.
        """
        model = self.model
        assert isinstance(model, RawModel)
        temperature = 0.0 if greedy else None
        return await self._patiently(
            lambda: model.complete(prefix, seed=seed, temperature=temperature), self.gate.slot
        )

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[Extend]:
        """Keep one slot for a reply made by many requests; yield the model's `extend` with retries.

        The slot is kept through retries, so that no other prompt evicts this prefix from the
        server's cache. A request that is made again shows `until` its text from the start. Raises
        ConfigError for a reply that begins with thoughts.
        """
        extend = continuing(self.model).extend

        async def patiently(chat: Sequence[Message], text: str, **how: Any) -> Reply:
            request = partial(extend, chat, text, **how)
            reply = await self._patiently(request, nullcontext, logging.DEBUG)
            refuse_thoughts(self.model.name, thinks=begins_with_thoughts(text + reply.text))
            return reply

        async with self.gate.slot():
            yield patiently

    async def _patiently(
        self,
        request: Callable[[], Awaitable[Reply]],
        slot: Callable[[], AbstractAsyncContextManager[None]],
        level: int = logging.INFO,
    ) -> Reply:
        """Make a request, again if it fails, within the limits of `patience`.

        One that was lost with a server that the run starts again is made again without counting.
        Requests and answers are logged at `level`, failures always.
        """
        waited, attempt, lost = 0.0, 1, 0
        while True:
            starts = self.traffic.server.starts if self.traffic.server is not None else 0
            try:
                reply = await self._once(request, slot, level)
            except ModelError as failure:
                if await self._lost_with_server(failure, starts):
                    lost += 1
                    continue
                pause = self._pause_after(failure, attempt, waited)
                waited += pause
                attempt += 1
                await self._wait(pause)
            else:
                if attempt + lost == 1:
                    return reply
                return reply.model_copy(update={"requests": reply.requests + attempt + lost - 1})

    async def _lost_with_server(self, failure: ModelError, starts: int) -> bool:
        """Tell whether a request failed since its server died; then wait until it answers again.

        `starts` is how often it had been started before the request. Raises Stopped at Ctrl-C, and
        where it is not started again.
        """
        server = self.traffic.server
        if server is None or not await self._unless_stopped(
            server.back(self.model.name, failure, starts)
        ):
            return False
        self.traffic.failed += 1
        self.traffic.last_trouble = str(failure)
        logger.warning("lost with its server, asked again: %s", failure)
        self._loaded = False
        return True

    async def _once(
        self,
        request: Callable[[], Awaitable[Reply]],
        slot: Callable[[], AbstractAsyncContextManager[None]],
        level: int,
    ) -> Reply:
        await self.load()
        async with slot():
            if self.traffic.stop.is_set():
                raise Stopped
            logger.log(level, "request to %s", self.model.endpoint)
            ticket = next(self.traffic.tickets)
            self.traffic.started[ticket] = now = time.monotonic()
            self.traffic.began = self.traffic.began or now
            try:
                reply = await request()
            finally:
                del self.traffic.started[ticket]
        self._answered = True
        self.gate.succeeded()
        self.traffic.answered += 1
        self.traffic.output_tokens += reply.output_tokens
        self.traffic.model_seconds += reply.seconds
        end = ", cut at the cap" * reply.capped + ", prompt cut" * reply.prompt_cut
        counts = (reply.seconds, reply.input_tokens, reply.output_tokens, end)
        logger.log(level, "answered in %.1f s: %d tokens in, %d out%s", *counts)
        return reply

    async def _unless_stopped(self, work: Coroutine[None, None, _T]) -> _T:
        """Return what the work gives, but drop it at Ctrl-C and raise Stopped."""
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self.traffic.stop.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if self.traffic.stop.is_set():
                raise Stopped
            return working.result()
        finally:
            for task in (working, stopping):
                task.cancel()
            await asyncio.gather(working, stopping, return_exceptions=True)

    async def _wait(self, seconds: float) -> None:
        """Wait before a request is made again. Raises Stopped at Ctrl-C."""
        self.traffic.waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self.traffic.stop.wait()
        except TimeoutError:
            return
        finally:
            self.traffic.waiting -= 1
        raise Stopped

    def _pause_after(self, failure: ModelError, attempt: int, waited: float) -> float:
        """Return how long to wait after a failed request.

        Raises ModelError where repeating the request cannot help, or where the attempts or the
        total wait are used up.
        """
        self.traffic.failed += 1
        self.traffic.last_trouble = str(failure)
        if failure.status in (429, 503):  # 503 is how Ollama says that its queue is full
            self.gate.limited()
        passing = failure.retryable or (failure.scope is Scope.ADDRESS and self._answered)
        if not passing:
            alone = failure.scope is Scope.PROMPT
            lasting = failure.scope is Scope.RUN or not (alone or self._answered)
            raise self._final(failure, scope=Scope.RUN if lasting else Scope.PROMPT) from failure
        if attempt >= self.patience.attempts:
            raise self._final(failure, f"gave up after {attempt} requests") from failure
        pause = _pause(attempt, failure.retry_after)
        if waited + pause > self.patience.wait_seconds:
            limit = f"{self.patience.wait_seconds:g} s"
            asked = f" (the server asks for {pause:g} s more)" if failure.retry_after else ""
            raise self._final(
                failure, f"gave up after waiting {waited:.0f} s of at most {limit}{asked}"
            ) from failure
        logger.warning("request %d failed: %s; again in %.1f s", attempt, failure, pause)
        if isinstance(failure.__cause__, TimeoutError):
            self._loaded = False  # perhaps its server has unloaded it, and loads it again
        return pause

    def _final(
        self, failure: ModelError, why: str = "", *, scope: Scope = Scope.REQUEST
    ) -> ModelError:
        """Return a failure as the trial records it, with why nothing more was tried."""
        message = f"{failure}; {why}" if why else str(failure)
        logger.error("no reply: %s", message)
        return ModelError(message, status=failure.status, scope=scope)


def _pause(attempt: int, retry_after: float | None) -> float:
    """Return the seconds to wait: what the server asks for, else exponential with jitter."""
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (attempt - 1))
    jittered = random.uniform(longest / 2, longest)
    return max(retry_after, 0.05) if retry_after is not None else jittered


async def together(works: Sequence[Coroutine[None, None, None]]) -> None:
    """Await all; the first failure cancels the others and is raised alone."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
