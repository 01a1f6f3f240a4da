"""Starts fork servers as processes of this host rather than in a container."""

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
"""First user id for programs when this runs as root. Other ids than in containers, because the
kernel counts a user's processes wherever they run."""
_USERS = 20_000


def user_for(number: int) -> int:
    """Choose a user id that other runs on this host are unlikely to use.

    The kernel limits processes by user, so two runs should not share one.
    """
    return _FIRST_USER + (os.getpid() * 97 + number) % _USERS


def start_process(command: list[str], number: int, environment: dict[str, str]) -> Worker:
    """Start a fork server as a process of this host and connect to it. Raises SandboxError.

    It ends when the connection closes, which the kernel does when this process ends. bubblewrap's
    --die-with-parent is not used, because it would end the box with the thread that started it.
    """
    ours, theirs = socket.socketpair()
    stderr = tempfile.TemporaryFile()  # noqa: SIM115  # stays open as long as the worker lives
    channel = Channel(ours, read_stderr=lambda: _tail(stderr))
    try:
        process = subprocess.Popen(
            command,
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=stderr,
            start_new_session=True,
            env=environment,
        )
    except OSError as error:
        ours.close()
        stderr.close()
        raise SandboxError(f"{command[0]} does not start: {error}") from error
    finally:
        theirs.close()

    def destroy() -> None:
        channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
        if process.poll() is None:
            _kill_tree(process.pid)
            process.wait()
        stderr.close()
        ours.close()

    return Worker(number, channel, destroy)


def _kill_tree(pid: int) -> None:
    """Kill bubblewrap and the fork server inside, if closing the connection did not end them."""
    for found in (*_children(pid), pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found, signal.SIGKILL)


def _children(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children") as file:
        for inner in file.read().split():
            yield int(inner)
            yield from _children(int(inner))


def _tail(file: IO[bytes]) -> bytes:
    with contextlib.suppress(OSError, ValueError):
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 4096))
        return file.read()
    return b""
