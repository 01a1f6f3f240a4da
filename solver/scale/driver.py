"""Do the trials of a run on the nodes of a cluster, as the only writer of the run's file.

Each node has a worker, which is given trials and asked for what they gave, in one call, over and
over. What a node held that is lost goes to the others, with the turns that were stored. Nothing
here knows by which engine nodes are reached.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from judge import Judge
from solver.config import Config
from solver.errors import ModelError, Scope, StoreError
from solver.records import Outcome, Problem, Reply, Trial, Turn
from solver.run.loading import keep_loaded
from solver.run.log import TRIAL
from solver.run.loop import note
from solver.run.resume import todo_of
from solver.run.tasks import Task, Todo, tasks_of, trials_of_arms
from solver.run.watch import Watch
from solver.scale.hiring import Hiring, Member
from solver.scale.leases import Leases, Share
from solver.scale.messages import Event, NodeLost, Report
from solver.store import Store
from solver.text import say

LOOK_EVERY = 5.0
"""Seconds between two looks for new nodes."""
WAIT_FOR_NODES = 60.0
"""Seconds after which a run ends that no node works on."""
HUNG = 120.0
"""Seconds after which a node is lost that has not answered a call."""

logger = logging.getLogger(__name__)


@dataclass
class Team:
    """The nodes of a run, each with its parts built: a crew."""

    config: Config
    hiring: Hiring
    facts: dict[str, Any]
    cannot: dict[str, dict[str, str]]
    warnings: list[str]
    judge: Judge
    look_every: float = LOOK_EVERY
    wait_for_nodes: float = WAIT_FOR_NODES

    async def run(self, problems: Sequence[Problem], store: Store, watch: Watch) -> None:
        """Do every trial that the store does not hold yet, on all nodes.

        Raises ModelError where no node can go on, and StoreError where nothing can be stored.
        """
        watch.begin(trials_of_arms(self.config, problems, self.cannot), store.ends())
        shift = Shift(self, self._leases(problems, store, watch), store, watch)
        stopping = asyncio.create_task(shift.stop_nodes())
        try:
            await shift.work()
        finally:
            stopping.cancel()
            store.write_manifest(nodes=[member.facts() for member in self.hiring.members])
        if not watch.stopping:
            await asyncio.gather(*(self._look(member, watch) for member in self.hiring.working()))
        watch.raise_end()

    async def _look(self, member: Member, watch: Watch) -> None:
        """End the run where a node's server serves another model than at its start."""
        with suppress(NodeLost):
            if exchanged := await member.worker.look():
                watch.end_by(ModelError(f"node {member.place.name}: {exchanged}", scope=Scope.RUN))

    def _leases(self, problems: Sequence[Problem], store: Store, watch: Watch) -> Leases:
        """Divide the trials that are left by the endpoints that their models share."""
        finished = store.finished()
        arms = watch.pace.arms.items()

        def tasks(models: Sequence[str]) -> Iterator[Task]:
            for model in models:
                all_of_it = tasks_of(self.config, problems, self.cannot, only=model)
                yield from finished.lacking(all_of_it)

        return Leases([
            Share(
                source=tasks(group.models),
                at_once=group.at_once,
                left=sum(arm.total - arm.ended for (name, _), arm in arms if name in group.models),
            )
            for group in self.hiring.opened.groups
        ])  # fmt: skip


