"""Write a shard on the local disk, and bring it whole to the run's folder, which may be far away.

What lies in `shards/3-of-8` is replaced at once by a newer file, so others read it at any time. A
note there names the local folder: what a kill left in it is found by the next worker here.
"""

import os
import re
import shutil
import sqlite3
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from solver.errors import ConfigError, StoreError, reason_of
from solver.store.lock import hold, is_locked
from solver.store.schema import FILE
from solver.store.scratch import scratch_folder
from solver.store.shards import FOLDER
from solver.store.writing import Store

_NOTE = "run.local"
"""Names the folder on the local disk in which a shard is being written."""
_LOCAL = re.compile(r"shard-\w+")


class LocalShard:
    """A shard whose file is on the local disk while it is written. For one process at a time."""

    def __init__(self, home: Path, local: Path, store: Store) -> None:
        self.home = home
        """Its folder in `shards/`."""
        self.store = store
        self._local = local
        self._brought: tuple[tuple[int, int], ...] = ()
        self._bringing = threading.Lock()

    def bring(self) -> None:
        """Replace the file in `shards/` by all that is stored now, unless nothing is new.

        May be called from another thread. Raises StoreError where it cannot be written.
        """
        with self._bringing:
            state = self._state()
            if state == self._brought:
                return
            part = self.home / f"{FILE}.part"
            try:
                snapshot(self._local / FILE, self._local / "whole.sqlite")
                with (self._local / "whole.sqlite").open("rb") as whole, part.open("wb") as file:
                    shutil.copyfileobj(whole, file, 2**20)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(self.home / FILE)
                _sync(self.home)
            except (OSError, sqlite3.Error) as failure:
                raise StoreError(
                    f"{self.home / FILE}: cannot be written: {failure}; what is stored since is"
                    f" kept in {self._local}, and the same command on this machine goes on from it"
                ) from failure
            self._brought = state

    def _state(self) -> tuple[tuple[int, int], ...]:
        """Return what changes when something is stored."""
        found = []
        for path in (self._local / FILE, self._local / f"{FILE}-wal"):
            with suppress(OSError):
                found.append((path.stat().st_size, path.stat().st_mtime_ns))
        return tuple(found)


@contextmanager
def open_shard(run: Path, name: str, *, kept: str | None = None) -> Iterator[LocalShard]:
    """Open a shard to write it, with all that is stored of it; at the end it is brought whole.

    Where nothing was stored its folder is removed, unless it holds the file `kept`.
    Raises ConfigError where another process writes it, or a disk cannot be written, and StoreError
    where it cannot be brought; it then stays on the local disk.
    """
    home = run / FOLDER / name
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = hold(home, "run another shard")
    except OSError as failure:
        raise ConfigError(
            f"{home}: cannot be written: {reason_of(failure)}; see --runs"
        ) from failure
    try:
        local = _left_of(home)
        left = local is not None
        if local is None:
            local = Path(tempfile.mkdtemp(prefix="shard-", dir=scratch_folder()))
            if (home / FILE).exists():
                shutil.copyfile(home / FILE, local / FILE)
            (home / _NOTE).write_text(local.name, encoding="utf-8")
        store = Store.create_or_open(local)
        store.folder = home
        if left and (home / FILE).exists():
            store.take_back(home / FILE)
        opened = LocalShard(home, local, store)
        try:
            yield opened
        finally:
            empty = store.is_empty() and "shard" not in store.manifest()
            store.close()
            if not empty:
                opened.bring()
            (home / _NOTE).unlink(missing_ok=True)
            shutil.rmtree(local, ignore_errors=True)
            if empty and not any((home / file).exists() for file in (FILE, kept) if file):
                shutil.rmtree(home, ignore_errors=True)
    finally:
        lock.close()


@contextmanager
def alone(run: Path) -> Iterator[None]:
    """Let one process at a time look after the shards of a run."""
    (run / FOLDER).mkdir(parents=True, exist_ok=True)
    with FileLock(run / FOLDER / "shards.held", is_singleton=False):
        yield


def rescue(run: Path, name: str) -> None:
    """Bring home what a killed worker of a shard left on this machine, unless it is written now.

    Raises what `open_shard` raises.
    """
    home = run / FOLDER / name
    if _left_of(home) is not None and not is_locked(home):
        with open_shard(run, name):
            pass


def snapshot(file: Path, to: Path) -> None:
    """Copy a run's file as it is at one moment, also while it is written, with a stamp of its own.

    The copy has no log beside it, so it can be read from any file system.
    """
    to.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(to)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        stamp = f'"{uuid.uuid4().hex}"'
        copy.execute("INSERT OR REPLACE INTO manifest VALUES ('stamp', ?)", (stamp,))
        copy.commit()


def _left_of(home: Path) -> Path | None:
    """Return the local folder that a killed worker of a shard left on this machine."""
    try:
        name = (home / _NOTE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if not _LOCAL.fullmatch(name):
        return None
    local = scratch_folder() / name
    return local if (local / FILE).is_file() and not local.is_symlink() else None


def _sync(folder: Path) -> None:
    """Have the disk keep a folder's entries; some file systems cannot."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
