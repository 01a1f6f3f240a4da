"""A real model in this process leaves the program its turns, and can be stopped at any time."""

import asyncio
import subprocess
import sys
import time

import pytest

from solver.errors import ModelError
from solver.records import Message, Sampling
from tests.integration.local_model import CHAT, used

pytestmark = [pytest.mark.model, pytest.mark.alone, pytest.mark.usefixtures("weights")]


async def test_the_event_loop_stays_alive_while_it_writes():
    async def longest_share(model):
        """Return the longest time without a turn of the loop, as a share of the reply's time."""
        await model.describe()
        reply = asyncio.create_task(model.generate(CHAT, seed=1))
        started, longest = time.perf_counter(), 0.0
        while not reply.done():
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - before)
        return longest / (time.perf_counter() - started)

    assert await used(longest_share) < 0.5


async def test_a_cancelled_reply_gives_its_slot_back():
    async def seconds_of_a_short_one(model):
        started = time.perf_counter()
        await model.complete("1, 2, 3,", seed=1, max_tokens=2)
        return time.perf_counter() - started

    async def cancelled(model):
        await model.describe()
        alone = await seconds_of_a_short_one(model)
        long_replies = [asyncio.create_task(model.generate(CHAT, seed=n)) for n in range(2)]
        await asyncio.sleep(0.3)
        for task in long_replies:
            task.cancel()
        await asyncio.gather(*long_replies, return_exceptions=True)
        return alone, await seconds_of_a_short_one(model)

    alone, after = await used(cancelled, Sampling(temperature=1, max_tokens=900))
    assert after < 100 * alone  # had it waited for one of the others, 450 times as long


async def test_a_long_prompt_can_be_cancelled_while_it_is_read():
    prompt = (Message(role="user", text="two, " * 1500),)

    async def cancelled(model):
        await model.describe()
        reading = asyncio.create_task(model.generate(prompt, seed=1))
        await asyncio.sleep(0.1)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        return reading.cancelled()

    assert await used(cancelled, Sampling(max_tokens=1), context=4096)


async def test_a_reply_past_its_deadline_is_our_failure_and_not_the_models():
    with pytest.raises(ModelError, match="no whole reply") as failure:
        await used(
            lambda model: model.generate(CHAT, seed=1),
            Sampling(temperature=1, max_tokens=900),
            timeout=0.2,
        )
    assert failure.value.retryable


SCRIPT = """
import asyncio
from solver.models import connect
from solver.records import Message, Sampling
async def main():
    model = connect("local/smollm2", Sampling(temperature=1, max_tokens=2000), {{}})
    await model.describe()
    print("ready", flush=True)
    await {what}
asyncio.run(main())
"""
ASKING = 'model.generate([Message(role="user", text="Tell me a long story.")], seed=1)'


def test_llama_cpp_writes_nothing_to_the_terminal():
    script = SCRIPT.format(what='model.complete("1, 2,", seed=1, max_tokens=3)')
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "ready\n", "")


def test_ctrl_c_in_the_middle_of_a_reply_ends_the_program_soon():
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(what=ASKING)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    process.send_signal(2)
    _, stderr = process.communicate(timeout=120)  # the whole reply would take minutes
    assert stderr.endswith("KeyboardInterrupt\n")
    assert process.returncode == -2
