"""Answers that no honest server gives: each is a failure of one line, and none ends the program."""

import gzip
import json
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from solver.errors import ConfigError, ModelError, Scope
from solver.models import connect
from solver.models._clients import LARGEST_MIB
from solver.models._openai_models import LOOK_SECONDS, _serves
from solver.records import Message, Reply, Sampling
from tests.servers import serving
from tests.wires import MistralWire, OllamaWire, OpenAIWire, Said, Stream, Trouble

CHAT = (Message(role="user", text="What is 2+2?"),)
PROVIDERS = {
    "openai": (OpenAIWire, lambda url: {"base_url": f"{url}/v1"}),
    "mistral": (MistralWire, lambda url: {"server_url": url}),
    "ollama": (OllamaWire, lambda url: {"hosts": [url]}),
}
JSON = {"Content-Type": "application/json"}
BOMB = gzip.compress(b" " * ((LARGEST_MIB + 1) << 20))


@pytest.fixture(params=PROVIDERS)
def provider(request, monkeypatch):
    for name in ("OPENAI_API_KEY", "MISTRAL_API_KEY"):
        monkeypatch.setenv(name, "kEy-0123456789abcdef")
    return request.param


@asynccontextmanager
async def connected(provider, wire=None, **more):
    """A model of the provider, whose server gives this trouble first."""
    wire_class, at = PROVIDERS[provider]
    async with serving(wire or wire_class(**more)) as server:
        model = connect(f"{provider}/test", Sampling(), at(server.url))
        try:
            yield model
        finally:
            await model.close()


TROUBLES = {
    "gzip that is none": (
        Trouble(headers={**JSON, "Content-Encoding": "gzip"}, body=b"not gzip"),
        "unpack",
    ),
    "gzip in gzip": (
        Trouble(headers={**JSON, "Content-Encoding": "gzip, gzip"}, body=b"x"),
        "packed several times",
    ),
    "gzip of too much": (
        Trouble(headers={**JSON, "Content-Encoding": "gzip"}, body=BOMB),
        "longer than",
    ),
    "a refusal of too much": (
        Trouble(status=400, headers={**JSON, "Content-Encoding": "gzip"}, body=BOMB),
        "longer than",
    ),
    "no text's charset": (
        Trouble(headers={"Content-Type": "application/json; charset=hex"}, body=b"zz"),
        "not the API's",
    ),
    "JSON without an end": (Trouble(headers=JSON, body=b"[" * 200_000), "not the API's"),
    "an address that is none": (Trouble(status=307, headers={"Location": "http://[x"}), "http"),
    "a year that no clock has": (
        Trouble(status=429, headers={"Retry-After": "Fri, 31 Dec 99999999999 23:59:59 GMT"}),
        "429",
    ),
}


@pytest.mark.parametrize(("trouble", "words"), TROUBLES.values(), ids=TROUBLES)
async def test_a_strange_answer_is_a_failure_of_one_line(provider, trouble, words):
    for ask in (lambda model: model.generate(CHAT, seed=1), lambda model: model.describe()):
        async with connected(provider, troubles=[trouble]) as model:
            with pytest.raises(ModelError, match=words) as failure:
                await ask(model)
        assert "\n" not in str(failure.value)


async def test_a_redirect_to_itself_is_a_failure_of_one_line(provider):
    troubles = [Trouble(status=307, headers={"Location": "/v1/models"})] * 40
    async with connected(provider, troubles=troubles) as model:
        with pytest.raises(ModelError, match="leads nowhere"):
            await model.generate(CHAT, seed=1)


