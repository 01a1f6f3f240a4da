"""Run one server as a child, keep its log, and end it with all it started when our parent ends.

A program of its own, in a session of its own, so that neither a terminal's Ctrl-C nor `kill -9` of
the run reaches past it: it reads from its parent, and when nothing can come from there any more, or
the server has ended, it asks every process under it to end, and after a time kills what is left. On
Linux it adopts children whose parent has ended, so none escapes; elsewhere those are missed that
leave the server's process group. Should the guard itself be killed on Linux, the kernel kills the
server, but not what the server started.

Its standard output has a line for each event: `started PID` or `failed WHY`, `down` where the
server has ended by itself, and `ended CODE` once nothing is left of it.
"""

import contextlib
import logging
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sandbox.zygote.kernel import adopt_orphans, die_with_parent
from sandbox.zygote.proc import kill_everything, others
from solver.bounded import BoundedFile
from solver.secrets import secrets_in, without_secrets
from solver.serve import HEAD
from solver.text import plain

LOG_BYTES = 8 * 2**20
LONGEST_LINE = 4_000
_COLOUR = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
"""Sequences that only colour a terminal's text, move its cursor or set its title."""
LINUX = sys.platform == "linux"


def main(log: str, grace: str, command: Sequence[str]) -> None:
    """Run a command until it ends or our parent does; leave no process behind."""
    Guard(ServerLog(Path(log)), float(grace)).run(command)


class ServerLog:
    """The log of a server: bounded, without keys, and harmless to a terminal."""

    def __init__(self, path: Path) -> None:
        self._file = BoundedFile(path, LOG_BYTES)
        self._secrets = secrets_in(os.environ)
        self._rest = b""

    def add(self, data: bytes) -> None:
        """Write the lines that are whole; a bare carriage return ends one, too."""
        *lines, self._rest = re.split(rb"\r?\n|\r", self._rest + data)
        if len(self._rest) > LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self.write(line.decode(errors="replace"))

    def end(self) -> None:
        """Write what is left of the last line."""
        self.add(b"\n" if self._rest else b"")

    def write(self, line: str) -> None:
        """Write one line."""
        for secret in self._secrets:
            line = line.replace(secret, "***")
        line = plain(without_secrets(_COLOUR.sub("", line)))[:LONGEST_LINE].rstrip()
        if line:
            self._file.emit(logging.makeLogRecord({"msg": line}))


class Guard:
    """One server and whatever it starts."""

    def __init__(self, log: ServerLog, grace: float) -> None:
        self._log = log
        self._grace = grace
        self._parent = os.getppid()
        self._server = 0
        self._code: int | None = None
        self._output = -1
        self._told_to_end = False
        self._wake, signalled = os.pipe()
        for end in (self._wake, signalled):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._end_soon)

    def run(self, command: Sequence[str]) -> None:
        """Run the command until it ends or must end, then end all that is under it."""
        setup: Callable[[], None] | None = None
        if LINUX:
            adopt_orphans()
            setup = _die_with_guard
        try:
            server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=setup,
            )
        except OSError as failure:
            _tell(f"failed {failure.strerror or failure}")
            return
        assert server.stdout is not None
        self._server, self._output = server.pid, server.stdout.fileno()
        os.set_blocking(self._output, False)
        self._log.write(
            f"{HEAD} {time.strftime('%Y-%m-%d %H:%M:%S')} started: {shlex.join(command)}"
        )
        _tell(f"started {server.pid}")
        while self._code is None and not self._told_to_end:
            self._look(1.0)
        if self._code is not None:
            _tell("down")
        self._end()
        server.returncode = self._code  # it was waited for here
        _tell(f"ended {self._code}")

    def _look(self, seconds: float) -> None:
        """Wait for something to happen: output, the end of a child or of our parent, a signal."""
        watched = [self._wake, *([self._output] if self._output >= 0 else [])]
        watched += [] if self._told_to_end else [0]
        ready, _, _ = select.select(watched, [], [], seconds)
        if self._wake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, 4096)
        if self._output in ready:
            self._copy()
        if (0 in ready and not os.read(0, 4096)) or os.getppid() != self._parent:
            self._told_to_end = True
        self._reap()

    def _copy(self) -> None:
        """Move what the server has written into the log."""
        with contextlib.suppress(BlockingIOError):
            if data := os.read(self._output, 2**16):
                self._log.add(data)
            else:
                self._output = -1

    def _reap(self) -> None:
        """Collect the children that have ended."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._server:
                    self._code = os.waitstatus_to_exitcode(ended[1])

    def _end(self) -> None:
        """Ask all processes to end, wait for them, and kill those that are left."""
        deadline = time.monotonic() + self._grace
        for pid in self._left():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM)
        while self._left() and time.monotonic() < deadline:
            self._look(0.1)
        for pid in self._left():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        status, _, _ = kill_everything(self._server)
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(status)
        while self._output >= 0 and select.select([self._output], [], [], 0)[0]:
            self._copy()
        self._log.end()

    def _left(self) -> list[int]:
        """List what is still there: processes, or elsewhere than on Linux the server's group."""
        if LINUX:
            return others()
        with contextlib.suppress(OSError):
            os.kill(-self._server, 0)
            return [-self._server]
        return []

    def _end_soon(self, *_: object) -> None:
        self._told_to_end = True


def _die_with_guard() -> None:
    """Have the kernel kill the server should the guard be killed."""
    die_with_parent(signal.SIGKILL)


def _tell(line: str) -> None:
    """Say something to our parent, if it is still there."""
    with contextlib.suppress(OSError):
        os.write(1, f"{line}\n".encode())
