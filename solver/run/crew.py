"""Do the trials of a run on this machine; and the seam that a cluster fills in its place."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from judge import Judge
from solver.config import Config
from solver.records import Problem
from solver.run.build import Parts, build
from solver.run.loop import run
from solver.run.sameness import look_again, watch_served
from solver.run.watch import Watch
from solver.store import Store


class Crew(Protocol):
    """What does the trials of a run, connected and checked."""

    facts: dict[str, Any]
    """What goes into the manifest."""
    cannot: dict[str, dict[str, str]]
    """Why a model is left out of a mode of the run, by model and mode."""
    warnings: list[str]
    """What affects the results and must be shown with them."""
    judge: Judge
    """Looks at the references before the first trial."""

    async def run(self, problems: Sequence[Problem], store: Store, watch: Watch) -> None:
        """Do every trial of these problems that the store does not hold yet.

        Raises what `solver.run.loop.run` raises.
        """
        ...


Opening = Callable[[Config, Path, Watch], AbstractAsyncContextManager[Crew]]
"""Opens a crew for a config and the folder of its run."""


@dataclass
class Here:
    """Does the trials in this process."""

    config: Config
    parts: Parts
    facts: dict[str, Any]
    cannot: dict[str, dict[str, str]]
    warnings: list[str]
    judge: Judge

    async def run(self, problems: Sequence[Problem], store: Store, watch: Watch) -> None:
        """Do the trials, and look now and then whether the models are the same."""
        models = [endpoint.model for endpoint in self.parts.endpoints]
        looking = asyncio.create_task(watch_served(models, self.facts["models"], watch))
        try:
            await run(self.config, problems, self.parts, store, watch)
        finally:
            looking.cancel()
        if not watch.stopping:
            await look_again(models, self.facts["models"], watch)
            watch.raise_end()


@asynccontextmanager
async def on_this_machine(config: Config, folder: Path, watch: Watch) -> AsyncIterator[Crew]:
    """Build the parts of a run here, and close them at the end. Raises as `build` does."""
    async with build(config, owner=folder.name, cache=folder, watch=watch) as parts:
        yield Here(config, parts, parts.facts, parts.cannot, parts.warnings, parts.judge.judge)
