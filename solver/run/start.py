"""Do what `solver run` does around the main loop: checks, dry run, Ctrl-C, resuming, tables."""

import asyncio
import logging
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from solver.config import Config
from solver.config_file import load_config, merged, settings, shipped_names
from solver.errors import ConfigError, reason_of, require_unix
from solver.problems import ProblemSet, load_sets, select
from solver.records import Problem
from solver.report.runs import stored_run
from solver.report.show import show_run
from solver.run.crew import Crew, Opening, on_this_machine
from solver.run.judging import policy_of
from solver.run.log import logging_to
from solver.run.progress import show_progress
from solver.run.references import unread_references, unread_warning
from solver.run.sameness import check_resume, check_served
from solver.run.serving import changed_command, server_facts
from solver.run.shards import ALL, Shard, Share
from solver.run.tasks import Cannot, tasks_of, trials_of
from solver.run.until import check_until, run_until
from solver.run.watch import Watch
from solver.serve import LOG as SERVER_LOG
from solver.serve.server import Server
from solver.store import Store
from solver.text import command, say_wrapped, share_of

IN_TIME = "how long that takes is said after the first ones"
INTERRUPTED, ERRORS_LEFT = 130, 1
logger = logging.getLogger(__name__)
MOST_ERRORS = 5
"""So many different errors are printed at the end of a run."""
LONGEST_NAME = 200
"""Bytes of a run's name; file systems allow 255, with what is put before and after it."""
FEWEST_FILES = 256
FREE_DISK_MB = 200
"""A run does not start with less free space than this on its disk."""
Beside: TypeAlias = Callable[[Watch], Coroutine[Any, Any, None]]
"""What goes on beside the trials of a run."""


@dataclass(frozen=True)
class Job:
    """What a `solver run` command asks for, read and checked."""

    config: Config
    source: ProblemSet
    problems: tuple[Problem, ...]
    folder: Path
    until: float | None = None
    """The run may end once every difference is known to ± so much, from 0 to 1."""
    shard: Shard | None = None
    """The part of the run that is asked for; None for all of it."""
    probe: dict[str, Any] | None = None
    """For a probe, which of its sets are controls."""


FIRST_LOOK = Path("first")
"""The shipped config of a run for which only a model is given."""


def config_to_run(config: Path | None, model: Sequence[str] | None) -> Path:
    """Return the config to run. Raises ConfigError where neither a config nor a model is given."""
    if config is None and not model:
        raise ConfigError(
            "run what? Give a model (`solver run --model ollama/NAME`), or a config"
            f" ({', '.join(name for name in shipped_names() if '/' not in name)}, or a YAML file;"
            " `solver init` writes one)"
        )
    return config or FIRST_LOOK


def prepare(
    path: Path,
    overrides: dict[str, Any],
    changes: Sequence[str] = (),
    *,
    name: str | None,
    runs: Path,
    until: float | None = None,
    shard: Shard | None = None,
) -> Job:
    """Read the config and the problems. `changes` are `key.path=value` texts.

    Raises ConfigError for any mistake in them.
    """
    config = load_config(path, merged(_of_any_level(path, overrides), settings(changes)))
    check_until(config, until)
    if until is not None and shard is not None:
        raise ConfigError("--until looks at all trials of a run, so it does not go with --shard")
    policy_of(config.judge)
    source = load_sets(config.sets, copies_of(config))
    chosen = select(
        source.problems,
        domains=config.domains,
        levels=config.levels,
        per_cell=config.per_cell,
        limit=config.limit,
    )
    if not chosen:
        raise ConfigError(
            f"{path}: no problem of {', '.join(config.sets)} is left by domains and levels"
        )
    folder = run_folder(path, overrides, changes, name=name, runs=runs)
    return Job(config, source, tuple(chosen), folder, until, shard)


def _of_any_level(path: Path, overrides: dict[str, Any]) -> dict[str, Any]:
    """Return the overrides; the levels of the first look are those of its own problems alone."""
    other = path == FIRST_LOOK and "problems" in overrides
    return {"levels": [], **overrides} if other else overrides


def copies_of(config: Config) -> dict[str, str]:
    """Return the local copies of named sets by name. Raises ConfigError for one copy of several."""
    files = config.problems_file
    if files is None or isinstance(files, dict):
        return files or {}
    if len(config.sets) > 1:
        raise ConfigError(
            f"problems_file: of several sets, say whose copy it is: {{{config.sets[0]}: {files}}}"
        )
    return {config.sets[0]: files}


