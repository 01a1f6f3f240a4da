"""How a program ends in every kind of box, and what its limits do to it."""

from textwrap import dedent

import pytest

from sandbox import Exit, Sandbox
from tests.integration.boxes import NOT_STRICT, limited, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_each_way_to_end_has_its_name(shared: Sandbox) -> None:
    ways = {
        "print(1)": Exit.OK,
        "1/0": Exit.CRASHED,
        "exit(3)": Exit.CRASHED,
        "(": Exit.CRASHED,
        "while True: pass": Exit.TIMEOUT,
        "x = 'a' * 10**10": Exit.OUT_OF_MEMORY,
        "print('x' * 70_000)": Exit.OUTPUT_LIMIT,
        "import sys; sys.stderr.write('x' * 70_000)": Exit.OUTPUT_LIMIT,
        "import os; os.abort()": Exit.KILLED,
    }
    with limited(shared, seconds=1):
        seen = {program: (await shared.run(program)).exit for program in ways}
    assert seen == ways


async def test_what_was_printed_before_a_timeout_is_kept(shared: Sandbox) -> None:
    with limited(shared, seconds=0.5):
        execution = await shared.run("print('so far')\nimport time; time.sleep(60)")
    assert (execution.exit, execution.stdout) == (Exit.TIMEOUT, "so far\n")


async def test_output_is_cut_at_the_limit_and_says_so(shared: Sandbox) -> None:
    with limited(shared, output_kb=1):
        execution = await shared.run("for n in range(10**6): print(n)")
        short = await shared.run("print('x' * 1023)")
    assert len(execution.stdout) == 1024
    assert (execution.exit, execution.truncated) == (Exit.OUTPUT_LIMIT, True)
    assert (short.exit, short.truncated) == (Exit.OK, False)


async def test_processor_seconds_are_limited_by_themselves(shared: Sandbox) -> None:
    with limited(shared, seconds=30, cpu_seconds=0.1):
        execution = await shared.run("while True: pass")
    assert execution.exit is Exit.TIMEOUT
    assert 0.1 < execution.cpu_seconds < 1


@NOT_STRICT
async def test_a_program_gets_the_memory_it_was_promised(kind: str) -> None:
    async with opened(kind, memory_mb=300) as sandbox:
        enough = await sandbox.run("x = bytearray(250 * 2**20); print(len(x))")
        too_much = await sandbox.run("x = bytearray(320 * 2**20); print(len(x))")
    assert (enough.exit, too_much.exit) == (Exit.OK, Exit.OUT_OF_MEMORY), enough.stderr


@NOT_STRICT
async def test_memory_of_many_processes_counts_together(kind: str) -> None:
    program = """
        import os
        ready, tell = os.pipe()
        hold, end = os.pipe()
        for _ in range(8):
            if os.fork() == 0:
                os.close(end)
                x = bytearray(200 * 2**20)
                os.write(tell, b"x")
                os.read(hold, 1)  # until the parent ends
                os._exit(0)
        held = 0
        while held < 8:
            held += len(os.read(ready, 8))
        print("all of it")
    """
    async with opened(kind, memory_mb=400, seconds=4) as sandbox:
        execution = await sandbox.run(dedent(program))
        after = await sandbox.run("print('fine')")
    assert "all of it" not in execution.stdout
    assert execution.exit is not Exit.OK
    assert after.stdout == "fine\n"
