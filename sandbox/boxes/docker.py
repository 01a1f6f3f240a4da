"""The docker kinds: a worker is a container whose first process is the fork server.

The host talks to it through the container's standard input and output (`attach`). When the engine
notices that this connection has closed, for whatever reason, the fork server and so the container
end, and the engine removes the container.
"""

import contextlib
import json
import socket
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sandbox.boxes.engine import connect, engine_trouble, new_client
from sandbox.boxes.image import require_image
from sandbox.boxes.owners import LABEL, Owner, from_labels, is_dead
from sandbox.boxes.processes import user_for
from sandbox.boxes.sizing import SERVER_MB
from sandbox.channel import Channel
from sandbox.execution import Limits, SandboxError
from sandbox.worker import Worker
from sandbox.zygote.settings import MOST_FILES, Box

if TYPE_CHECKING:
    from docker import DockerClient

_FIRST_USER = 20_000
"""User id of the first worker's programs; the others follow. They stay below 65,536, so that they
also exist if the engine uses a user namespace."""

NOT_COVERED = (
    "flaws of the Linux kernel or of the container runtime, which the host shares",
    "side channels: timing, caches, load",
    "a program that learns it is in a sandbox and behaves",
)
NOT_LIMITED = (
    "memory and processes of a box: no cgroup limits them, the fork server looks every 20 ms",
    "processor: a program may use every core until its time is up",
)
"""Where the engine has no cgroups to set limits in, as without root and systemd."""


class Containers:
    """Starts workers in containers, all of one image."""

    def __init__(self, limits: Limits, owner: Owner) -> None:
        self._limits = limits
        self._owner = owner
        self.image_id = ""
        self.image_tag = ""
        self.engine: dict[str, Any] = {}

    def prepare(self) -> None:
        """Find the image, and remove containers of dead processes. Raises SandboxError."""
        with connect() as client, engine_trouble():
            image = require_image(client)
            self.image_id, self.image_tag = str(image.id), (image.tags or [""])[0]
            version, info = client.version(), client.info()
            self.engine = {
                "name": version.get("Components", [{}])[0].get("Name", "Engine"),
                "version": version["Version"],
                "api": version["ApiVersion"],
                "kernel": info.get("KernelVersion", ""),
                "cgroup_version": info.get("CgroupVersion", "1"),
                "limits": bool(info.get("MemoryLimit") and info.get("PidsLimit")),
                "cpus": info["NCPU"],
                "security": info.get("SecurityOptions", []),
            }
            _remove(client, is_dead)

    def check(self) -> None:
        """Check that the engine answers. Raises SandboxError."""
        with connect():
            return

    def launch(self, number: int) -> Worker:
        """Start one container. Raises SandboxError."""
        client = new_client()
        try:
            with engine_trouble():
                container = client.containers.create(self.image_id, **self._options(number))
        except SandboxError:
            client.close()
            raise
        name = str(container.id)

        def destroy() -> None:
            try:
                channel.close()
                _remove_container(client, name)
            finally:
                client.close()

        channel = Channel(socket.socket())
        try:
            with engine_trouble():
                ends = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
                stream = client.api.attach_socket(name, params=ends)
                channel = Channel(
                    getattr(stream, "_sock", stream),
                    multiplexed=True,
                    is_box_there=lambda: _is_running(name),
                )
                container.start()
        except SandboxError:
            with contextlib.suppress(SandboxError):
                destroy()
            raise
        return Worker(number, channel, destroy)

    def describe(self) -> dict[str, Any]:
        """Return what the boxes consist of and what they do not cover."""
        return {
            "image": self.image_tag,
            "image_id": self.image_id,
            "engine": self.engine,
            "not_covered": [*NOT_COVERED, *([] if self.engine["limits"] else NOT_LIMITED)],
        }

    def _options(self, number: int) -> dict[str, Any]:
        limits = self._limits
        memory = f"{limits.memory_mb + limits.scratch_mb + SERVER_MB}m"
        # without cgroups the kernel counts a user's processes, in all containers together
        user = _FIRST_USER + number if self.engine["limits"] else user_for(number)
        box = Box(
            site=("/opt/site",),
            user=user,
            scratch="/tmp",
            other_scratch=("/dev/shm", "/dev/mqueue"),
            sockets=True,
            cgroup=self.engine["limits"],
            landlock=False,
        )
        return {
            "command": [json.dumps(asdict(box))],
            "labels": self._owner.labels(),
            "hostname": "sandbox",
            "stdin_open": True,  # docker-py adds StdinOnce: closing the connection ends the stdin
            "network_mode": "none",
            "read_only": True,
            "cap_drop": ["ALL"],
            "cap_add": ["SETUID", "SETGID", "KILL"],
            "security_opt": ["no-new-privileges"],
            "pids_limit": limits.processes + 2,
            "mem_limit": memory,
            "memswap_limit": memory,
            "nano_cpus": int(min(limits.cpus, self.engine["cpus"]) * 1e9),
            "tmpfs": self._folders(),
            "shm_size": f"{limits.scratch_mb}m",
            "ulimits": _ulimits(podman=self._podman),
            "log_config": {"type": "none"},  # else the engine would log every message to disk
            "auto_remove": True,
            "init": False,
        }

    def _folders(self) -> dict[str, str]:
        """Return the file systems in memory and their options: the one programs write to."""
        options = f"nosuid,nodev,noexec,size={self._limits.scratch_mb}m,mode=1777"
        if not self._podman:
            return {"/tmp": f"{options},nr_inodes={MOST_FILES}"}
        # Podman cannot count files, which the fork server does too, and would add writable ones
        return {"/tmp": options, **dict.fromkeys(("/run", "/var/tmp"), "ro,size=4k,mode=0755")}

    @property
    def _podman(self) -> bool:
        return "Podman" in self.engine["name"]


def reap(owner: str | None = None) -> list[str]:
    """Remove containers whose owner process has ended; return their ids. Raises SandboxError.

    With `owner`, remove every container of that run instead, even if its process is alive.
    """
    with connect() as client, engine_trouble():
        if owner is None:
            return _remove(client, is_dead)
        return _remove(client, lambda found: found.run == owner)


def _remove(client: "DockerClient", unwanted: Callable[[Owner], bool]) -> list[str]:
    found = client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True)
    ids = [str(c.id) for c in found if unwanted(from_labels(c.labels))]
    for name in ids:
        _remove_container(client, name)
    return ids


def _remove_container(client: "DockerClient", name: str) -> None:
    """Remove a container, running or not. It may already be gone or about to be."""
    from docker.errors import APIError, NotFound

    with engine_trouble():
        try:
            client.api.remove_container(name, force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if error.status_code != 409:  # "removal is already in progress"
                raise


def _is_running(name: str) -> bool:
    """Return whether a container runs; True where the engine does not tell."""
    from docker.errors import NotFound

    try:
        with connect() as client, engine_trouble():
            try:
                return bool(client.api.inspect_container(name)["State"]["Running"])
            except NotFound:
                return False
    except SandboxError:
        return True


def _ulimits(*, podman: bool) -> list[Any]:
    """Return the limits of a container's processes; programs get lower ones of their own.

    Podman sets one for processes that not every machine lets it set, unless it is given here.
    """
    from docker.types import Ulimit

    limits = {"core": 1, "nofile": 2048, **({"nproc": 4096} if podman else {})}
    return [Ulimit(name=name, soft=most, hard=most) for name, most in limits.items()]
