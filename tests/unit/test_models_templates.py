"""A chat as text, by the template that came with the weights."""

import json

import pytest

from solver.errors import ConfigError, ModelError
from solver.models import connect
from solver.models._templates import REMEMBERED, Prompts, read_template
from solver.records import Message, Sampling

CHAT = (Message(role="system", text="Be brief."), Message(role="user", text="1 < 2 & 3?"))

CHATML = """\
{{ bos_token }}
{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endfor %}
{% if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
RENDERED = (
    "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n1 < 2 & 3?<|im_end|>\n"
    "<|im_start|>assistant\n"
)


def template(tmp_path, content, name="tokenizer_config.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_template(str(path))


def test_a_chat_ends_where_the_assistants_reply_starts(tmp_path):
    assert template(tmp_path, CHATML, "chat_template.jinja")(CHAT) == RENDERED


@pytest.mark.parametrize("mark", ["<s>", {"content": "<s>", "lstrip": False}, None])
def test_the_beginning_of_text_token_is_left_to_the_server(tmp_path, mark):
    assert template(tmp_path, {"chat_template": CHATML, "bos_token": mark})(CHAT) == RENDERED


def test_of_several_templates_the_default_is_taken(tmp_path):
    both = [{"name": "rag", "template": "rag"}, {"name": "default", "template": CHATML}]
    assert template(tmp_path, {"chat_template": both})(CHAT) == RENDERED


def test_json_in_a_template_is_written_as_it_is(tmp_path):
    assert template(tmp_path, "{{ messages[1].content | tojson }}", "x.jinja")(CHAT) == (
        '"1 < 2 & 3?"'
    )


def test_a_chat_that_the_template_refuses_is_an_error_with_its_words(tmp_path):
    render = template(tmp_path, "{{ raise_exception('no system role') }}", "x.jinja")
    with pytest.raises(ModelError, match="no system role") as failure:
        render(CHAT)
    assert not failure.value.retryable


@pytest.mark.parametrize(
    "wrong",
    [
        "{{ 1 / 0 }}",
        "{{ [1].pop(7) }}",
        "{{ messages.nothing() }}",
        "{% for i in range(10**9) %}{% endfor %}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
    ],
)
def test_whatever_a_template_raises_is_an_error_of_one_line(tmp_path, wrong):
    render = template(tmp_path, wrong, "x.jinja")
    with pytest.raises(ModelError, match=r"chat_template: .*x\.jinja: .") as failure:
        render(CHAT)
    assert not failure.value.retryable


def test_a_token_without_content_is_no_token(tmp_path):
    assert template(tmp_path, {"chat_template": CHATML, "eos_token": {}})(CHAT) == RENDERED


def test_a_template_cannot_reach_python(tmp_path):
    render = template(tmp_path, "{{ messages.__class__.__mro__ }}", "x.jinja")
    with pytest.raises(ModelError):
        render(CHAT)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.jinja", None),
        ("tokenizer_config.json", "not json"),
        ("tokenizer_config.json", "{}"),
        ("tokenizer_config.json", "[]"),
        ("tokenizer_config.json", "[" * 200_000),
        ("tokenizer_config.json", '{"chat_template": ["a", {"name": "default"}, {"b": 1}]}'),
        ("x.jinja", "{% if %}"),
    ],
)
@pytest.mark.parametrize("provider", ["openai", "ollama"])
def test_a_file_without_a_template_is_a_mistake_of_the_config(tmp_path, name, content, provider):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    options = {"chat_template": str(path)}
    if provider == "openai":
        options["base_url"] = "http://127.0.0.1:9/v1"
    with pytest.raises(ConfigError, match="chat_template"):
        connect(f"{provider}/x", Sampling(), options)


async def test_a_chat_is_rendered_once_while_it_is_in_use():
    rendered = []

    async def render(chat):
        rendered.append(chat)
        return chat[0].text

    prompts = Prompts(render)
    chats = [(Message(role="user", text=str(n)),) for n in range(REMEMBERED + 1)]
    for chat in chats:
        assert await prompts.of(chat) == await prompts.of([*chat]) == chat[0].text
    assert len(rendered) == len(chats)
    await prompts.of(chats[0])
    assert len(rendered) == len(chats) + 1, "the oldest is forgotten"
