"""Hostile and ordinary programs in random order, with boxes killed from outside and the engine
restarted: every ordinary program still gets its right answer.
"""

import asyncio
import contextlib
import gc
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import Exit, Limits, Sandbox, open_sandbox
from tests.integration.attacks import ATTACKS, PROCESSES, STALLING
from tests.integration.boxes import POOLS, WALL_SECONDS
from tests.integration.engines import STRICT, require
from tests.needs import is_required, lacking

LIMITS = Limits(
    seconds=3, memory_mb=256, processes=32, scratch_mb=16, file_mb=8,
    wall_seconds=WALL_SECONDS,
)  # fmt: skip
SEED = 20240229

SLOW = {attack.name for attack in (*PROCESSES, *STALLING) if Exit.TIMEOUT in attack.exits}
"""Attacks that use a worker until their time is up; a few are enough."""

Disturbance = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Expected:
    """A program and the only line it may print; None where it is hostile and anything goes."""

    program: str
    line: str | None


def mix(chance: random.Random, *, ordinary: int, hostile: int, stalling: int) -> list[Expected]:
    """Put programs in random order. Each ordinary one has an answer of its own."""
    swift = [attack for attack in ATTACKS if Exit.TIMEOUT not in attack.exits]
    slow = [attack for attack in ATTACKS if attack.name in SLOW]
    attacks = chance.choices(swift, k=hostile) + chance.choices(slow, k=stalling)
    programs = [Expected(attack.program, None) for attack in attacks]
    programs += [sum_up(chance) for _ in range(ordinary)]
    chance.shuffle(programs)
    return programs


def sum_up(chance: random.Random) -> Expected:
    """Make an ordinary program of one of five kinds, around a number nobody can guess."""
    number = chance.randrange(10**9)
    programs = (
        f"print({number} * 2)",
        f"import sympy\nx = sympy.Symbol('x')\nprint(sympy.integrate({number}*4*x, (x, 0, 1)))",
        f"import numpy as np\nprint(int(np.full(2, {number}, dtype=np.int64).sum()))",
        f"from fractions import Fraction\nprint(Fraction({number}, 7) * 14)",
        f"open('n', 'w').write('{number}')\nprint(sum(int(open('n').read()) for _ in range(2)))",
    )
    return Expected(chance.choice(programs), str(number * 2))


async def soak(sandbox: Sandbox, programs: list[Expected]) -> list[str]:
    """Run all, as many at a time as there are workers. Return a line for each wrong result."""
    wrong: list[str] = []

    async def check(expected: Expected) -> None:
        execution = await sandbox.run(expected.program)
        if expected.line is None:
            return
        if (execution.exit, execution.stdout.strip()) != (Exit.OK, expected.line):
            wrong.append(f"{expected.program!r} should print {expected.line}, but: {execution}")

    await asyncio.gather(*(check(expected) for expected in programs))
    return wrong


@contextlib.asynccontextmanager
async def disturbed(disturb: Disturbance, every: float) -> AsyncIterator[list[int]]:
    """Disturb again and again while the block runs. The list counts how often."""
    times: list[int] = []

    async def again() -> None:
        while True:
            await asyncio.sleep(every)
            await disturb()
            times.append(len(times))

    task = asyncio.create_task(again())
    try:
        yield times
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("kind", [*POOLS, STRICT])
async def test_ordinary_programs_are_right_among_hostile_ones(kind: str) -> None:
    require(kind)
    strict = kind == "docker-strict"
    sizes = (8, 6, 1) if strict else (150, 80, 4)
    ordinary, hostile, stalling = sizes
    programs = mix(random.Random(SEED), ordinary=ordinary, hostile=hostile, stalling=stalling)
    sandbox = await open_sandbox(kind, limits=LIMITS, workers=2, owner="test-soak")
    try:
        assert await soak(sandbox, programs) == []
    finally:
        await sandbox.close()


@pytest.mark.parametrize("kind", [*POOLS, STRICT])
async def test_nothing_is_left_after_a_soak(kind: str) -> None:
    require(kind)
    owner = f"test-leak-{kind}"
    before = traces(owner)
    sandbox = await open_sandbox(kind, limits=LIMITS, workers=2, owner=owner)
    await soak(sandbox, mix(random.Random(SEED), ordinary=6, hostile=6, stalling=0))
    await sandbox.close()
    nothing = (0, set[int](), list[str]())
    await until(lambda: left_since(before, owner) == nothing, seconds=60)
    assert left_since(before, owner) == nothing


@pytest.mark.docker
async def test_ordinary_programs_are_right_while_containers_are_killed() -> None:
    require("docker")
    chance = random.Random(SEED)
    programs = mix(chance, ordinary=150, hostile=30, stalling=6)

    async def kill_one() -> None:
        if found := boxes("test-killed"):
            await command("docker", "kill", chance.choice(found))

    sandbox = await open_sandbox("docker", limits=LIMITS, workers=2, owner="test-killed")
    try:
        async with disturbed(kill_one, every=3.0) as times:
            assert await soak(sandbox, programs) == []
        assert times, "the soak was over before a container was killed"
    finally:
        await sandbox.close()


@pytest.mark.native
async def test_ordinary_programs_are_right_while_native_boxes_are_killed() -> None:
    require("native")
    chance = random.Random(SEED)
    ours = children()

    async def kill_one() -> None:
        if found := sorted(children() - ours):
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(found), signal.SIGKILL)

    sandbox = await open_sandbox("native", limits=LIMITS, workers=2, owner="test-killed")
    try:
        programs = mix(chance, ordinary=150, hostile=30, stalling=6)
        async with disturbed(kill_one, every=3.0) as times:
            assert await soak(sandbox, programs) == []
        assert times, "the soak was over before a box was killed"
    finally:
        await sandbox.close()


