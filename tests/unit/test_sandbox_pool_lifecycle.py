"""How the pool starts its workers, waits for an engine, and closes."""

import asyncio

import pytest

from sandbox.boxes.engine import EngineTrouble
from sandbox.execution import Exit, Limits, SandboxClosed, SandboxError
from sandbox.pool import Pool
from tests.unit.fake_boxes import FakeBoxes, opened, until


async def test_an_engine_that_is_away_for_a_moment_is_waited_for() -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        boxes.troubles = [EngineTrouble("restarting")]
        await pool.run("leaks")
        assert (await pool.run("innocent")).exit is Exit.OK
    assert boxes.troubles == []


async def test_starts_that_an_absent_engine_cut_short_are_waited_for_like_the_engine() -> None:
    boxes = FakeBoxes()
    boxes.cold_starts = boxes.away = 5
    pool = Pool("docker", boxes, Limits(), 1, pauses=(0.01,) * 5)
    await pool.open()
    await pool.close()
    assert boxes.cold_starts == 0


async def test_fork_servers_that_never_start_though_the_engine_is_there_are_given_up() -> None:
    boxes = FakeBoxes()
    boxes.cold_starts = 100
    with pytest.raises(SandboxError, match="the fork server did not start"):
        await Pool("docker", boxes, Limits(), 1, pauses=(0.01,) * 50).open()
    assert len(boxes.launched) == 3


async def test_trouble_that_waiting_cannot_fix_is_raised_at_once() -> None:
    boxes = FakeBoxes()
    boxes.troubles = [SandboxError("image missing: build it")]
    with pytest.raises(SandboxError, match="build it"):
        await Pool("docker", boxes, Limits(), 1).open()


async def test_a_sandbox_in_which_no_program_can_be_started_is_not_opened() -> None:
    boxes = FakeBoxes()
    boxes.no_walls = True
    with pytest.raises(SandboxError, match=r"no walls.*: `solver sandbox check` says"):
        await Pool("docker", boxes, Limits(), 1).open()
    assert sorted(boxes.destroyed) == sorted(boxes.launched)


async def test_a_bug_that_keeps_workers_from_starting_is_seen_and_nobody_hangs() -> None:
    boxes = FakeBoxes()
    boxes.troubles = [ZeroDivisionError("a bug")]
    with pytest.raises(ZeroDivisionError):
        await Pool("docker", boxes, Limits(), 1).open()


async def test_trouble_that_has_passed_is_forgotten() -> None:
    boxes = FakeBoxes()
    async with opened(boxes) as pool:
        boxes.troubles = [SandboxError("image missing")]
        await pool.run("leaks")
        with pytest.raises(SandboxError):
            await pool.run("innocent")
        assert (await pool.run("innocent")).exit is Exit.OK


async def test_closing_ends_every_worker_it_ever_started() -> None:
    boxes = FakeBoxes()
    async with opened(boxes, workers=3) as pool:
        await asyncio.gather(*(pool.run("innocent") for _ in range(9)))
    assert sorted(boxes.destroyed) == sorted(boxes.launched)


async def test_closing_does_not_wait_for_a_worker_that_never_gets_warm() -> None:
    boxes = FakeBoxes()
    pool = Pool("docker", boxes, Limits(), 2)
    await pool.open()
    boxes.never_warm = True
    await pool.run("leaks")
    await until(lambda: len(boxes.launched) >= 3)
    async with asyncio.timeout(60):
        await pool.close()
    assert sorted(boxes.destroyed) == sorted(boxes.launched)


async def test_closing_does_not_warm_up_a_worker_whose_box_comes_only_now() -> None:
    boxes = FakeBoxes()
    pool = Pool("docker", boxes, Limits(), 2)
    await pool.open()
    boxes.never_warm, boxes.launch_seconds = True, 0.2
    await pool.run("leaks")
    async with asyncio.timeout(60):
        await pool.close()
    assert sorted(boxes.destroyed) == sorted(boxes.launched)


async def test_closing_in_the_middle_of_anything_warns_of_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    boxes = FakeBoxes()
    pool = Pool("docker", boxes, Limits(), 2)
    await pool.open()
    boxes.never_warm = True
    running = asyncio.create_task(pool.run("hangs"))
    await until(lambda: len(boxes.programs) == 1 and len(boxes.launched) >= 2)
    await pool.close()
    with pytest.raises(SandboxError, match="closed"):
        await running
    assert [record.message for record in caplog.records] == []


async def test_the_better_kinds_that_were_passed_over_are_told() -> None:
    pool = Pool("native", FakeBoxes(), Limits(), 1, passed_over=["docker: no engine"])
    assert (await pool.describe())["passed_over"] == ["docker: no engine"]
    await pool.close()


async def test_a_closed_sandbox_runs_nothing() -> None:
    pool = Pool("docker", FakeBoxes(), Limits(), 1)
    await pool.open()
    await pool.close()
    with pytest.raises(SandboxError, match="closed"):
        await pool.run("innocent")


async def test_closing_fails_the_programs_that_still_run() -> None:
    boxes = FakeBoxes()
    pool = Pool("docker", boxes, Limits(), 1)
    await pool.open()
    running = asyncio.create_task(pool.run("hangs"))
    await until(lambda: len(boxes.programs) == 1)
    await pool.close()
    with pytest.raises(SandboxError, match="closed"):
        await running


async def test_a_moment_without_threads_ends_its_programs_and_not_the_pool(monkeypatch) -> None:
    def none_left(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    async with opened(FakeBoxes()) as pool:
        with monkeypatch.context() as patch:
            patch.setattr(pool._threads, "submit", none_left)
            with pytest.raises(SandboxError, match="no thread can be started") as failure:
                await pool.run("innocent")
        assert not isinstance(failure.value, SandboxClosed)
        assert (await pool.run("innocent")).exit is Exit.OK
