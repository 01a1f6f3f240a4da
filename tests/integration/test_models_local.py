"""A real model of 135 million parameters in this process, and Ollama's protocol over it."""

import asyncio

import pytest

from solver.errors import ConfigError, ModelError
from solver.models import connect
from solver.models._weights import SMOLLM2
from solver.records import Message, Sampling
from tests.integration.local_model import CHAT, GREEDY, used
from tests.servers import serving
from tests.wires import OllamaWire, Said

pytestmark = [pytest.mark.model, pytest.mark.alone, pytest.mark.usefixtures("weights")]

LONG = (Message(role="user", text="and one more, " * 800),)


async def test_it_writes_python_and_says_that_it_reached_the_cap():
    reply = await used(lambda model: model.generate(CHAT, seed=1))
    assert "print" in reply.text
    assert reply.capped
    assert reply.output_tokens == 24
    assert reply.input_tokens > 10
    assert reply.seconds > 0


async def test_the_same_seed_gives_the_same_reply_and_another_seed_another():
    async def three(model):
        return [(await model.generate(CHAT, seed=seed)).text for seed in (5, 5, 6)]

    first, same, other = await used(three, Sampling(temperature=1, max_tokens=24))
    assert first == same
    assert first != other


async def test_a_prompt_that_does_not_fit_is_cut_and_not_answered():
    reply = await used(lambda model: model.generate(LONG, seed=1))
    assert (reply.prompt_cut, reply.text) == (True, "")
    assert reply.input_tokens > 1024


async def test_each_parallel_request_has_the_whole_context():
    almost = (Message(role="user", text="one, " * 150),)

    async def both(model):
        return await asyncio.gather(*(model.generate(almost, seed=n) for n in range(2)))

    for reply in await used(both, context=512):
        assert not reply.prompt_cut
        assert reply.input_tokens > 512 / 2


async def test_a_schema_is_enforced():
    schema = {
        "type": "object",
        "properties": {"score": {"enum": [1, 2, 3, 4, 5]}},
        "required": ["score"],
        "additionalProperties": False,
    }
    sampling = Sampling(temperature=0, max_tokens=60)
    reply = await used(lambda m: m.generate(CHAT, seed=1, schema=schema), sampling)
    assert "".join(reply.text.split()) in {f'{{"score":{n}}}' for n in range(1, 6)}


async def test_raw_text_is_continued_without_a_chat_template():
    reply = await used(lambda m: m.complete("def add(a, b):\n    return", seed=1, max_tokens=6))
    assert "a + b" in reply.text


async def test_describe_gives_what_identifies_the_weights():
    facts = await used(lambda model: model.describe())
    assert facts["sha256"] == SMOLLM2.sha256
    assert (facts["quantisation"], facts["trained_context"]) == ("Q4_1", 8192)
    assert facts["context"] == 1024


async def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + bytes(1000))
    model = connect(f"local/{tmp_path}/x.gguf", Sampling(), {})
    with pytest.raises(ModelError, match="could not be loaded") as failure:
        await model.describe()
    assert not failure.value.retryable


def test_a_cap_that_leaves_no_room_for_the_prompt_is_refused():
    with pytest.raises(ConfigError, match="context"):
        connect("local/smollm2", Sampling(max_tokens=2048), {"context": 2048})


async def test_the_native_ollama_client_talks_to_a_real_model():
    """A server that speaks Ollama's protocol, with smollm2 behind it."""
    behind = connect("local/smollm2", GREEDY, {"context": 1024})

    async def reply(messages, body):
        chat = [Message(role=m["role"], text=m["content"]) for m in messages]
        said = await behind.generate(chat, seed=body["options"]["seed"])
        if said.prompt_cut:
            return Said("", "too long")
        finish = "length" if said.capped else "stop"
        return Said(said.text, finish, read=said.input_tokens, wrote=said.output_tokens)

    direct = await behind.generate(CHAT, seed=3)
    async with serving(OllamaWire(reply, model="smollm2")) as server:
        options = {"hosts": [server.url], "num_ctx": 1024}
        model = connect("ollama/smollm2", GREEDY, options)
        through = await model.generate(CHAT, seed=3)
        too_long = await model.generate(LONG, seed=3)
        await model.close()
    await behind.close()
    assert through.text == direct.text
    assert (through.capped, through.prompt_cut) == (True, False)
    assert (through.input_tokens, through.output_tokens) == (direct.input_tokens, 24)
    assert too_long.prompt_cut
