"""Compare a stored run with what would go on in it: config, prompts, problems, and what is served.

Trials of two kinds must not be mixed in one run. Whatever decides a reply and has changed since the
run began is refused, with the difference.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from solver.config import Config
from solver.errors import ConfigError, ModelError, Scope
from solver.models import Model, ServedModel
from solver.modes import identity, shipped
from solver.records import Problem
from solver.run.tasks import tasks_of
from solver.run.watch import Watch
from solver.store import Store
from solver.store.alike import differences, joined, served_changes

logger = logging.getLogger(__name__)

LOOK_EVERY = 60.0
"""Seconds between two looks at what the servers serve."""


def check_resume(
    store: Store, config: Config, problems: Sequence[Problem], facts: dict[str, Any]
) -> None:
    """Start the run's manifest, or check that a stored run is the same one, only larger.

    A run of which nothing is stored starts again. `facts` are those of the problem set. Raises
    ConfigError with the difference.
    """
    prompts = {mode.name: identity(mode, config) for mode in config.running}
    if store.is_empty():
        store.forget()
    require_same(store, config, problems)
    if not store.manifest():
        store.write_manifest(identity=config.identity())
    store.write_manifest(config=config.model_dump(mode="json"), problems=facts, prompts=prompts)
    store.add_problems(problems)


def require_same(store: Store, config: Config, problems: Sequence[Problem]) -> None:
    """Raise ConfigError with the difference where a stored run is another one."""
    prompts = {mode.name: identity(mode, config) for mode in config.running}
    stored = store.manifest()
    if "imported" in stored:
        raise ConfigError(
            f"{store.folder} was imported from {', '.join(stored['imported']['files'])}: there is"
            " nothing to resume; give --name for a new run"
        )
    if stored and not store.is_empty():
        _refuse(store, [*_changes(store, stored, config, problems, prompts)])


def check_served(store: Store, models: dict[str, dict[str, Any]]) -> None:
    """Check that each model is what it was when the run began. Raises ConfigError if not."""
    before = store.manifest().get("models", {})
    different = [
        f"{name}: {change}"
        for name, now in models.items()
        for change in served_changes(before.get(name, {}), now)
    ]
    _refuse(store, different, "began with another model")


async def watch_served(models: Sequence[Model], began: dict[str, Any], watch: Watch) -> None:
    """Look once a minute whether the models of a run are still what they were, until cancelled."""
    while not watch.stopping:
        await asyncio.sleep(LOOK_EVERY)
        await look_again(models, began, watch)


async def look_again(models: Sequence[Model], began: dict[str, Any], watch: Watch) -> None:
    """End the run where a server serves something else under a name than at its start."""
    for model in models:
        if not isinstance(model, ServedModel):
            continue
        try:
            answers = await model.served()
        except ModelError as unreached:  # the requests of the trials will tell
            logger.warning("%s: %s", model.name, unreached)
            continue
        changes = [c for now in answers for c in served_changes(began.get(model.name, {}), now)]
        if changes:
            failure = ModelError(
                f"{model.name} was exchanged during the run: {' · '.join(changes)}; trials since"
                " the last look may be of either, so give --name for a new run",
                scope=Scope.RUN,
            )
            logger.error("%s", failure)
            watch.end_by(failure)


def _changes(
    store: Store,
    stored: dict[str, Any],
    config: Config,
    problems: Sequence[Problem],
    prompts: dict[str, str],
) -> Iterator[str]:
    """Yield each difference between the stored run and this one."""
    chosen = {problem.id: problem for problem in problems}
    now = config.identity()
    # earlier versions stored the sections of modes that do not run, too
    sections = {mode.section for mode in shipped()}
    yield from differences(
        {k: v for k, v in stored["identity"].items() if k in now or k not in sections},
        now,
        absent="default",
    )
    for key in ("limit", "repeats", "wordings"):
        before = stored["config"].get(key, 1)  # earlier versions did not know wordings
        if (before or 10**9) > (getattr(config, key) or 10**9):
            yield f"{key}: {before} → {getattr(config, key)} (it may only grow)"
    for problem in store.problems().values():
        if problem.id not in chosen:
            yield f"problem {problem.id} is no longer chosen"
        elif chosen[problem.id].hash != problem.hash:
            yield f"problem {problem.id} has another text"
    asked = stored.get("prompts", {})
    changed = [mode for mode, hash_ in prompts.items() if asked.get(mode, hash_) != hash_]
    for mode in changed:
        yield f"prompts of mode {mode}: {asked[mode]} → {prompts[mode]}"
    if not changed:
        strange = store.begun().besides(tasks_of(config, problems))
        if strange:
            yield f"{strange} stored trials were made with other prompts or settings"


def _refuse(store: Store, different: Sequence[str], what: str = "holds another run") -> None:
    """Raise ConfigError with the differences, if there are any."""
    if not different:
        return
    raise ConfigError(f"{store.folder} {what}: {joined(different)}; give --name for a new run")
