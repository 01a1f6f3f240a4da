"""The host's end of the connection to a fork server."""

import multiprocessing
import socket
import time

import pytest

from sandbox.channel import Channel, WorkerLost
from sandbox.zygote import frames


def test_an_answer_that_arrived_while_the_host_had_no_processor_is_taken() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(frames.pack({"clean": True}, b"x" * 50_000))
    channel = Channel(ours)
    assert channel.listen(-1000) == ({"clean": True}, b"x" * 50_000)


def test_an_answer_that_does_not_come_is_a_worker_that_was_lost() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(frames.pack({"clean": True}, b"x" * 50_000)[:-1])
    started = time.monotonic()
    with pytest.raises(WorkerLost, match="no answer within 0 s"):
        Channel(ours).listen(0.05)
    assert time.monotonic() - started >= 0.05


def test_a_forked_process_does_not_hold_the_connection_of_its_parent() -> None:
    ours, theirs = socket.socketpair()
    channel, reader = Channel(ours), ours.makefile()  # docker-py keeps such a file
    context = multiprocessing.get_context("fork")
    released = context.Event()
    child = context.Process(target=released.wait)
    child.start()
    theirs.sendall(frames.pack({"clean": True}, b""))
    assert channel.listen(60) == ({"clean": True}, b"")  # it is still the parent's
    reader.close()
    ours.close()
    theirs.settimeout(60)
    assert theirs.recv(1) == b""
    assert child.is_alive()
    released.set()
    child.join(60)
