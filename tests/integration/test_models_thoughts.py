"""Thoughts over the real clients of OpenAI, Mistral and Ollama."""

import pytest

from solver.models import connect
from solver.records import Message, Sampling
from tests.servers import serving
from tests.wires import MistralWire, OllamaWire, OpenAIWire, Said

CHAT = [Message(role="user", text="2 + 2?")]
DRAFT = "First I try ```python\nprint(99)\n``` and \\boxed{99}."


async def reply_over(wire, **more):
    async with serving(wire) as server:
        spec, options = {
            OpenAIWire: ("openai/test", {"base_url": f"{server.url}/v1"}),
            MistralWire: ("mistral/test", {"server_url": server.url}),
            OllamaWire: ("ollama/test", {"hosts": [server.url]}),
        }[type(wire)]
        model = connect(spec, Sampling(), {**options, **more})
        try:
            return await model.generate(CHAT, seed=1)
        finally:
            await model.close()


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("MISTRAL_API_KEY", "test-key-123456")


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_a_field_next_to_the_content(name):
    details = {"completion_tokens_details": {"reasoning_tokens": 500}}
    said = Said("4", read=50, wrote=510, message={name: DRAFT}, usage=details)
    reply = await reply_over(OpenAIWire(said))
    assert (reply.text, reply.thoughts) == ("4", DRAFT)
    assert (reply.output_tokens, reply.thought_tokens) == (510, 500)
    assert reply.thoughts_counted == "reported"


async def test_content_that_is_null_with_a_field_next_to_it():
    reply = await reply_over(OpenAIWire(Said("", message={"content": None, "reasoning": "hm"})))
    assert (reply.text, reply.thoughts, reply.only_thoughts) == ("", "hm", True)


async def test_thoughts_that_are_only_counted():
    details = {"completion_tokens_details": {"reasoning_tokens": 2048}}
    said = Said("", finish="length", read=50, wrote=2048, usage=details)
    reply = await reply_over(OpenAIWire(said))
    assert reply.capped
    assert reply.only_thoughts
    assert reply.thought_tokens == 2048


async def test_thoughts_that_only_the_total_holds():
    said = Said("4", read=50, wrote=10, usage={"total_tokens": 1060})
    reply = await reply_over(OpenAIWire(said))
    assert (reply.output_tokens, reply.thought_tokens) == (1010, 1000)
    assert reply.thoughts_counted == "counted"


async def test_chunks_of_openai_and_mistral():
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": DRAFT}]},
        {"type": "text", "text": "4"},
    ]
    for wire in (OpenAIWire, MistralWire):
        reply = await reply_over(wire(Said("4", message={"content": content})))
        assert (reply.text, reply.thoughts) == ("4", DRAFT)


async def test_a_field_of_ollama():
    reply = await reply_over(OllamaWire(Said("4", wrote=510, message={"thinking": DRAFT})))
    assert (reply.text, reply.thoughts) == ("4", DRAFT)
    assert reply.output_tokens == 510
    assert 490 < reply.thought_tokens < 510
    assert reply.thoughts_counted == "estimated"


async def test_thoughts_that_took_all_of_ollamas_cap():
    said = Said("", finish="length", wrote=2048, message={"thinking": DRAFT})
    reply = await reply_over(OllamaWire(said))
    assert reply.only_thoughts
    assert (reply.capped, reply.thought_tokens, reply.thoughts_counted) == (True, 2048, "counted")


@pytest.mark.parametrize("wire", [OpenAIWire, MistralWire, OllamaWire])
@pytest.mark.parametrize("opening", ["<think>\n", ""])
async def test_tags_in_the_text(wire, opening):
    reply = await reply_over(wire(f"{opening}{DRAFT}\n</think>\n\n4"))
    assert (reply.text, reply.thoughts) == ("4", DRAFT)
