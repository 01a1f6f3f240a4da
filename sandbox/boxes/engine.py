"""Connects to the Docker engine, and explains in one line why that fails."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sandbox.execution import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

_CALL_SECONDS = 60


class EngineTrouble(SandboxError):
    """The engine refused or did not answer. Trying again later may help."""


@contextlib.contextmanager
def connect() -> "Iterator[DockerClient]":
    """Connect to the engine that DOCKER_HOST names. Raises SandboxError."""
    client = new_client()
    try:
        yield client
    finally:
        client.close()


def new_client() -> "DockerClient":
    """Connect to the engine; the caller closes the client. Raises SandboxError.

    A client may be used by one thread at a time.
    """
    import docker

    with engine_trouble():
        client = docker.from_env(timeout=_CALL_SECONDS)
        client.ping()
    return client


@contextlib.contextmanager
def engine_trouble() -> Iterator[None]:
    """Turn exceptions of docker-py into a SandboxError that says how to fix it."""
    from docker.errors import DockerException
    from requests import RequestException

    try:
        yield
    except (DockerException, RequestException, OSError, EOFError) as error:
        raise explain(error) from error


_FIXES = (
    (("Permission denied", "PermissionError"), "add yourself to the docker group, or run as root"),
    (("FileNotFoundError", "No such file or directory"), "install Docker and start it"),
    (("Connection refused", "ConnectionRefused"), "start the Docker engine, or fix DOCKER_HOST"),
    (("no space left",), "free some disk, `docker system prune` may help"),
    (("No such image",), "build it with `solver sandbox build`"),
    (("Unknown runtime",), "install that runtime, or do not ask for it"),
)


def explain(error: BaseException) -> SandboxError:
    """Explain an exception of docker-py in one line, and how to fix it where that is known."""
    text = " ".join(str(error).split())
    fix = next((fix for signs, fix in _FIXES if any(sign in text for sign in signs)), "")
    message = f"Docker: {_short(text)}: {fix or 'see `docker info` and try again'}"
    lasting = ("docker group", "solver sandbox build", "runtime")
    if any(word in fix for word in lasting):
        return SandboxError(message)
    return EngineTrouble(message)


def _short(text: str) -> str:
    """Keep the beginning, which says what was tried, and the end, which says why it failed."""
    return text if len(text) <= 300 else f"{text[:60]} ... {text[-235:]}"
