"""Every ordinary program gets its right answer while the engine under it restarts."""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import open_sandbox
from tests.integration.engines import require
from tests.integration.soaks import LIMITS, SEED, children_of, mix, soak
from tests.needs import is_required, lacking

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
