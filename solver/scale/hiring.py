"""Start a worker on each node of a cluster, and see that all are the same before they work."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from judge import JudgeError
from sandbox import SandboxError
from solver.config import Config
from solver.errors import ConfigError, ModelError
from solver.run.schedule import together
from solver.run.tasks import Todo
from solver.scale.messages import About, Counts, NodeLost, Opened, Place, Report
from solver.scale.software import require_same_software, software
from solver.store.alike import differences, joined, served_changes
from solver.text import say

MOST_STARTS = 3
"""So often a worker is started on one node of a run; then the node is left out."""
CLOSED_WITHIN = 10.0
"""Seconds in which a worker closes its models and its sandbox, before it is killed."""
OPENED_WITHIN = 900.0
"""Seconds in which a node starts a worker and builds its parts: a large model may have to load."""

logger = logging.getLogger(__name__)


class Worker(Protocol):
    """A node's worker, as it is called from here. Every call may raise NodeLost."""

    async def about(self, models: Sequence[str]) -> About:
        """Return the software of the node."""
        ...

    async def open(self, content: dict[str, Any], *, owner: str, folder: str) -> Opened:
        """Build the parts of a run there. Raises as `solver.run.build.build` does."""
        ...

    async def exchange(self, todos: Sequence[Todo]) -> Report:
        """Give trials, and receive what has happened since the last call."""
        ...

    async def stop(self) -> None:
        """Let no request start any more on the node."""
        ...

    async def look(self) -> str | None:
        """Look whether the node's models are the same; return what has changed."""
        ...

    async def close(self) -> None:
        """Close what the node has built, at once."""
        ...

    def kill(self) -> None:
        """End the worker's process at once."""
        ...


class Cluster(Protocol):
    """The machines that there are at the moment."""

    async def places(self) -> list[Place]:
        """Return the nodes that can be worked on now."""
        ...

    async def start(self, place: Place) -> Worker:
        """Start a worker on a node. Raises NodeLost."""
        ...


@dataclass
class Member:
    """One worker on one node, and what it did."""

    place: Place
    worker: Worker
    counts: Counts = field(default_factory=Counts)
    trials: int = 0
    errors: int = 0
    late: int = 0
    """Reports of trials that had been given to another."""
    lost: str | None = None
    """Why it is gone."""
    failed: str | None = None
    """Why it takes no more trials."""

    @property
    def works(self) -> bool:
        """Tell whether it can be given trials."""
        return self.lost is None and self.failed is None

    def facts(self) -> dict[str, Any]:
        """Return what it did, for the manifest."""
        return {
            "node": self.place.name,
            "trials": self.trials,
            "errors": self.errors,
            "output_tokens": self.counts.output_tokens,
            "seconds": round(self.counts.seconds, 1),
            "idle": round(self.counts.idle, 3),
            "ended_by": self.lost or self.failed,
        }

    def line(self) -> str:
        """Say what it did."""
        rate = self.counts.output_tokens / self.counts.seconds if self.counts.seconds else 0.0
        end = f"; lost: {self.lost}" if self.lost else f"; {self.failed}" if self.failed else ""
        return (
            f"node {self.place.name}: {self.trials:,} trials, {rate:,.0f} tokens/s,"
            f" {self.errors} errors, idle {self.counts.idle:.0%}{end}"
        )


