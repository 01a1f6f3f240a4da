"""What a program costs in the sandbox, beside what it costs elsewhere: ratios, measured together.

    python -m tests.bench.sandbox            every table, about ten minutes
    python -m tests.bench.sandbox --quick    fewer repetitions
    python -m tests.bench.sandbox --programs 10000     is anything left after so many?

The candidates take turns program by program, so that a busy moment hits all of them; trust the
ratios, not the milliseconds. While the others have their turn our next process is forked, as it is
while a model thinks; what programs cost that come without a pause is in the throughput. Nothing
here is a test: a bar that is missed is printed, and the exit status is 1.
"""

import sys

if __name__ == "__main__" and not __package__:
    sys.path.pop(0)  # else `import sandbox` would find this very file

import argparse
import asyncio
import contextlib
import gc
import importlib.metadata
import importlib.util
import io
import json
import os
import platform
import resource
import statistics
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sandbox import Exit, Limits, Sandbox, open_sandbox

WORKERS = 2
OWNER = f"bench-{os.getpid()}"
LIMITS = Limits(seconds=30)

TRIVIAL = "print(42)"
IMPORTS = "import numpy, sympy, scipy.optimize\nprint(42)"
TYPICAL = [
    TRIVIAL,
    "from sympy import symbols, solve\nx = symbols('x')\nprint(solve(x**2 - 5*x + 6, x))",
    "from sympy import factorint\nprint(factorint(2**64 - 1))",
    "from sympy import symbols, integrate, sin\nx = symbols('x')\nprint(integrate(x*sin(x), x))",
    "import numpy as np\nprint(round(np.linalg.det(np.vander(range(1, 7))), 3))",
    "print(sum(n for n in range(200_000) if n % 3 == 0 or n % 5 == 0))",
    "from scipy.optimize import brentq\nprint(round(brentq(lambda x: x**3 - x - 2, 1, 2), 6))",
    "from itertools import permutations\nprint(sum(p[0] < p[-1] for p in permutations(range(8))))",
    "from mpmath import mp, zeta\nmp.dps = 30\nprint(zeta(3))",
    "ways = [1] + [0] * 1000\nfor c in (1, 5, 10, 25, 50):\n"
    "    for n in range(c, 1001):\n        ways[n] += ways[n - c]\nprint(ways[1000])",
]
Run = Callable[[str], Awaitable[str]]
"""Runs one program and gives back what it printed."""

Batch = Callable[[list[str]], Awaitable[None]]

PEER_VENV = "/sandbox/.sandbox-venv/bin"
"""Where llm-sandbox looks for Python; its own set-up would fetch every library again."""

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
        """Seconds of the middle run."""
        return statistics.median(self.seconds[program])


@dataclass(frozen=True)
class Bar:
    """One bar of the project, and how far this machine is from it."""

    what: str
    ratio: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """Whether it is met."""
        low = self.at_least is None or self.ratio >= self.at_least
        return low and (self.at_most is None or self.ratio <= self.at_most)

    def __str__(self) -> str:
        wanted = f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"
        verdict = "met" if self.met else "MISSED"
        return f"| {self.what} | {self.ratio:.2f} | {wanted} | {verdict} |"


async def main() -> int:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--kind", default="docker", help="docker or native")
    parser.add_argument("--programs", type=int, metavar="N", help="run N programs and compare")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}", end=", ")
    print(f"Python {platform.python_version()}, load at start {load:.1f}, {WORKERS} workers")
    if arguments.programs:
        bars = await flatness(arguments.kind, arguments.programs)
    else:
        bars = await speed(arguments.kind, quick=arguments.quick)
    print("\n| bar | measured | wanted | |\n|---|---:|---:|---|")
    print(*bars, sep="\n")
    print(f"\nload at end {os.getloadavg()[0]:.1f}")
    return 0 if all(bar.met for bar in bars) else 1


