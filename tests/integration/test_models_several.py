"""One model on several servers of OpenAI's API: which of them is asked."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from solver.errors import ConfigError, ModelError
from solver.models import connect
from solver.records import Message, Sampling
from tests.servers import serving
from tests.wires import OpenAIWire, Said, Trouble

CHAT = (Message(role="user", text="What is 2 + 2?"),)


@asynccontextmanager
async def served(*wires: OpenAIWire, **options: Any):
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving(wire)) for wire in wires]
        urls = [f"{server.url}/v1" for server in servers]
        model = connect("openai/test", Sampling(), {"base_url": urls, **options})
        try:
            yield model
        finally:
            await model.close()


def asked(wire: OpenAIWire) -> int:
    return sum(request.method == "POST" for request in wire.requests)


async def test_a_server_is_asked_as_often_as_it_answers() -> None:
    fast, released = OpenAIWire(), asyncio.Event()

    async def slowly(messages, body) -> Said:
        await released.wait()
        return Said("4")

    slow, places = OpenAIWire(slowly), asyncio.Semaphore(4)
    async with served(slow, fast) as model:

        async def ask(number: int) -> None:
            async with places:
                await model.generate(CHAT, seed=number)
            if asked(fast) == 10:
                released.set()

        await asyncio.gather(*(ask(number) for number in range(12)))
    assert (asked(slow), asked(fast)) == (2, 10)


async def test_requests_at_a_time_are_those_of_each_server() -> None:
    async with served(OpenAIWire(), OpenAIWire(), parallel=3) as model:
        assert model.parallel == 6


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_that_fails_is_avoided(status: int) -> None:
    broken, sound = OpenAIWire(troubles=[Trouble(status)] * 20), OpenAIWire()
    async with served(broken, sound) as model:
        with pytest.raises(ModelError):
            await model.generate(CHAT, seed=0)
        for seed in range(5):
            assert (await model.generate(CHAT, seed=seed)).text == "4"
    assert (asked(broken), asked(sound)) == (1, 5)


async def test_a_refused_request_is_no_fault_of_the_server() -> None:
    first, second = OpenAIWire(troubles=[Trouble(400)]), OpenAIWire()
    async with served(first, second) as model:
        with pytest.raises(ModelError):
            await model.generate(CHAT, seed=0)
        await model.generate(CHAT, seed=1)
    assert (asked(first), asked(second)) == (2, 0)


async def test_a_partial_reply_is_continued_where_it_began() -> None:
    wires = [OpenAIWire("it is 4"), OpenAIWire("it is 4")]
    async with served(*wires) as model:
        for partial in ("", "it", "it is"):
            await model.extend(CHAT, partial, seed=0, max_tokens=1)
    assert sorted(sum("completions" in r.path for r in wire.requests) for wire in wires) == [0, 3]


async def test_a_server_that_does_not_answer_at_the_start_is_left_out_and_named() -> None:
    away, there = OpenAIWire(troubles=[Trouble(503)] * 20), OpenAIWire()
    async with served(away, there, parallel=2) as model:
        facts = await model.describe()
        assert "goes on without a server" in facts["notes"][-1]
        assert model.parallel == 2
        await model.generate(CHAT, seed=0)
    assert (asked(away), asked(there)) == (0, 1)


async def test_servers_with_different_models_are_refused() -> None:
    async with served(OpenAIWire(model="test"), OpenAIWire(model="other")) as model:
        with pytest.raises(ModelError, match=r"differ: http.*has id test.*has id") as no:
            await model.describe()
    assert not no.value.retryable


async def test_both_addresses_are_told_without_their_keys() -> None:
    async with serving(OpenAIWire()) as one, serving(OpenAIWire()) as other:
        urls = [f"{one.url}/v1?api_key=secret", f"{other.url}/v1"]
        model = connect("openai/test", Sampling(), {"base_url": urls})
        facts = await model.describe()
        await model.close()
    assert facts["base_url"] == f"{one.url}/v1 {other.url}/v1"
    assert model.endpoint == f"openai {one.url}/v1 {other.url}/v1"


def test_each_address_is_checked() -> None:
    with pytest.raises(ConfigError, match="base_url should start with http"):
        connect("openai/test", Sampling(), {"base_url": ["http://localhost:1/v1", "gpu2:8000"]})
