"""Reach the nodes of a Ray cluster: one actor on each, called by plain calls.

Ray core alone is used, since Ray Client (`ray://`) refuses streaming methods. Keys of providers are
not sent: each node reads them from its own environment, so Ray neither stores nor logs them.
"""

import asyncio
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from judge import JudgeError
from sandbox import SandboxError
from solver.errors import ConfigError, ModelError
from solver.install import pip_install
from solver.run.start import Job, execute
from solver.run.tasks import Todo
from solver.scale.messages import About, NodeLost, Opened, Place, Report
from solver.scale.node import Node
from solver.scale.opening import on_cluster
from solver.text import one_line

TOLD = (ConfigError, ModelError, SandboxError, JudgeError)
"""What a node may raise on purpose: its message is for the user."""


def execute_on(job: Job, on: str, *, verbose: bool = False) -> int:
    """Do a run on a Ray cluster; `on` is `ray`, or the address of a Ray Client server.

    Returns the exit code as `execute` does. Raises ConfigError as well where ray is not installed
    or the cluster does not answer.
    """
    with _connected(on) as ray:
        return execute(job, verbose=verbose, opening=on_cluster(RayCluster(ray)))


def require_ray(on: str) -> Any:
    """Return the package. Raises ConfigError where `on` is no address of it, or it is missing."""
    if on != "ray" and not on.removeprefix("ray://").partition(":")[0]:
        raise ConfigError(f"--on {on}: no host there; write ray://HOST:10001")
    if on != "ray" and not on.startswith("ray://"):
        raise ConfigError(f"--on {on}: should be ray, or ray://HOST:10001 for a cluster elsewhere")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # ray would report to its makers
    try:
        import ray
    except ImportError as missing:
        raise ConfigError(f"--on {on} needs ray: {pip_install('ray')}") from missing
    return ray


@contextmanager
def _connected(on: str) -> Iterator[Any]:
    """Connect to the cluster, or for `ray` start one of this machine where none runs."""
    ray = require_ray(on)
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                ray.init(address="auto" if on == "ray" else on, **quiet)
            except ConnectionError:
                if on != "ray" or os.environ.get("RAY_ADDRESS"):
                    raise
                ray.init(address="local", include_dashboard=False, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as failure:
        reason = str(failure).strip().partition("\n")[0]
        token = "" if on == "ray" else "; one with a token wants RAY_AUTH_MODE=token here, too"
        raise ConfigError(f"--on {on}: no cluster answers there: {reason}{token}") from failure
    try:
        yield ray
    finally:
        with suppress(Exception):
            ray.shutdown()


class RayCluster:
    """The nodes of a cluster that is connected to."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray

    async def places(self) -> list[Place]:
        """Return the nodes that are alive and offer a CPU: a head without any does no work."""
        try:
            nodes = await asyncio.to_thread(self._ray.nodes)
        except (ConnectionError, self._ray.exceptions.RayError):
            return []
        alive = [n for n in nodes if n["Alive"] and n["Resources"].get("CPU")]
        hosts = Counter(node["NodeManagerHostname"] for node in alive)
        return [
            Place(
                node["NodeID"],
                host if hosts[host := node["NodeManagerHostname"]] == 1
                else f"{host}/{node['NodeID'][:6]}",
            )
            for node in sorted(alive, key=lambda node: str(node["NodeID"]))
        ]  # fmt: skip

    async def start(self, place: Place) -> "RayWorker":
        """Start an actor on a node. It reserves nothing there: the run shares out its own work."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        options = {
            "num_cpus": 0,
            "max_restarts": 0,
            "max_task_retries": 0,
            "scheduling_strategy": NodeAffinitySchedulingStrategy(place.id, soft=False),
        }
        actor = await asyncio.to_thread(lambda: self._ray.remote(Node).options(**options).remote())
        return RayWorker(self._ray, actor)


class RayWorker:
    """The actor of one node."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray = ray
        self._actor = actor

    async def about(self, models: Sequence[str]) -> About:
        """Return the software of the node."""
        found: About = await self._call("about", models)
        return found

    async def open(self, content: dict[str, Any], *, owner: str, folder: str) -> Opened:
        """Build the parts of a run there. Raises as `solver.run.build.build` does."""
        opened: Opened = await self._call("open", content, owner=owner, folder=folder)
        return opened

    async def exchange(self, todos: Sequence[Todo]) -> Report:
        """Give trials, and receive what has happened since the last call."""
        report: Report = await self._call("exchange", todos)
        return report

    async def stop(self) -> None:
        """Let no request start any more on the node."""
        await self._call("stop")

    async def look(self) -> str | None:
        """Look whether the node's models are the same; return what has changed."""
        changed: str | None = await self._call("look")
        return changed

    async def close(self) -> None:
        """Close what the node has built, at once."""
        await self._call("close")

    def kill(self) -> None:
        """End the actor's process at once."""
        with suppress(self._ray.exceptions.RayError, ConnectionError):
            self._ray.kill(self._actor)

    async def _call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call the actor. Raises what its method raised, or NodeLost where it cannot be reached."""
        failures = self._ray.exceptions
        try:
            answer = getattr(self._actor, method).remote(*args, **kwargs)
            return await asyncio.wrap_future(answer.future())
        except failures.RayTaskError as failure:
            if isinstance(failure.cause, TOLD):
                raise failure.cause from None
            raise  # a bug keeps the traceback of its node
        except (failures.RayError, ConnectionError) as failure:
            raise NodeLost(_reason(failure)) from failure


def _reason(failure: Exception) -> str:
    """Say in one line why an actor cannot be reached, or what its process could not import."""
    lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
    missing = [line for line in lines if line.startswith("ModuleNotFoundError")]
    if missing:
        return one_line(f"the program is not installed there ({missing[-1]})", 160)
    return one_line(lines[0], 120) if lines else type(failure).__name__
