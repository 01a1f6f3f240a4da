"""The option `thinking`: how it is read, what servers are told, and what is said before a run."""

import pytest

from solver.config_file import check_config
from solver.errors import ConfigError
from solver.models import connect, thinks_by_name
from solver.models._thinking import openai_fields
from solver.models._thoughts import begins_with_thoughts
from solver.records import Problem, Sampling
from solver.run.tasks import tasks_of
from solver.run.thinking import thinking_warnings
from tests.fakes import told

VLLM = "http://localhost:8000/v1"
PROBLEM = Problem(id="p", question="What is 1 plus 0?", answer="1")


def config_of(name="local/x", **model):
    content = {"model": {"name": name, **model}, "judge": "rules"}
    return check_config(content, source="test")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("default", "default"),
        ("off", "off"),
        (False, "off"),
        ("high", "high"),
        (4096, 4096),
        ("4096", 4096),
    ],
)
def test_values_as_yaml_may_give_them(written, read):
    (model,) = config_of(thinking=written).model
    assert model.thinking == read


@pytest.mark.parametrize("written", ["hihg", True, 0, -1, None, 1.5, "²", "9" * 30])
def test_other_values_are_refused_with_the_choices(written):
    with pytest.raises(ConfigError, match=r"thinking: .* is unknown; choices: default, off, low, "):
        config_of(thinking=written)


@pytest.mark.parametrize(
    ("name", "thinking", "why"),
    [
        ("scripted/x", "off", "cannot switch thinking off"),
        ("ollama/x", 4096, "cannot limit thinking to a number of tokens"),
        ("mistral/x", 4096, "cannot limit thinking to a number of tokens"),
    ],
)
def test_what_a_provider_cannot_do_is_a_line_before_the_run(name, thinking, why):
    with pytest.raises(ConfigError) as wrong:
        config_of(name, thinking=thinking, options={"replies": ["4"]} if "script" in name else {})
    assert str(wrong.value) == f"test: model {name!r}: its provider {why}"


@pytest.mark.parametrize(
    ("spec", "options", "why"),
    [
        ("openai/gpt-5", {"thinking": 4096}, "openai.com takes no thinking: a number of tokens"),
        ("mistral/magistral-small", {"thinking": "off"}, "always thinks; remove thinking: off"),
        ("ollama/x", {"thinking": "off", "think": True}, "give thinking or the option think, not"),
        ("openai/x", {"thinking": "low", "reasoning_effort": "low"}, "reasoning_effort, not both"),
    ],
)
def test_what_a_server_does_not_have_is_refused_on_connecting(spec, options, why, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key-123456")
    monkeypatch.setenv("MISTRAL_API_KEY", "test-key-123456")
    with pytest.raises(ConfigError) as wrong:
        connect(spec, Sampling(), options)
    assert why in str(wrong.value)


def test_it_is_part_of_the_key_and_of_what_a_resumed_run_must_share_only_where_it_is_set():
    def facts(**model):
        config = config_of(**model)
        return [task.key for task in tasks_of(config, [PROBLEM])], config.identity()

    assert facts() == facts(thinking="default")
    assert "thinking" not in facts()[1]["model"][0]
    keys = {facts(thinking=value)[0][0] for value in ("off", "high", 4096)}
    assert len(keys | {facts()[0][0]}) == 4


@pytest.mark.parametrize(
    ("url", "thinking", "fields"),
    [
        (VLLM, "default", {}),
        (VLLM, "off", {"chat_template_kwargs": {"enable_thinking": False}}),
        (
            VLLM,
            "low",
            {
                "chat_template_kwargs": {"enable_thinking": True, "reasoning_effort": "low"},
                "reasoning_effort": "low",
            },
        ),
        (
            VLLM,
            99,
            {
                "chat_template_kwargs": {"enable_thinking": True},
                "thinking_token_budget": 99,
                "custom_params": {"thinking_budget": 99},
                "thinking_budget_tokens": 99,
            },
        ),
        ("https://api.openai.com/v1", "off", {"reasoning_effort": "none"}),
        ("https://me.openai.azure.com/openai/v1", "high", {"reasoning_effort": "high"}),
        ("https://openrouter.ai/api/v1", "off", {"reasoning": {"enabled": False}}),
        ("https://openrouter.ai/api/v1", "low", {"reasoning": {"effort": "low"}}),
        ("https://openrouter.ai/api/v1", 99, {"reasoning": {"max_tokens": 99}}),
        ("https://api.deepseek.com/v1", "off", {"thinking": {"type": "disabled"}}),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            99,
            {"extra_body": {"google": {"thinking_config": {"thinking_budget": 99}}}},
        ),
    ],
)
def test_what_each_server_of_openais_api_is_told(url, thinking, fields):
    assert openai_fields(url, thinking, "openai/x") == fields


