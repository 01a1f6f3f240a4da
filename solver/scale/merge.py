"""Merge the shards of a run into its own file."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from solver.errors import ConfigError
from solver.run.judging import CACHE
from solver.store import FILE, Reader, Store, open_to_read
from solver.store.labels import LABELS
from solver.store.local import alone, rescue
from solver.store.lock import is_locked
from solver.store.merging import require_alike
from solver.store.shards import forget_copies, manifest_of, place_of, shards_of, unmerged
from solver.text import first_of

MOST_NAMED = 10


@dataclass(frozen=True)
class Merged:
    """What one shard brought."""

    name: str
    trials: int
    """Trials that ended without an error of ours."""
    errors: int
    planned: int
    hosts: tuple[str, ...]
    seconds: float
    """How long its worker ran, all starts together; a start that was killed is left out."""
    new: bool
    """It had changed since the last merge."""
    writing: bool
    """A worker is writing it now."""


def merge(run: Path) -> list[Merged]:
    """Merge all shards of a run, and return what each brought. Doing it again changes nothing.

    The shards stay; once merged, their folder may be deleted. Raises ConfigError where there is no
    shard, where one is of another run, or where the run is being written.
    """
    if not shards_of(run):
        raise ConfigError(f"{run}: no shards there; `solver run CONFIG --shard 1/4` makes one")
    with alone(run):
        for name in shards_of(run):
            rescue(run, name)
    waiting = unmerged(run)
    _require_alike(run, waiting)
    if waiting:
        with closing(Store.open_to_merge(run)) as store:
            for name, path in waiting.items():
                store.merge(name, path)
                for file in (CACHE, LABELS):
                    _add_lines(path.with_name(file), run / file)
            store.leave_no_log()
        forget_copies(run)
    homes = {name: home for name, home in shards_of(run).items() if (home / FILE).is_file()}
    return [_brought(name, home, new=name in waiting) for name, home in homes.items()]


def told(run: Path, merged: Sequence[Merged]) -> Iterator[str]:
    """Yield what each shard brought, and how much of the run there is, line by line."""
    for each in merged:
        errors = f", {each.errors} of them with an error of ours" if each.errors else ""
        yield (
            f"shard {each.name} on {', '.join(each.hosts)}: {each.trials + each.errors} of"
            f" {each.planned} trials{errors}, {each.seconds:.0f} s"
            f"{' · still being written' * each.writing}{'' if each.new else ' · merged before'}"
        )
    with closing(Store.open(run)) as store:
        trials, done = store.manifest().get("trials", 0), len(store.finished())
    rest = "" if done >= trials else "; the same commands as before go on"
    if names := missing(merged):
        rest += f"; nobody has begun {first_of(names, MOST_NAMED)}"
    yield f"{run}: {done} of {trials} trials are done{rest}"


def missing(merged: Sequence[Merged]) -> list[str]:
    """Return the shards that nobody has begun, where all others are of one number."""
    ofs = {place_of(each.name)[0] for each in merged}
    names = [f"{number}-of-{of}" for of in ofs for number in range(1, of + 1) if len(ofs) == 1]
    there = {each.name for each in merged}
    return [name for name in names if name not in there]


def _require_alike(run: Path, waiting: Mapping[str, Path]) -> None:
    """Raise ConfigError, before anything is written, where files are of different runs."""
    files = [path for path in (run / FILE, *waiting.values()) if path.is_file()]
    first = next((path for path in files if manifest_of(path)), None)
    if first is not None:
        with closing(open_to_read(first, mode="ro")) as reference:
            for path in files:
                require_alike(reference, path)


def _add_lines(source: Path, target: Path) -> None:
    """Append the lines of a file that another lacks; a link leads to a file that is not ours."""
    if not source.is_file() or source.is_symlink() or target.is_symlink():
        return
    known = set(target.read_bytes().splitlines()) if target.is_file() else set()
    new = [line for line in source.read_bytes().splitlines() if line not in known]
    with target.open("ab") as file:
        file.writelines(line + b"\n" for line in new)


def _brought(name: str, home: Path, *, new: bool) -> Merged:
    """Return what one shard brought."""
    with closing(open_to_read(home / FILE, mode="ro")) as database:
        reader = Reader(home, database)
        trials, errors = database.execute("SELECT count(*), count(error) FROM trials").fetchone()
        sessions, planned = reader.sessions(), int(reader.manifest().get("trials", 0))
    return Merged(
        name=name,
        trials=trials - errors,
        errors=errors,
        planned=planned,
        hosts=tuple(dict.fromkeys(str(each.get("host", "?")) for each in sessions)),
        seconds=sum(each["ended"] - each["started"] for each in sessions if each["ended"]),
        new=new,
        writing=is_locked(home),
    )
