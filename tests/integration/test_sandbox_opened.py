"""What every kind of sandbox does once it is open."""

import asyncio
import json

import pytest

from sandbox import Exit, Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_program_prints_and_that_is_the_answer(every_kind: Sandbox) -> None:
    execution = await every_kind.run("import sympy\nprint(sympy.factorint(2026))")
    assert (execution.exit, execution.stdout) == (Exit.OK, "{2: 1, 1013: 1}\n")
    assert execution.stderr == ""
    assert 0 < execution.seconds < 30
    assert 10 < execution.peak_memory_mb < 1000


async def test_programs_run_at_the_same_time_up_to_the_number_of_workers(
    every_kind: Sandbox,
) -> None:
    await asyncio.gather(*(every_kind.run("print(1)") for _ in range(2)))
    outcomes = await asyncio.gather(
        *(every_kind.run(f"import time; time.sleep(0.1); print({n})") for n in range(8))
    )
    assert [outcome.stdout for outcome in outcomes] == [f"{n}\n" for n in range(8)]


async def test_describe_is_json_and_says_what_is_not_covered(every_kind: Sandbox) -> None:
    told = await every_kind.describe()
    assert told["kind"] == every_kind.kind
    assert told["limits"]["seconds"] == 10
    assert told["not_covered"]
    json.dumps(told)
