"""Open the nodes of a cluster for a run, and say at the end what each of them did."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from judge import open_judge
from solver.config import Config
from solver.errors import ConfigError
from solver.run.crew import Crew, Opening
from solver.run.judging import policy_of
from solver.run.watch import Watch
from solver.scale.driver import Team
from solver.scale.hiring import Cluster, Hiring
from solver.text import say

logger = logging.getLogger(__name__)


def on_cluster(cluster: Cluster) -> Opening:
    """Return what opens a run on every node of a cluster."""

    @asynccontextmanager
    async def opening(config: Config, folder: Path, watch: Watch) -> AsyncIterator[Crew]:
        hiring = Hiring(config, folder, cluster)
        rules = open_judge(policy=policy_of(config.judge))
        try:
            await hiring.first()
            if hiring.opened.judges_later:
                raise ConfigError(_JUDGES_LATER.format(judge=config.judge.model))
            opened = hiring.opened
            yield Team(config, hiring, opened.facts, opened.cannot, opened.warnings, rules)
        finally:
            await hiring.close()
            await rules.close()
            for member in hiring.members:
                if watch.total:
                    say(member.line(), error=True)
                    logger.info("%s", member.line())

    return opening


_JUDGES_LATER = (
    "judge: {judge} shares a server with a model under test, so it would judge after all trials;"
    " on a cluster give it a server of its own, or run with --judge rules and then"
    " `solver rejudge RUN`"
)
