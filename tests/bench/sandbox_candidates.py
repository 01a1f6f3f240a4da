"""The ways to run a program that the sandbox benchmark compares, started and warm."""

import asyncio
import contextlib
import importlib.metadata
import importlib.util
import io
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sandbox import Exit, Limits, open_sandbox

WORKERS = 2
OWNER = f"bench-{os.getpid()}"
LIMITS = Limits(seconds=30)
TRIVIAL = "print(42)"

Run = Callable[[str], Awaitable[str]]
"""Runs one program and returns what it printed."""

Batch = Callable[[list[str]], Awaitable[None]]

PEER_VENV = "/sandbox/.sandbox-venv/bin"
"""Where llm-sandbox looks for Python; its own set-up would download every library again."""

FORK, PYTHON, EXEC, START = "bare fork, exit, wait", "bare python", "docker exec", "docker run --rm"
PROCESSES, PEER_POOL = "process pool, isolates nothing", "llm-sandbox pool"


@dataclass
class Candidate:
    """One way to run a program, and how long it took each time."""

    name: str
    run: Run
    batch: Batch | None = None
    seconds: dict[str, list[float]] = field(default_factory=dict)

    async def time(self, program: str) -> None:
        """Run a program once and note its seconds."""
        started = time.perf_counter()
        printed = await self.run(program)
        spent = time.perf_counter() - started
        if self.name == FORK:  # it prints the seconds it took, so that no pipe is counted
            spent = float(printed)
        elif printed.strip() != "42":
            raise RuntimeError(f"{self.name} printed {printed!r} for {program!r}")
        self.seconds.setdefault(program, []).append(spent)

    async def run_all(self, programs: list[str]) -> None:
        """Run programs, two at a time; by the batch where the candidate works by the batch."""
        if self.batch is not None:
            await self.batch(programs)
            return
        waiting = list(programs)

        async def work() -> None:
            while waiting:
                await self.run(waiting.pop(0))

        await asyncio.gather(*(work() for _ in range(WORKERS)))

    def median(self, program: str) -> float:
        """Return the median seconds of a program."""
        return statistics.median(self.seconds[program])


PRELOAD = "import numpy, sympy, scipy.optimize, scipy.integrate, scipy.special, mpmath, networkx"

FORK_SERVER = f"""
{PRELOAD}
import os, sys, time
for _ in sys.stdin:
    started = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    print(time.perf_counter() - started, flush=True)
"""
"""The least a forked program can cost: a process preloaded like ours, and nothing else."""

POOL_SERVER = """
import contextlib, io, json, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import sympy

def execute(program):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {})
    return printed.getvalue()

for line in sys.stdin:
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        print(json.dumps("".join(pool.map(execute, json.loads(line)))), flush=True)
"""
"""After Qwen2.5-Math's python_executor: sympy in the parent, a fresh pool for each batch, `exec`.

Programs of a batch share two processes and whatever they change in them.
"""


@contextlib.asynccontextmanager
async def candidates(kind: str) -> AsyncIterator[dict[str, Candidate]]:
    """Start everything that is to be compared, warm, and all in one image."""
    with contextlib.ExitStack() as stack:
        image = stack.enter_context(peer_image())
        threads = stack.enter_context(ThreadPoolExecutor(WORKERS))

        def blocking(call: Callable[[str], str]) -> Run:
            async def run(program: str) -> str:
                return await asyncio.get_running_loop().run_in_executor(threads, call, program)

            return run

        fork = stack.enter_context(line_server(image, FORK_SERVER))
        processes = stack.enter_context(line_server(image, POOL_SERVER))

        async def batch(programs: list[str]) -> None:
            await asyncio.to_thread(processes, json.dumps(programs))

        sandbox = await open_sandbox(kind, limits=LIMITS, workers=WORKERS, owner=OWNER)

        async def ours(program: str) -> str:
            execution = await sandbox.run(program)
            if execution.exit is not Exit.OK:
                raise RuntimeError(str(execution))
            return execution.stdout

        found = [
            Candidate(kind, ours),
            Candidate(FORK, blocking(fork)),
            Candidate(PYTHON, blocking(bare_python)),
            Candidate(
                PROCESSES,
                blocking(lambda one: str(json.loads(processes(json.dumps([one]))))),
                batch,
            ),
            Candidate(EXEC, blocking(stack.enter_context(docker_exec(image)))),
            Candidate(START, blocking(lambda program: docker_run(image, program))),
        ]
        if importlib.util.find_spec("llm_sandbox"):
            peer = stack.enter_context(llm_sandbox_pool(image))
            found.append(Candidate(PEER_POOL, blocking(peer)))
        else:
            print(f"{PEER_POOL}: left out, not installed (pip install 'llm-sandbox[docker]')")
        try:
            for candidate in found:
                await candidate.run(TRIVIAL)  # whatever starts on first use has started
            yield {candidate.name: candidate for candidate in found}
        finally:
            await sandbox.close()


