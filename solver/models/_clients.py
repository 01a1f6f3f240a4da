"""What the HTTP clients of all providers share: how one is made, and what it reads of an answer.

Not covered: an answer in a packing other than gzip, of which one part alone may unpack to more than
the largest answer before it is counted.
"""

import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

from solver.errors import ConfigError, ModelError, Scope

LARGEST_MIB = 64
"""So much of an answer is read, unpacked. A long reply with its probabilities takes a few MiB."""

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")

Guard = Callable[[Any], Awaitable[None]]


def are_set(names: tuple[str, ...]) -> list[str]:
    """Return those of some environment variables that are set, as they are written."""
    return [each for name in names for each in (name, name.lower()) if os.environ.get(each)]


@contextmanager
def making_client(endpoint: str) -> Iterator[None]:
    """Raise ConfigError where proxies or certificates in the environment let no client be made.

    The variables are named alone: what the libraries say may hold the password of a proxy.
    """
    try:
        yield
    except _and_raised(ImportError, ValueError, OSError, names=("InvalidURL",)) as unfit:
        names = are_set(CERTIFICATES if isinstance(unfit, OSError) else (*PROXIES, "NO_PROXY"))
        if not names or isinstance(unfit, ModuleNotFoundError):
            raise
        socks = isinstance(unfit, ImportError)
        fix = "for a SOCKS proxy pip install 'httpx[socks]'" if socks else "correct what is wrong"
        raise ConfigError(
            f"{endpoint}: no connection can be set up with the environment's"
            f" {' and '.join(names)}; {fix}, or unset {'it' if len(names) == 1 else 'them'}"
        ) from None


def connection_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Return what means that a request was not sent, or its answer not read to its end."""
    names = ("RequestError", "InvalidURL", "SSLError", "EndOfStream")
    return _and_raised(ConnectionError, *others, names=names)


def _and_raised(*others: type[Exception], names: tuple[str, ...]) -> tuple[type[Exception], ...]:
    """Return exceptions, and those of the HTTP libraries that are loaded and of what they use."""
    libraries = [sys.modules.get(name) for name in ("httpx", "httpx2", "ssl", "anyio")]
    found = [getattr(library, name, None) for library in libraries for name in names]
    return (*others, *filter(None, found))


def guard(endpoint: str) -> Guard:
    """Return a hook for responses: it bounds an answer's size, and sees that its text can be read.

    Raises ModelError in the reading of an answer that is too long or packed several times.
    """
    too_long = ModelError(
        f"{endpoint}: the answer is longer than {LARGEST_MIB} MiB, so it is not read; check the"
        " address",
        scope=Scope.ADDRESS,
    )

    packed_twice = ModelError(
        f"{endpoint}: the answer is packed several times, so it is not read; check the address",
        scope=Scope.ADDRESS,
    )

    async def look_at(response: Any) -> None:
        codings = response.headers.get("content-encoding", "").lower().replace(" ", "").split(",")
        if len([coding for coding in codings if coding not in ("", "identity")]) > 1:
            raise packed_twice  # a few bytes may hold all memory
        if not _holds_json(response.charset_encoding or "utf-8"):
            response.encoding = "utf-8"
        read = response.aiter_bytes

        async def bounded(*args: Any, **more: Any) -> AsyncGenerator[bytes, None]:
            left = LARGEST_MIB * 2**20
            async with aclosing(read(*args, **more)) as parts:
                async for part in parts:
                    left -= len(part)
                    if left < 0:
                        raise too_long
                    yield part

        response.aiter_bytes = bounded

    return look_at


def _holds_json(charset: str) -> bool:
    """Tell whether a charset is one of texts in which JSON can be written, as `hex` is not."""
    try:
        return b"{}".decode(charset, "replace") == "{}"
    except (LookupError, UnicodeError):
        return False