@pytest.mark.parametrize("provider", ["openai", "ollama"], indirect=True)
async def test_a_stream_of_too_much_ends(provider):
    trouble = Trouble(
        headers={"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}, body=BOMB
    )
    wire = PROVIDERS[provider][0]()
    async with connected(provider, wire) as model:
        if provider == "openai":
            model._template = lambda chat: "2+2 ="
        elif provider == "ollama":
            await model._prompts.of(CHAT)
        wire.troubles.append(trouble)
        with pytest.raises(ModelError, match="longer than") as failure:
            await model.extend(CHAT, "4", seed=1)
    assert failure.value.scope is Scope.ADDRESS


FIELDS = [
    ("usage", value) for value in ("x", 7, [1], {"total_tokens": "x"}, {"total_tokens": [1]})
] + [("choices", value) for value in (7, 1.5, "x", [[1]], [{"message": 5}])]


async def test_a_reply_of_another_form_is_a_reply_or_a_failure_of_one_line(provider):
    message = {"role": "assistant", "content": "4"}
    body = {
        "id": "1", "object": "chat.completion", "created": 1, "model": "test",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message, "text": "4"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
        "message": message, "done": True, "done_reason": "stop",
    }  # fmt: skip
    troubles = [Trouble(body={**body, field: value}) for field, value in FIELDS for _ in range(2)]
    async with connected(provider, troubles=troubles) as model:
        for changed in FIELDS:
            assert await ends_well(model.generate(CHAT, seed=1)), changed
            assert await ends_well(model.complete("x", seed=1, temperature=None)), changed


async def ends_well(ask):
    """Tell whether a request ends with a reply, or with the one line of a failure."""
    try:
        answer = await ask
    except (ModelError, ConfigError) as failure:
        answer = str(failure)
    return isinstance(answer, Reply) or "\n" not in answer


def event(**choice):
    return {"choices": [{"index": 0, "text": "a", "finish_reason": None, **choice}]}


EVENTS = [
    [1], "x", 5, None, {"choices": 5}, {"choices": [], "usage": "x"},
    event(text=5), event(text=["x"]), event(logprobs=[1]), event(logprobs="x"),
    event(logprobs={"content": [None]}), event(logprobs={"content": [{}]}),
    event(logprobs={"tokens": 5}),
    event(logprobs={"tokens": ["a"], "token_logprobs": [1], "top_logprobs": [{"a": None, "b": 1}]}),
    event(logprobs={"tokens": ["a"], "token_logprobs": [1], "top_logprobs": [[1]]}),
]  # fmt: skip


class Odd:
    """A wire whose streams begin with an event of a strange form."""

    async def answer(self, request):
        """Put the event before those of the protocol."""
        status, body = await super().answer(request)
        if isinstance(body, Stream):
            start, end = (b"", b"\n") if body.kind != "text/event-stream" else (b"data: ", b"\n\n")
            body.events.insert(0, start + json.dumps(self.odd).encode() + end)
        return status, body


async def test_an_event_of_another_form_is_a_reply_or_a_failure_of_one_line(provider):
    wire = type("OddWire", (Odd, PROVIDERS[provider][0]), {})(Said("4"))
    async with connected(provider, wire) as model:
        for wire.odd in EVENTS:
            assert await ends_well(model.extend(CHAT, "2+2 is", seed=1, logprobs=2)), wire.odd


CARDS = [
    {"model_info": {"general.architecture": "llama", "llama.context_length": value}}
    for value in ("many", [1], 1.5, -1, True)
] + [{"parameters": "stop " + "[" * 100_000}]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: repr(card)[-30:])
async def test_a_card_that_holds_something_else_tells_no_context(card):
    wire = OllamaWire()
    wire.card = card
    async with connected("ollama", wire) as model:
        assert (await model.describe())["context"] == 8192


@pytest.mark.parametrize("shown", ["x", [1], 5, {"rendered_template": 5}])
async def test_a_chat_rendered_as_something_else_is_a_failure_of_one_line(shown):
    async with connected("ollama", troubles=[Trouble(body={"_debug_info": shown})]) as model:
        with pytest.raises(ConfigError, match="renders no chat"):
            await model.prove_extend()


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(body=b"[" * 200_000, headers=JSON),
        Trouble(body=b"x", headers={**JSON, "Content-Encoding": "gzip"}),
        Trouble(body=b'{"data": []}' + b" " * 100, headers=JSON, drip=LOOK_SECONDS / 10),
        Trouble(body={"data": 7}),
    ],
    ids=["deep", "unpacked", "drips", "a number"],
)
async def test_doctor_passes_over_a_server_that_lists_no_models(trouble):
    async with serving(OpenAIWire(troubles=[trouble])) as server:
        assert await _serves(f"{server.url}/v1") is None


SURROUNDINGS = {
    "socks": ({"ALL_PROXY": "socks5://me:secret@h:1"}, "ALL_PROXY; for a SOCKS .* unset it"),
    "no proxy's address": ({"HTTPS_PROXY": "garbage://me:secret@h"}, "HTTPS_PROXY; correct"),
    "no certificates": ({"SSL_CERT_FILE": "/secret/nowhere"}, "SSL_CERT_FILE.*; correct"),
    "certificates that are none": ({"SSL_CERT_FILE": __file__}, "SSL_CERT_FILE.*; correct"),
}


@pytest.mark.parametrize(("variables", "words"), SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_surroundings_that_let_no_client_be_made_are_named(provider, variables, words, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=words) as wrong:
        connect(f"{provider}/test", Sampling(), PROVIDERS[provider][1]("https://host.example"))
    assert "secret" not in str(wrong.value)
    assert Path(__file__).name not in str(wrong.value)
