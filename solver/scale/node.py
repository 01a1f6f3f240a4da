"""Do trials on one node of a cluster: what the driver of the run calls there.

A node builds its own models, sandbox and judge from the config, does the trials that it is given
with the loop of an ordinary run, and hands over what they give when it is asked for it. It writes
no file of the run.
"""

import asyncio
import logging
import os
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from solver.config import make_config
from solver.models import Model
from solver.records import Reply, Trial, Turn
from solver.run.build import Parts, build
from solver.run.log import LOGGERS, TRIAL
from solver.run.loop import work
from solver.run.sameness import look_again, watch_served
from solver.run.schedule import Traffic, together
from solver.run.start import allow_files
from solver.run.tasks import Todo
from solver.run.watch import Watch
from solver.scale.messages import About, Counts, Event, Group, Opened, Report, Written
from solver.scale.software import software

REPORT_WITHIN = 0.5
"""Seconds after which a node reports that there is nothing to report."""
GATHERED_FOR = 0.03
"""Seconds for which a node gathers more after the first event, so that reports are not many. It
gathers no longer once all trials that it was given have ended."""
SAMPLED_EVERY = 0.1
MOST_TROUBLES = 100
"""Lines for the run's log that a node keeps between two reports; of more, the last."""


class Node:
    """The worker of one machine. All methods are called from one event loop."""

    def __init__(self) -> None:
        self._watch = Watch()
        self._outbox = Outbox()
        self._inbox = Inbox()
        self._troubles = _Troubles()
        self._models: list[Model] = []
        self._facts: dict[str, Any] = {}
        self._drained = False
        self._opened_at = time.monotonic()
        self._slots = 0
        self._busy = 0.0
        self._living: asyncio.Task[None] | None = None

    async def about(self, models: Sequence[str]) -> About:
        """Return the versions of the software here, for a run of these models."""
        return About(await asyncio.to_thread(software, models))

    async def open(self, content: dict[str, Any], *, owner: str, folder: str) -> Opened:
        """Build the parts of a run from its config, as plain data, and wait for trials.

        Relative paths in it start in `folder`, where this machine has it. Raises as `build` does.
        """
        with suppress(OSError):
            os.chdir(folder)
        allow_files()
        opened: asyncio.Future[Opened] = asyncio.get_running_loop().create_future()
        self._living = asyncio.create_task(self._live(content, owner, opened))
        self._living.add_done_callback(lambda _: opened.cancel())
        try:
            return await opened
        except asyncio.CancelledError:
            if self._living.done():
                await self._living
            raise

    async def exchange(self, todos: Sequence[Todo]) -> Report:
        """Take more trials, and return what has happened since the last call.

        Returns as soon as there is something to report, but at the latest after `REPORT_WITHIN`.
        """
        self._outbox.expect(len(todos))
        await self._inbox.put(todos)
        with suppress(TimeoutError):
            async with asyncio.timeout(REPORT_WITHIN):
                await self._outbox.filled.wait()
            async with asyncio.timeout(GATHERED_FOR):
                await self._outbox.complete.wait()
        if self._living is not None and self._living.done():
            await self._living  # a bug keeps its traceback
        drained, ended_by = self._drained, self._watch.ended_by
        return Report(
            events=self._outbox.taken(),
            counts=self._counts(),
            loaded=self._outbox.loaded(),
            notes=self._outbox.notes(),
            troubles=self._troubles.taken(),
            ended_by=None if ended_by is None else str(ended_by),
            drained=drained,
        )

    async def stop(self) -> None:
        """Start no request any more; those in flight are finished, and reported."""
        self._watch.stop()

    async def look(self) -> str | None:
        """Look once more whether the models are the same; return what has changed."""
        await look_again(self._models, self._facts, self._watch)
        return None if self._watch.ended_by is None else str(self._watch.ended_by)

    async def close(self) -> None:
        """Close the models, the sandbox and the judge, at once: what is in flight is dropped."""
        self._watch.stop()
        if self._living is not None:
            self._living.cancel()
            await asyncio.wait({self._living})

    async def _live(
        self, content: dict[str, Any], owner: str, opened: asyncio.Future[Opened]
    ) -> None:
        """Hold the parts open until cancelled, and work on what is given in the meantime."""
        config = make_config(content)
        with tempfile.TemporaryDirectory(prefix="solver-node-") as cache, self._troubles.kept():
            kept = tempfile.mkdtemp(prefix="solver-serve-") if config.serve.engine else cache
            log = Path(kept)  # the log of a model server stays on the node
            built = build(config, owner=owner, cache=Path(cache), watch=self._watch, log=log)
            async with built as parts:
                self._slots = sum({id(e.gate): e.gate.ceiling for e in parts.endpoints}.values())
                self._opened_at = time.monotonic()
                self._models = [endpoint.model for endpoint in parts.endpoints]
                self._facts = parts.facts["models"]
                helping = [
                    asyncio.create_task(self._sample()),
                    asyncio.create_task(self._close_inbox()),
                    asyncio.create_task(watch_served(self._models, self._facts, self._watch)),
                ]
                opened.set_result(_opened(parts))
                try:
                    await together([
                        work(
                            partial(self._inbox.take, endpoint.model.name),
                            endpoint, config, parts, self._outbox, self._watch,
                        )
                        for endpoint in parts.endpoints
                        for _ in range(_at_once(parts, endpoint.gate.ceiling))
                    ])  # fmt: skip
                    self._drained = True
                    self._outbox.filled.set()
                    await asyncio.Event().wait()  # until `close` cancels it
                finally:
                    for task in helping:
                        task.cancel()

    async def _close_inbox(self) -> None:
        """Let the workers end once no request may start any more."""
        await self._watch.traffic.stop.wait()
        await self._inbox.close()

    async def _sample(self) -> None:
        """Add up, until cancelled, how many requests are in flight."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(SAMPLED_EVERY)
            now = time.monotonic()
            self._busy += len(self._watch.traffic.started) * (now - last)
            last = now

    def _counts(self) -> Counts:
        traffic: Traffic = self._watch.traffic
        seconds = time.monotonic() - self._opened_at
        room = self._slots * seconds
        return Counts(
            answered=traffic.answered,
            failed=traffic.failed,
            waiting=traffic.waiting,
            last_trouble=traffic.last_trouble,
            output_tokens=traffic.output_tokens,
            model_seconds=traffic.model_seconds,
            seconds=seconds,
            idle=min(1.0, max(0.0, 1 - self._busy / room)) if room else 0.0,
        )


def _at_once(parts: Parts, ceiling: int) -> int:
    """Return how many trials of one model a node works on at a time, as an ordinary run does."""
    return ceiling + parts.programs_at_once


def _opened(parts: Parts) -> Opened:
    return Opened(
        facts=parts.facts,
        cannot=parts.cannot,
        warnings=parts.warnings,
        judge=parts.judge.id,
        judges_later=parts.second_judge is not None,
        groups=tuple(
            Group(
                tuple(endpoint.model.name for endpoint in group),
                _at_once(parts, max(endpoint.gate.ceiling for endpoint in group)),
            )
            for group in parts.endpoint_groups()
        ),
    )


class Inbox:
    """The trials that a node was given and has not begun, by model."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Todo]] = {}
        self._closed = False
        self._changed = asyncio.Condition()

    async def put(self, todos: Sequence[Todo]) -> None:
        """Add trials; after `close` they are dropped, since the driver has them still."""
        if not todos or self._closed:
            return
        async with self._changed:
            for todo in todos:
                self._waiting.setdefault(todo.task.model, deque()).append(todo)
            self._changed.notify_all()

    async def take(self, model: str) -> Todo | None:
        """Wait for the next trial of a model; None once no more is to be begun."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or self._waiting.get(model))
            return None if self._closed else self._waiting[model].popleft()

    async def close(self) -> None:
        """Let no trial begin any more."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()


