"""Find a folder on a local disk: SQLite's log must not lie on a network file system."""

import os
import tempfile
from pathlib import Path

from solver.errors import ConfigError, reason_of

VARIABLES = ("SOLVER_SCRATCH", "SLURM_TMPDIR", "TMPDIR")
"""The first that is set names the disk; else it is the system's temporary folder."""


def scratch_folder() -> Path:
    """Return this user's folder on the local disk, made where it is not there yet.

    Raises ConfigError where it cannot be written, or is another user's.
    """
    name = next((name for name in VARIABLES if os.environ.get(name)), None)
    root = Path(os.environ[name]) if name else Path(tempfile.gettempdir())
    user = os.getuid() if hasattr(os, "getuid") else ""
    folder = root / f"solver-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as failure:
        raise ConfigError(
            f"{folder}: cannot be made: {reason_of(failure)}; set SOLVER_SCRATCH to a"
            " folder on a local disk"
        ) from failure
    ours = user == "" or (found.st_uid == user and not found.st_mode & 0o022)
    if folder.is_symlink() or not folder.is_dir() or not ours:
        raise ConfigError(f"{folder}: others can write there; set SOLVER_SCRATCH to another folder")
    return folder
