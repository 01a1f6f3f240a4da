"""Runs an attack in a box, and checks how it ended."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from sandbox import Limits, Sandbox, open_sandbox
from tests.integration.attacks.writing import Attack
from tests.integration.boxes import WALL_SECONDS
from tests.integration.engines import require

SECRET_NAME, SECRET = "SOLVER_TEST_HOST_SECRET", "swordfish-4711"
LIMITS = Limits(
    seconds=2, memory_mb=256, processes=32, output_kb=64, scratch_mb=16, file_mb=8,
    wall_seconds=WALL_SECONDS,
)  # fmt: skip


@contextlib.asynccontextmanager
async def attacked(kind: str, *, workers: int = 1) -> AsyncIterator[Sandbox]:
    """Open a sandbox with the limits that attacks are to meet."""
    require(kind)
    sandbox = await open_sandbox(kind, limits=LIMITS, workers=workers, owner="test-attacks")
    try:
        yield sandbox
    finally:
        await sandbox.close()


async def launch(attack: Attack, sandbox: Sandbox, host_canary: Path) -> None:
    """Run one program and check how it ended."""
    program = (
        attack.program.replace("HOST_CANARY", str(host_canary))
        .replace("HOST_DIRECTORY", str(host_canary.parent))
        .replace("HOST_SECRET", SECRET_NAME)
    )
    execution = await sandbox.run(program)
    assert "ESCAPED" not in execution.stdout
    assert execution.exit in attack.exits, execution
    assert attack.says in execution.stdout, execution
    # time without a core is given back, up to the wall limit
    assert execution.seconds < WALL_SECONDS + 10
