"""When boxes and their processes start and end, and how they are opened by name."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Limits, SandboxError, open_sandbox
from sandbox.opening import launcher_for
from tests.integration.boxes import ALL_KINDS, NOT_STRICT, opened
from tests.integration.engines import NATIVE, REDUCED, containers_of, ours, require

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", [NATIVE, REDUCED])
async def test_a_process_waits_for_the_next_program_and_may_be_lost_without_harm(kind: str) -> None:
    async with opened(kind) as sandbox:
        for number in range(3):
            os.kill(await one_that_waits(), signal.SIGKILL)
            execution = await sandbox.run(f"import os; print({number}, os.listdir('.'))")
            assert execution.stdout == f"{number} ['solution.py']\n", execution


@pytest.mark.parametrize("kind", [NATIVE, REDUCED])
async def test_the_process_that_waits_ends_with_the_sandbox(kind: str) -> None:
    async with opened(kind):
        waiting = await one_that_waits()
    assert not Path(f"/proc/{waiting}").exists()


async def one_that_waits() -> int:
    """Return the process that waits for the next program, known by its oom_score_adj of 1000."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError):  # another may end while we look
                for pid in descendants(os.getpid()):
                    if int(Path(f"/proc/{pid}/oom_score_adj").read_text()) == 1000:
                        return pid
            await asyncio.sleep(0.01)


@NOT_STRICT
async def test_a_cancelled_program_is_gone_and_the_sandbox_goes_on(kind: str) -> None:
    async with opened(kind, seconds=60) as sandbox:
        running = asyncio.create_task(sandbox.run("while True: pass"))
        await asyncio.sleep(0.3)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        async with asyncio.timeout(120):
            assert (await sandbox.run("print('on')")).stdout == "on\n"


HARNESS = """
import asyncio, sys
from sandbox import open_sandbox, Limits
async def main():
    sandbox = await open_sandbox({kind!r}, limits=Limits(seconds=300), workers=1, owner={owner!r})
    work = asyncio.create_task(sandbox.run("import time; mark = {owner!r}; time.sleep(250)"))
    await asyncio.sleep({busy})
    print("running", flush=True)
    await work
asyncio.run(main())
"""


@pytest.fixture
def harness() -> Iterator["Harness"]:
    started = Harness()
    yield started
    started.end()


class Harness:
    """A process of its own that has a sandbox open with a program running."""

    process: subprocess.Popen[str] | None = None

    def start(self, kind: str, owner: str) -> subprocess.Popen[str]:
        require(kind)
        script = HARNESS.format(kind=kind, owner=owner, busy=0.5)
        self.process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "running\n"
        self.inside = descendants(self.process.pid)
        return self.process

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += (task / "children").read_text().split()
    found = [int(child) for child in dict.fromkeys(children)]
    return found + [deeper for child in found for deeper in descendants(child)]


def still_alive(pids: list[int], kind: str, owner: str) -> list[int] | list[str]:
    if not kind.startswith("docker"):
        return [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    return containers_of(owner)


@NOT_STRICT
@pytest.mark.parametrize("signal_number", [2, 15, 9])
def test_nothing_outlives_the_harness_by_more_than_a_moment(
    kind: str, signal_number: int, harness: Harness
) -> None:
    owner = ours(f"test-{signal_number}")
    process = harness.start(kind, owner)
    assert still_alive(harness.inside, kind, owner)
    process.send_signal(signal_number)
    process.wait(60)  # a busy machine takes its time to end a process; what counts is what is left
    deadline = time.monotonic() + 60
    while still_alive(harness.inside, kind, owner) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert still_alive(harness.inside, kind, owner) == []


@ALL_KINDS
def test_one_program_can_be_run_from_the_command_line(kind: str, tmp_path: Path) -> None:
    require(kind)
    (tmp_path / "program.py").write_text("print(6 * 7)")
    command = [sys.executable, "-m", "sandbox", str(tmp_path / "program.py"), "--kind", kind]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr
    assert f"[{kind}] ok" in done.stderr


@NOT_STRICT
def test_a_program_has_the_limits_that_came_with_it(kind: str) -> None:
    program = "import resource; print(*resource.getrlimit(resource.RLIMIT_FSIZE))"
    require(kind)
    launcher = launcher_for(kind, Limits(), "tests")
    launcher.prepare()
    worker = launcher.launch(1)
    try:
        worker.warm_up()
        for megabytes in (5, 3, 7):
            _, printed = worker.run(program, Limits(file_mb=megabytes))
            assert printed.split() == [str(megabytes * 2**20).encode()] * 2
    finally:
        worker.destroy()


async def test_a_kind_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(SandboxError, match="auto, docker, docker-strict, native, reduced"):
        await open_sandbox("podman")
