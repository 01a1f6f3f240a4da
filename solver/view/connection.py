"""Open a run's file so that nothing can be written to it."""

import os
import sqlite3
from pathlib import Path

from solver.errors import ConfigError
from solver.store import FILE, checked


def connect(folder: Path) -> sqlite3.Connection:
    """Return a connection that can only read.

    Raises ConfigError where the folder holds no run.
    """
    path = (folder / FILE).resolve()
    if not path.is_file():
        raise ConfigError(f"{folder}: no run there (no {FILE})")
    # SQLite cannot make its log in a folder that we may not write to. Without a log there, no other
    # process writes the run, and SQLite is told that the file does not change.
    is_still = not os.access(path.parent, os.W_OK) and not path.with_name(f"{FILE}-wal").exists()
    database = sqlite3.connect(
        f"{path.as_uri()}?mode=ro{'&immutable=1' if is_still else ''}",
        uri=True,
        isolation_level=None,
        timeout=5,
        check_same_thread=False,
    )
    database.row_factory = sqlite3.Row
    database.text_factory = _decoded
    try:
        return checked(path, database)
    except ConfigError:
        database.close()
        raise


def _decoded(text: bytes) -> str:
    """Decode stored text, replacing bytes that are not UTF-8."""
    return text.decode(errors="replace")
