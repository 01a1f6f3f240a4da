"""The lock of a run: one process writes it, and others can tell that it does."""

import fcntl
import os
from pathlib import Path
from typing import TextIO

from solver.errors import ConfigError

_FILE = "run.lock"


def hold(folder: Path) -> TextIO:
    """Lock the run for this process until the returned file is closed.

    The kernel releases the lock when the process ends, however it ends. Raises ConfigError where
    another process holds it.
    """
    lock = (folder / _FILE).open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as held:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise ConfigError(
            f"{folder}: another solver (process {holder}) is writing this run;"
            " wait for it, or use --name for another run"
        ) from held
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def is_held(folder: Path) -> bool:
    """Tell whether the process that last locked the run is alive, without trying the lock."""
    try:
        os.kill(int((folder / _FILE).read_text(encoding="utf-8")), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return True
