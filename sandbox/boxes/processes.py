"""Fork servers that are processes of this host rather than of a container."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO

from sandbox.channel import Channel
from sandbox.execution import SandboxError
from sandbox.worker import Worker

_FIRST_USER = 40_000
"""Programs' users when this runs as root. Not those of the containers: the kernel counts a user's
processes wherever they run."""
_USERS = 20_000


def user_for(number: int) -> int:
    """Choose a user that no other run on this host has, as the kernel counts by user."""
    return _FIRST_USER + (os.getpid() * 97 + number) % _USERS


def start_process(command: list[str], number: int, environment: dict[str, str]) -> Worker:
    """Start a fork server as a process of this host, with a line to it. Raises SandboxError.

    Nothing ties it to the thread that starts it (bubblewrap's --die-with-parent would): it ends
    when the line does, which the kernel closes with this process.
    """
    ours, theirs = socket.socketpair()
    words = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the worker
    try:
        process = subprocess.Popen(
            command,
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=words,
            start_new_session=True,
            env=environment,
        )
    except OSError as error:
        ours.close()
        words.close()
        raise SandboxError(f"{command[0]} does not start: {error}") from error
    finally:
        theirs.close()
    channel = Channel(ours, words=lambda: _tail(words))

    def destroy() -> None:
        channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
        if process.poll() is None:
            _kill_tree(process.pid)
            process.wait()
        words.close()
        ours.close()

    return Worker(number, channel, destroy)


def _kill_tree(pid: int) -> None:
    """Kill a box that did not end when its line did: bubblewrap and the fork server inside."""
    for found in (*_children(pid), pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found, signal.SIGKILL)


def _children(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children") as file:
        for inner in file.read().split():
            yield int(inner)
            yield from _children(int(inner))


def _tail(words: IO[bytes]) -> bytes:
    with contextlib.suppress(OSError, ValueError):
        words.seek(0, os.SEEK_END)
        words.seek(max(0, words.tell() - 4096))
        return words.read()
    return b""