async def speed(kind: str, *, quick: bool) -> list[Bar]:
    """Measure latency, throughput and the start of a pool."""
    rounds, slow_rounds, blocks = (15, 3, 2) if quick else (60, 8, 6)
    async with candidates(kind) as found:
        for program in (TRIVIAL, IMPORTS):
            for number in range(rounds):
                for name, candidate in found.items():
                    slow = name in (START, PEER_POOL, PROCESSES)
                    if (slow and number >= slow_rounds) or (name == FORK and program == IMPORTS):
                        continue
                    await candidate.time(program)
        print_latency(found, kind)
        competitors = [found[name] for name in (kind, EXEC, PEER_POOL, PROCESSES) if name in found]
        rates = await throughput(competitors, blocks)

    def ratio(slow: str, fast: str, program: str) -> float:
        return found[slow].median(program) / found[fast].median(program)

    return [
        Bar("trivial program: docker run / ours", ratio(START, kind, TRIVIAL), at_least=20),
        Bar("program with imports: docker run / ours", ratio(START, kind, IMPORTS), at_least=60),
        Bar("trivial program: ours / bare fork", ratio(kind, FORK, TRIVIAL), at_most=3),
        *(
            Bar(f"throughput: ours / {name}", rates[kind] / rate, at_least=1)
            for name, rate in rates.items()
            if name != kind
        ),
        await start_of_a_pool(kind, 2 if quick else 4),
    ]


def print_latency(found: dict[str, Candidate], kind: str) -> None:
    """Print the middle and the slowest of every candidate."""
    for label, program in (
        ("print(42)", TRIVIAL),
        ("import numpy, sympy, scipy.optimize", IMPORTS),
    ):
        print(f"\n| {label} | n | p50 ms | max ms | p50 / ours |\n|---|---:|---:|---:|---:|")
        for name, candidate in found.items():
            if program in candidate.seconds:
                times = candidate.seconds[program]
                ratio = candidate.median(program) / found[kind].median(program)
                middle, slowest = candidate.median(program) * 1e3, max(times) * 1e3
                print(f"| {name} | {len(times)} | {middle:.1f} | {slowest:.1f} | {ratio:.2f} |")


async def throughput(competitors: list[Candidate], blocks: int) -> dict[str, float]:
    """Run the ten typical programs, two at a time, block by block in turns; programs a second."""
    seconds = dict.fromkeys((competitor.name for competitor in competitors), 0.0)
    for block in range(blocks):
        first = block % len(competitors)
        for competitor in competitors[first:] + competitors[:first]:
            started = time.perf_counter()
            await competitor.run_all(TYPICAL)
            seconds[competitor.name] += time.perf_counter() - started
    rates = {name: blocks * len(TYPICAL) / spent for name, spent in seconds.items()}
    print(f"\n| ten typical programs, {blocks} times | a second |\n|---|---:|")
    for name, rate in sorted(rates.items(), key=lambda item: -item[1]):
        print(f"| {name} | {rate:.2f} |")
    return rates


async def start_of_a_pool(kind: str, rounds: int) -> Bar:
    """Compare the start of a pool of two with the imports alone in a bare Python."""
    starts, imports = [], []
    for _ in range(rounds):
        started = time.perf_counter()
        command = [sys.executable, "-c", "import numpy, sympy, scipy.optimize"]
        subprocess.run(command, check=True)
        imports.append(time.perf_counter() - started)
        started = time.perf_counter()
        sandbox = await open_sandbox(kind, limits=LIMITS, workers=WORKERS, owner=OWNER)
        # Open means that one worker is warm. Only programs on both at once show that both are.
        await asyncio.gather(*(sandbox.run("import time\ntime.sleep(0.3)") for _ in range(WORKERS)))
        starts.append(time.perf_counter() - started - 0.3)
        await sandbox.close()
    ours, bare = statistics.median(starts), statistics.median(imports)
    print(f"\nstart of a pool of two: {ours:.2f} s; the imports in a bare Python: {bare:.2f} s")
    return Bar("start of a pool of two / bare imports", ours / bare, at_most=4)


