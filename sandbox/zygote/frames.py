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
    encoded = json.dumps(head).encode()
    return _SIZES.pack(len(encoded), len(body)) + encoded + body


def unpack(read_exactly: Callable[[int], bytes]) -> tuple[dict[str, Any], bytes]:
    """Take one message from a stream. Raises BrokenFrame, and what `read_exactly` raises."""
    head_size, body_size = _SIZES.unpack(read_exactly(_SIZES.size))
    if max(head_size, body_size) > _MOST:
        raise BrokenFrame(f"a message of {max(head_size, body_size)} bytes")
    try:
        head = json.loads(read_exactly(head_size))
    except ValueError as error:
        raise BrokenFrame(f"no JSON head: {error}") from error
    if not isinstance(head, dict):
        raise BrokenFrame("the head is not an object")
    return head, read_exactly(body_size)