@contextlib.contextmanager
def peer_image() -> Iterator[str]:
    """Make an image that any tool can use: our libraries, `python`, no fork server."""
    from sandbox.boxes.engine import connect
    from sandbox.boxes.image import CONTENT_LABEL, require_image

    with connect() as client:
        base = require_image(client).tags[0]
        recipe = f"""
            FROM {base}
            LABEL {CONTENT_LABEL}=peers
            RUN mkdir -p {PEER_VENV} \\
                && ln -sf "$(command -v python3)" {PEER_VENV}/python \\
                && ln -sf "$(command -v python3)" /usr/local/bin/python
            ENV PYTHONPATH=/opt/site
            ENTRYPOINT []
            CMD ["bash"]
        """
        image, _ = client.images.build(
            fileobj=io.BytesIO(recipe.encode()), rm=True, network_mode="none"
        )
        try:
            yield str(image.id)
        finally:
            client.images.remove(image.id, force=True)


@contextlib.contextmanager
def line_server(image: str, server: str) -> Iterator[Callable[[str], str]]:
    """Run a server that answers each line by a line, in a container like all others."""
    command = ["docker", "run", "--rm", "-i", "--network=none", image, "python", "-c", server]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    turn = threading.Lock()

    def ask(line: str) -> str:
        with turn:
            process.stdin.write(line.replace("\n", " ") + "\n")
            return process.stdout.readline()

    with process:
        yield ask
        process.stdin.close()


def bare_python(program: str) -> str:
    """Start a Python of the host, with no isolation."""
    return _output([sys.executable, "-c", program])


@contextlib.contextmanager
def docker_exec(image: str) -> Iterator[Callable[[str], str]]:
    """Start a Python in a container that is already there."""
    command = ["docker", "run", "-d", "--rm", "--init", "--network=none", image, "sleep", "36000"]
    container = _output(command).strip()
    try:
        yield lambda program: _output(["docker", "exec", container, "python", "-c", program])
    finally:
        subprocess.run(["docker", "rm", "--force", container], capture_output=True, check=False)


def docker_run(image: str, program: str) -> str:
    """Start a container, and a Python in it."""
    return _output(["docker", "run", "--rm", "--network=none", image, "python", "-c", program])


@contextlib.contextmanager
def llm_sandbox_pool(image: str) -> Iterator[Callable[[str], str]]:
    """Start another project's pool of warm containers, with as many of them."""
    from llm_sandbox import SandboxSession
    from llm_sandbox.pool import PoolConfig, create_pool_manager

    config = PoolConfig(max_pool_size=WORKERS, min_pool_size=WORKERS)
    version = importlib.metadata.version("llm-sandbox")
    print(f"{PEER_POOL}: version {version}")
    with create_pool_manager(
        config=config, lang="python", image=image, skip_environment_setup=True
    ) as pool:

        def run(program: str) -> str:
            with SandboxSession(pool=pool, lang="python") as session:
                return str(session.run(program).stdout)

        yield run


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
