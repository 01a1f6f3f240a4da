"""The messages between the host and the fork server: a JSON head and a body of raw bytes."""

import json
import struct
from collections.abc import Callable
from typing import Any

_SIZES = struct.Struct("!II")
_MOST = 64 * 2**20
"""Neither side ever sends more; a larger size means that they no longer understand each other."""


class BrokenFrame(Exception):
    """What arrived is not a message."""


def pack(head: dict[str, Any], body: bytes = b"") -> bytes:
    """Put one message into bytes."""
    return pack_head(head, len(body)) + body


def pack_head(head: dict[str, Any], body_size: int) -> bytes:
    """Put what comes before a body into bytes."""
    encoded = json.dumps(head).encode()
    return _SIZES.pack(len(encoded), body_size) + encoded


def unpack(read_exactly: Callable[[int], bytes]) -> tuple[dict[str, Any], bytes]:
    """Take one message from a stream. Raises BrokenFrame, and what `read_exactly` raises."""
    head, body_size = unpack_head(read_exactly)
    return head, read_exactly(body_size)


def unpack_head(read_exactly: Callable[[int], bytes]) -> tuple[dict[str, Any], int]:
    """Take a message's head, and the size of the body that follows. Raises as `unpack` does."""
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
