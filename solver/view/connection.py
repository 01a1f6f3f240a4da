"""Open a run's file so that nothing can be written to it."""

import sqlite3
from pathlib import Path

from solver.errors import ConfigError
from solver.store import FILE, open_to_read


def connect(folder: Path) -> sqlite3.Connection:
    """Return a connection that can only read.

    Raises ConfigError where the folder holds no run.
    """
    if not (folder / FILE).is_file():
        raise ConfigError(f"{folder}: no run there (no {FILE})")
    return open_to_read(folder / FILE, mode="ro", any_thread=True)
