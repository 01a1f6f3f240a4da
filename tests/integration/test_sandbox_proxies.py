"""Boxes behind a proxy that does not pass on everything as it came."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox import Exit, Limits, Sandbox, open_sandbox
from tests.integration.engines import containers_of, ours, require
from tests.integration.proxies import Crumbling, Forgetful, Hasty, Proxy

pytestmark = pytest.mark.docker
ENGINE = "unix:///var/run/docker.sock"


@asynccontextmanager
async def opened(
    kind: type[Proxy], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Sandbox]:
    require("docker")
    proxy, owner = kind(folder / "docker.sock"), ours(kind.__name__)
    monkeypatch.setenv("DOCKER_HOST", proxy.address)
    try:
        async with asyncio.timeout(240):
            sandbox = await open_sandbox("docker", limits=Limits(), workers=1, owner=owner)
        try:
            yield sandbox
        finally:
            await sandbox.close()
        assert boxes(kind) == []
    finally:
        proxy.shut()


def boxes(kind: type[Proxy]) -> list[str]:
    """Return the ids of the boxes behind such a proxy, as the engine itself knows them."""
    return containers_of(ours(kind.__name__), "--host", ENGINE)


@pytest.mark.parametrize("kind", [Crumbling, Forgetful, Hasty])
async def test_programs_and_sessions_run_behind_a_proxy_that(
    kind: type[Proxy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(kind, tmp_path, monkeypatch) as sandbox:
        long = f"# {'x' * 100_000}\nprint('y' * 50_000)"
        assert (await sandbox.run(long)).stdout == "y" * 50_000 + "\n"
        assert (await sandbox.run("raise KeyError")).exit is Exit.CRASHED
        async with sandbox.session() as session:
            await session.run("x = 41")
            assert (await session.run("print(x + 1)")).stdout == "42\n"


async def test_a_killed_box_is_replaced_though_the_proxy_keeps_its_end_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(Crumbling, tmp_path, monkeypatch) as sandbox:
        kill = ["docker", "-H", ENGINE, "kill", *boxes(Crumbling)]
        subprocess.run(kill, check=True, capture_output=True)
        assert (await sandbox.run("print('on')")).stdout == "on\n"
    lost = "a worker was lost (1 of 3): its box has ended, which the connection did not tell"
    assert caplog.text.count(lost) == 1
