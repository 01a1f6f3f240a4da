"""Open a run's file so that nothing can be written to it."""

import sqlite3
from pathlib import Path

from solver.store import file_to_read, open_to_read


def connect(folder: Path) -> sqlite3.Connection:
    """Return a connection that can only read.

    Raises ConfigError where the folder holds no run.
    """
    return open_to_read(file_to_read(folder), mode="ro", any_thread=True)
