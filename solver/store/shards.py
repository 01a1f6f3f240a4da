"""Find the shards of a run: folders `shards/3-of-8`, each a run's folder with a file of its own.

A worker writes its file on a local disk and brings it here whole, so that a file in `shards/` never
changes: it is replaced. A stamp in its manifest says whether the run's own file has merged it.
"""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from solver.errors import ConfigError
from solver.records import digest
from solver.store.lock import is_held, is_locked
from solver.store.manifest import read_manifest
from solver.store.merging import merge_shard, new_database
from solver.store.opening import damage, open_to_read
from solver.store.schema import FILE
from solver.store.scratch import scratch_folder
from solver.text import command, first_of, say_wrapped

FOLDER = "shards"
MOST_NAMED = 6
"""So many runs are named where the one asked for is not there."""
_NAME = re.compile(r"[1-9]\d{0,8}-of-[1-9]\d{0,8}")


def shards_of(folder: Path) -> dict[str, Path]:
    """Return the folder of each shard of a run by its name, `3-of-8`, in order."""
    try:
        inside = [path for path in (folder / FOLDER).iterdir() if _NAME.fullmatch(path.name)]
    except OSError:
        return {}
    return {path.name: path for path in sorted(inside, key=lambda path: place_of(path.name))}


def place_of(name: str) -> tuple[int, int]:
    """Return of a shard's name how many there are, and which it is, from 1."""
    number, of = name.split("-of-")
    return int(of), int(number)


def is_run(folder: Path) -> bool:
    """Tell whether a folder holds a run, merged or in shards."""
    return (folder / FILE).is_file() or any(
        (path / FILE).is_file() for path in shards_of(folder).values()
    )


def is_written(folder: Path) -> bool:
    """Tell whether a process writes the run or one of its shards now."""
    return is_held(folder) or any(map(is_locked, shards_of(folder).values()))


def state_of(
    folder: Path, sessions: Sequence[Mapping[str, Any]], ended: int, planned: int
) -> Literal["running", "finished", "stopped"]:
    """Return the state of a run by its sessions and by how many of its trials have ended."""
    if any(each["ended"] is None for each in sessions) and is_written(folder):
        return "running"
    return "finished" if ended >= planned else "stopped"


def unmerged(folder: Path) -> dict[str, Path]:
    """Return the files of the shards whose trials the run's own file lacks, by name.

    Raises ConfigError where a file cannot be read.
    """
    files = {name: path / FILE for name, path in shards_of(folder).items()}
    files = {name: path for name, path in files.items() if path.is_file()}
    if not files:
        return {}
    merged = merged_of(folder)
    return {name: path for name, path in files.items() if stamp_of(path) != merged.get(name)}


def merged_of(folder: Path) -> dict[str, str]:
    """Return the stamp of each shard that the run's own file has merged, by name."""
    path = folder / FILE
    if not path.is_file():
        return {}
    with damage(path):
        merged = manifest_of(path).get("shards", {})
        return {name: str(said["stamp"]) for name, said in merged.items()}


def manifest_of(path: Path) -> dict[str, Any]:
    """Return the manifest in a file. Raises ConfigError where it cannot be read."""
    with damage(path), closing(open_to_read(path, mode="ro")) as database:
        return read_manifest(database)


def stamp_of(path: Path) -> str:
    """Return the stamp of a shard's file, which is another one for each state of the shard."""
    found = path.stat()
    return _stamp(path, (found.st_ino, found.st_mtime_ns, found.st_size))


@lru_cache(maxsize=4096)
def _stamp(path: Path, _file: tuple[int, int, int]) -> str:
    return str(manifest_of(path).get("stamp"))


def require_merged(folder: Path) -> None:
    """Raise ConfigError where shards are not merged, or are being written."""
    writing = [name for name, path in shards_of(folder).items() if is_locked(path)]
    if writing:
        raise ConfigError(
            f"{folder}: shard {', '.join(writing)} is being written; wait for it, then"
            f" `{command('merge', folder)}`"
        )
    if waiting := unmerged(folder):
        raise ConfigError(
            f"{folder}: {_counted(len(waiting))} not merged: run `{command('merge', folder)}` first"
        )


def file_to_read(folder: Path, *, tell: bool = False) -> Path:
    """Return the file that holds a run's trials: its own, or a copy into which shards are merged.

    The copy lies on the local disk, and is made again only when a shard has changed. Where `tell`,
    it is said that shards are not merged. Raises ConfigError where there is no run.
    """
    own = folder / FILE
    waiting = unmerged(folder)
    if not waiting:
        if own.is_file():
            return own
        raise ConfigError(f"{folder}: no run there (no {FILE}){_instead(folder)}")
    note = f"{_counted(len(waiting))} not merged; `{command('merge', folder)}` does it"
    if tell:
        say_wrapped(f"note: {folder}: {note}", error=True)
    state = digest([merged_of(folder), {name: stamp_of(path) for name, path in waiting.items()}])
    if own.is_file():
        found = own.stat()
        state = digest([state, found.st_ino, found.st_mtime_ns, found.st_size])
    copy = scratch_folder() / f"{_copies(folder)}{state}.sqlite"
    if not copy.is_file():
        with damage(copy):
            _copy_merged(own, waiting, copy, f"shards: {note}")
        forget_copies(folder, but=copy)
    return copy


def _instead(folder: Path) -> str:
    """Name the runs that may have been meant, inside or beside; where none is, what makes one."""
    if inside := _runs_in(folder):
        return f"; it holds the runs {first_of(inside, MOST_NAMED)}: name one"
    beside = _runs_in(folder.parent)
    begin = [name for name in beside if name.startswith(folder.name)]
    close = begin or get_close_matches(folder.name, beside, n=1, cutoff=0.7)
    if close:
        return f"; did you mean {folder.parent / close[0]}?"
    if beside:
        return f"; {folder.parent} holds {first_of(beside, MOST_NAMED)}"
    return "; `solver run` makes one"


def _runs_in(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if is_run(path))
    except OSError:  # no folder, or one that cannot be read
        return []


def forget_copies(folder: Path, *, but: Path | None = None) -> None:
    """Remove the copies into which shards of a run were merged to read them, but for one."""
    for old in scratch_folder().glob(f"{_copies(folder)}*.sqlite"):
        if old != but:
            old.unlink(missing_ok=True)


def _copies(folder: Path) -> str:
    """Return how the names of such copies begin."""
    return f"read-{digest([str(folder.resolve())])}-"


def _copy_merged(own: Path, waiting: dict[str, Path], copy: Path, warning: str) -> None:
    """Write a copy of a run's own file with its shards merged into it."""
    beside = copy.with_name(f"{copy.name}.{uuid.uuid4().hex}")
    try:
        with closing(new_database(beside)) as database:
            if own.is_file():
                with closing(open_to_read(own)) as source:
                    source.backup(database)
                database.execute("PRAGMA journal_mode = OFF")
            for name, path in waiting.items():
                merge_shard(database, name, path)
            known = read_manifest(database).get("warnings", [])
            database.execute(
                "INSERT OR REPLACE INTO manifest VALUES ('warnings', ?)",
                (json.dumps([*known, warning]),),
            )
        beside.replace(copy)
    finally:
        beside.unlink(missing_ok=True)


def _counted(number: int) -> str:
    return f"{number} shard{' is' if number == 1 else 's are'}"
