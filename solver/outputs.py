"""Files that the user names for what we write: whole or not there, and never a part of a run."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from solver.errors import ConfigError, reason_of

_RUNS = re.compile(
    r".+\.sqlite(?:-\w+)?|run\.(?:held|local|lock|log|reserve)|(?:judge|labels)\.jsonl|serve\.log"
)
"""Files that hold a run, or what belongs to it."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file to write, which takes the place of `path` once it is whole.

    The folder is made. A pipe or a device is written itself. Raises ConfigError for a file of a
    run, and for one that cannot be written; then `path` is as it was.
    """
    try:
        if path.exists() and not path.is_file():
            yield path
            return
        target = path.resolve()
        if _RUNS.fullmatch(target.name) and target.exists():
            raise ConfigError(f"{path}: not written, as it is a file of a run; give another name")
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{os.getpid()}-part{target.suffix}")
        try:
            yield part
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as failure:
        raise ConfigError(f"{path}: cannot be written: {reason_of(failure)}") from failure
