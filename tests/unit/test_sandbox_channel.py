"""The host's end of the connection to a fork server."""

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
