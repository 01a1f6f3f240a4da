"""Small real HTTP servers for the protocols in `tests/wires.py`.

async with serving(OpenAIWire(reply="4")) as server: …     in this loop, requests kept
async with serve_openai(reply="4", delay=0.2) as url: …    in a process of its own, for benches
"""

import argparse
import asyncio
import contextlib
import json
import sys
import time

from tests.wires import OpenAIWire, Request, Stream, Trouble, Wire


class Server:
    """A running server."""

    def __init__(self, wire: Wire, port: int) -> None:
        self.wire = wire
        self.url = f"http://127.0.0.1:{port}"


@contextlib.asynccontextmanager
async def serving(wire: Wire):
    """Serve in this loop, on a free port of this machine, until the block ends."""
    open_now: set[asyncio.StreamWriter] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        try:
            while await _one(wire, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left
        finally:
            open_now.discard(writer)
            writer.close()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=1024)
    try:
        yield Server(wire, listener.sockets[0].getsockname()[1])
    finally:
        listener.close()
        for writer in list(open_now):
            writer.transport.abort()


@contextlib.asynccontextmanager
async def serve_openai(
    *, reply: str = "4", delay: float = 0.0, spread: float = 0.0, at_once: int = 1000
):
    """Yield the base URL of an OpenAI server in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.servers", "--reply", reply),
        *("--delay", str(delay), "--spread", str(spread), "--at-once", str(at_once)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip() + "/v1"
    finally:
        process.terminate()
        await process.wait()


async def _one(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Read one request and answer it. False where the connection is over."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    lines = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    data = await reader.readexactly(int(headers.get("content-length", 0)))
    body = json.loads(data) if data else None
    path, _, query = path.partition("?")
    request = Request(method, path, headers, body, time.monotonic(), query)
    wire.requests.append(request)
    if wire.troubles:
        trouble = wire.troubles.popleft()
        await asyncio.sleep(trouble.hang)
        _send(writer, trouble)
        while trouble.drip:
            await asyncio.sleep(trouble.drip)
            writer.write(b" ")
            await writer.drain()
        await writer.drain()
        return not trouble.cut
    answering = asyncio.ensure_future(wire.answer(request))
    while not (await asyncio.wait({answering}, timeout=0.05))[0]:
        if reader.at_eof():  # the client left
            answering.cancel()
            return False
    status, answer = answering.result()
    if isinstance(answer, Stream):
        wire.streams.append(answer)
        return await _send_stream(reader, writer, answer)
    _send(writer, Trouble(status, answer))
    await writer.drain()
    return headers.get("connection", "").lower() != "close"


async def _send_stream(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stream: Stream
) -> bool:
    """Send the events one by one. False where the client left before the last of them."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {stream.kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode())
    for event in stream.events:
        await asyncio.sleep(stream.pace)
        if reader.at_eof():
            stream.left = True
            return False
        writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        await writer.drain()
        stream.sent += 1
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


def _send(writer: asyncio.StreamWriter, answer: Trouble) -> None:
    raw = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
    kind = "text/html" if isinstance(answer.body, bytes) else "application/json"
    length = len(raw) + (10_000 if answer.cut or answer.drip else 0)
    extra = {"Content-Type": kind, "Content-Length": str(length), **answer.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in extra.items())
    writer.write(f"HTTP/1.1 {answer.status} Status\r\n{lines}\r\n".encode() + raw)


async def _main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI server that always says the same.")
    parser.add_argument("--reply", default="4")
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--spread", type=float, default=0.0)
    parser.add_argument("--at-once", type=int, default=1000)
    chosen = parser.parse_args()
    wire = OpenAIWire(
        chosen.reply, delay=chosen.delay, spread=chosen.spread, at_once=chosen.at_once
    )
    async with serving(wire) as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