def run_folder(
    path: Path,
    overrides: dict[str, Any],
    changes: Sequence[str] = (),
    *,
    name: str | None,
    runs: Path,
) -> Path:
    """Return the folder of a run. Raises ConfigError where its name cannot be that of one."""
    found = default_name(path, overrides, changes) if name is None else name
    return runs / checked_name(found, given=name is not None)


def checked_name(found: str, *, given: bool = True) -> str:
    """Return the name of a run. Raises ConfigError where it cannot be that of one folder."""
    if "/" in found or not found.isprintable() or found.strip(". ") == "":
        raise ConfigError(f"--name {found!r}: should be the name of a folder, without a /")
    if (bytes_ := len(found.encode(errors="replace"))) > LONGEST_NAME:
        raise ConfigError(
            f"--name {found[:40]}…: {bytes_} bytes are too long, at most {LONGEST_NAME}"
            f"{'' if given else '; give a shorter --name'}"
        )
    return found


def default_name(path: Path, overrides: dict[str, Any], changes: Sequence[str] = ()) -> str:
    """Name a run by its config and its overrides, so that the same command resumes it.

    `limit` and `repeats` are left out, since raising them extends a run and starts no other.
    """
    parts = [path.stem]
    for key in ("model", "problems", "mode", "sandbox", "judge"):
        if key in overrides:
            values = overrides[key] if isinstance(overrides[key], list) else [overrides[key]]
            parts += [
                re.sub(r"[^\w.]+", "-", Path(str(v)).stem if key == "problems" else v)
                for v in values
            ]
    growing = ("limit", "repeats")
    parts += [
        re.sub(r"[^\w.]+", "-", change)
        for change in changes
        if change.partition("=")[0].strip() not in growing
    ]
    return "-".join(part.strip("-.") for part in parts)


def counted(job: Job) -> str:
    """Say how many trials a run has, and how many replies they take at least and at most."""
    config = job.config
    trials = trials_of(config, job.problems)
    each = [(mode.repeats(config), mode.most_turns(config)) for mode in config.running]
    most = len(job.problems) * len(config.model) * sum(n * turns for n, turns in each)
    factors = [
        f"{number:,} {what}{'s' * (number > 1)}"
        for number, what in (
            (len(job.problems), "problem"),
            (len(config.modes), "mode"),
            (len(config.model), "model"),
            (config.repeats, "repeat"),
        )
        if number > 1 or what == "problem"
    ]
    caps = {config.sampling_of(model).max_tokens for model in config.model}
    replies = f"{trials:,}" if most == trials else f"{trials:,} to {most:,}"
    return (
        f"{' × '.join(factors)}: {trials:,} trial{'s' * (trials != 1)},"
        f" {replies} repl{'ies' if most != 1 else 'y'} of at most {max(caps):,} tokens"
    )


def execute(job: Job, *, verbose: bool = False, opening: Opening = on_this_machine) -> int:
    """Run or resume, then print the table and what is left.

    Returns the exit code: 0, 1 where trials ended in an error of ours, or 130 after Ctrl-C. The
    run's log is also printed where `verbose`. `opening` says who does the trials.
    """
    require_unix("solver run")
    new = not job.folder.exists()
    make_room(job.folder)
    allow_files()
    store = Store.create_or_open(job.folder)
    empty = False
    try:
        check_resume(store, job.config, job.problems, job.source.facts)
        if job.probe is not None:
            store.write_manifest(probe=job.probe)
        store.checkpoint()
        with logging_to(job.folder, live=verbose):
            watch = asyncio.run(do_trials(job, store, opening))
        show_run(stored_run(store))
        for line in errors_left(watch, job.folder):
            say_wrapped(line, error=True)
    except BaseException:
        asked = "models" in store.manifest()
        empty = new and not asked and not (job.folder / SERVER_LOG).exists()
        raise
    finally:
        if empty:  # while we hold its lock, so that no other command has begun in it
            shutil.rmtree(job.folder, ignore_errors=True)
        store.close()
    return INTERRUPTED if watch.stopping else ERRORS_LEFT if watch.errors else 0


