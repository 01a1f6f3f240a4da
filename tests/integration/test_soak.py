"""Hostile and ordinary programs in random order, with boxes killed from outside: every ordinary
program still gets its right answer, and nothing is left. Larger ones: `tests/bench/soak.py`.
"""

import asyncio
import contextlib
import gc
import os
import random
import signal
import time
from collections.abc import Callable

import pytest

from sandbox import open_sandbox
from tests.integration.boxes import POOLS
from tests.integration.engines import STRICT, containers_of, ours, require
from tests.integration.soaks import LIMITS, SEED, children_of, mix, soak


@pytest.mark.parametrize("kind", [*POOLS, STRICT])
async def test_ordinary_programs_are_right_among_hostile_ones(kind: str) -> None:
    require(kind)
    strict = kind == "docker-strict"
    ordinary, hostile, stalling = (4, 3, 1) if strict else (40, 30, 2)
    programs = mix(random.Random(SEED), ordinary=ordinary, hostile=hostile, stalling=stalling)
    sandbox = await open_sandbox(kind, limits=LIMITS, workers=2, owner=ours("test-soak"))
    try:
        assert await soak(sandbox, programs) == []
    finally:
        await sandbox.close()


@pytest.mark.parametrize("kind", [*POOLS, STRICT])
async def test_nothing_is_left_after_a_soak(kind: str) -> None:
    require(kind)
    owner = ours(f"test-leak-{kind}")
    before = traces(kind, owner)
    sandbox = await open_sandbox(kind, limits=LIMITS, workers=2, owner=owner)
    few = 3 if kind == "docker-strict" else 6  # whose every program needs a container of its own
    await soak(sandbox, mix(random.Random(SEED), ordinary=few, hostile=few, stalling=0))
    await sandbox.close()
    nothing = (0, set[int](), list[str]())
    await until(lambda: left_since(before, kind, owner) == nothing, seconds=60)
    assert left_since(before, kind, owner) == nothing


@pytest.mark.docker
async def test_ordinary_programs_are_right_while_containers_are_killed() -> None:
    require("docker")
    chance = random.Random(SEED)
    programs = mix(chance, ordinary=50, hostile=15, stalling=3)

    async def kill_one() -> None:
        if found := containers_of(ours("test-killed")):
            await command("docker", "kill", chance.choice(found))

    sandbox = await open_sandbox("docker", limits=LIMITS, workers=2, owner=ours("test-killed"))
    try:
        assert await soak(sandbox, programs, kill_one) == []
    finally:
        await sandbox.close()


@pytest.mark.native
async def test_ordinary_programs_are_right_while_native_boxes_are_killed() -> None:
    require("native")
    chance = random.Random(SEED)
    before = children()

    async def kill_one() -> None:
        if found := sorted(children() - before):
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(found), signal.SIGKILL)

    sandbox = await open_sandbox("native", limits=LIMITS, workers=2, owner=ours("test-killed"))
    try:
        programs = mix(chance, ordinary=50, hostile=15, stalling=3)
        assert await soak(sandbox, programs, kill_one) == []
    finally:
        await sandbox.close()


# ---- what the operating system knows ----


def traces(kind: str, owner: str) -> tuple[int, set[int], list[str]]:
    """Return the open descriptors, processes and containers, of which closing must leave none."""
    gc.collect()  # docker-py's connections are closed when they are collected
    containers = containers_of(owner) if kind.startswith("docker") else []
    return len(os.listdir("/proc/self/fd")), children(), containers


def left_since(
    before: tuple[int, set[int], list[str]], kind: str, owner: str
) -> tuple[int, set[int], list[str]]:
    """Return what is there beyond `before`. Something of an earlier test may have closed since."""
    descriptors, processes, containers = traces(kind, owner)
    added = [container for container in containers if container not in before[2]]
    return max(0, descriptors - before[0]), processes - before[1], added


def children() -> set[int]:
    """Return the living processes that this one started."""
    return children_of(os.getpid())


async def command(*words: str) -> None:
    process = await asyncio.create_subprocess_exec(*words, stdout=-3, stderr=-3)
    await process.wait()


async def until(done: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds or the time is up; the caller checks which."""
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
