"""Memory for text that is gone when it is closed."""

import os

import pytest

from sandbox.zygote.text import Text


def pipe_with(data: bytes) -> int:
    end, start = os.pipe()
    os.write(start, data)
    os.close(start)
    return end


def test_what_a_descriptor_has_is_taken_as_far_as_there_is_room() -> None:
    descriptor = pipe_with(b"abcdef")
    with Text(4) as text:
        assert text.read_from(descriptor) == 4
        assert text.view() == b"abcd"
    os.close(descriptor)


def test_pieces_follow_each_other_up_to_the_end() -> None:
    first, second = pipe_with(b"ab"), pipe_with(b"cd")
    with Text(100) as text:
        assert [text.read_from(d) for d in (first, second, second)] == [2, 2, 0]
        assert text.view() == b"abcd"
    for descriptor in (first, second):
        os.close(descriptor)


def test_no_text_at_all_is_a_text() -> None:
    with Text(0) as text:
        assert (bytes(text.view()), text.size) == (b"", 0)


def test_what_was_cut_is_not_shown() -> None:
    descriptor = pipe_with(b"abcdef")
    with Text(10) as text:
        text.read_from(descriptor)
        text.cut(2)
        assert text.view() == b"ab"
    os.close(descriptor)


def test_a_closed_text_holds_nothing() -> None:
    text = Text(10)
    text.close()
    with pytest.raises(ValueError):
        text.view()