@pytest.mark.parametrize("name", ["qwen3:8b", "deepseek-r1:7b", "gpt-oss:20b", "QwQ-32B", "o3"])
def test_names_of_models_that_think(name):
    assert thinks_by_name(f"ollama/{name}")


@pytest.mark.parametrize("name", ["qwen2.5-coder:7b", "qwen3-coder:30b", "llama3.1:8b", "gpt-4o"])
def test_names_of_models_that_do_not(name):
    assert not thinks_by_name(f"ollama/{name}")


def warned(described=None, *, name="ollama/qwen3:8b", options=None, thinking="default", **sampling):
    config = config_of(name, options=options or {}, thinking=thinking, sampling=sampling)
    return list(thinking_warnings(config, {name: described} if described else {}))


def test_a_thinking_model_at_the_defaults_is_warned_of():
    cold, small = warned(options={"num_ctx": 32768})
    assert "advise against temperature 0" in cold
    assert "sampling.max_tokens 2048 is small, at least 8192 is advised" in small


def test_a_context_smaller_than_prompt_and_cap_is_warned_of():
    sampling = {"temperature": 0.6, "max_tokens": 8192}
    (context,) = warned({"thinks": True, "num_ctx": 9000}, options={"num_ctx": 9000}, **sampling)
    assert "a context of 9000 tokens is smaller" in context
    assert warned({"thinks": True, "num_ctx": 16384}, **sampling, options={"num_ctx": 16384}) == []


def test_the_servers_word_counts_more_than_the_name():
    assert warned({"thinks": False}) == []
    assert warned({"thinks": True}, name="ollama/my-model")


@pytest.mark.parametrize("off", [{"thinking": "off"}, {"options": {"think": False}}])
def test_a_model_that_is_told_not_to_think_is_not_warned_of(off):
    assert warned(**off) == []


def test_other_models_are_not_warned_of():
    assert warned(name="ollama/llama3.1:8b") == []


def test_a_budget_leaves_room_for_the_reply():
    said = warned(name="local/qwen3.gguf", thinking=4096, temperature=0.6, max_tokens=4000)
    assert "leaves none of sampling.max_tokens 4000" in said[0]


@pytest.mark.parametrize("opening", ["<think>", "\n<thinking>hm", "[THINK]", "<|channel|>analysis"])
def test_a_reply_that_begins_with_thoughts(opening):
    assert begins_with_thoughts(opening)


@pytest.mark.parametrize("text", ["", "<thin", "Use `<think>`.", "```python"])
def test_a_reply_that_does_not(text):
    assert not begins_with_thoughts(text)


@pytest.mark.parametrize("control", ["literal", "guided", "refine"])
async def test_regeneration_says_that_it_cannot_continue_thoughts(tmp_path, control):
    replies = ["<think>\nhm\n</think>\n\n```python\nprint(1)\n```"]
    with pytest.raises(ConfigError, match=r"thinks before it replies.*thinking: off"):
        await told(tmp_path, replies, code={"regenerate": control})
