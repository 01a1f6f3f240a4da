"""Run one shard of a run, next to other workers on this machine or others.

The shard is written on the local disk and brought whole to the run's folder now and then, when the
run is stopped, and at the end. Workers share nothing else: which trials are a worker's own follows
from their keys, and what is done elsewhere is read from the files of other shards.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from pathlib import Path

from solver.config import Config
from solver.errors import ConfigError, StoreError, require_unix
from solver.report.runs import stored_run
from solver.report.show import show_run
from solver.run.build import build
from solver.run.crew import Crew, Here
from solver.run.log import logging_to
from solver.run.sameness import check_resume
from solver.run.shards import Shard, Share
from solver.run.start import (
    ERRORS_LEFT,
    INTERRUPTED,
    Job,
    allow_files,
    do_trials,
    errors_left,
    make_room,
)
from solver.run.watch import Watch
from solver.serve import LOG as SERVER_LOG
from solver.store import FILE, Reader, Store, open_to_read
from solver.store.local import LocalShard, alone, open_shard, rescue
from solver.store.lock import is_locked
from solver.store.scratch import scratch_folder
from solver.store.shards import FOLDER as SHARDS
from solver.store.shards import manifest_of, place_of, shards_of
from solver.text import command, say_wrapped

BRING_EVERY = 60.0
"""Seconds between two times that a shard is brought to the run's folder."""
_MOST_OF_TIME = 20
"""It is brought less often where that would take more than a twentieth of the time."""
logger = logging.getLogger(__name__)


def execute_shard(job: Job, shard: Shard, *, on: str | None = None, verbose: bool = False) -> int:
    """Run or resume one shard, then print its table and what is left. Returns what `execute` does.

    Raises ConfigError where it is written by another process, or others write shards of another
    number.
    """
    require_unix("solver run")
    if on is not None:
        raise ConfigError(f"--shard {shard} does not go with --on {on}: a cluster shares the run")
    allow_files()
    make_room(job.folder)
    make_room(scratch_folder())
    with open_shard(job.folder, shard.name, kept=SERVER_LOG) as local:
        check_resume(local.store, job.config, job.problems, job.source.facts)
        share = _look_elsewhere(job, shard, local.store)
        with logging_to(local.home, live=verbose):
            opening, beside = partial(_open_crew, job, share), partial(_keep_bringing, local)
            watch = asyncio.run(do_trials(job, local.store, opening, share, beside))
    if (local.home / FILE).exists():
        with closing(Store.open(local.home)) as store:
            show_run(stored_run(store))
    for line in errors_left(watch, job.folder):
        say_wrapped(line, error=True)
    say_wrapped(
        f"shard {shard}: {watch.before + watch.done} of its {watch.total} trials are stored; when"
        f" all shards are done: {command('merge', job.folder)}",
        error=True,
    )
    return INTERRUPTED if watch.stopping else ERRORS_LEFT if watch.errors else 0


@asynccontextmanager
async def _open_crew(
    job: Job, share: Share, config: Config, folder: Path, watch: Watch
) -> AsyncIterator[Crew]:
    """Build the parts of a run here, for the trials of a share. Raises as `build` does."""
    name = f"{job.folder.name}-{folder.name}"
    async with build(config, owner=name, cache=folder, watch=watch) as parts:
        parts.share = share
        yield Here(config, parts, parts.facts, parts.cannot, parts.warnings, parts.judge.judge)


def done_elsewhere(folder: Path, shard: Shard) -> frozenset[str]:
    """Return the keys of the shard's trials that the merged run, or other shards, have finished."""
    found: set[str] = set()
    for path in _others(folder, shard).values():
        with closing(open_to_read(path, mode="ro")) as other:
            found.update(filter(shard.owns, Reader(path.parent, other).finished()))
    return frozenset(found)


def _look_elsewhere(job: Job, shard: Shard, store: Store) -> Share:
    """Take over what others have begun, and return the share that is left to do here.

    Raises ConfigError where another shard is of another run, or would be done twice.
    """
    with alone(job.folder):
        _require_no_others(job.folder, shard)
        for home in (job.folder, *shards_of(job.folder).values()):
            if home != store.folder and (home / FILE).is_file():
                store.require_alike(home / FILE)
                _take_models(store, home / FILE)
        done = done_elsewhere(job.folder, shard).difference(store.finished())
        for name, path in _others(job.folder, shard).items():
            store.take(path, lambda key: key not in done and shard.owns(key))
            logger.info("took over what %s has begun", name or "the merged run")
    return Share(shard, done)


def _require_no_others(folder: Path, shard: Shard) -> None:
    """Bring home what killed workers left, and raise ConfigError where others write other parts."""
    for name in shards_of(folder):
        of, _ = place_of(name)
        if of == shard.of:
            continue
        if is_locked(folder / SHARDS / name):
            raise ConfigError(
                f"{folder}: shard {name} is being written; wait for all shards of {of} to end, or"
                f" give --shard K/{of}"
            )
        rescue(folder, name)
    if is_locked(folder):
        raise ConfigError(f"{folder}: a solver without --shard is writing this run; wait for it")


def _others(folder: Path, shard: Shard) -> dict[str, Path]:
    """Return the files that may hold trials of a shard, by its name; empty for the merged run's.

    Shards of the same number own none of them.
    """
    others = {
        name: home for name, home in shards_of(folder).items() if place_of(name)[0] != shard.of
    }
    files = {name: home / FILE for name, home in others.items()} | {"": folder / FILE}
    return {name: path for name, path in files.items() if path.is_file()}


def _take_models(store: Store, path: Path) -> None:
    """Note what models other workers were served, so that other weights are refused here."""
    known = {**manifest_of(path).get("models", {}), **store.manifest().get("models", {})}
    if known:
        store.write_manifest(models=known)


async def _keep_bringing(local: LocalShard, watch: Watch) -> None:
    """Bring the shard to the run's folder now and then, and at once when the run is stopped."""
    pause = BRING_EVERY
    while not watch.stopping:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await watch.traffic.stop.wait()
        began = time.monotonic()
        try:
            await asyncio.to_thread(local.bring)
        except StoreError as failure:  # it is tried again, and at the end it is raised
            logger.warning("%s", failure)
            say_wrapped(f"note: {failure}", error=True)
        pause = max(BRING_EVERY, _MOST_OF_TIME * (time.monotonic() - began))
