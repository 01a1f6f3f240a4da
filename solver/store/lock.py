"""The lock of a run: one process writes it, and others can tell that it does.

Next to the process, the lock's file names the last turn that was stored. Where the run's file does
not hold that turn later, something was taken away from it.
"""

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from solver.errors import ConfigError

FILE = "run.lock"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Lock:
    """A lock that this process holds until it is closed."""

    def __init__(self, file: TextIO) -> None:
        lines = file.read().split("\n")
        boot, self.last = _last(lines)
        """The last turn that was stored, as its trial's key and its number; None where none was."""
        self.same_boot = boot == _boot() != ""
        """Whether the machine has run since then. Where it lost power, it may have lost turns."""
        self._file = file
        first = f"{os.getpid()}\n".encode()
        rest = f"{lines[1]}\n".encode() if self.last else b""
        os.pwrite(file.fileno(), first + rest, 0)
        os.ftruncate(file.fileno(), len(first + rest))
        self._at = len(first)
        self._boot = _boot()

    def note(self, key: str, number: int) -> None:
        """Write down that a turn was stored."""
        line = json.dumps([self._boot, key, number]).encode() + b"\n"
        with suppress(OSError):
            os.pwrite(self._file.fileno(), line, self._at)  # what follows the line's end is old

    def close(self) -> None:
        """Release the lock."""
        self._file.close()


def hold(folder: Path) -> Lock:
    """Lock the run for this process.

    The kernel releases the lock when the process ends, however it ends. Raises ConfigError where
    another process holds it.
    """
    descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    file = os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as held:
        holder = file.readline(100).strip() or "unknown"
        file.close()
        raise ConfigError(
            f"{folder}: another solver (process {holder}) is writing this run;"
            " wait for it, or use --name for another run"
        ) from held
    return Lock(file)


def is_held(folder: Path) -> bool:
    """Tell whether the process that last locked the run is alive, without trying the lock."""
    try:
        text = (folder / FILE).read_text(encoding="utf-8", errors="replace")
        os.kill(int(text.split("\n")[0]), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return True


def _last(lines: list[str]) -> tuple[str, tuple[str, int] | None]:
    """Read in which start of the machine which turn was stored last."""
    try:
        boot, key, number = json.loads(lines[1])
    except (LookupError, ValueError, TypeError):
        return "", None
    return boot, (str(key), int(number))


def _boot() -> str:
    """Return what tells one start of the machine from another."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""
