"""Time in which a program waits for a processor is not billed. These tests keep every core busy."""

from textwrap import dedent

import pytest

from sandbox import Exit, Sandbox
from tests.integration.boxes import NEEDS_A_SHORT_TIME, busy_cores, limited

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.alone]


async def test_standing_in_line_for_a_core_is_not_billed(shared: Sandbox) -> None:
    with limited(shared, seconds=1), busy_cores():
        done = await shared.run(NEEDS_A_SHORT_TIME)
        asleep = await shared.run("import time; time.sleep(60)")
        endless = await shared.run("while True: pass")
    assert done.exit is Exit.OK, done
    assert (asleep.exit, endless.exit) == (Exit.TIMEOUT, Exit.TIMEOUT)
    assert asleep.seconds < endless.seconds, "the one that slept was given time back"


async def test_standing_in_line_is_not_billed_in_a_session_either(shared: Sandbox) -> None:
    with limited(shared, seconds=1):
        async with shared.session() as session:
            await session.run("kept = 1")
            with busy_cores():
                done = await session.run(NEEDS_A_SHORT_TIME)
    assert done.exit is Exit.OK, done


async def test_what_children_waited_for_a_core_is_not_billed_when_they_have_ended(
    shared: Sandbox,
) -> None:
    program = """
        import os, time
        for _ in range(8):
            if os.fork() == 0:
                until = time.process_time() + 0.05
                while time.process_time() < until: pass
                os._exit(0)
            os.wait()
        print("done")
    """
    with limited(shared, seconds=1), busy_cores():
        done = await shared.run(dedent(program))
    assert (done.exit, done.stdout) == (Exit.OK, "done\n"), done
    assert done.seconds > 1, "the machine was not busy, which shows nothing"
