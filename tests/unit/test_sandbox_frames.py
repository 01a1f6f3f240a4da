"""Messages between the host and the fork server."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.zygote import frames


def reader(data: bytes):
    stream = io.BytesIO(data)

    def read(size: int) -> bytes:
        piece = stream.read(size)
        if len(piece) < size:
            raise EOFError
        return piece

    return read


@given(st.dictionaries(st.text(), st.integers() | st.text()), st.binary())
def test_a_message_arrives_as_it_was_sent(head: dict[str, object], body: bytes) -> None:
    assert frames.unpack(reader(frames.pack(head, body))) == (head, body)


@given(st.dictionaries(st.text(), st.integers() | st.text()), st.binary())
def test_a_message_may_be_sent_and_taken_in_two_parts(head: dict[str, object], body: bytes) -> None:
    read = reader(frames.pack_head(head, len(body)) + body)
    assert frames.unpack_head(read) == (head, len(body))
    assert read(len(body)) == body


def test_messages_one_after_the_other_do_not_mix() -> None:
    read = reader(frames.pack({"n": 1}, b"a") + frames.pack({"n": 2}, b"b"))
    assert [frames.unpack(read), frames.unpack(read)] == [({"n": 1}, b"a"), ({"n": 2}, b"b")]


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 8,
        b"\x00\x00\x00\x02\x00\x00\x00\x00[]",
        b"\x00\x00\x00\x02\x00\x00\x00\x00{x",
        b"\x00\x00\x00\x01\x00\x00\x00\x00\xff",
    ],
)
def test_what_is_no_message_is_a_broken_frame(data: bytes) -> None:
    with pytest.raises(frames.BrokenFrame):
        frames.unpack(reader(data))


@given(st.binary(max_size=40))
def test_any_bytes_are_a_message_or_broken_or_too_short(data: bytes) -> None:
    with contextlib.suppress(frames.BrokenFrame, EOFError):
        frames.unpack(reader(data))
