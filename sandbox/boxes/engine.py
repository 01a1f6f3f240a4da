"""The Docker engine: how to reach it, and one line on what is wrong when it cannot be reached."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sandbox.execution import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

_CALL_SECONDS = 60


class EngineTrouble(SandboxError):
    """The engine refused or did not answer, which waiting may mend."""


@contextlib.contextmanager
def connect() -> "Iterator[DockerClient]":
    """Open a connection to the engine that DOCKER_HOST names. Raises SandboxError."""
    client = new_client()
    try:
        yield client
    finally:
        client.close()


def new_client() -> "DockerClient":
    """Open a connection that the caller closes. One thread at a time. Raises SandboxError."""
    import docker

    with engine_trouble():
        client = docker.from_env(timeout=_CALL_SECONDS)
        client.ping()
    return client


@contextlib.contextmanager
def engine_trouble() -> Iterator[None]:
    """Turn what docker-py raises into a SandboxError that names the mend."""
    from docker.errors import DockerException
    from requests import RequestException

    try:
        yield
    except (DockerException, RequestException, OSError, EOFError) as error:
        raise explain(error) from error


_MENDS = (
    (("Permission denied", "PermissionError"), "add yourself to the docker group, or run as root"),
    (("FileNotFoundError", "No such file or directory"), "install Docker and start it"),
    (("Connection refused", "ConnectionRefused"), "start the Docker engine, or mend DOCKER_HOST"),
    (("no space left",), "free some disk, `docker system prune` may help"),
    (("No such image",), "build it with `solver sandbox build`"),
    (("Unknown runtime",), "install that runtime, or do not ask for it"),
)


def explain(error: BaseException) -> SandboxError:
    """Say in one line what docker-py meant, and the mend where it is known."""
    words = " ".join(str(error).split())
    mend = next((m for signs, m in _MENDS if any(s in words for s in signs)), "")
    if mend:
        message = f"Docker: {_short(words)}: {mend}"
    else:
        message = f"Docker: {_short(words)}: see `docker info` and try again"
    lasting = ("docker group", "solver sandbox build", "runtime")
    if any(word in mend for word in lasting):
        return SandboxError(message)
    return EngineTrouble(message)


def _short(words: str) -> str:
    """Keep the beginning, which says what was tried, and more of the end, which says why not."""
    return words if len(words) <= 300 else f"{words[:60]} ... {words[-235:]}"
