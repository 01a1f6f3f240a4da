"""What only containers have: an engine that can fail, images, and owners."""

import asyncio
import io
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from docker.errors import NotFound

import sandbox.boxes.image
from sandbox import Exit, Limits, Sandbox, SandboxError, image_status, open_sandbox, reap
from sandbox.boxes.docker import Containers
from sandbox.boxes.engine import connect
from sandbox.boxes.owners import LABEL, this_process
from sandbox.pool import Pool
from tests.integration.engines import containers_of, ours, require
from tests.integration.proxies import Proxy

pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
def _engine() -> None:
    require("docker")


@asynccontextmanager
async def opened(kind: str = "docker", owner: str = "docker-tests") -> AsyncIterator[Sandbox]:
    box = await open_sandbox(kind, limits=Limits(seconds=20), workers=1, owner=ours(owner))
    try:
        yield box
    finally:
        await box.close()


def containers(owner: str) -> list[str]:
    return containers_of(ours(owner))


async def test_a_program_whose_container_is_removed_under_it_still_gets_its_answer() -> None:
    async with opened(owner="removed") as box:
        running = asyncio.create_task(box.run("import time; time.sleep(1.5); print('done')"))
        await asyncio.sleep(0.5)
        with connect() as client:
            for name in containers("removed"):
                client.api.remove_container(name, force=True)
        execution = await running
    assert (execution.exit, execution.stdout) == (Exit.OK, "done\n")


async def test_a_container_that_was_killed_while_idle_is_replaced() -> None:
    async with opened(owner="killed") as box:
        with connect() as client:
            for name in containers("killed"):
                client.api.kill(name)
        assert (await box.run("print('on')")).stdout == "on\n"


async def test_strict_uses_no_container_twice() -> None:
    async with opened("docker-strict", owner="strict") as box:
        first = containers("strict")
        await box.run("print(1)")
        await box.run("print(2)")
        assert not set(first) & set(containers("strict"))


async def test_closing_leaves_no_container() -> None:
    async with opened(owner="closing") as box:
        await box.run("print(1)")
        assert containers("closing")
    assert containers("closing") == []


async def test_the_container_is_locked() -> None:
    async with opened(owner="locked"):
        (name, *_) = containers("locked")
        with connect() as client:
            inspected = client.api.inspect_container(name)
    host = inspected["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert sorted(cap.removeprefix("CAP_") for cap in host["CapAdd"]) == [
        "KILL",
        "SETGID",
        "SETUID",
    ]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Memory"] == host["MemorySwap"] > 0
    assert (host["PidsLimit"], host["NanoCpus"]) == (66, 10**9)
    assert host["LogConfig"]["Type"] == "none"
    assert host["AutoRemove"] is True
    assert [host[name] for name in ("Binds", "Privileged") if host[name]] == []
    assert inspected["Config"]["StdinOnce"] is True
    assert "nr_inodes" in host["Tmpfs"]["/tmp"]


async def test_containers_of_dead_harnesses_are_removed_and_those_of_the_living_are_not() -> None:
    dead = {**this_process("reap-dead").labels(), f"{LABEL}.started": "1"}
    async with opened(owner="reap-living") as box:
        with connect() as client:
            image = image_status().image_id
            made = client.containers.create(image, ["x"], labels=dead)
            reap()
            with pytest.raises(NotFound):
                client.containers.get(made.id)
        assert (await box.run("print('alive')")).stdout == "alive\n"


async def test_all_containers_of_one_run_can_be_removed() -> None:
    labels = this_process(ours("reap-run")).labels()
    with connect() as client:
        client.containers.create(image_status().image_id, ["x"], labels=labels)
    assert len(reap(ours("reap-run"))) == 1
    assert containers("reap-run") == []


@pytest.mark.parametrize(
    ("host", "fix"),
    [
        ("unix:///nowhere/docker.sock", "install Docker and start it"),
        ("tcp://127.0.0.1:1", "start the Docker engine, or fix DOCKER_HOST"),
        ("no address at all", "docker info"),
    ],
)
async def test_an_engine_that_cannot_be_reached_is_one_line_with_the_fix(
    host: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(SandboxError, match=fix) as caught:
        await open_sandbox("docker")
    assert "\n" not in str(caught.value)


async def test_auto_tells_why_it_passed_docker_over(monkeypatch: pytest.MonkeyPatch) -> None:
    require("native")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    box = await open_sandbox("auto", workers=1)
    told = await box.describe()
    await box.close()
    (reason,) = told["passed_over"]
    assert told["kind"] == "native"
    assert reason.startswith("docker: ")
    assert "install Docker and start it" in reason


async def test_an_engine_that_hangs_up_is_a_sandbox_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        while True:
            try:
                server.accept()[0].close()
            except OSError:
                return

    threading.Thread(target=hang_up, daemon=True).start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.getsockname()[1]}")
    try:
        with pytest.raises(SandboxError, match="Docker:"):
            await open_sandbox("docker")
    finally:
        server.close()


async def test_a_missing_image_names_the_command_that_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLVER_BASE_IMAGE", "another/base:1")
    with pytest.raises(SandboxError, match="solver sandbox build"):
        await open_sandbox("docker")
    assert not image_status().present


def test_a_base_image_that_is_nowhere_is_named_with_those_that_are_here() -> None:
    with pytest.raises(SandboxError, match=r"'localhost:1/none:0'.*SOLVER_BASE_IMAGE") as caught:
        sandbox.boxes.image.build_image("localhost:1/none:0", on_progress=lambda _: None)
    assert "\n" not in str(caught.value)


def test_an_image_that_is_there_is_not_built_again() -> None:
    status = image_status()
    said: list[str] = []
    assert sandbox.boxes.image.build_image(status.base, on_progress=said.append) == status.tag
    assert said == [f"{status.tag} is there already"]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    made = Proxy(tmp_path / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", made.address)
    yield made
    made.shut()


async def test_programs_get_their_answers_though_the_engine_restarts_under_them(
    engine: Proxy,
) -> None:
    async with opened(owner="restart") as box:
        running = [
            asyncio.create_task(box.run(f"import time; time.sleep(0.7); print({n})"))
            for n in range(4)
        ]
        await asyncio.sleep(1)
        engine.shut()
        await asyncio.sleep(1.5)
        engine.open()
        executions = await asyncio.gather(*running)
    assert [execution.stdout for execution in executions] == ["0\n", "1\n", "2\n", "3\n"]
    assert containers("restart") == []


async def test_an_engine_that_stays_away_is_a_sandbox_error_and_no_answer(
    engine: Proxy,
) -> None:
    launcher = Containers(Limits(), this_process("away"))
    box = Pool("docker", launcher, Limits(), workers=1, pauses=(0.1, 0.1))
    await box.open()
    try:
        engine.shut()
        with pytest.raises(SandboxError, match="start it"):
            await box.run("print(1)")
        engine.open()
        assert (await box.run("print('back')")).stdout == "back\n"
    finally:
        await box.close()


async def test_an_image_derived_from_ours_is_never_taken_for_it() -> None:
    built, tag = image_status(), ours("solver-test-derived")
    with connect() as client:
        source = io.BytesIO(f'FROM {built.image_id}\nENTRYPOINT ["/nowhere"]\n'.encode())
        derived, _ = client.images.build(fileobj=source, tag=tag, rm=True)
        try:
            image = sandbox.boxes.image
            assert derived.labels[image.CONTENT_LABEL] == image.content_hash()
            assert image_status().image_id == built.image_id
        finally:
            client.images.remove(tag, force=True)
