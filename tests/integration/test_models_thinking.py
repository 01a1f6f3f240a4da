"""What requests hold for the option `thinking`, and what servers say of models that think."""

import pytest

from solver.errors import ConfigError, ModelError
from solver.models import connect
from solver.records import Message, Sampling
from tests.servers import serving
from tests.wires import MistralWire, OllamaWire, OpenAIWire

CHAT = [Message(role="user", text="2 + 2?")]


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("MISTRAL_API_KEY", "test-key-123456")


async def sent(wire, spec, options, path, *, sampling=None):
    """The body of the one chat that is asked for."""
    async with serving(wire) as server:
        where = {"openai": ("base_url", f"{server.url}/v1"), "mistral": ("server_url", server.url)}
        name, value = where.get(spec.partition("/")[0], ("hosts", [server.url]))
        model = connect(spec, sampling or Sampling(), {name: value, **options})
        try:
            await model.generate(CHAT, seed=1)
        finally:
            await model.close()
        (request,) = wire.asked(path)
        return request.body


@pytest.mark.parametrize(
    ("thinking", "think"), [("off", False), ("low", "low"), ("high", "high"), ("default", None)]
)
async def test_ollama_is_told_by_think(thinking, think):
    body = await sent(OllamaWire(), "ollama/test", {"thinking": thinking}, "/api/chat")
    assert body.get("think") == think


async def test_ollamas_own_option_holds_its_highest_level():
    body = await sent(OllamaWire(), "ollama/test", {"think": "max"}, "/api/chat")
    assert body["think"] == "max"


async def test_an_open_server_is_told_by_what_its_template_reads():
    body = await sent(OpenAIWire(), "openai/test", {"thinking": "off"}, "/chat/completions")
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


async def test_extra_fields_go_with_the_request_and_over_the_others():
    options = {"thinking": "off", "extra_body": {"chat_template_kwargs": {"x": 1}, "tier": "flex"}}
    sampling = Sampling(top_k=5)
    body = await sent(OpenAIWire(), "openai/test", options, "/chat/completions", sampling=sampling)
    assert (body["chat_template_kwargs"], body["tier"], body["top_k"]) == ({"x": 1}, "flex", 5)


@pytest.mark.parametrize(
    ("name", "thinking", "holds"),
    [
        ("magistral-small", "high", {"prompt_mode": "reasoning"}),
        ("magistral-small", "default", {}),
        ("mistral-small", "high", {"reasoning_effort": "high"}),
        ("mistral-small", "off", {"reasoning_effort": "none"}),
        ("mistral-small", "default", {}),
    ],
)
async def test_mistral_is_told_by_a_mode_or_an_effort(name, thinking, holds):
    options = {"thinking": thinking}
    body = await sent(MistralWire(), f"mistral/{name}", options, "/chat/completions")
    found = {key: body.get(key) for key in ("prompt_mode", "reasoning_effort") if body.get(key)}
    assert found == holds


async def described(wire, options):
    async with serving(wire) as server:
        model = connect("ollama/test", Sampling(), {"hosts": [server.url], **options})
        try:
            facts = await model.describe()
            await model.prove_extend()
            return facts
        finally:
            await model.close()


async def test_ollama_says_which_models_think():
    assert (await described(OllamaWire(), {}))["thinks"] is False
    facts = await described(OllamaWire(thinks=True), {"thinking": "off"})
    assert (facts["thinks"], facts["think"]) == (True, False)


async def test_a_model_that_cannot_think_is_refused_before_the_first_reply():
    with pytest.raises(ModelError, match="does not support thinking; remove thinking") as refused:
        await described(OllamaWire(), {"thinking": "high"})
    assert not refused.value.retryable


async def test_replies_of_a_model_that_thinks_are_not_continued():
    with pytest.raises(ConfigError, match="thinks before it replies"):
        await described(OllamaWire(thinks=True), {})


async def test_replies_are_not_continued_where_the_template_opens_thoughts(tmp_path):
    template = tmp_path / "thinker.jinja"
    template.write_text(
        "{{ messages[0].content }}<assistant>"
        "{% if enable_thinking is not defined or enable_thinking %}<think>\n{% endif %}"
    )
    for wire, spec in ((OllamaWire(), "ollama/test"), (OpenAIWire(), "openai/test")):
        async with serving(wire) as server:
            where = {"hosts": [server.url], "base_url": f"{server.url}/v1"}
            name = "hosts" if isinstance(wire, OllamaWire) else "base_url"
            options = {name: where[name], "chat_template": str(template)}
            for thinking in ("default", "off"):
                model = connect(spec, Sampling(), {**options, "thinking": thinking})
                try:
                    if thinking == "off":
                        await model.prove_extend()
                    else:
                        with pytest.raises(ConfigError, match="thinks before it replies"):
                            await model.prove_extend()
                finally:
                    await model.close()
