"""The host's end of the line to a fork server: messages over a socket, each with its own deadline.

It blocks, so it belongs in a thread; closing it from another thread wakes the one that waits.
"""

import contextlib
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from sandbox.zygote import frames

_STDERR = 2
_MULTIPLEX = struct.Struct(">BxxxI")
_KEPT_WORDS = 4096
_LAST_WORDS_SECONDS = 0.5


class WorkerLost(Exception):
    """The fork server is gone, hangs or talks nonsense. Says nothing about the program yet."""


class NotStarted(WorkerLost):
    """The fork server could not put a program behind its walls, so no line of it has run."""


class Channel:
    """Messages to one fork server and back.

    `multiplexed` is Docker's attach stream, where the server's output and its error output come
    in turns, each piece with a header of eight bytes. `words` gives the end of the error output
    where it goes elsewhere.
    """

    def __init__(
        self,
        line: socket.socket,
        *,
        multiplexed: bool = False,
        words: Callable[[], bytes] | None = None,
    ) -> None:
        self._line = line
        self._multiplexed = multiplexed
        self._buffer = bytearray()
        self._deadline = 0.0
        self._heard = b""
        """The last of the server's error output, when it comes over this line."""
        self._words = words or (lambda: self._heard)

    def ask(
        self, head: dict[str, Any], body: bytes, seconds: float
    ) -> tuple[dict[str, Any], bytes]:
        """Send one message and wait for the answer. Raises WorkerLost."""
        self._deadline = time.monotonic() + seconds
        try:
            self._line.settimeout(seconds)
            self._line.sendall(frames.pack(head, body))
        except (OSError, ValueError) as error:
            raise WorkerLost(f"it takes no more messages ({error})") from error
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
            said = self._words().decode("utf-8", "replace").strip().splitlines()
            raise WorkerLost(f"it ended ({said[-1] if said else 'without a word'})") from error

    def is_open(self) -> bool:
        """Say whether the other end is still there, which an idle one that says nothing is."""
        try:
            poll = select.poll()
            poll.register(self._line, select.POLLIN)
            return not poll.poll(0)
        except (OSError, ValueError):
            return False

    def last_words(self) -> str:
        """Why a line that should be silent is not: how it ended, or what was said on it."""
        try:
            self.listen(_LAST_WORDS_SECONDS)
        except WorkerLost as lost:
            said = self._words().decode("utf-8", "replace").split()
            return f"{lost}: {' '.join(said)[-300:]}" if said else str(lost)
        return "it answered what nobody had asked"

    def close(self) -> None:
        """Hang up, which ends the fork server. Safe from any thread, and more than once."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def _read_exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._multiplexed:
                self._buffer += self._receive(65536)
                continue
            stream, length = _MULTIPLEX.unpack(self._receive_exactly(_MULTIPLEX.size))
            piece = self._receive_exactly(length)
            if stream == _STDERR:
                self._heard = (self._heard + piece)[-_KEPT_WORDS:]
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
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._line.settimeout(left)
        piece = self._line.recv(most)
        if not piece:
            raise EOFError
        return piece