@dataclass
class Hiring:
    """The workers of a run: those that work, and those that did."""

    config: Config
    folder: Path
    cluster: Cluster
    members: list[Member] = field(default_factory=list)
    starts: dict[str, int] = field(default_factory=dict)
    """How often a worker was started on a node, by its id."""
    _opened: Opened | None = None
    _first: str = ""
    """The node that built it."""

    @property
    def opened(self) -> Opened:
        """Return what the first node built, which all others must build too."""
        assert self._opened is not None
        return self._opened

    def working(self) -> list[Member]:
        """Return the members that can be given trials."""
        return [member for member in self.members if member.works]

    async def first(self) -> None:
        """Start a worker on every node there is, and open them all.

        Raises ConfigError where there is none, or where one differs from the others; ModelError,
        SandboxError or JudgeError where its parts cannot be built; each names the node.
        """
        places = await self.cluster.places()
        if not places:
            raise ConfigError("--on: the cluster has no node that offers a CPU")
        try:
            for place in places:
                self.members.append(await self._hire(place))
            for step in (self._check, self._open):
                await together([step(member) for member in self.members])
        except NodeLost as lost:
            raise ConfigError(str(lost)) from lost

    async def newcomers(self) -> list[Member]:
        """Start workers on nodes that have none and were not given up, and return those that work.

        A node that differs from the others, or cannot be opened, is left out with a line.
        """
        busy = {member.place.id for member in self.members if member.lost is None}
        came = []
        for place in await self.cluster.places():
            if place.id in busy or self.starts.get(place.id, 0) >= MOST_STARTS:
                continue
            try:
                member = await self._hire(place)
            except NodeLost as lost:
                logger.info("%s", lost)
                continue
            try:
                await self._check(member)
                await self._open(member)
            except NodeLost as lost:  # a node that is going is listed for a while
                logger.info("%s", lost)
            except (ConfigError, ModelError, SandboxError, JudgeError) as failure:
                self.starts[place.id] = MOST_STARTS
                say(f"{failure}; the run goes on without it", error=True)
                logger.warning("%s", failure)
            else:
                self.members.append(member)
                came.append(member)
                say(f"node {place.name} works on the run from now on", error=True)
                logger.info("node %s works on the run", place.name)
            finally:
                if member not in self.members:
                    member.worker.kill()
        return came

    def lose(self, member: Member, why: str) -> None:
        """Note that a worker is gone, and make sure of it."""
        member.lost = why
        member.worker.kill()

    async def close(self) -> None:
        """Close every worker, and kill those that take too long."""
        await asyncio.gather(*(self._close(m) for m in self.members if m.lost is None))

    async def _close(self, member: Member) -> None:
        try:
            with suppress(NodeLost, TimeoutError):
                async with asyncio.timeout(CLOSED_WITHIN):
                    await member.worker.close()
        finally:
            member.worker.kill()

    async def _hire(self, place: Place) -> Member:
        self.starts[place.id] = self.starts.get(place.id, 0) + 1
        with _named(place):
            return Member(place, await self.cluster.start(place))

    async def _check(self, member: Member) -> None:
        """Compare a node's software with this machine's. Raises ConfigError and NodeLost."""
        models = [model.name for model in self.config.model]
        models += [judge] if (judge := self.config.judge.model) else []
        with _named(member.place):
            async with asyncio.timeout(OPENED_WITHIN):
                about = await member.worker.about(models)
        require_same_software(member.place.name, software(models), about.versions)

    async def _open(self, member: Member) -> None:
        """Have a node build its parts, and compare them with the first node's.

        Raises what it raises, with the name of the node.
        """
        content = self.config.model_dump(mode="json")
        opening = member.worker.open(content, owner=self.folder.name, folder=str(Path.cwd()))
        with _named(member.place):
            async with asyncio.timeout(OPENED_WITHIN):
                opened = await opening
        if self._opened is None:
            self._opened, self._first = opened, member.place.name
        if found := list(_unlike(self._opened, opened)):
            raise ConfigError(
                f"node {member.place.name} differs from {self._first}: {joined(found)};"
                " give every node the same"
            )


@contextmanager
def _named(place: Place) -> Iterator[None]:
    """Put the name of a node before what is raised about it."""
    try:
        yield
    except (NodeLost, ConfigError, SandboxError, JudgeError) as failure:
        raise type(failure)(f"node {place.name}: {failure}") from failure
    except ModelError as failure:
        raise ModelError(f"node {place.name}: {failure}", scope=failure.scope) from failure
    except TimeoutError as late:
        raise NodeLost(f"node {place.name}: not ready within {OPENED_WITHIN:.0f} s") from late


def _unlike(first: Opened, other: Opened) -> list[str]:
    """List what decides results and is not the same on two nodes."""
    found = [
        f"{name}: {change}"
        for name, facts in first.facts["models"].items()
        for change in served_changes(facts, other.facts["models"][name])
    ]
    for fact in ("kind", "image_id"):
        before, now = (each.facts["sandbox"].get(fact) for each in (first, other))
        found += differences(before, now, f"sandbox {fact}")
    if first.judge != other.judge:
        found += differences(first.facts["judge"], other.facts["judge"], "judge")
    return [*found, *differences(first.cannot, other.cannot, "cannot")]
