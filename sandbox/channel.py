"""The host's end of the connection to a fork server: messages, each with its own deadline.

All calls block, so they belong in a thread. Closing from another thread wakes a waiting call.

Between host and box there may be a proxy, as with Docker Desktop, colima and remote engines. It may
cut and delay what it passes on, lose what is sent before both its ends are connected, and keep to
itself that one of them has closed. So each message carries its length; the host speaks first, and
again while no answer comes; and in a long silence it asks the engine whether the box still runs.

A box ends when the last process closes the connection, and a forked process would hold it as long
as it lives. So a connection is of the process that made it alone, and closed in those it forks.
"""

import contextlib
import os
import select
import socket
import struct
import time
from collections.abc import Callable
from functools import cache
from typing import Any
from weakref import WeakSet

from sandbox.zygote import frames

_STDERR = 2
_MULTIPLEX = struct.Struct(">BxxxI")
_KEPT_BYTES = 4096
_LISTEN_SECONDS = 0.5
_LAST_LOOK_SECONDS = 0.001
_GREETING_SECONDS = 2
_ANSWER_SECONDS = 30
"""How long the rest of an answer to a greeting may take once some of it has come."""
_GONE = "its box has ended, which the connection did not tell"
_FIRST_SILENCE, _LONGEST_SILENCE = 1, 16
"""Seconds without a byte after which the box is looked at; each time twice as long as before."""


class WorkerLost(Exception):
    """The fork server ended, hangs, or sends garbled data; the program need not be the cause."""


class NotStarted(WorkerLost):
    """The fork server could not restrict a process for the program, so no line of it has run."""


class Channel:
    """Messages to one fork server and its replies.

    `multiplexed` means Docker's attach stream, which mixes the server's stdout and stderr, each
    piece after a header of eight bytes. `read_stderr` returns the end of the server's stderr where
    it is stored elsewhere. `is_box_there` tells whether the box still runs, where the connection
    may stay open without it.
    """

    def __init__(
        self,
        line: socket.socket,
        *,
        multiplexed: bool = False,
        read_stderr: Callable[[], bytes] | None = None,
        is_box_there: Callable[[], bool] = lambda: True,
    ) -> None:
        self._line = line
        _lines().add(line)
        self._multiplexed = multiplexed
        self._buffer = bytearray()
        self._deadline = 0.0
        self._stderr = b""
        """The end of the server's stderr, if it comes over this connection."""
        self._read_stderr = read_stderr or (lambda: self._stderr)
        self._is_box_there = is_box_there

    def greet(self, seconds: float) -> None:
        """Wait until the fork server answers a greeting. Raises WorkerLost.

        Greetings are numbered, since several may be answered at once. Afterwards no other answer is
        on its way.
        """
        started = time.monotonic()
        number = 0
        while time.monotonic() - started < seconds:
            number += 1
            self._send({"do": "greet", "number": number}, b"", seconds)
            while self._is_readable(_GREETING_SECONDS):
                answer, _ = self.listen(_ANSWER_SECONDS)
                if answer.get("number") == number:
                    return
            if not self._is_box_there():
                raise WorkerLost(_GONE)
        raise WorkerLost(f"it does not answer within {seconds:.0f} s")

    def ask(
        self, head: dict[str, Any], body: bytes, seconds: float
    ) -> tuple[dict[str, Any], bytes]:
        """Send one message and wait for the answer. Raises WorkerLost."""
        self._send(head, body, seconds)
        return self.listen(seconds)

    def listen(self, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Wait for one message. Raises WorkerLost."""
        self._deadline = time.monotonic() + seconds
        try:
            return frames.unpack(self._read_exactly)
        except TimeoutError as error:
            raise WorkerLost(f"no answer within {seconds:.0f} s") from error
        except frames.BrokenFrame as error:
            raise WorkerLost(f"its answer is garbled: {error}") from error
        except (OSError, EOFError, ValueError) as error:
            lines = self._read_stderr().decode("utf-8", "replace").strip().splitlines()
            raise WorkerLost(f"it ended ({lines[-1] if lines else 'no error output'})") from error

    def is_open(self) -> bool:
        """Return whether an idle fork server seems alive: if so, there is nothing to read."""
        return not self._is_readable(0)

    def why_not_idle(self) -> str:
        """Explain why an idle connection became readable, with the end of the server's stderr."""
        try:
            self.listen(_LISTEN_SECONDS)
        except WorkerLost as lost:
            stderr = " ".join(self._read_stderr().decode("utf-8", "replace").split())
            return f"{lost}: {stderr[-300:]}" if stderr else str(lost)
        return "it sent a message without a request"

    def close(self) -> None:
        """Close the connection, which ends the fork server. Safe from any thread, and twice."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def _send(self, head: dict[str, Any], body: bytes, seconds: float) -> None:
        try:
            self._line.settimeout(seconds)
            self._line.sendall(frames.pack(head, body))
        except (OSError, ValueError) as error:
            raise WorkerLost(f"it accepts no more messages ({error})") from error

    def _is_readable(self, seconds: float) -> bool:
        """Wait for a message or the end of the connection, whichever comes first."""
        if self._buffer:
            return True
        try:
            poll = select.poll()
            poll.register(self._line, select.POLLIN)
            return bool(poll.poll(seconds * 1000))
        except (OSError, ValueError):
            return True

    def _read_exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._multiplexed:
                self._buffer += self._receive(65536)
                continue
            stream, length = _MULTIPLEX.unpack(self._receive_exactly(_MULTIPLEX.size))
            piece = self._receive_exactly(length)
            if stream == _STDERR:
                self._stderr = (self._stderr + piece)[-_KEPT_BYTES:]
            else:
                self._buffer += piece
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _receive_exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            data += self._receive(size - len(data))
        return bytes(data)

    def _receive(self, most: int) -> bytes:
        silence: float = _FIRST_SILENCE
        while True:
            # what has arrived is taken even after the deadline: on a starved machine, or where this
            # process was stopped for a while, it may have been there in time
            left = max(self._deadline - time.monotonic(), _LAST_LOOK_SECONDS)
            self._line.settimeout(min(left, silence))
            try:
                piece = self._line.recv(most)
            except TimeoutError:
                if left <= silence:
                    raise
                if not self._is_box_there():
                    raise WorkerLost(_GONE) from None
                silence = min(2 * silence, _LONGEST_SILENCE)
                continue
            if not piece:
                raise EOFError
            return piece


@cache
def _lines() -> WeakSet[socket.socket]:
    """Return the connections of this process, which it closes in those that it forks."""
    lines: WeakSet[socket.socket] = WeakSet()

    def let_go() -> None:
        for line in tuple(lines):
            with contextlib.suppress(OSError):  # it was closed already
                os.close(line.detach())  # no shutdown: that would end it for the owner too
        lines.clear()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=let_go)
    return lines
