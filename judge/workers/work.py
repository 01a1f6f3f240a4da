"""Give both kinds of worker process their environment, and read how long each has worked.

Work is counted in processor time, so that a busy machine changes no verdict.
"""

import json
import os
import time
from pathlib import Path
from typing import TextIO

MOST_WALL = 5
"""So many times its processor time a process may take by the clock."""
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR",
         "PYTHONUTF8", "VIRTUAL_ENV")  # fmt: skip


class Work:
    """What a process does from now on, with those that it started."""

    def __init__(self, process_id: int) -> None:
        """Begin to count."""
        self._process_id = process_id
        self._began, self._used = time.monotonic(), processor_seconds(process_id)

    def is_over(self, seconds: float) -> bool:
        """Tell whether it took so much processor time, or `MOST_WALL` times as much by the clock.

        By the clock alone, where the system does not tell what a process has used.
        """
        passed, now = time.monotonic() - self._began, processor_seconds(self._process_id)
        spent = passed if self._used is None or now is None else now - self._used
        return spent >= seconds or passed >= MOST_WALL * seconds


def kept_environment() -> dict[str, str]:
    """Return the variables that Python needs to start, and no others, which may be secret."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


def write(stream: TextIO, value: object) -> None:
    """Write a value as one line of JSON, and flush."""
    stream.write(json.dumps(value) + "\n")
    stream.flush()


def processor_seconds(process_id: int) -> float | None:
    """Return the processor time of a process and its children; None where the system is silent."""
    place = Path(f"/proc/{process_id}")
    try:
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        # its own in user and kernel mode, and that of the children that have ended
        spent = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        children = [each.read_text().split() for each in place.glob("task/*/children")]
    except (OSError, ValueError, IndexError):
        return None
    return spent + sum(processor_seconds(int(child)) or 0.0 for of in children for child in of)