# ---- an engine of our own, which may be restarted ----


INIT = """
import os, select, subprocess, sys
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", sys.argv[1]], check=True)
print("mounted", flush=True)
while not select.select([0], [], [], 0.05)[0]:  # the tests hang up, also when they are killed
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
"""
"""First process of the engine's namespaces. It reaps processes, and when it ends all others end.

The engine's data is in memory, in a mount that only these processes see and that ends with them.
"""


class Engine:
    """A second Docker engine with its own data, processes, mounts and network.

    It has its own network because an engine without a bridge deletes the machine's `docker0`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = f"unix://{folder}/engine.sock"
        own = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        store = folder / "data"
        store.mkdir()
        command = [*own, sys.executable, "-c", INIT, str(store)]
        self._spaces = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self._spaces.stdout is None or self._spaces.stdout.readline() != b"mounted\n":
            pytest.fail("no namespaces for an engine of our own")
        self._daemon = self._spaces

    def start(self) -> None:
        for stale in ("pid", "exec/containerd/containerd.pid"):
            (self.folder / stale).unlink(missing_ok=True)  # a killed engine's would stop the next
        (init,) = children_of(self._spaces.pid)
        inside = ["nsenter", "--all", f"--target={init}"]
        options = ["--bridge=none", "--iptables=false", "--ip6tables=false"]
        for option, name in (("data-root", "data"), ("exec-root", "exec"), ("pidfile", "pid")):
            options.append(f"--{option}={self.folder / name}")
        with (self.folder / "log").open("ab") as log:
            self._daemon = subprocess.Popen(
                [*inside, "dockerd", f"--host={self.host}", *options], stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"no engine of our own: {(self.folder / 'log').read_text()[-500:]}")
            time.sleep(0.1)

    def stop(self, number: signal.Signals) -> None:
        (daemon,) = children_of(self._daemon.pid, wait=True)
        os.kill(daemon, number)
        self._daemon.wait(timeout=60)

    def destroy(self) -> None:
        self._spaces.communicate()  # hangs up
        self._daemon.wait(timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        asked = ["docker", "-H", self.host, "version"]
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Start an engine of our own that has our image, and make it the one the sandbox uses.

    It takes a minute or more, so it is for the build server and for those who ask for it.
    """
    require("docker")
    if not is_required("restart"):
        pytest.skip("takes a minute or more: set SOLVER_REQUIRE=restart to run it")
    if os.geteuid() != 0 or not (shutil.which("dockerd") and shutil.which("unshare")):
        lacking("restart", "restarting an engine needs root, dockerd and unshare")
    from sandbox.boxes.engine import connect
    from sandbox.boxes.image import require_image

    with connect() as client:
        tag = require_image(client).tags[0]
    interfaces = set(os.listdir("/sys/class/net"))
    engine = Engine(Path(tempfile.mkdtemp(prefix="engine-")))
    try:
        engine.start()
        save = subprocess.Popen(["docker", "save", tag], stdout=subprocess.PIPE)
        subprocess.run(["docker", "-H", engine.host, "load"], stdin=save.stdout, check=True)
        save.wait()
        monkeypatch.setenv("DOCKER_HOST", engine.host)
        yield engine
    finally:
        engine.destroy()
    assert interfaces <= set(os.listdir("/sys/class/net")), "harmed the machine's own engine"


@pytest.mark.docker
async def test_ordinary_programs_are_right_while_the_engine_restarts(engine: Engine) -> None:
    programs = mix(random.Random(SEED), ordinary=300, hostile=0, stalling=12)
    sandbox = await open_sandbox("docker", limits=LIMITS, workers=2, owner="test-restart")

    async def restart() -> None:
        for how in (signal.SIGTERM, signal.SIGKILL):
            await sandbox.run("print(42)")  # all is well again
            await asyncio.to_thread(engine.stop, how)
            await asyncio.to_thread(engine.start)

    try:
        wrong, _ = await asyncio.gather(soak(sandbox, programs), restart())
        assert wrong == []
        assert (await sandbox.run("print(42)")).stdout == "42\n"
    finally:
        await sandbox.close()


# ---- what the operating system knows ----


def traces(owner: str) -> tuple[int, set[int], list[str]]:
    """Return the open descriptors, processes and containers, of which closing must leave none."""
    gc.collect()  # docker-py's connections are closed when they are collected
    return len(os.listdir("/proc/self/fd")), children(), boxes(owner)


def left_since(
    before: tuple[int, set[int], list[str]], owner: str
) -> tuple[int, set[int], list[str]]:
    """Return what is there beyond `before`. Something of an earlier test may have closed since."""
    descriptors, processes, containers = traces(owner)
    added = [container for container in containers if container not in before[2]]
    return max(0, descriptors - before[0]), processes - before[1], added


def children() -> set[int]:
    """Return the living processes that this one started."""
    return children_of(os.getpid())


def children_of(parent: int, *, wait: bool = False) -> set[int]:
    """Return the children of a process; with `wait`, as soon as it has any."""
    found: set[int] = set()
    deadline = time.monotonic() + 60
    while True:
        for task in Path(f"/proc/{parent}/task").iterdir():
            with contextlib.suppress(OSError):
                found |= {int(pid) for pid in (task / "children").read_text().split()}
        if found or not wait or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def boxes(owner: str) -> list[str]:
    """Return the containers of one run, running or not."""
    if shutil.which("docker") is None:
        return []
    asked = ["docker", "ps", "--all", "--quiet", "--filter", f"label=solver.sandbox.run={owner}"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()


async def command(*words: str) -> None:
    process = await asyncio.create_subprocess_exec(*words, stdout=-3, stderr=-3)
    await process.wait()


async def until(done: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds or the time is up; the caller checks which."""
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
