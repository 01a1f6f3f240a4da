import asyncio

import pytest

from solver.errors import ConfigError, ModelError
from solver.models import connect
from solver.models.ollama import was_cut
from solver.records import Message, Sampling
from tests.servers import serving
from tests.wires import OllamaWire, Said, Trouble

CHAT = (Message(role="user", text="What is 2+2?"),)
LONG = (
    Message(role="user", text="Lemma. " * 2000),
    Message(role="assistant", text="So it is. " * 1000),
    Message(role="user", text="What is 2+2?"),
)


async def test_the_context_and_keep_alive_are_explicit_in_every_request():
    async with serving(OllamaWire()) as server:
        options = {"hosts": [server.url], "num_ctx": 5000, "keep_alive": "7m"}
        model = connect("ollama/test", Sampling(), options)
        await model.generate(CHAT, seed=1)
        await model.complete("2+2=", seed=1)
        await model.close()
    for request in server.wire.requests:
        assert request.body["options"]["num_ctx"] == 5000
        assert request.body["keep_alive"] == "7m"
        assert request.body["stream"] is False
        assert request.body["truncate"] is False
        assert request.body["shift"] is False


@pytest.mark.parametrize("version", ["0.33.2", "0.5.0"])
async def test_a_prompt_that_does_not_fit_is_never_answered_in_silence(version):
    async with serving(OllamaWire(version=version)) as server:
        options = {"hosts": [server.url], "num_ctx": 4096}
        model = connect("ollama/test", Sampling(), options)
        reply = await model.generate(LONG, seed=1)
        await model.close()
    assert reply.prompt_cut


async def test_a_prompt_that_fits_is_not_accused():
    async with serving(OllamaWire(version="0.5.0")) as server:
        options = {"hosts": [server.url], "num_ctx": 8192}
        model = connect("ollama/test", Sampling(), options)
        reply = await model.generate(LONG, seed=1)
        await model.close()
    assert not reply.prompt_cut


async def test_a_context_smaller_than_asked_for_is_found_out():
    wire = OllamaWire(Said("4", read=2040), version="0.5.0")
    wire.trained_context = 2048
    async with serving(wire) as server:
        model = connect("ollama/test", Sampling(max_tokens=100), {"hosts": [server.url]})
        await model.describe()
        reply = await model.generate((Message(role="user", text="x" * 8000),), seed=1)
        await model.close()
    assert reply.prompt_cut


@pytest.mark.parametrize("read", [0, 300, 2000, 4000, 4100, 6000])
def test_an_ordinary_prompt_is_never_called_cut(read):
    prompt = "x" * int(read * 4.5)  # English has up to 4.5 letters a token
    assert not was_cut(prompt, read=read, wrote=500, context=8192)


@pytest.mark.parametrize(("letters", "context"), [(28_000, 8192), (110_000, 32768)])
def test_a_prompt_cut_to_half_the_context_is_called_cut(letters, context):
    assert was_cut("x" * letters, read=context // 2 + 2, wrote=100, context=context)


def test_messages_dropped_from_a_chat_are_noticed():
    assert was_cut("x" * 40_000, read=900, wrote=100, context=8192)


def test_a_window_that_slid_while_writing_is_noticed():
    assert was_cut("x" * 24_000, read=7000, wrote=2048, context=8192)


def test_a_full_window_is_noticed():
    assert was_cut("x" * 30_000, read=8190, wrote=1, context=8192)


def test_a_short_prompt_served_from_a_cache_is_not_accused():
    assert not was_cut("x" * 3000, read=3, wrote=100, context=8192)


async def test_describe_gives_what_identifies_the_weights():
    async with serving(OllamaWire()) as server:
        model = connect("ollama/test", Sampling(), {"hosts": [server.url]})
        facts = await model.describe()
        await model.close()
    assert facts["digest"] == "sha256:aa"
    assert facts["quantisation"] == "Q4_1"
    assert facts["parameters"] == "135M"
    assert facts["num_ctx"] == 8192
    assert facts["defaults"] == ["top_k 20", "repeat_penalty 1.1"]
    assert facts["hosts"] == [{"host": server.url, "version": "0.33.2"}]


async def test_a_missing_model_says_how_to_get_it():
    async with serving(OllamaWire()) as server:
        model = connect("ollama/llama3.1:8b", Sampling(), {"hosts": [server.url]})
        with pytest.raises(ModelError, match=r"`ollama pull llama3.1:8b`") as failure:
            await model.generate(CHAT, seed=1)
        await model.close()
    assert not failure.value.retryable


async def test_a_server_that_is_not_running_says_how_to_start_it():
    async with serving(OllamaWire()) as server:
        url = server.url
    model = connect("ollama/test", Sampling(), {"hosts": [url]})
    with pytest.raises(ModelError, match="ollama serve"):
        await model.describe()
    await model.close()


async def test_hosts_with_different_weights_are_refused():
    async with serving(OllamaWire()) as one, serving(OllamaWire(digest="sha256:bb")) as other:
        model = connect("ollama/test", Sampling(), {"hosts": [one.url, other.url]})
        with pytest.raises(ModelError, match="different weights") as failure:
            await model.describe()
        await model.close()
    assert not failure.value.retryable


async def test_requests_go_to_the_least_busy_host():
    async with serving(OllamaWire(delay=0.1)) as one, serving(OllamaWire(delay=0.1)) as other:
        options = {"hosts": [one.url, other.url], "parallel": 2}
        model = connect("ollama/test", Sampling(), options)
        assert model.parallel == 4
        await asyncio.gather(*(model.generate(CHAT, seed=n) for n in range(4)))
        await model.close()
    assert (one.wire.most_at_once, other.wire.most_at_once) == (2, 2)


async def test_a_host_that_is_down_is_passed_over():
    async with serving(OllamaWire()) as gone:
        dead = gone.url
    async with serving(OllamaWire()) as alive:
        model = connect("ollama/test", Sampling(), {"hosts": [dead, alive.url]})
        with pytest.raises(ModelError):
            await model.generate(CHAT, seed=0)
        for seed in range(3):
            assert (await model.generate(CHAT, seed=seed)).text == "4"
        await model.close()


async def test_only_the_reply_is_kept_and_not_the_thoughts():
    message = {"role": "assistant", "content": "4", "thinking": "two and two"}
    answer = {"model": "test", "done": True, "done_reason": "stop", "message": message}
    async with serving(OllamaWire(troubles=[Trouble(body=answer)])) as server:
        model = connect("ollama/test", Sampling(), {"hosts": [server.url], "think": True})
        reply = await model.generate(CHAT, seed=1)
        await model.close()
    assert reply.text == "4"
    assert server.wire.requests[-1].body["think"] is True


def test_a_cap_that_leaves_no_room_for_the_prompt_is_refused():
    with pytest.raises(ConfigError, match="num_ctx"):
        connect("ollama/test", Sampling(max_tokens=4096), {"num_ctx": 4096})


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("", "http://localhost:11434"),
        ("gpu1", "http://gpu1:11434"),
        (":11500", "http://localhost:11500"),
        ("10.0.0.2:1234/", "http://10.0.0.2:1234"),
        ("https://me:secret@gpu1", "https://gpu1"),
    ],
)
async def test_a_host_may_be_written_short(host, shown, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", host)
    model = connect("ollama/test", Sampling(), {})
    await model.close()
    assert model.endpoint == f"ollama {shown}"
