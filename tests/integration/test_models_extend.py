"""Continuing a partial reply, at servers that speak the providers' protocols."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from solver.errors import ConfigError, ModelError
from solver.models import connect, provider_of
from solver.models.openai import OPENAI
from solver.records import Message, Sampling
from tests.servers import serving
from tests.wires import MistralWire, OllamaWire, OpenAIWire, Said, Trouble, rendered

KEY = "kEy-0123456789abcdef"
CHAT = (Message(role="system", text="Be brief."), Message(role="user", text="What is 2+2?"))
RENDERED = rendered([{"role": m.role, "content": m.text} for m in CHAT])
PARTIAL = "x = 2\n    "

PROVIDERS = {
    "openai": (OpenAIWire, lambda url: {"base_url": f"{url}/v1"}),
    "mistral": (MistralWire, lambda url: {"server_url": url}),
    "ollama": (OllamaWire, lambda url: {"hosts": [url]}),
}
RAW = ["openai", "ollama"]
"""Those to which a prompt goes as text."""

REQUEST = {"openai": "/completions", "mistral": "/completions", "ollama": "/generate"}


@pytest.fixture(params=PROVIDERS)
def provider(request, monkeypatch):
    for name in ("OPENAI_API_KEY", "MISTRAL_API_KEY", "OLLAMA_API_KEY"):
        monkeypatch.setenv(name, KEY)
    return request.param


@asynccontextmanager
async def connected(provider, *args, sampling=None, options=None, **more):
    """A model of the provider and the server behind it."""
    wire_class, at = PROVIDERS[provider]
    async with serving(wire_class(*args, **more)) as server:
        model = connect(
            f"{provider}/test", sampling or Sampling(), {**at(server.url), **(options or {})}
        )
        try:
            yield model, server.wire
        finally:
            await model.close()


async def test_the_reply_is_the_continuation_alone(provider):
    async with connected(provider, Said("y = x + x\nprint(y)", read=30, wrote=9)) as (model, _):
        reply = await model.extend(CHAT, PARTIAL, seed=1)
    assert reply.text == "y = x + x\nprint(y)"
    assert (reply.input_tokens, reply.output_tokens) == (30, 9)
    assert (reply.requests, reply.capped, reply.prompt_cut) == (1, False, False)


@pytest.mark.parametrize("provider", RAW, indirect=True)
async def test_the_prompt_is_the_chat_as_the_server_renders_it_with_the_partial_reply(provider):
    async with connected(provider) as (model, wire):
        await model.extend(CHAT, PARTIAL, seed=1)
        await model.extend(CHAT, "", seed=1)
    prompts = [request.body["prompt"] for request in wire.asked(REQUEST[provider])]
    assert prompts == [RENDERED + PARTIAL, RENDERED]
    assert len(wire.requests) == 3, "a chat is rendered once"


@pytest.mark.parametrize("provider", RAW, indirect=True)
async def test_the_prompt_can_be_rendered_by_the_models_own_template(provider, tmp_path):
    source = (
        "{{ bos_token }}{% for m in messages %}\n<{{ m.role }}>{{ m.content }}\n{% endfor %}\n"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps({"chat_template": source, "bos_token": {"content": "<s>"}}))
    options = {"chat_template": str(path)}
    async with connected(provider, options=options, renders=False) as (model, wire):
        await model.prove_extend()
        await model.extend(CHAT, PARTIAL, seed=1)
    assert wire.asked(REQUEST[provider])[-1].body["prompt"] == RENDERED + PARTIAL


async def test_mistral_is_given_the_partial_reply_as_a_prefix(monkeypatch):
    monkeypatch.setenv("MISTRAL_API_KEY", KEY)
    async with connected("mistral") as (model, wire):
        await model.extend(CHAT, PARTIAL, seed=1)
        await model.extend(CHAT, "", seed=1)
    first, second = (request.body["messages"] for request in wire.requests)
    assert (first[-1]["role"], first[-1]["content"], first[-1]["prefix"]) == (
        "assistant",
        PARTIAL,
        True,
    )
    assert [m["role"] for m in second] == ["system", "user"]


async def test_until_ends_the_reply_and_the_request(provider):
    seen = []

    def three_words(text):
        seen.append(text)
        return text.count(" ") == 2

    async with connected(provider, "one two three four " * 200, pace=0.02) as (model, wire):
        reply = await model.extend(CHAT, PARTIAL, seed=1, until=three_words)
        (stream,) = wire.streams
        async with asyncio.timeout(60):  # the server is told to stop
            while not stream.left:
                await asyncio.sleep(0.01)
    assert reply.text == "one two three"
    assert not reply.capped
    assert seen == ["one", "one two", "one two three"]
    assert reply.output_tokens == 3
    assert reply.input_tokens > 0
    assert stream.sent < len(stream.events)


async def test_a_connection_serves_the_next_request_after_a_cut(provider):
    async with connected(provider, "one two three") as (model, _):
        await model.extend(CHAT, "", seed=1, until=lambda text: True)
        assert (await model.extend(CHAT, "", seed=1)).text == "one two three"


async def test_no_request_follows_a_stream_on_a_connection_its_server_may_have_left():
    """llama.cpp hangs up after each stream without a word of it."""
    async with connected("openai", "one two three") as (model, wire):
        await model.extend(CHAT, "", seed=1)
    assert wire.asked("/completions")[-1].headers["connection"] == "close"


async def test_one_token_is_not_streamed_and_leaves_its_connection_open():
    async with connected("openai", Said("one", finish="length")) as (model, wire):
        reply = await model.extend(CHAT, "", seed=1, max_tokens=1, logprobs=2)
    (token,) = reply.tokens
    assert (reply.text, reply.capped, token.text, token.logprob) == ("one", True, "one", -0.5)
    assert token.alternatives == (("one", -0.5), ("other", -1.5))
    request = wire.asked("/completions")[-1]
    assert "stream" not in request.body
    assert request.headers["connection"] == "keep-alive"


async def test_a_continuation_that_reached_the_cap_is_capped(provider):
    async with connected(provider, Said("one two", finish="length")) as (model, wire):
        reply = await model.extend(CHAT, "", seed=1, max_tokens=2, temperature=0.7)
    assert reply.capped
    body = wire.asked(REQUEST[provider])[-1].body
    body = body | body.get("options", {})
    assert body.get("max_tokens", body.get("num_predict")) == 2
    assert body["temperature"] == 0.7


@pytest.mark.parametrize("provider", RAW, indirect=True)
async def test_tokens_come_with_their_probabilities_and_alternatives(provider):
    async with connected(provider, "one two") as (model, wire):
        reply = await model.extend(CHAT, "", seed=1, logprobs=2)
        silent = await model.extend(CHAT, "", seed=1)
    assert [(t.text, t.logprob, t.alternatives) for t in reply.tokens] == [
        ("one", -0.5, (("one", -0.5), ("other", -1.5))),
        (" two", -0.5, ((" two", -0.5), ("other", -1.5))),
    ]
    assert silent.tokens == ()
    body = wire.asked(REQUEST[provider])[0].body
    assert body.get("top_logprobs", body["logprobs"]) == 2


async def test_llama_server_returns_tokens_in_the_form_of_its_chat():
    told = {"token": "4", "logprob": -0.25, "top_logprobs": [{"token": "4", "logprob": -0.25}]}
    choice = {"index": 0, "text": "4", "finish_reason": "stop", "logprobs": {"content": [told]}}
    event = {"id": "1", "object": "text_completion", "created": 0, "model": "test"}
    line = b"data: " + json.dumps({**event, "choices": [choice]}).encode() + b"\n\n"
    async with connected("openai") as (model, wire):
        await model.extend(CHAT, "", seed=1)
        wire.troubles.append(Trouble(body=line, headers={"Content-Type": "text/event-stream"}))
        reply = await model.extend(CHAT, "", seed=1, logprobs=1)
    assert [(t.text, t.logprob, t.alternatives) for t in reply.tokens] == [
        ("4", -0.25, (("4", -0.25),))
    ]


async def test_mistral_returns_no_probabilities(monkeypatch):
    monkeypatch.setenv("MISTRAL_API_KEY", KEY)
    async with connected("mistral", "one two") as (model, _):
        assert (await model.extend(CHAT, "", seed=1, logprobs=2)).tokens == ()


async def test_probabilities_come_exactly_if_the_provider_declares_them(provider):
    async with connected(provider, "one two") as (model, _):
        reply = await model.extend(CHAT, "", seed=1, logprobs=2)
    assert bool(reply.tokens) == ("logprobs" in provider_of(provider).can)


async def test_an_error_in_the_middle_may_be_asked_again(provider):
    async with connected(provider, Said("one two", breaks=True)) as (model, _):
        with pytest.raises(ModelError) as failure:
            await model.extend(CHAT, PARTIAL, seed=1)
    assert failure.value.retryable
    assert "\n" not in str(failure.value)


async def test_a_stream_that_is_cut_off_may_be_asked_again(provider):
    async with connected(provider) as (model, wire):
        await model.extend(CHAT, PARTIAL, seed=1)
        wire.troubles.append(Trouble(headers={"Content-Type": "text/event-stream"}, cut=True))
        with pytest.raises(ModelError) as failure:
            await model.extend(CHAT, PARTIAL, seed=1)
    assert failure.value.retryable


async def test_a_refusal_before_the_stream_is_as_ever(provider):
    async with connected(provider) as (model, wire):
        await model.extend(CHAT, PARTIAL, seed=1)
        wire.troubles.append(Trouble(429, {"error": f"slow down, {KEY}"}, {"Retry-After": "7"}))
        with pytest.raises(ModelError) as failure:
            await model.extend(CHAT, PARTIAL, seed=1)
    assert (failure.value.status, failure.value.retry_after) == (429, 7)
    assert KEY not in f"{failure.value}{failure.value.__cause__!r}"


async def test_a_stream_that_stops_coming_is_given_up_at_the_deadline(provider):
    async with connected(provider, "one two", pace=5, options={"timeout": 0.3}) as (model, _):
        with pytest.raises(ModelError, match=r"0\.3 s"):
            await model.extend(CHAT, PARTIAL, seed=1)


async def test_proving_passes_where_replies_can_be_continued(provider):
    async with connected(provider) as (model, _):
        await model.prove_extend()


async def test_openai_itself_is_refused_without_a_request(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    model = connect("openai/gpt-4o-mini", Sampling(), {"base_url": OPENAI})
    with pytest.raises(ConfigError, match="continues no partial reply"):
        await model.prove_extend()
    await model.close()


@pytest.mark.parametrize("provider", RAW, indirect=True)
async def test_a_server_that_renders_no_chat_is_a_mistake_of_the_config(provider):
    async with connected(provider, renders=False) as (model, wire):
        with pytest.raises(ConfigError, match="option chat_template"):
            await model.prove_extend()
    assert wire.streams == [], "nothing was written"


@pytest.mark.parametrize("provider", ["openai", "mistral"], indirect=True)
async def test_a_server_of_chats_alone_is_a_mistake_of_the_config(provider):
    async with connected(provider, continues=False) as (model, _):
        with pytest.raises(ConfigError, match="continues no"):
            await model.prove_extend()


async def test_a_reply_is_continued_at_the_host_that_has_its_start():
    async with serving(OllamaWire()) as one, serving(OllamaWire()) as other:
        model = connect("ollama/test", Sampling(), {"hosts": [one.url, other.url]})
        chats = [(Message(role="user", text=text),) for text in ("a?", "b?")]
        for _ in range(3):
            await asyncio.gather(*(model.extend(chat, "", seed=1) for chat in chats))
        await model.close()
    for wire in (one.wire, other.wire):
        assert len({request.body["prompt"] for request in wire.asked("/generate")}) <= 1


@pytest.mark.parametrize("provider", PROVIDERS, indirect=True)
async def test_a_stop_of_the_request_is_sent_with_those_of_the_sampling(provider):
    async with connected(provider, sampling=Sampling(stop=("END",))) as (model, wire):
        await model.generate(CHAT, seed=1, stop=["```output"])
    body = wire.requests[-1].body
    assert body.get("stop", body.get("options", {}).get("stop")) == ["END", "```output"]


@pytest.mark.parametrize("version", ["0.33.2", "0.5.0"])
async def test_a_partial_reply_that_does_not_fit_is_never_continued_in_silence(version):
    options = {"num_ctx": 4096}
    async with connected("ollama", version=version, options=options) as (model, _):
        short = await model.extend(CHAT, PARTIAL, seed=1)
        long = await model.extend(CHAT, "x = 1\n" * 5000, seed=1)
    assert (short.prompt_cut, long.prompt_cut) == (False, True)


async def test_a_partial_reply_that_does_not_fit_is_the_trials_fact_at_other_servers_too():
    message = "This model's maximum context length is 10 tokens, your prompt has 99"
    async with connected("openai") as (model, wire):
        await model.extend(CHAT, "", seed=1)
        wire.troubles.append(Trouble(400, {"error": {"message": message}}))
        reply = await model.extend(CHAT, PARTIAL, seed=1)
    assert (reply.prompt_cut, reply.text) == (True, "")
