"""Opens a sandbox: finds the kind that was asked for, and starts its first worker."""

import logging
import sys
from collections.abc import Sequence

from sandbox.boxes.owners import this_process
from sandbox.execution import Limits, Sandbox, SandboxError
from sandbox.pool import Pool
from sandbox.worker import Launcher

logger = logging.getLogger(__name__)

KINDS = ("auto", "docker", "docker-strict", "native", "reduced")


async def open_sandbox(
    kind: str = "auto",
    *,
    limits: Limits | None = None,
    workers: int | None = None,
    owner: str = "",
) -> Sandbox:
    """Open a sandbox, and wait until its first worker has run a program; the others start then.

    `auto` is docker, or native where docker is not available; never a weaker kind. The result's
    `kind` says which it is, and `describe` which better kind was not available and why. `workers`
    is how many programs may run at once; None chooses by cores and memory. `owner` names the run
    that the workers belong to. Raises SandboxError, which says how to fix it.
    """
    if kind not in KINDS:
        raise SandboxError(f"sandbox {kind!r}: no such kind, choose from: {', '.join(KINDS)}")
    if kind != "auto":
        return await _open(kind, limits or Limits(), workers, owner)
    reasons: list[str] = []
    for candidate in ("docker", "native"):
        try:
            sandbox = await _open(candidate, limits or Limits(), workers, owner, reasons)
        except SandboxError as error:
            reasons.append(f"{candidate}: {error}")
            continue
        logger.info("sandbox auto: using %s%s", candidate, "".join(f", not {r}" for r in reasons))
        return sandbox
    raise SandboxError(f"no sandbox is available. {'; '.join(reasons)}")


async def _open(
    kind: str, limits: Limits, workers: int | None, owner: str, passed_over: Sequence[str] = ()
) -> Sandbox:
    from sandbox.boxes.sizing import default_workers

    workers = workers or default_workers(limits)
    pool = Pool(kind, launcher_for(kind, limits, owner), limits, workers, passed_over=passed_over)
    await pool.open()
    return pool


def launcher_for(kind: str, limits: Limits, owner: str) -> Launcher:
    """Return the launcher that starts boxes of one kind. Raises SandboxError."""
    if kind.startswith("docker"):
        from sandbox.boxes.docker import Containers

        return Containers(limits, this_process(owner))
    if not sys.platform.startswith("linux"):
        raise SandboxError(f"sandbox {kind!r} needs Linux: on {sys.platform} use docker")
    if kind == "native":
        from sandbox.boxes.native import Bubblewrap

        return Bubblewrap(limits)
    from sandbox.boxes.reduced import Bare

    return Bare(limits)
