"""How the pool runs programs and sessions, and what it does when workers are lost."""

import asyncio
import logging
import time

import pytest

from sandbox.execution import Exit, SandboxError
from tests.unit.fake_boxes import ALONE, WITH_ITS_ENGINE, FakeBoxes, opened, until


async def test_a_program_that_loses_its_worker_once_is_tried_again() -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        boxes.deaths = [ALONE]
        assert (await pool.run("innocent")).exit is Exit.OK
    (lost, _), (after, _) = boxes.programs
    assert lost != after


async def test_a_program_that_loses_every_worker_while_others_succeed_is_killed() -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        execution = await pool.run("dies")
        assert execution.exit is Exit.KILLED
        assert (await pool.run("innocent")).exit is Exit.OK
    assert [program for _, program in boxes.programs].count("dies") == 3


async def test_one_loss_of_a_harmless_program_is_taken_for_an_accident() -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        boxes.deaths = [ALONE] * 4
        assert (await pool.run("innocent")).exit is Exit.OK
    assert [program for _, program in boxes.programs].count("innocent") == 3


@pytest.mark.parametrize("deaths", [[ALONE] * 5, [WITH_ITS_ENGINE] * 30], ids=lambda d: d[0])
async def test_when_a_harmless_program_is_lost_as_well_nothing_is_said_about_the_program(
    deaths: list[str],
) -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        boxes.deaths = deaths.copy()
        with pytest.raises(SandboxError, match="workers keep getting lost"):
            await pool.run("innocent")
    assert boxes.deaths == []


async def test_a_program_is_not_blamed_for_workers_that_went_with_their_engine() -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        boxes.deaths = [WITH_ITS_ENGINE] * 5
        assert (await pool.run("innocent")).exit is Exit.OK
    assert [program for _, program in boxes.programs] == ["innocent"] * 6


async def test_the_harmless_program_outlasts_an_engine_that_restarts_under_it() -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        boxes.deaths = [ALONE, ALONE, WITH_ITS_ENGINE]
        assert (await pool.run("innocent")).exit is Exit.OK
    innocent, harmless = "innocent", "print(6 * 7)"
    programs = [program for _, program in boxes.programs]
    assert programs == [innocent, innocent, harmless, harmless, innocent]


async def test_a_program_that_could_not_be_started_is_never_blamed() -> None:
    async with opened(FakeBoxes()) as pool:
        with pytest.raises(SandboxError, match="no walls"):
            await pool.run("has no walls")


@pytest.mark.parametrize("program", ["leaks", "runs out"])
async def test_a_worker_is_replaced_after(program: str) -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        await pool.run(program)
        await pool.run("innocent")
        (used, _), (after, _) = boxes.programs
        assert used != after
        await until(lambda: boxes.destroyed == [used])


async def test_a_worker_serves_many_programs() -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        before = {(await pool.run("innocent")).stdout for _ in range(20)}
    assert len(before) <= 2  # the first, and the spare that joins it


async def test_strict_gives_every_program_a_worker_of_its_own() -> None:
    boxes = FakeBoxes()
    async with opened(boxes, "docker-strict", workers=2) as pool:
        await asyncio.gather(*(pool.run("innocent") for _ in range(10)))
        served = [number for number, _ in boxes.programs]
        await until(lambda: len(boxes.destroyed) >= 10)
    assert len(boxes.launched) >= 10
    assert len(served) == 10


async def test_no_more_programs_run_at_once_than_there_are_workers() -> None:
    boxes = FakeBoxes()
    async with opened(boxes, workers=2) as pool:
        started = time.monotonic()
        await asyncio.gather(*(pool.run("sleeps") for _ in range(6)))
        assert time.monotonic() - started >= 0.6


async def test_after_a_few_programs_a_spare_is_warm() -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        assert len(boxes.launched) == 1
        for _ in range(2):
            await pool.run("innocent")
        await until(lambda: len(boxes.launched) == 2)


async def test_a_cancelled_run_ends_its_worker_and_the_next_program_gets_another() -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        running = asyncio.create_task(pool.run("hangs"))
        await until(lambda: len(boxes.programs) == 1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        hung, _ = boxes.programs[0]
        assert int((await pool.run("innocent")).stdout) != hung
        await until(lambda: hung in boxes.destroyed)


async def test_a_worker_that_died_while_idle_costs_the_next_program_nothing() -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        await pool.run("ends afterwards")
        await until(lambda: len(boxes.ended) == 1)
        assert (await pool.run("innocent")).exit is Exit.OK
    assert [program for _, program in boxes.programs] == ["ends afterwards", "innocent"]


async def test_a_session_keeps_one_worker_to_itself() -> None:
    boxes = FakeBoxes()
    async with opened(boxes, workers=2) as pool:
        async with pool.session() as session:
            first = await session.run("a")
            others = [await pool.run("innocent") for _ in range(5)]
            second = await session.run("b")
        assert first.stdout == second.stdout
        assert first.stdout not in {other.stdout for other in others}


async def test_a_session_whose_worker_is_lost_raises_and_is_not_tried_again() -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        with pytest.raises(SandboxError, match="with its state"):
            async with pool.session() as session:
                await session.run("dies")
        assert (await pool.run("innocent")).exit is Exit.OK
    assert [program for _, program in boxes.programs].count("dies") == 1


async def test_it_is_said_why_a_worker_ended_while_it_was_idle(
    caplog: pytest.LogCaptureFixture,
) -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        await pool.run("ends afterwards")
        await until(lambda: len(boxes.ended) == 1)
        assert (await pool.run("print(6 * 7)")).stdout == "42\n"
    assert "ended while it was idle: it ended (no error output)" in caplog.text


async def test_the_log_says_when_workers_start_are_lost_and_are_replaced(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="sandbox")
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        boxes.deaths = [WITH_ITS_ENGINE]
        await pool.run("innocent")
        await pool.run("leaks")
    logged = caplog.messages
    assert "worker 1 started" in logged
    assert any(line.startswith("a worker was lost because its engine failed") for line in logged)
    assert "replacing worker 1: it was lost" in logged
    assert [line for line in logged if line.startswith("the engine ")] == [
        "the engine does not work: away",
        "the engine works again",
    ]
    assert any(line.endswith(": a program left something behind") for line in logged)
    assert not any("innocent" in line or "leaks" in line or "\n" in line for line in logged)
