"""The three HTTP providers against servers that speak their protocols: what they share."""

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from solver.errors import ConfigError, ModelError, Scope
from solver.models import connect, provider_of
from solver.records import Message, Sampling
from tests.servers import serving
from tests.wires import MistralWire, OllamaWire, OpenAIWire, Said, Trouble

KEY = "kEy-0123456789abcdef"
CHAT = (Message(role="system", text="Be brief."), Message(role="user", text="What is 2+2?"))
SCHEMA = {"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]}

PROVIDERS = {
    "openai": (OpenAIWire, lambda url: {"base_url": f"{url}/v1"}),
    "mistral": (MistralWire, lambda url: {"server_url": url}),
    "ollama": (OllamaWire, lambda url: {"hosts": [url]}),
}


@pytest.fixture(params=PROVIDERS)
def provider(request, monkeypatch):
    for name in ("OPENAI_API_KEY", "MISTRAL_API_KEY", "OLLAMA_API_KEY"):
        monkeypatch.setenv(name, KEY)
    return request.param


@asynccontextmanager
async def connected(provider, *args, sampling=None, options=None, name="test", **more):
    """A model of the provider and the server behind it."""
    wire_class, at = PROVIDERS[provider]
    async with serving(wire_class(*args, **more)) as server:
        model = connect(
            f"{provider}/{name}", sampling or Sampling(), {**at(server.url), **(options or {})}
        )
        try:
            yield model, server.wire
        finally:
            await model.close()


async def failure_of(provider, trouble, **more):
    async with connected(provider, troubles=[trouble], **more) as (model, wire):
        with pytest.raises(ModelError) as failure:
            await model.generate(CHAT, seed=1)
        assert len(wire.requests) == 1, "one generate is one request, whatever happens"
        return failure.value


async def test_a_reply_comes_back_with_its_tokens_and_time(provider):
    async with connected(provider, Said("4", read=20, wrote=3), delay=0.05) as (model, _):
        started = time.perf_counter()
        reply = await model.generate(CHAT, seed=1)
        waited = time.perf_counter() - started
    assert (reply.text, reply.input_tokens, reply.output_tokens) == ("4", 20, 3)
    assert 0.05 <= reply.seconds <= waited
    assert (reply.requests, reply.capped, reply.prompt_cut) == (1, False, False)


async def test_the_chat_arrives_as_it_was_sent(provider):
    async with connected(provider) as (model, wire):
        await model.generate(CHAT, seed=1)
    sent = wire.requests[-1].body["messages"]
    assert [(m["role"], m["content"]) for m in sent] == [(m.role, m.text) for m in CHAT]


async def test_a_reply_that_reached_the_cap_is_capped(provider):
    async with connected(provider, Said("half a", finish="length")) as (model, _):
        assert (await model.generate(CHAT, seed=1)).capped


async def test_the_seed_is_sent(provider):
    async with connected(provider) as (model, wire):
        await model.generate(CHAT, seed=41)
    body = wire.requests[-1].body
    sent = body.get("seed", body.get("random_seed", body.get("options", {}).get("seed")))
    assert sent == 41


async def test_sampling_left_unset_is_not_sent(provider):
    async with connected(provider, sampling=Sampling(max_tokens=99)) as (model, wire):
        await model.generate(CHAT, seed=1)
    body = wire.requests[-1].body
    body = body | body.get("options", {})
    assert body["temperature"] == 0
    assert 99 in (body.get("max_tokens"), body.get("num_predict"))
    assert not {"top_p", "top_k", "stop"} & set(body)


async def test_sampling_that_is_set_is_sent(provider):
    chosen = Sampling(temperature=0.5, top_p=0.9, top_k=7, stop=("END",))
    async with connected(provider, sampling=chosen) as (model, wire):
        await model.generate(CHAT, seed=1)
    body = wire.requests[-1].body
    body = body | body.get("options", {})
    assert (body["temperature"], body["top_p"], body["top_k"]) == (0.5, 0.9, 7)
    assert body["stop"] == ["END"]


async def test_a_schema_is_sent_for_the_server_to_enforce(provider):
    async with connected(provider) as (model, wire):
        await model.generate(CHAT, seed=1, schema=SCHEMA)
    body = wire.requests[-1].body
    if provider == "ollama":
        assert body["format"] == SCHEMA
    else:
        assert body["response_format"]["type"] == "json_schema"
        assert body["response_format"]["json_schema"]["schema"] == SCHEMA
        assert body["response_format"]["json_schema"]["strict"] is True


def test_what_these_tests_find_in_requests_is_declared(provider):
    assert {"schema", "seed", "stop"} <= provider_of(provider).can


async def test_a_rate_limit_says_how_long_to_wait_in_seconds(provider):
    failure = await failure_of(provider, Trouble(429, headers={"Retry-After": "7"}))
    assert (failure.status, failure.retryable, failure.retry_after) == (429, True, 7)


async def test_a_rate_limit_says_how_long_to_wait_by_a_date(provider):
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    failure = await failure_of(provider, Trouble(429, headers={"Retry-After": later}))
    assert failure.retry_after is not None
    assert 55 < failure.retry_after <= 60


@pytest.mark.parametrize("status", [500, 503])
async def test_a_server_error_may_be_asked_again(provider, status):
    failure = await failure_of(provider, Trouble(status, {"error": {"message": "oops"}}))
    assert (failure.status, failure.retryable) == (status, True)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refusal_is_final_and_one_line(provider, status):
    failure = await failure_of(provider, Trouble(status, {"error": {"message": "a\nb"}}))
    assert (failure.status, failure.retryable) == (status, False)
    assert "\n" not in str(failure)
    assert "127.0.0.1" in str(failure)


async def test_a_refused_key_is_named_by_its_variable_and_never_shown(provider):
    echo = {"error": {"message": f"Incorrect API key provided: {KEY}"}}
    failure = await failure_of(provider, Trouble(401, echo))
    assert f"{provider.upper()}_API_KEY" in str(failure)
    shown = f"{failure}{failure!r}{failure.__cause__!r}"
    assert KEY not in shown


async def test_a_server_that_hangs_is_given_up_at_the_deadline(provider):
    started = time.monotonic()
    failure = await failure_of(provider, Trouble(hang=60), options={"timeout": 1.5})
    assert time.monotonic() - started < 60
    assert failure.retryable
    assert "1.5 s" in str(failure)


async def test_a_reply_that_drips_is_given_up_at_the_deadline(provider):
    started = time.monotonic()
    failure = await failure_of(provider, Trouble(body={}, drip=0.05), options={"timeout": 1.5})
    assert time.monotonic() - started < 60
    assert failure.retryable


async def test_a_connection_cut_in_the_middle_may_be_asked_again(provider):
    failure = await failure_of(provider, Trouble(body={"choices": []}, cut=True))
    assert failure.retryable


async def test_a_page_of_something_else_is_not_a_reply(provider):
    failure = await failure_of(provider, Trouble(body=b"<html>log in first</html>"))
    assert not failure.retryable


async def test_a_server_that_is_not_there_may_be_asked_again(provider):
    _, at = PROVIDERS[provider]
    async with serving(OpenAIWire()) as server:
        url = server.url
    model = connect(f"{provider}/test", Sampling(), at(url))
    with pytest.raises(ModelError) as failure:
        await model.generate(CHAT, seed=1)
    await model.close()
    assert failure.value.retryable
    assert "no connection" in str(failure.value)


async def test_a_cancelled_request_ends_at_once(provider):
    async with connected(provider, delay=60) as (model, _):
        task = asyncio.create_task(model.generate(CHAT, seed=1))
        await asyncio.sleep(0.2)
        task.cancel()
        started = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 60


async def test_describe_proves_the_model_is_there(provider):
    async with connected(provider) as (model, _):
        facts = await model.describe()
    assert facts


@pytest.mark.parametrize("provider", ["mistral", "ollama"], indirect=True)
async def test_describe_refuses_a_model_that_is_not_there(provider):
    async with connected(provider, model="other") as (model, _):
        with pytest.raises(ModelError) as failure:
            await model.describe()
    assert (failure.value.status, failure.value.retryable) == (404, False)


async def test_raw_text_is_continued(provider):
    async with connected(provider, " 4, of course") as (model, _):
        reply = await model.complete("2+2 =", seed=1, max_tokens=5, stop=["\n"])
    assert reply.text == " 4, of course"


@pytest.mark.parametrize("name", ["openai", "mistral"])
def test_a_missing_key_is_a_mistake_of_the_config(name, monkeypatch):
    monkeypatch.delenv(f"{name.upper()}_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ConfigError, match=f"{name.upper()}_API_KEY"):
        connect(f"{name}/test", Sampling(), {})


async def test_an_error_in_a_good_answer_may_be_asked_again_in_its_words(provider):
    error = {"error": {"message": "the engine is busy", "code": 502}}
    failure = await failure_of(provider, Trouble(200, error))
    assert failure.retryable
    assert "the engine is busy" in str(failure)


async def test_an_empty_answer_may_be_asked_again(provider):
    assert (await failure_of(provider, Trouble(200, b""))).retryable


async def test_a_page_of_something_else_may_be_a_wrong_address(provider):
    failure = await failure_of(provider, Trouble(body=b"<html>log in first</html>"))
    assert failure.scope is Scope.ADDRESS
    assert "log in first" in str(failure)
    assert "<" not in str(failure)


@pytest.mark.parametrize("finish", ["error", "abort", "", "load"])
async def test_a_reply_that_was_broken_off_may_be_asked_again(provider, finish):
    async with connected(provider, Said("print(41)", finish=finish)) as (model, _):
        with pytest.raises(ModelError) as failure:
            await model.generate(CHAT, seed=1)
    assert failure.value.retryable


async def test_a_prompt_that_does_not_fit_is_cut_though_the_status_is_good(provider):
    error = {"error": "request (9000 tokens) exceeds the available context size (8192 tokens)"}
    async with connected(provider, troubles=[Trouble(200, error)]) as (model, _):
        assert (await model.generate(CHAT, seed=1)).prompt_cut
