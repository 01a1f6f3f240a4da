"""Every attack in every kind of box: it is stopped, classified, and affects no other program."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox import Exit, Limits, Sandbox, open_sandbox
from tests.integration.attacks import ATTACKS, ATTACKS_IN_STRICT_MODE, ORDINARY, Attack
from tests.integration.boxes import (
    POOLS,
    WALL_SECONDS,
    assert_host_untouched,
    assert_untouched,
)
from tests.integration.engines import STRICT, require

SECRET_NAME, SECRET = "SOLVER_TEST_HOST_SECRET", "swordfish-4711"
LIMITS = Limits(
    seconds=2, memory_mb=256, processes=32, output_kb=64, scratch_mb=16, file_mb=8,
    wall_seconds=WALL_SECONDS,
)  # fmt: skip

SEARCH_OF_MEMORY = r"""
import re
# Joined here so that the search does not find its own text.
token = re.compile(b"".join([b"sword", b"fish-"]) + rb"[0-9a-f]{16}")
found = set()
for line in open("/proc/self/maps"):
    addresses, rights, *_, name = line.split()
    if rights[0] == "r" and not name.startswith("[v"):
        start, end = (int(address, 16) for address in addresses.split("-"))
        with open("/proc/self/mem", "rb", buffering=0) as memory:
            memory.seek(start)
            while start < end and (piece := memory.read(min(end - start, 2**22))):
                found |= set(token.findall(piece))
                start += len(piece)
print("found", sorted(found))
"""

LOOKING_INTO_PROC = {"looks for secrets of the harness", "has capabilities, or may gain some"}
"""They see nothing in a reduced box, where /proc cannot be opened."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def harness_secret() -> Iterator[None]:
    """Set an environment variable of this process that no program may see."""
    os.environ[SECRET_NAME] = SECRET
    yield
    del os.environ[SECRET_NAME]


@pytest.fixture(scope="module")
def host_canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a file of the host that attacks try to read, overwrite and remove."""
    path = tmp_path_factory.mktemp("host") / "canary"
    path.write_text("alive", encoding="utf-8")
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=POOLS)
async def pool(request: pytest.FixtureRequest, harness_secret: None) -> AsyncIterator[Sandbox]:
    """Open a pool with one worker, so that the next program would see what an attack left."""
    require(request.param)
    sandbox = await open_sandbox(request.param, limits=LIMITS, workers=1, owner="test-attacks")
    yield sandbox
    await sandbox.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[STRICT])
async def strict(request: pytest.FixtureRequest, harness_secret: None) -> AsyncIterator[Sandbox]:
    """Open a sandbox that gives every program a box of its own."""
    require(request.param)
    sandbox = await open_sandbox(request.param, limits=LIMITS, workers=1, owner="test-strict")
    yield sandbox
    await sandbox.close()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
async def test_attack_is_held(pool: Sandbox, host_canary: Path, attack: Attack) -> None:
    await launch(attack, pool, host_canary)
    await assert_untouched(pool, host_canary)


@pytest.mark.parametrize("attack", ATTACKS_IN_STRICT_MODE, ids=lambda attack: attack.name)
async def test_attack_is_held_in_strict_mode(
    strict: Sandbox, host_canary: Path, attack: Attack
) -> None:
    """Check no canary after each, because it would run in another box: see the test below."""
    await launch(attack, strict, host_canary)
    assert_host_untouched(host_canary)


@pytest.mark.native
async def test_attacks_are_held_in_reduced_boxes(harness_secret: None, host_canary: Path) -> None:
    """Run them three at a time, and no canary after each: it reads /proc, which is closed here."""
    require("reduced")
    sandbox = await open_sandbox("reduced", limits=LIMITS, workers=3, owner="test-reduced")
    try:
        places = asyncio.Semaphore(3)

        async def held(attack: Attack) -> None:
            async with places:
                if attack.name in LOOKING_INTO_PROC:
                    attack = replace(attack, exits=(Exit.CRASHED,), says="")
                await launch(attack, sandbox, host_canary)

        await asyncio.gather(*map(held, [*ATTACKS_IN_STRICT_MODE, *ORDINARY]))
    finally:
        await sandbox.close()
    assert_host_untouched(host_canary)


async def test_strict_mode_uses_no_box_twice(strict: Sandbox, host_canary: Path) -> None:
    # two boxes may start in the same tick, but then both are there and their namespaces differ
    start = "open('/proc/1/stat').read().rpartition(')')[2].split()[19]"
    which_box = f"import os; print({start}, os.readlink('/proc/self/ns/pid'))"
    runs = [await strict.run(which_box) for _ in range(3)]
    assert len({run.stdout for run in runs}) == 3
    await assert_untouched(strict, host_canary)


async def test_no_program_reads_another_ones_text_or_output(pool: Sandbox) -> None:
    """Search a program's memory, which it shares with the process that all are forked from."""
    for _ in range(4):
        written, printed = secrets.token_hex(8), secrets.token_hex(8)
        await pool.run(f"x = 'sword' 'fish-{written}'; 'swordfish-{written}'; 1 / 0")
        await pool.run(f"print('swordfish-' + '{printed[::-1]}'[::-1])")
    for _ in range(pool.workers + 1):
        search = await pool.run(SEARCH_OF_MEMORY)
        assert (search.exit, search.stdout) == (Exit.OK, "found []\n")


async def test_nothing_of_a_session_is_left_for_the_next_program(
    pool: Sandbox, host_canary: Path
) -> None:
    hostile = {"daemon with a session of its own", "leaves secrets wherever it can write"}
    hostile |= {"changes mathematics for everybody", "leaves a listener for the next program"}
    async with pool.session() as session:
        for attack in ATTACKS:
            if attack.name in hostile:
                await session.run(attack.program)
    await assert_untouched(pool, host_canary)


@pytest.mark.parametrize("program", ORDINARY, ids=lambda program: program.name)
async def test_ordinary_program_is_not_hindered(
    pool: Sandbox, host_canary: Path, program: Attack
) -> None:
    await launch(program, pool, host_canary)
    await assert_untouched(pool, host_canary)


async def launch(attack: Attack, sandbox: Sandbox, host_canary: Path) -> None:
    """Run one program and check how it ended."""
    program = (
        attack.program.replace("HOST_CANARY", str(host_canary))
        .replace("HOST_DIRECTORY", str(host_canary.parent))
        .replace("HOST_SECRET", SECRET_NAME)
    )
    execution = await sandbox.run(program)
    assert "ESCAPED" not in execution.stdout
    assert execution.exit in attack.exits, execution
    assert attack.says in execution.stdout, execution
    # time without a core is given back, up to the wall limit
    assert execution.seconds < WALL_SECONDS + 10
