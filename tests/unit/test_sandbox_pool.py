"""The pool, with fork servers that are threads and do what the program's text says."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from sandbox.boxes.engine import EngineTrouble
from sandbox.channel import Channel
from sandbox.execution import Exit, Limits, SandboxError
from sandbox.pool import Pool
from sandbox.worker import Worker
from sandbox.zygote import frames

FACTS = {
    "status": 0,
    "stopped": "",
    "broken": "",
    "seconds": 0.0,
    "cpu_seconds": 0.0,
    "peak_kb": 0,
    "truncated": False,
    "clean": True,
    "oom_kills": 0,
    "fresh": False,
}

ALONE, WITH_ITS_ENGINE = "alone", "with its engine"


class FakeBoxes:
    """Starts fork servers that are threads of this process."""

    def __init__(self) -> None:
        self.launched: list[int] = []
        self.destroyed: list[int] = []
        self.troubles: list[Exception] = []
        """Raised by the next launches, one each."""
        self.programs: list[tuple[int, str]] = []
        self.deaths: list[str] = []
        """How the next programs lose their fork servers, one each: ALONE or WITH_ITS_ENGINE."""
        self.never_warm = False
        self.cold_starts = 0
        """So many of the next fork servers end before they are ready."""
        self.away = 0
        """So many of the next looks find that the engine is away."""
        self.launch_seconds = 0.0

    def prepare(self) -> None:
        """Nothing is needed."""

    def check(self) -> None:
        if self.away:
            self.away -= 1
            raise EngineTrouble("away")

    def describe(self) -> dict[str, object]:
        return {"made of": "threads"}

    def launch(self, number: int) -> Worker:
        if self.troubles:
            raise self.troubles.pop(0)
        time.sleep(self.launch_seconds)
        self.launched.append(number)
        ours, theirs = socket.socketpair()
        threading.Thread(target=self._serve, args=(theirs, number), daemon=True).start()
        return Worker(number, Channel(ours), lambda: self.destroyed.append(number))

    def _serve(self, line: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):  # the pool hung up
            self._answer(line, number)

    def _answer(self, line: socket.socket, number: int) -> None:
        stream = line.makefile("rb")

        def read(size: int) -> bytes:
            data = stream.read(size)
            if len(data) < size:
                raise EOFError
            return data

        if self.cold_starts:
            self.cold_starts -= 1
            line.shutdown(socket.SHUT_RDWR)
            return
        if not self.never_warm:
            line.sendall(frames.pack({"ready": True}))
        while True:
            try:
                head, body = frames.unpack(read)
            except (EOFError, OSError):
                return
            program = body.decode()
            self.programs.append((number, program))
            death = self.deaths.pop(0) if self.deaths else ""
            if program == "dies" or death:
                self.away += death == WITH_ITS_ENGINE
                line.shutdown(socket.SHUT_RDWR)
                return
            if program == "hangs":
                continue
            if program.startswith("sleeps"):
                time.sleep(0.2)
            printed = b"42\n" if program == "print(6 * 7)" else str(number).encode()
            changed = {
                "leaks": {"clean": False},
                "runs out": {"oom_kills": 1, "status": 9},
                "has no walls": {"broken": "no walls"},
            }.get(program, {})
            if head["do"] == "end":
                line.sendall(frames.pack({"clean": True}))
            else:
                facts = FACTS | {"out_size": len(printed)} | changed
                line.sendall(frames.pack(facts, printed))
            if program == "ends afterwards":
                line.shutdown(socket.SHUT_RDWR)
                return


@asynccontextmanager
async def opened(boxes: FakeBoxes, kind: str = "docker", workers: int = 1) -> AsyncIterator[Pool]:
    pool = Pool(kind, boxes, Limits(), workers)
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


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


@pytest.mark.parametrize("deaths", [[ALONE] * 3, [WITH_ITS_ENGINE] * 18], ids=lambda d: d[0])
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
        pool._idle[0].channel.close()
        assert (await pool.run("innocent")).exit is Exit.OK
    assert len(boxes.programs) == 1


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


async def test_trouble_that_waiting_cannot_mend_is_raised_at_once() -> None:
    boxes = FakeBoxes()
    boxes.troubles = [SandboxError("image missing: build it")]
    with pytest.raises(SandboxError, match="build it"):
        await Pool("docker", boxes, Limits(), 1).open()


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
    async with asyncio.timeout(2):
        await pool.close()
    assert sorted(boxes.destroyed) == sorted(boxes.launched)


async def test_closing_does_not_warm_up_a_worker_whose_box_comes_only_now() -> None:
    boxes = FakeBoxes()
    pool = Pool("docker", boxes, Limits(), 2)
    await pool.open()
    boxes.never_warm, boxes.launch_seconds = True, 0.2
    await pool.run("leaks")
    async with asyncio.timeout(2):
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


async def test_it_is_said_why_a_worker_ended_while_it_was_idle(caplog):
    async with opened(FakeBoxes()) as pool:
        await pool.run("ends afterwards")
        await until(lambda: not pool._idle[0].channel.is_open())
        assert (await pool.run("print(6 * 7)")).stdout == "42\n"
    assert "ended while it was idle: it ended (without a word)" in caplog.text
