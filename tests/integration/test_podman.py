"""Boxes in Podman, through its Docker API: they hold what boxes in Docker hold.

Asked for by SOLVER_REQUIRE=podman, since loading the image takes half a minute or more. Needs
root, podman, runc and the image in Docker.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Exit, Limits, image_status, open_sandbox
from tests.integration.attacks import ATTACKS
from tests.integration.attacks.sessions import SESSIONS
from tests.integration.boxes import WALL_SECONDS, assert_untouched
from tests.integration.engines import containers_of, require
from tests.needs import is_required, lacking

pytestmark = pytest.mark.docker
TRIED = (
    "fork bomb", "list without end", "memory shared with nobody", "stdout without end",
    "writes outside its own directory", "leaves secrets wherever it can write", "fills the disk",
    "more files than anyone needs", "more files in shared memory than anyone needs",
    "daemon with a session of its own", "reads the first process's secrets",
)  # fmt: skip
LIMITS = Limits(
    seconds=3, memory_mb=256, processes=32, scratch_mb=16, file_mb=8,
    wall_seconds=WALL_SECONDS,
)  # fmt: skip


@pytest.fixture(scope="module")
def podman() -> Iterator[None]:
    """Start Podman's service with storage of its own and the sandbox's image; use it as engine."""
    if not is_required("podman"):
        pytest.skip("takes a minute or more: set SOLVER_REQUIRE=podman to run it")
    require("docker")
    if os.geteuid() != 0 or not (shutil.which("podman") and shutil.which("runc")):
        lacking("podman", "needs root, podman and runc")
    tag = image_status().tag
    folder = Path(tempfile.mkdtemp(prefix="podman-"))
    settings = folder / "containers.conf"  # for machines that do not allow Podman's own defaults
    settings.write_text('[containers]\ndefault_ulimits = ["nofile=2048:2048", "nproc=4096:4096"]\n')
    environment = {**os.environ, "CONTAINERS_CONF": str(settings)}
    own = ["podman", "--root", str(folder / "root"), "--runroot", str(folder / "run")]
    own += ["--cgroup-manager", "cgroupfs", "--runtime", "runc"]
    address = f"unix://{folder}/podman.sock"
    service = subprocess.Popen(
        [*own, "system", "service", "--time=0", address],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    before = os.environ.get("DOCKER_HOST")
    try:
        deadline = time.monotonic() + 60
        while not (folder / "podman.sock").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        save = subprocess.Popen(["docker", "save", tag], stdout=subprocess.PIPE)
        load = ["docker", "-H", address, "load"]
        subprocess.run(load, stdin=save.stdout, check=True, capture_output=True)
        save.wait()
        os.environ["DOCKER_HOST"] = address
        yield
    finally:
        os.environ.pop("DOCKER_HOST", None)
        if before is not None:
            os.environ["DOCKER_HOST"] = before
        subprocess.run([*own, "rm", "--all", "--force"], env=environment, capture_output=True)
        service.terminate()
        service.wait()
        subprocess.run(
            ["umount", "--recursive", str(folder / "root" / "overlay")], capture_output=True
        )
        shutil.rmtree(folder, ignore_errors=True)


async def test_attacks_are_held_in_podman(podman: None, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("alive", encoding="utf-8")
    sandbox = await open_sandbox("docker", limits=LIMITS, workers=1, owner="podman")
    try:
        described = await sandbox.describe()
        assert "Podman" in described["engine"]["name"]
        for attack in (one for one in ATTACKS if one.name in TRIED):
            program = attack.program.replace("HOST_DIRECTORY", str(tmp_path))
            execution = await sandbox.run(program)
            assert "ESCAPED" not in execution.stdout, execution
            assert execution.exit in attack.exits, execution
            await assert_untouched(sandbox, canary)
    finally:
        await sandbox.close()


async def test_sessions_and_killed_containers_in_podman(podman: None, tmp_path: Path) -> None:
    sandbox = await open_sandbox("docker", limits=LIMITS, workers=1, owner="podman")
    try:
        async with sandbox.session() as session:
            await session.run("x = 41")
            assert (await session.run("print(x + 1)")).stdout == "42\n"
            for attack in SESSIONS[:3]:
                await session.run(attack.program)
        for box in containers_of("podman"):
            subprocess.run(["docker", "kill", box], check=False, capture_output=True)
        execution = await sandbox.run("print('on')")
        assert (execution.exit, execution.stdout) == (Exit.OK, "on\n")
    finally:
        await sandbox.close()
    assert containers_of("podman") == []
