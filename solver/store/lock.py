"""The lock of a run: one process writes it, and others can tell that it does.

Next to the process, the lock's file names the last turn that was stored. Where the run's file does
not hold that turn later, something was taken away from it.
"""

import json
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from filelock import BaseFileLock, FileLock, Timeout

from solver.errors import ConfigError, require_file
from solver.surrogates import without_surrogates

FILE = "run.lock"
"""Says who writes the run, and which turn was stored last."""
_HELD = "run.held"
"""The file that is locked. Windows lets nobody read one that is."""
_PATIENCE = 0.5
"""Seconds in which one that only tries the lock has given it back."""
_BITS = 64
"""A number of so many cannot be asked for in SQL."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Lock:
    """A lock that this process holds until it is closed."""

    def __init__(self, held: BaseFileLock, file: IO[bytes]) -> None:
        self._held = held
        lines = file.read().decode(errors="replace").split("\n")
        boot, self.last = _last(lines)
        """The last turn that was stored, as its trial's key and its number; None where none was."""
        self.same_boot = boot == _boot() != ""
        """Whether the machine has run since then. Where it lost power, it may have lost turns."""
        self._file = file
        first = f"{os.getpid()} {socket.gethostname()}\n".encode()
        rest = f"{lines[1]}\n".encode() if self.last else b""
        file.seek(0)
        file.write(first + rest)
        file.truncate()
        self._at = len(first)
        self._boot = _boot()

    def note(self, key: str, number: int) -> None:
        """Write down that a turn was stored."""
        line = json.dumps([self._boot, key, number]).encode() + b"\n"
        with suppress(OSError):
            self._file.seek(self._at)
            self._file.write(line)  # what follows the line's end is old

    def close(self) -> None:
        """Release the lock."""
        self._file.close()
        self._held.release()


def hold(folder: Path, advice: str = "use --name for another run") -> Lock:
    """Lock the run for this process.

    The kernel releases the lock when the process ends, however it ends. Raises ConfigError, with
    advice, where another process holds it.
    """
    path = folder / FILE
    require_file(path)
    held = FileLock(folder / _HELD, timeout=_PATIENCE, is_singleton=False)
    try:
        held.acquire()
    except Timeout as taken:
        process, _, host = (_first_line(path) or "unknown").partition(" ")
        where = f" on {host}" if host and host != socket.gethostname() else ""
        raise ConfigError(
            f"{folder}: another solver (process {process}{where}) is writing this run;"
            f" wait for it, or {advice}"
        ) from taken
    path.touch()
    return Lock(held, path.open("r+b", buffering=0))


def is_locked(folder: Path) -> bool:
    """Tell whether a process holds the run, on this machine or another, by trying the lock."""
    if not (folder / _HELD).exists():
        return False
    held = FileLock(folder / _HELD, timeout=0, is_singleton=False)
    try:
        held.acquire()
    except Timeout:
        return True
    except OSError:  # where we may not write, nobody does
        return False
    held.release()
    return False


def is_held(folder: Path) -> bool:
    """Tell whether the process that last locked the run is alive.

    The lock is not tried, unless that process was on another machine.
    """
    process_, _, host = _first_line(folder / FILE).partition(" ")
    if host and host != socket.gethostname():
        return is_locked(folder)
    try:
        process = int(process_)
        if sys.platform == "win32":
            import psutil  # where `os.kill` would end the process

            return bool(psutil.pid_exists(process))
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return True


def _first_line(path: Path) -> str:
    """Return the process that the lock's file names; empty where there is none."""
    try:
        if not path.is_file():
            return ""
        return path.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()
    except OSError:
        return ""


def _last(lines: list[str]) -> tuple[str, tuple[str, int] | None]:
    """Read in which start of the machine which turn was stored last, unless damaged."""
    try:
        found = json.loads(lines[1])
    except (LookupError, ValueError, RecursionError):
        return "", None
    match found:
        case [str(boot), str(key), int(number)] if number.bit_length() < _BITS:
            return boot, (without_surrogates(key), number)
    return "", None


def _boot() -> str:
    """Return what tells one start of the machine from another."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""
