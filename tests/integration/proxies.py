"""Proxies between a client and the engine's socket: one that behaves, and some that do not."""

import contextlib
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.needs import lacking

ENGINE = Path("/var/run/docker.sock")


class Proxy:
    """Passes on everything, and can be closed and opened, like an engine that restarts."""

    def __init__(self, path: Path) -> None:
        if not ENGINE.exists():
            lacking("docker", f"needs the engine's socket at {ENGINE}")
        self.address = f"unix://{path}"
        self._path = path
        self._lines: list[socket.socket] = []
        self.open()

    def open(self) -> None:
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(self._path))
        self._door.listen()
        threading.Thread(target=self._admit, args=(self._door,), daemon=True).start()

    def shut(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._path.unlink()
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def connect(self, caller: socket.socket, engine: socket.socket) -> None:
        """Start to pass on what each of the two sends."""
        self.start(self.copy, caller, engine)
        self.start(self.copy, engine, caller)

    def copy(self, source: socket.socket, target: socket.socket) -> None:
        """Pass on what one side sends, and that it sends no more."""
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def start(self, work: Callable[..., None], *what: object) -> None:
        """Do something in a thread that ends with the connection."""

        def until_closed() -> None:
            with contextlib.suppress(OSError):
                work(*what)

        threading.Thread(target=until_closed, daemon=True).start()

    def _admit(self, door: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller = door.accept()[0]
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(str(ENGINE))
                self._lines += [caller, engine]
                self.connect(caller, engine)


class Crumbling(Proxy):
    """Delays every answer, cuts everything anywhere, and tells nobody that the other has closed."""

    def connect(self, caller: socket.socket, engine: socket.socket) -> None:
        self.start(self.copy, caller, engine)
        self.start(self._delay, caller, engine)

    def copy(self, source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65536):
            for piece in crumbs(data):
                target.sendall(piece)

    def _delay(self, caller: socket.socket, engine: socket.socket) -> None:
        answer = engine.recv(65536)
        time.sleep(0.2)
        caller.sendall(answer)
        self.copy(engine, caller)


class Forgetful(Proxy):
    """Loses what comes within three seconds after the engine has answered an upgrade."""

    def copy(self, source: socket.socket, target: socket.socket) -> None:
        upgraded = -math.inf
        while data := source.recv(65536):
            if time.monotonic() - upgraded > 3:
                target.sendall(data)
            if data.startswith(b"HTTP/1.1 101"):
                upgraded = time.monotonic()
        target.shutdown(socket.SHUT_WR)


class Hasty(Proxy):
    """Answers an upgrade itself, and asks the engine three seconds later.

    What the caller sends before is lost.
    """

    def connect(self, caller: socket.socket, engine: socket.socket) -> None:
        self.start(self._ask_later, caller, engine)

    def _ask_later(self, caller: socket.socket, engine: socket.socket) -> None:
        request = caller.recv(65536)
        if b"Upgrade: tcp" not in request:
            engine.sendall(request)
            super().connect(caller, engine)
            return
        caller.sendall(
            b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            b"Content-Type: application/vnd.docker.raw-stream\r\n\r\n"
        )
        time.sleep(3)
        caller.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            caller.recv(65536)
        caller.settimeout(None)
        engine.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += engine.recv(1)
        super().connect(caller, engine)


def crumbs(data: bytes) -> Iterator[bytes]:
    """Cut data into pieces of 1, 2, 3, 5, 7, 11 and 4,001 bytes, over and over."""
    while data:
        for size in (1, 2, 3, 5, 7, 11, 4001):
            yield data[:size]
            data = data[size:]
