"""Every attack in boxes that are used once, and in reduced ones: it is stopped and classified."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox import Exit, Sandbox
from tests.integration.attacks import ATTACKS_IN_STRICT_MODE, ORDINARY, Attack
from tests.integration.attacks.launching import attacked, launch
from tests.integration.boxes import assert_host_untouched, assert_untouched
from tests.integration.engines import STRICT

LOOKING_INTO_PROC = {"looks for secrets of the harness", "has capabilities, or may gain some"}
"""They see nothing in a reduced box, where /proc cannot be opened."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[STRICT])
async def strict(request: pytest.FixtureRequest, harness_secret: None) -> AsyncIterator[Sandbox]:
    """Open a sandbox that gives every program a box of its own."""
    async with attacked(request.param) as sandbox:
        yield sandbox


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
    async with attacked("reduced", workers=3) as sandbox:
        places = asyncio.Semaphore(3)

        async def held(attack: Attack) -> None:
            async with places:
                if attack.name in LOOKING_INTO_PROC:
                    attack = replace(attack, exits=(Exit.CRASHED,), says="")
                await launch(attack, sandbox, host_canary)

        await asyncio.gather(*map(held, [*ATTACKS_IN_STRICT_MODE, *ORDINARY]))
    assert_host_untouched(host_canary)


async def test_strict_mode_uses_no_box_twice(strict: Sandbox, host_canary: Path) -> None:
    # two boxes may start in the same tick, but then both are there and their namespaces differ
    start = "open('/proc/1/stat').read().rpartition(')')[2].split()[19]"
    which_box = f"import os; print({start}, os.readlink('/proc/self/ns/pid'))"
    runs = [await strict.run(which_box) for _ in range(3)]
    assert len({run.stdout for run in runs}) == 3
    await assert_untouched(strict, host_canary)