class Shift:
    """One pass over the trials that are left, on the nodes that there are and that come."""

    def __init__(self, team: Team, leases: Leases, store: Store, watch: Watch) -> None:
        self._team = team
        self._leases = leases
        self._store = store
        self._watch = watch
        self._tending: dict[asyncio.Task[None], Member] = {}

    async def work(self) -> None:
        """Serve every node until all trials have ended, or the nodes are drained after Ctrl-C."""
        for member in self._team.hiring.working():
            self._tend_to(member)
        looking = asyncio.create_task(self._look_for_nodes())
        try:
            while self._tending or not (self._leases.done or self._watch.stopping):
                if self._tending:
                    await asyncio.wait(
                        self._tending, timeout=1, return_when=asyncio.FIRST_COMPLETED
                    )
                else:
                    await asyncio.sleep(0.2)
                for task in [task for task in self._tending if task.done()]:
                    del self._tending[task]
                    task.result()
                if looking.done():
                    looking.result()
        finally:
            for task in (looking, *self._tending):
                task.cancel()
            await asyncio.gather(looking, *self._tending, return_exceptions=True)

    async def stop_nodes(self) -> None:
        """Wait for Ctrl-C, or for the end of the run by a failure, and stop all nodes."""
        await self._watch.traffic.stop.wait()
        await asyncio.gather(*(self._stop(member) for member in self._team.hiring.working()))

    async def _stop(self, member: Member) -> None:
        with suppress(NodeLost):
            await member.worker.stop()

    def _tend_to(self, member: Member) -> None:
        self._tending[asyncio.create_task(self._tend(member))] = member

    async def _look_for_nodes(self) -> None:
        """Start workers on nodes that come, or come back, until cancelled; end a run that has none.

        It ends once no node has worked on it for a while.
        """
        loop = asyncio.get_running_loop()
        alone_since = loop.time()
        while not self._watch.stopping:
            await asyncio.sleep(self._team.look_every)
            for member in await self._team.hiring.newcomers():
                if not self._watch.stopping:
                    self._tend_to(member)
            if self._tending:
                alone_since = loop.time()
                continue
            waited = loop.time() - alone_since >= self._team.wait_for_nodes
            if waited or not any(member.lost for member in self._team.hiring.members):
                self._watch.end_by(self._no_node())

    async def _tend(self, member: Member) -> None:
        """Give one node trials and store what they give, until there is nothing to do for it."""
        try:
            while not self._leases.done:
                todos = [] if self._watch.stopping or member.failed else self._next(member)
                async with asyncio.timeout(HUNG):
                    report = await member.worker.exchange(todos)
                self._keep(member, report)
                if report.drained:
                    break
        except (NodeLost, TimeoutError) as lost:
            why = str(lost) or f"no answer for {HUNG:.0f} s"
            count = self._leases.held(member.place.id)
            self._team.hiring.lose(member, why)
            _tell(f"node {member.place.name} is lost: {why}; {count} trials go to others")
        finally:
            self._leases.give_back(member.place.id)

    def _next(self, member: Member) -> list[Todo]:
        tasks = self._leases.lease(member.place.id, len(self._tending))
        return [self._todo(task) for task in tasks]

    def _todo(self, task: Task) -> Todo:
        """Return a trial with what is stored of it, perhaps by a node that has gone."""
        return todo_of(task, self._store, begun=True)

    def _keep(self, member: Member, report: Report) -> None:
        """Store what a node reports of the trials that it holds, and count it.

        What it says of any other is late: that trial was given to another node, and is dropped.
        """
        for line in report.troubles:
            logger.warning("%s: %s", member.place.name, line)
        self._keep_loaded(member, report)
        events = [one for one in report.events if self._leases.holds(member.place.id, one.key)]
        member.late += len(report.events) - len(events)
        try:
            self._store_events(events)
        except StoreError as failure:
            if failure.gone:
                raise
            self._watch.end_by(failure)
        else:
            for event in events:
                if isinstance(event.what, Trial):
                    self._end(member, event.key, event.what)
        self._leases.took(member.place.id, report.counts.seconds - member.counts.seconds)
        member.counts = report.counts
        self._count()
        if report.ended_by is not None and member.failed is None and not self._watch.stopping:
            member.failed = report.ended_by
            _tell(f"node {member.place.name} takes no more trials: {report.ended_by}")

    def _store_events(self, events: Sequence[Event]) -> None:
        """Store what one report holds, in one transaction."""
        with self._store.together():
            for event in events:
                match event.what:
                    case Reply() as reply:
                        self._store.add_reply(event.key, event.number, reply)
                    case Turn() as turn:
                        self._store.add_turn(event.key, event.number, turn)
                    case Trial() as trial:
                        judge = self._team.hiring.opened.judge
                        self._store.add_trial(event.key, trial, judge=judge)

    def _end(self, member: Member, key: str, trial: Trial) -> None:
        """Count a trial that a node has ended, and that is stored."""
        task = self._leases.end(member.place.id, key)
        member.trials += 1
        member.errors += trial.outcome is Outcome.ERROR
        named = TRIAL.set(str(task))
        note(trial, self._watch)
        TRIAL.reset(named)

    def _keep_loaded(self, member: Member, report: Report) -> None:
        """Add to the manifest what servers say of the models that nodes have loaded."""
        if not report.loaded and not report.notes:
            return
        loaded = {**report.loaded, **self._store.manifest().get("loaded", {})}
        keep_loaded(self._store, loaded, report.notes, f"{member.place.name}: ")

    def _count(self) -> None:
        """Add up the requests of all nodes, for the progress line."""
        traffic, every = self._watch.traffic, self._team.hiring.members
        traffic.answered = sum(one.counts.answered for one in every)
        traffic.failed = sum(one.counts.failed for one in every)
        traffic.waiting = sum(one.counts.waiting for one in every if one.works)
        traffic.output_tokens = sum(one.counts.output_tokens for one in every)
        traffic.model_seconds = sum(one.counts.model_seconds for one in every)
        traffic.last_trouble = next((o.counts.last_trouble for o in every if o.counts.waiting), "")
        if traffic.began is None and traffic.answered:
            traffic.began = self._watch.started

    def _no_node(self) -> ModelError:
        whys = {one.place.name: one.failed or one.lost for one in self._team.hiring.members}
        each = " · ".join(f"{name}: {why}" for name, why in whys.items() if why)
        return ModelError(f"no node of the cluster works on the run any more ({each})")


def _tell(line: str) -> None:
    say(line, error=True)
    logger.warning("%s", line)
