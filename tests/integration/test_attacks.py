"""Every attack in boxes that are used again: it is stopped, classified, and affects no other
program. Those whose boxes are used once, or are reduced, are in test_attacks_once.py.
"""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox import Exit, Sandbox
from tests.integration.attacks import ATTACKS, ORDINARY, Attack
from tests.integration.attacks.launching import attacked, launch
from tests.integration.boxes import POOLS, assert_untouched

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

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=POOLS)
async def pool(request: pytest.FixtureRequest, harness_secret: None) -> AsyncIterator[Sandbox]:
    """Open a pool with one worker, so that the next program would see what an attack left."""
    async with attacked(request.param) as sandbox:
        yield sandbox


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
async def test_attack_is_held(pool: Sandbox, host_canary: Path, attack: Attack) -> None:
    await launch(attack, pool, host_canary)
    await assert_untouched(pool, host_canary)


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
