"""What many programs leave behind: memory, descriptors, processes and containers."""

import asyncio
import contextlib
import gc
import os
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sandbox import Exit, Sandbox, open_sandbox
from tests.bench.bars import Bar
from tests.bench.sandbox_candidates import LIMITS, OWNER, WORKERS


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
    """What this process and its boxes use at one moment."""

    harness_mb: float
    box_mb: float
    """Of the largest box; for containers, what the kernel charges to it without its file cache."""
    descriptors: int
    processes: int
    containers: int

    @classmethod
    def of(cls, owner: str) -> Self:
        """Measure now."""
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
