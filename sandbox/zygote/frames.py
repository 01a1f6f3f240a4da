"""The messages between the host and the fork server: a JSON head and a body of raw bytes."""

import json
import struct
from collections.abc import Callable
from typing import Any

_SIZES = struct.Struct("!II")
_MOST = 64 * 2**20
"""Largest head or body in bytes. Neither side sends more, so a larger size means garbled data."""


class BrokenFrame(Exception):
    """The received bytes are not a message."""


def pack(head: dict[str, Any], body: bytes = b"") -> bytes:
    """Encode one message."""
    return pack_head(head, len(body)) + body


def pack_head(head: dict[str, Any], body_size: int) -> bytes:
    """Encode the part of a message that comes before its body."""
    encoded = json.dumps(head).encode()
    return _SIZES.pack(len(encoded), body_size) + encoded


def unpack(read_exactly: Callable[[int], bytes]) -> tuple[dict[str, Any], bytes]:
    """Read one message. Raises BrokenFrame, and whatever `read_exactly` raises."""
    head, body_size = unpack_head(read_exactly)
    return head, read_exactly(body_size)


def unpack_head(read_exactly: Callable[[int], bytes]) -> tuple[dict[str, Any], int]:
    """Read a message's head, and the size of the body that follows. Raises as `unpack` does."""
    head_size, body_size = _SIZES.unpack(read_exactly(_SIZES.size))
    if max(head_size, body_size) > _MOST:
        raise BrokenFrame(f"a message of {max(head_size, body_size)} bytes")
    try:
        head = json.loads(read_exactly(head_size))
    except ValueError as error:
        raise BrokenFrame(f"no JSON head: {error}") from error
    if not isinstance(head, dict):
        raise BrokenFrame("the head is not an object")
    return head, body_size
