"""Open a run's file to read it; one that a stranger made can neither act nor go on for ever."""

import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from solver.errors import ConfigError
from solver.store.schema import FILE, checked

MOST_BYTES = 256 * 2**20
"""The most that the turns of one trial may take when they are unpacked."""
_LONGEST_VALUE = 512 * 2**20
_STEP = 10_000
_FEWEST_STEPS = 2_000
_STEPS_PER_MB = 5_000
"""Instructions of SQLite a statement may take, in steps of `_STEP`: some hundred times what ours
take, so that only a file whose pages lead in circles reaches it."""


class Guarded(sqlite3.Connection):
    """A connection each of whose statements ends after a number of steps, or is interrupted."""

    steps = _FEWEST_STEPS
    _left = 0

    def execute(self, *asked: Any) -> sqlite3.Cursor:
        """Execute a statement with all its steps before it."""
        self._left = self.steps
        return super().execute(*asked)

    def guard(self, size: int) -> None:
        """Limit what statements, values and the schema may do, for a file of this size."""
        self.steps = _FEWEST_STEPS + _STEPS_PER_MB * size // 2**20
        self.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        self.execute("PRAGMA trusted_schema = OFF")
        self.execute("PRAGMA cell_size_check = ON")
        self.set_progress_handler(self._step, _STEP)

    def _step(self) -> bool:
        """Count a step; return whether the statement is to be interrupted."""
        self._left -= 1
        return self._left < 0


def open_to_read(path: Path, *, mode: str = "rw", any_thread: bool = False) -> sqlite3.Connection:
    """Return a connection to a run's file that writes no row.

    With mode `ro` SQLite writes nothing at all, but leaves an empty log behind. Raises ConfigError
    where it is no run, or cannot be read.
    """
    path = path.resolve()
    options = f"mode={mode}"
    if not os.access(path.parent, os.W_OK) or not os.access(path, os.W_OK):
        # SQLite cannot make its log in a folder that we may not write to. Without a log there, no
        # other process writes the run, and SQLite is told that the file does not change.
        still = not path.with_name(f"{FILE}-wal").exists()
        options = "mode=ro&immutable=1" if still else "mode=ro"
    with damage(path):
        database = sqlite3.connect(
            f"{path.as_uri()}?{options}",
            uri=True,
            isolation_level=None,
            timeout=5,
            check_same_thread=not any_thread,
            factory=Guarded,
        )
        database.row_factory = sqlite3.Row
        database.text_factory = lambda text: text.decode(errors="replace")
        try:
            database.guard(path.stat().st_size)
            database.execute("PRAGMA query_only = ON")
            return checked(path, database)
        except BaseException:
            database.close()
            raise


@contextmanager
def damage(path: Path) -> Iterator[None]:
    """Turn whatever reading a damaged file raises into a ConfigError: one line with the file."""
    try:
        yield
    except (
        sqlite3.Error, zlib.error, OSError, ValueError, TypeError, LookupError, AttributeError,
        RecursionError,
    ) as failure:  # fmt: skip
        reason = " ".join(str(failure).split())[:200] or type(failure).__name__
        raise ConfigError(
            f"{path}: cannot be read, damaged or not written by solver: {reason}"
        ) from failure


def unpacked(body: bytes, most: int = MOST_BYTES) -> bytes:
    """Decompress a stored record. Raises ValueError where it would take more than `most` bytes."""
    decompressor = zlib.decompressobj()
    text = decompressor.decompress(body, max(1, most))
    if decompressor.unconsumed_tail:
        raise ValueError(f"a record takes more than {MOST_BYTES // 2**20} MiB")
    if not decompressor.eof:
        raise ValueError("a record is cut off")
    return text