async def flatness(kind: str, programs: int) -> list[Bar]:
    """Run many programs and compare what there is before and after."""
    sandbox = await open_sandbox(kind, limits=LIMITS, workers=WORKERS, owner=OWNER)
    try:
        await run_all(sandbox, 100)
        await asyncio.sleep(1)  # until every worker has forked its next process
        before = Footprint.of(OWNER)
        started = time.perf_counter()
        await run_all(sandbox, programs)
        spent = time.perf_counter() - started
        await asyncio.sleep(5)  # a replacement may be starting
        after = Footprint.of(OWNER)
    finally:
        await sandbox.close()
    await asyncio.sleep(2)
    end = Footprint.of(OWNER)
    print(f"\n{programs} programs in {spent:.0f} s: {programs / spent:.1f} a second\n")
    print("| | before | after | closed |\n|---|---:|---:|---:|")
    for name in Footprint.__dataclass_fields__:
        row = [getattr(footprint, name) for footprint in (before, after, end)]
        print(f"| {name.replace('_', ' ')} |", *(f"{value:.0f} |" for value in row))
    return [
        Bar(
            "memory of the harness, after / before",
            after.harness_mb / before.harness_mb,
            at_most=1.1,
        ),
        Bar(
            "memory of a container, after / before",
            after.box_mb / max(1, before.box_mb),
            at_most=1.2,
        ),
        Bar("descriptors more than before", after.descriptors - before.descriptors, at_most=3),
        Bar("processes in boxes more than before", after.processes - before.processes, at_most=0),
        Bar("containers more than before", after.containers - before.containers, at_most=0),
        Bar("containers once closed", end.containers, at_most=0),
        Bar("processes once closed", end.processes, at_most=0),
    ]


async def run_all(sandbox: Sandbox, programs: int) -> None:
    """Run so many programs, some of which sum, some of which import, and check each answer."""
    numbers = iter(range(programs))

    async def work() -> None:
        for number in numbers:
            imports = ("", "import sympy\n", "import numpy\n", "open('x', 'w').write('x')\n")
            execution = await sandbox.run(f"{imports[number % 4]}print({number} * 7)")
            if (execution.exit, execution.stdout) != (Exit.OK, f"{number * 7}\n"):
                raise RuntimeError(f"program {number}: {execution}")

    await asyncio.gather(*(work() for _ in range(WORKERS)))


@dataclass(frozen=True)
class Footprint:
    """What the harness and its boxes hold at one moment."""

    harness_mb: float
    box_mb: float
    """Of the largest box; for containers, what the kernel charges to it without its file cache."""
    descriptors: int
    processes: int
    containers: int

    @classmethod
    def of(cls, owner: str) -> Self:
        """Look."""
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        filtering = [
            "docker",
            "ps",
            "-aq",
            "--no-trunc",
            f"--filter=label=solver.sandbox.run={owner}",
        ]
        containers = subprocess.run(filtering, capture_output=True, text=True).stdout.split()
        charged = [_resident_mb(pid) for pid in _descendants(os.getpid())]
        processes = len(charged)
        for container in containers:
            asked = subprocess.run(["docker", "top", container], capture_output=True, text=True)
            processes += max(0, len(asked.stdout.splitlines()) - 1)
            charged.append(_charged_mb(container))
        return cls(
            harness_mb=pages * resource.getpagesize() / 2**20,
            box_mb=max(charged, default=0),
            descriptors=len(os.listdir("/proc/self/fd")),
            processes=processes,
            containers=len(containers),
        )


def _charged_mb(container: str) -> float:
    asked = ["docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", container]
    words = subprocess.run(asked, capture_output=True, text=True).stdout.split(" / ")[0]
    for unit, size in (("GiB", 1024.0), ("MiB", 1.0), ("KiB", 1 / 1024)):
        if words.endswith(unit):
            return float(words.removesuffix(unit)) * size
    return 0


def _descendants(parent: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for pid in map(int, task.read_text().split()):
                found += [pid, *_descendants(pid)]
    return found


def _resident_mb(pid: int) -> float:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20
    return 0


# ---- the candidates ----

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
    """Another project's pool of warm containers, with as many of them."""
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


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
