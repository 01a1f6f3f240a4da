"""One start of a model server, under its guard, as this process sees it."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from solver.errors import ConfigError
from solver.serve import HEAD
from solver.text import one_line

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from solver.serve.guard import main; main(*sys.argv[2:4], sys.argv[4:])"
)
"""The program of a guard. It gets this process's import path, whatever its directory."""
_TAIL_BYTES = 16_384
_TAKEN = re.compile(
    r"address already in use|\bEADDRINUSE\b|(?:couldn't|could not|cannot|failed to) bind|"
    r"port \d+ is (?:already )?in use",
    re.IGNORECASE,
)
"""How servers say that something else listens at their port."""


class Process:
    """A started server: `down` is set once it has ended, `ended` says how once nothing is left."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, grace: float
    ) -> None:
        """Start a command under a guard; what it writes is added to the log.

        Raises ConfigError where not even the guard can be started.
        """
        loop = asyncio.get_running_loop()
        self.down = asyncio.Event()
        self.ended: asyncio.Future[str] = loop.create_future()
        self._began: asyncio.Future[str] = loop.create_future()
        self._program = command[0]
        self._log = log
        arguments = [json.dumps(sys.path), str(log), str(grace), *command]
        try:
            self._guard = subprocess.Popen(  # not asyncio's: it kills what runs as a loop closes
                [sys.executable, "-c", _PROGRAM, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
        except OSError as failure:  # no memory, or too many processes
            raise ConfigError(
                f"serve: {command[0]!r} cannot be started: {failure.strerror or failure}"
            ) from failure
        self._following = asyncio.create_task(self._follow())

    async def started(self) -> None:
        """Wait until the server's process is there. Raises ConfigError where it cannot be."""
        if why := await asyncio.shield(self._began):
            raise ConfigError(f"serve: {self._program!r} cannot be started: {why}")

    async def _follow(self) -> None:
        """Read what the guard says, until the server and all that it started have ended."""
        said = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(said), self._guard.stdout
        )
        first, _, rest = (await said.readline()).decode().strip().partition(" ")
        self._began.set_result("" if first == "started" else rest or "its guard did not start")
        if (line := await said.readline()) == b"down\n":
            self.down.set()
            line = await said.readline()
        _, _, code = line.decode().strip().partition(" ")
        if not code and first == "started":  # the guard was killed
            with suppress(OSError):
                os.killpg(int(rest), signal.SIGKILL)
        self._guard.wait()  # it ends with what it says
        self.down.set()
        self.ended.set_result(_how(int(code)) if code else "its guard was killed")

    async def end(self) -> None:
        """Have the guard end the server and all that it started, and wait until it has."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        await asyncio.wait({self.ended})

    def tail(self) -> list[str]:
        """Return the last lines that the server has written since this start."""
        lines = _last_lines(self._log)
        begin = max((n for n, line in enumerate(lines) if line.startswith(HEAD)), default=-1)
        return lines[begin + 1 :]

    def last_line(self) -> str:
        """Return the last line that the server has written since this start, harmless to show."""
        return one_line((self.tail() or ["it wrote nothing"])[-1], 200)

    def says_port_is_taken(self) -> bool:
        """Tell whether the server could not listen since something else does."""
        return any(_TAKEN.search(line) for line in self.tail()[-40:])


def _how(code: int) -> str:
    """Say how a process ended that has this exit code."""
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"


def _last_lines(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.path.getsize(log) - _TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
