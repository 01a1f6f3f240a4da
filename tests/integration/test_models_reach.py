"""Keys, addresses and proxies as people have them, for the three HTTP providers."""

import pytest

from solver.errors import ConfigError
from solver.models import connect
from solver.records import Message, Sampling
from tests.servers import serving
from tests.wires import MistralWire, OllamaWire, OpenAIWire

CHAT = (Message(role="user", text="What is 2+2?"),)
KEY = "kEy-0123456789abcdef"
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


@pytest.mark.parametrize(
    "key", [f"{KEY}\n", f" {KEY}", f"“{KEY}”", f'"{KEY}"', f"{KEY[:8]} {KEY[8:]}", f"{KEY}\x07"]
)
def test_stray_characters_in_a_key_are_named_by_its_variable(provider, key, monkeypatch):
    variable = f"{provider.upper()}_API_KEY"
    monkeypatch.setenv(variable, key)
    with pytest.raises(ConfigError, match=variable) as wrong:
        connect(f"{provider}/test", Sampling(), {})
    assert "0123" not in str(wrong.value)


async def test_loopback_is_reached_though_a_proxy_is_set(provider, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    wire, at = PROVIDERS[provider]
    async with serving(wire("4")) as server:
        model = connect(f"{provider}/test", Sampling(), at(server.url))
        assert await model.describe()
        assert (await model.generate(CHAT, seed=1)).text == "4"
        await model.close()


@pytest.mark.parametrize("url", ["http://host:99999/v1", "http://[::1/v1", "http:///v1", "host/v1"])
def test_an_address_that_is_none_is_one_line(url):
    with pytest.raises(ConfigError, match="base_url"):
        connect("openai/test", Sampling(), {"base_url": url})


async def asked(server, at):
    model = connect("openai/test", Sampling(), {"base_url": at})
    try:
        await model.describe()
        await model.generate(CHAT, seed=1)
    finally:
        await model.close()
    return server.wire.requests


async def test_a_query_in_the_base_url_goes_to_every_path():
    async with serving(OpenAIWire()) as server:
        sent = await asked(server, f" {server.url}/v1?api-version=2024-10-21 ")
    assert {request.path for request in sent} == {"/v1/models", "/v1/chat/completions"}
    assert {request.query for request in sent} == {"api-version=2024-10-21"}


async def test_a_login_in_the_base_url_goes_to_every_path_and_is_not_shown():
    async with serving(OpenAIWire()) as server:
        at = server.url.replace("://", "://me:secret@")
        sent = await asked(server, f"{at}/v1")
        model = connect("openai/test", Sampling(), {"base_url": f"{at}/v1"})
        await model.close()
    assert {request.headers["authorization"] for request in sent} == {"Basic bWU6c2VjcmV0"}
    assert "secret" not in model.endpoint


async def test_azure_gets_the_key_in_its_own_header(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    url = "https://name.openai.azure.com/openai/deployments/x?api-version=2024-10-21"
    model = connect("openai/x", Sampling(), {"base_url": url})
    await model.close()
    assert model._client.default_headers["api-key"] == KEY


async def test_penalties_have_the_names_that_servers_of_this_api_know():
    sampling = Sampling(min_p=0.1, repeat_penalty=1.1, presence_penalty=0.5)
    async with serving(OpenAIWire()) as server:
        model = connect("openai/test", sampling, {"base_url": f"{server.url}/v1"})
        await model.generate(CHAT, seed=1)
        await model.close()
        body = server.wire.requests[-1].body
    assert (body["min_p"], body["presence_penalty"]) == (0.1, 0.5)
    assert body["repeat_penalty"] == body["repetition_penalty"] == 1.1
