"""`open_sandbox`: from the name of a kind to a pool that is warm."""

import logging
import sys

from sandbox.execution import Limits, Sandbox, SandboxError
from sandbox.owners import this_process
from sandbox.pool import Launcher, Pool

logger = logging.getLogger(__name__)

KINDS = ("auto", "docker", "docker-strict", "native", "reduced")


async def open_sandbox(
    kind: str = "auto",
    *,
    limits: Limits | None = None,
    workers: int | None = None,
    owner: str = "",
) -> Sandbox:
    """Open a box of one kind and wait until its first worker is warm; others start meanwhile.

    `auto` is docker, or native where docker is not to be had; never less, and the log and `kind`
    say which. `workers` is how many programs may run at once: None chooses by cores and memory.
    `owner` names the run these workers belong to. Raises SandboxError with the mend.
    """
    if kind not in KINDS:
        raise SandboxError(f"sandbox {kind!r}: no such kind, choose from: {', '.join(KINDS)}")
    if kind != "auto":
        return await _open(kind, limits or Limits(), workers, owner)
    reasons = []
    for candidate in ("docker", "native"):
        try:
            sandbox = await _open(candidate, limits or Limits(), workers, owner)
        except SandboxError as error:
            reasons.append(f"{candidate}: {error}")
            continue
        if reasons:
            logger.warning("sandbox auto: using %s, because %s", candidate, reasons[0])
        else:
            logger.info("sandbox auto: using %s", candidate)
        return sandbox
    raise SandboxError(f"no sandbox to be had. {'; '.join(reasons)}")


async def _open(kind: str, limits: Limits, workers: int | None, owner: str) -> Sandbox:
    from sandbox.sizing import default_workers

    pool = Pool(kind, _launcher(kind, limits, owner), limits, workers or default_workers(limits))
    await pool.open()
    return pool


def _launcher(kind: str, limits: Limits, owner: str) -> Launcher:
    if kind.startswith("docker"):
        from sandbox.containers import Containers

        return Containers(limits, this_process(owner))
    if not sys.platform.startswith("linux"):
        raise SandboxError(f"sandbox {kind!r} needs Linux: on {sys.platform} use docker")
    if kind == "native":
        from sandbox.native import Bubblewrap

        return Bubblewrap(limits)
    from sandbox.reduced import Bare

    return Bare(limits)
