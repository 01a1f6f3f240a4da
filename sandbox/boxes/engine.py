"""Connects to the Docker engine, and explains in one line why that fails."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox.execution import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

_CALL_SECONDS = 60


class EngineTrouble(SandboxError):
    """The engine refused or did not answer. Trying again later may help."""


@contextlib.contextmanager
def connect() -> "Iterator[DockerClient]":
    """Connect to the engine, and close the client at the end. Raises SandboxError."""
    client = new_client()
    try:
        yield client
    finally:
        client.close()


def new_client() -> "DockerClient":
    """Connect to the engine; the caller closes the client. Raises SandboxError.

    It is the one that DOCKER_HOST names, else that of the current `docker context`, else one that
    answers at a usual socket. A client may be used by one thread at a time.
    """
    failures = []
    for address in addresses():
        try:
            return _client_of(address)
        except SandboxError as failure:
            failures.append(failure)
    raise failures[0]


def addresses() -> list[str | None]:
    """List where an engine may be, the likeliest first; None is docker-py's own default."""
    if os.environ.get("DOCKER_HOST"):
        return [None]
    context = _address_of_context()
    usual = [f"unix://{path}" for path in usual_sockets() if path.exists()]
    return [*([context] if context else []), None, *usual]


def usual_sockets() -> list[Path]:
    """List the sockets of Docker Desktop, colima, OrbStack, rootless Docker and Podman."""
    home = Path.home()
    running = Path(os.environ.get("XDG_RUNTIME_DIR") or home / ".local/run")
    return [
        home / ".docker/run/docker.sock",
        home / ".docker/desktop/docker.sock",
        home / ".colima/default/docker.sock",
        home / ".orbstack/run/docker.sock",
        running / "docker.sock",
        running / "podman/podman.sock",
        home / ".local/share/containers/podman/machine/podman.sock",
        home / ".local/share/containers/podman/machine/qemu/podman.sock",
    ]


def _address_of_context() -> str | None:
    """Return the address of the current `docker context`, where one was chosen."""
    from docker.context import ContextAPI
    from docker.errors import DockerException

    try:
        context = ContextAPI.get_current_context()
    except (DockerException, OSError, ValueError, KeyError):  # a broken ~/.docker
        return None
    if context is None or context.Name == "default":
        return None
    return str(context.Host) if context.Host else None


def _client_of(address: str | None) -> "DockerClient":
    import docker

    with engine_trouble():
        if address is None:
            client = docker.from_env(timeout=_CALL_SECONDS)
        else:
            client = docker.DockerClient(base_url=address, timeout=_CALL_SECONDS)
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


class _Trouble(NamedTuple):
    """A kind of exception: how it is known, what it means, and what to do."""

    signs: tuple[str, ...]
    meaning: str
    """Said instead of the exception's own text; empty where that says more."""
    fix: str


_TROUBLES = (
    _Trouble(
        ("Permission denied", "PermissionError"),
        "this user may not use the engine's socket",
        "add yourself to the docker group, or run as root",
    ),
    _Trouble(
        ("FileNotFoundError", "No such file or directory"),
        "no engine's socket here",
        "install Docker and start it, or fix DOCKER_HOST",
    ),
    _Trouble(
        ("Connection refused", "ConnectionRefused"),
        "no engine answers",
        "start the Docker engine, or fix DOCKER_HOST",
    ),
    _Trouble(("no space left",), "", "free some disk, `docker system prune` may help"),
    _Trouble(("No such image",), "", "build it with `solver sandbox build`"),
    _Trouble(("Unknown runtime",), "", "install that runtime, or do not ask for it"),
)
_UNKNOWN = _Trouble((), "", "see `docker info` and try again")


def explain(error: BaseException) -> SandboxError:
    """Explain an exception of docker-py in one line, and how to fix it where that is known."""
    text = " ".join(str(error).split())
    found = next((one for one in _TROUBLES if any(sign in text for sign in one.signs)), _UNKNOWN)
    message = f"Docker: {found.meaning or _short(text)}: {found.fix}"
    lasting = ("docker group", "solver sandbox build", "runtime")
    if any(word in found.fix for word in lasting):
        return SandboxError(message)
    return EngineTrouble(message)


def _short(text: str) -> str:
    """Keep the beginning, which says what was tried, and the end, which says why it failed."""
    return text if len(text) <= 300 else f"{text[:60]} ... {text[-235:]}"
