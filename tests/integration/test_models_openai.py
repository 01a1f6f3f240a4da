import pytest

from solver.errors import ConfigError, ModelError, Scope
from solver.models import connect
from solver.models.openai import OPENAI
from solver.records import Message, Sampling
from tests.servers import serve_openai, serving
from tests.wires import OpenAIWire, Trouble

CHAT = (Message(role="user", text="What is 2+2?"),)


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


async def asked(options, sampling=None):
    """The request that a model with these options sends."""
    async with serving(OpenAIWire()) as server:
        options = {"base_url": f"{server.url}/v1", **options}
        model = connect("openai/test", sampling or Sampling(), options)
        await model.generate(CHAT, seed=1, schema={"type": "object"})
        await model.close()
        return server.wire.requests[-1].body


async def test_a_server_on_this_machine_needs_no_key():
    assert (await asked({}))["model"] == "test"


async def test_the_base_url_of_the_environment_is_honoured(monkeypatch):
    async with serving(OpenAIWire("5")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        model = connect("openai/test", Sampling(), {})
        assert (await model.generate(CHAT, seed=1)).text == "5"
        await model.close()


async def test_the_key_is_taken_from_the_variable_named(monkeypatch):
    monkeypatch.setenv("OTHER_KEY", "other")
    async with serving(OpenAIWire()) as server:
        options = {"base_url": f"{server.url}/v1", "api_key_env": "OTHER_KEY"}
        model = connect("openai/test", Sampling(), options)
        await model.generate(CHAT, seed=1)
        await model.close()
        assert server.wire.requests[-1].headers["authorization"] == "Bearer other"


async def test_the_cap_has_the_name_that_is_asked_for():
    body = await asked({"cap_parameter": "max_completion_tokens"}, Sampling(max_tokens=9))
    assert body["max_completion_tokens"] == 9
    assert "max_tokens" not in body


async def test_what_a_server_refuses_can_be_left_out():
    names = ["temperature", "seed", "stop", "response_format"]
    body = await asked({"omit": names}, Sampling(stop=("x",)))
    assert not set(names) & set(body)


def test_openai_has_no_top_k(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    with pytest.raises(ConfigError, match="no top_k"):
        connect("openai/test", Sampling(top_k=5), {"base_url": OPENAI})


def test_a_base_url_without_http_is_refused():
    with pytest.raises(ConfigError, match="http://"):
        connect("openai/test", Sampling(), {"base_url": "localhost:8000"})


async def test_a_prompt_that_does_not_fit_is_the_trials_fact_and_not_an_error():
    message = "This model's maximum context length is 10 tokens, your messages resulted in 99"
    said = {"error": {"message": message, "code": "context_length_exceeded"}}
    async with serving(OpenAIWire(troubles=[Trouble(400, said)])) as server:
        model = connect("openai/test", Sampling(), {"base_url": f"{server.url}/v1"})
        reply = await model.generate(CHAT, seed=1)
        await model.close()
    assert (reply.prompt_cut, reply.text) == (True, "")


async def test_a_name_that_is_not_listed_is_a_warning_with_the_nearest():
    """Azure's deployments and OpenRouter's variants work, though they are in no list."""
    cards = [{"id": name, "object": "model", "created": 0, "owned_by": "x"} for name in "ab"]
    cards[0]["id"] = "qwen2.5-math"
    listing = Trouble(body={"object": "list", "data": cards})
    async with serving(OpenAIWire(troubles=[listing])) as server:
        model = connect("openai/qwen2.5-mth", Sampling(), {"base_url": f"{server.url}/v1"})
        facts = await model.describe()
        await model.close()
    (note,) = facts["notes"]
    assert "did you mean 'qwen2.5-math'" in note
    assert not facts["listed"]


async def test_a_name_without_a_tag_is_ollamas_latest():
    async with serving(OpenAIWire(model="qwen:latest")) as server:
        model = connect("openai/qwen", Sampling(), {"base_url": f"{server.url}/v1"})
        facts = await model.describe()
        await model.close()
    assert facts["listed"]
    assert "notes" not in facts


async def test_a_server_of_one_model_answers_to_any_name():
    async with serving(OpenAIWire(model="/models/x.gguf")) as server:
        model = connect("openai/test", Sampling(), {"base_url": f"{server.url}/v1"})
        facts = await model.describe()
        await model.close()
    assert facts["served"] == ["/models/x.gguf"]


async def test_the_bench_server_answers_from_its_own_process():
    async with serve_openai(reply="seven", at_once=16) as url:
        model = connect("openai/test", Sampling(), {"base_url": url})
        assert (await model.generate(CHAT, seed=1)).text == "seven"
        await model.close()


@pytest.mark.parametrize("field", ["max_model_len", "context_window", "context_length"])
async def test_a_cap_that_leaves_no_room_is_found_before_the_first_request(field):
    card = {"id": "test", "object": "model", "created": 0, "owned_by": "x", field: 4096}
    listing = Trouble(body={"object": "list", "data": [card]})
    async with serving(OpenAIWire(troubles=[listing, listing])) as server:
        here = {"base_url": f"{server.url}/v1"}
        model = connect("openai/test", Sampling(max_tokens=2048), here)
        assert (await model.describe())["context"] == 4096
        await model.close()
        model = connect("openai/test", Sampling(max_tokens=4096), here)
        with pytest.raises(ModelError, match=r"sampling\.max_tokens 4096 .* 4096") as failure:
            await model.describe()
        await model.close()
    assert failure.value.scope is Scope.RUN