def make_room(folder: Path) -> None:
    """Make the folder of a run. Raises ConfigError where that fails, or the disk is nearly full."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free // 2**20
    except OSError as failure:
        raise ConfigError(
            f"{folder}: cannot be written: {reason_of(failure)}; see --runs"
        ) from failure
    if free < FREE_DISK_MB:
        raise ConfigError(
            f"{folder}: only {free} MiB free on the disk; at least {FREE_DISK_MB} are needed"
        )


def errors_left(watch: Watch, folder: Path) -> Iterator[str]:
    """Say which errors of ours the trials of a run ended in, how many, and what to do."""
    if not watch.errors:
        return
    for error, count in watch.errors.most_common(MOST_ERRORS):
        yield f"error: {share_of(count, watch.total)} trials have no score: {error}"
    if (more := len(watch.errors) - MOST_ERRORS) > 0:
        yield f"error: and {more} other errors; `{command('failures', folder)}` lists them"
    yield "error: the same command tries them again"


def allow_files() -> None:
    """Raise the number of files that may be open at once as far as the system lets us.

    Raises ConfigError where that is too few for the requests and programs of a run.
    """
    import resource  # Windows has none; nothing runs there

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < 4096:
        soft = min(hard, 4096) if hard >= 0 else 4096
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if 0 <= soft < FEWEST_FILES:
        raise ConfigError(
            f"only {soft} files may be open at once (ulimit -n), a run needs {FEWEST_FILES}"
        )


async def do_trials(
    job: Job, store: Store, opening: Opening, share: Share = ALL, beside: Beside | None = None
) -> Watch:
    """Open the crew and do the trials of a share; return what happened.

    `beside` goes on next to the trials. At Ctrl-C the requests of trials are finished; before the
    first of them it stops at once.
    """
    watch = Watch()
    me = asyncio.current_task()
    loop = asyncio.get_running_loop()
    trials_started = False

    def interrupted() -> None:
        if (watch.stopping or not trials_started) and me is not None:
            watch.stop()
            me.cancel()
        elif not watch.stopping:
            watch.stop()
            say_wrapped(
                "stopping: finishing the requests in flight; Ctrl-C again to stop now", error=True
            )

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted)
    session = store.begin_session(**share.facts())
    going_on = asyncio.ensure_future(beside(watch)) if beside else None
    served = store.manifest().get("serve", {})
    logger.info("started: %d trials", trials_of(job.config, job.problems))
    try:
        async with opening(job.config, store.folder, watch) as crew:
            await _record_start(job, store, crew, share, watch.traffic.server, served)
            trials_started = True
            await _run(job, crew, store, watch)
    except asyncio.CancelledError:
        if not watch.stopping:
            raise
        say_wrapped("stopped at once; the same command resumes", error=True)
        logger.warning("stopped at once by Ctrl-C")
    finally:
        if going_on is not None:
            going_on.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        store_ends(store, watch)
        if facts := server_facts(watch.traffic.server, served):
            store.write_manifest(**facts)
    store.end_session(session)
    logger.info("ended: %d trials since the start, %d of them scored", watch.done, watch.scored)
    return watch


async def _record_start(
    job: Job,
    store: Store,
    crew: Crew,
    share: Share,
    server: Server | None,
    served: dict[str, Any],
) -> None:
    """Store and say what the run starts with; `served` is what it held of a server before.

    Raises ConfigError where a server serves another model than when the run began.
    """
    unread = await unread_references(job.problems, crew.judge)
    warnings = [*crew.warnings, *unread_warning(unread), *job.source.notes()]
    warnings += changed_command(served, server)
    check_served(store, crew.facts["models"])
    all_, own = counts(job, share, crew.cannot)
    facts = {**crew.facts, **server_facts(server, served)}
    store.write_manifest(**facts, warnings=warnings, trials=own, until=None, unread=unread)
    if share.shard is not None:
        store.write_manifest(shard={"trials": all_})
        say_wrapped(f"shard {share.shard}: {own} of {all_} trials are to be done here", error=True)
    say_wrapped(f"{counted(job)}; {IN_TIME}", error=True)
    for warning in warnings:
        say_wrapped(f"note: {warning}", error=True)
        logger.warning("%s", warning)


def counts(job: Job, share: Share, cannot: Cannot = MappingProxyType({})) -> tuple[int, int]:
    """Count the trials of the run, and those of the share."""
    trials = trials_of(job.config, job.problems, cannot)
    if share.shard is None:
        return trials, trials
    return trials, sum(1 for _ in share.of(tasks_of(job.config, job.problems, cannot)))


async def _run(job: Job, crew: Crew, store: Store, watch: Watch) -> None:
    """Do the trials with a progress line."""
    async with show_progress(watch):
        if job.until is None:
            await crew.run(job.problems, store, watch)
        else:

            async def do(problems: Sequence[Problem]) -> None:
                await crew.run(problems, store, watch)

            await run_until(job.until, do, job.problems, store, watch)


def store_ends(store: Store, watch: Watch) -> None:
    """Add to the manifest's counts of replies that ended neither by a stop nor at the cap."""
    if watch.ends:
        ends = Counter(store.manifest().get("reply_ends", {})) + watch.ends
        store.write_manifest(reply_ends=dict(ends))
