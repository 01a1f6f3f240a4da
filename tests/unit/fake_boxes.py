"""Boxes whose fork servers are threads of this process and do what the program's text says."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sandbox.boxes.engine import EngineTrouble
from sandbox.channel import Channel
from sandbox.execution import Limits
from sandbox.pool import Pool
from sandbox.worker import Worker
from sandbox.zygote import frames

FACTS = {
    "status": 0,
    "stopped": "",
    "broken": "",
    "seconds": 0.0,
    "cpu_seconds": 0.0,
    "peak_kb": 0,
    "truncated": False,
    "clean": True,
    "oom_kills": 0,
    "fresh": False,
}

ALONE, WITH_ITS_ENGINE = "alone", "with its engine"


class FakeBoxes:
    """Starts fork servers that are threads of this process, and counts what happens to them."""

    def __init__(self) -> None:
        self.launched: list[int] = []
        self.destroyed: list[int] = []
        self.ended: list[int] = []
        """Fork servers that ended by themselves."""
        self.troubles: list[Exception] = []
        """Raised by the next launches, one each."""
        self.programs: list[tuple[int, str]] = []
        self.deaths: list[str] = []
        """How the next programs lose their fork servers, one each: ALONE or WITH_ITS_ENGINE."""
        self.never_warm = False
        self.cold_starts = 0
        """How many of the next fork servers end before they are ready."""
        self.away = 0
        """How many of the next checks find that the engine is away."""
        self.launch_seconds = 0.0
        self.no_walls = False
        """No program can be started."""

    def prepare(self) -> None:
        """Nothing is needed."""

    def check(self) -> None:
        if self.away:
            self.away -= 1
            raise EngineTrouble("away")

    def describe(self) -> dict[str, object]:
        return {"made of": "threads"}

    def launch(self, number: int) -> Worker:
        if self.troubles:
            raise self.troubles.pop(0)
        time.sleep(self.launch_seconds)
        self.launched.append(number)
        ours, theirs = socket.socketpair()
        threading.Thread(target=self._serve, args=(theirs, number), daemon=True).start()
        return Worker(number, Channel(ours), lambda: self.destroyed.append(number))

    def _serve(self, line: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):  # the pool closed the connection
            self._answer(line, number)

    def _answer(self, line: socket.socket, number: int) -> None:
        stream = line.makefile("rb")

        def read(size: int) -> bytes:
            data = stream.read(size)
            if len(data) < size:
                raise EOFError
            return data

        if self.cold_starts:
            self.cold_starts -= 1
            line.shutdown(socket.SHUT_RDWR)
            return
        while True:
            try:
                head, body = frames.unpack(read)
            except (EOFError, OSError):
                return
            if head["do"] == "greet":
                if not self.never_warm:
                    line.sendall(frames.pack({"number": head["number"]}))
                continue
            program = body.decode()
            self.programs.append((number, program))
            death = self.deaths.pop(0) if self.deaths else ""
            if program == "dies" or death:
                self.away += death == WITH_ITS_ENGINE
                line.shutdown(socket.SHUT_RDWR)
                return
            if program == "hangs":
                continue
            if program.startswith("sleeps"):
                time.sleep(0.2)
            printed = b"42\n" if program == "print(6 * 7)" else str(number).encode()
            changed = {
                "leaks": {"clean": False},
                "runs out": {"oom_kills": 1, "status": 9},
                "has no walls": {"broken": "no walls"},
            }.get("has no walls" if self.no_walls else program, {})
            if head["do"] == "end":
                line.sendall(frames.pack({"clean": True}))
            else:
                facts = FACTS | {"out_size": len(printed)} | changed
                line.sendall(frames.pack(facts, printed))
            if program == "ends afterwards":
                line.shutdown(socket.SHUT_RDWR)
                self.ended.append(number)
                return


@asynccontextmanager
async def opened(boxes: FakeBoxes, kind: str = "docker", workers: int = 1) -> AsyncIterator[Pool]:
    pool = Pool(kind, boxes, Limits(), workers)
    await pool.open()
    boxes.programs.clear()  # without the one that showed that programs can be run
    try:
        yield pool
    finally:
        await pool.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)