class Outbox:
    """What the trials of a node gave since it was last asked: a sink that sends to the driver.

    A turn takes the place of its reply. It holds no more than the trials in work give.
    """

    def __init__(self) -> None:
        self.filled = asyncio.Event()
        self.complete = asyncio.Event()
        """All trials that are expected have ended."""
        self._expected = 0
        self._events: dict[tuple[str, int], Written] = {}
        self._ended: dict[str, Event] = {}
        self._manifest: dict[str, Any] = {}
        self._loaded: dict[str, Any] = {}
        self._notes: list[str] = []

    def expect(self, trials: int) -> None:
        """Count more trials whose ends are waited for."""
        self._expected += trials
        if self._expected:
            self.complete.clear()

    def add_reply(self, key: str, number: int, reply: Reply) -> None:
        """Keep a reply until the driver asks."""
        self._events[key, number] = reply
        self.filled.set()

    def add_turn(self, key: str, number: int, turn: Turn) -> None:
        """Keep a turn until the driver asks."""
        self._events[key, number] = turn
        self.filled.set()

    def add_trial(self, key: str, trial: Trial, *, judge: str) -> None:
        """Keep the end of a trial until the driver asks; it knows the judge from `Opened`."""
        self._ended[key] = Event(key, len(trial.turns), trial)
        self._expected -= 1
        if not self._expected:
            self.complete.set()
        self.filled.set()

    def manifest(self) -> dict[str, Any]:
        """Return the facts that this node has told."""
        return self._manifest

    def write_manifest(self, **facts: Any) -> None:
        """Keep what a server says of the models that it has loaded."""
        before = self._manifest.get("loaded", {})
        known = self._manifest.get("warnings", [])
        self._loaded |= {k: v for k, v in facts.get("loaded", {}).items() if k not in before}
        self._notes += [note for note in facts.get("warnings", []) if note not in known]
        self._manifest |= facts
        self.filled.set()

    def taken(self) -> tuple[Event, ...]:
        """Return all events since the last call, the end of a trial after its turns."""
        turns = [Event(key, number, what) for (key, number), what in self._events.items()]
        events = (*turns, *self._ended.values())
        self._events, self._ended = {}, {}
        self.filled.clear()
        return events

    def loaded(self) -> dict[str, Any]:
        """Return what was said of models loaded since the last call."""
        loaded, self._loaded = self._loaded, {}
        return loaded

    def notes(self) -> tuple[str, ...]:
        """Return the warnings of models loaded since the last call."""
        notes, self._notes = self._notes, []
        return tuple(notes)


class _Troubles(logging.Handler):
    """Keeps the last warnings of the program, as lines for the run's log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: deque[str] = deque(maxlen=MOST_TROUBLES)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line, with the trial that it is of."""
        trial = f"{TRIAL.get()}: " if TRIAL.get() else ""
        self._lines.append(f"{trial}{record.getMessage()}")

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what is logged in the meantime."""
        loggers = [logging.getLogger(name) for name in LOGGERS]
        for logger in loggers:
            logger.addHandler(self)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeHandler(self)

    def taken(self) -> tuple[str, ...]:
        """Return the lines since the last call."""
        lines = tuple(self._lines)
        self._lines.clear()
        return lines
