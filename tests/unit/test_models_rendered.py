"""A model asked in raw text: without a chat template, or with another one."""

import pytest

from solver.errors import ConfigError
from solver.models import connect, rendered, template_identity
from solver.records import Message, Problem, Sampling
from solver.run.tasks import tasks_of
from tests.fakes import config_of

CHAT = (Message(role="system", text="Be brief."), Message(role="user", text="1 + 1?"))
SCRIPT = {"replies": ["The answer is 2."]}


class Listening:
    """A model that only continues raw text, and remembers it."""

    name, endpoint, parallel = "listening/x", "here", 1

    def __init__(self):
        self.inner = connect("scripted/x", Sampling(), SCRIPT)
        self.asked = []

    async def complete(self, prefix, *, seed, max_tokens=None, stop=()):
        self.asked.append((prefix, tuple(stop)))
        return await self.inner.complete(prefix, seed=seed, max_tokens=max_tokens, stop=stop)

    async def extend(self, *_, **__):
        raise AssertionError

    async def prove_extend(self):
        raise AssertionError


async def test_without_a_template_the_texts_are_continued_as_they_are():
    model = Listening()
    reply = await rendered(model, "none").generate(CHAT, seed=0, stop=("Problem:",))
    assert model.asked == [("Be brief.\n\n1 + 1?", ("Problem:",))]
    assert reply.text == "The answer is 2."


async def test_another_template_renders_the_chat(tmp_path):
    path = tmp_path / "mine.jinja"
    path.write_text("{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}")
    model = Listening()
    await rendered(model, str(path)).generate(CHAT, seed=0)
    assert model.asked[0][0] == "[system] Be brief.\n[user] 1 + 1?\n"


def test_the_models_own_template_changes_nothing():
    model = Listening()
    assert rendered(model, "default") is model


def test_a_template_is_part_of_the_key_by_its_text(tmp_path):
    path = tmp_path / "mine.jinja"
    problem = Problem(id="p", question="1 + 1?", answer="2")

    def key(template):
        model = {"name": "scripted/test", "template": template}
        config = config_of(model=model, mode="cot", judge="rules")
        return next(tasks_of(config, [problem])).key

    path.write_text("{{ messages }}")
    first = key(str(path))
    path.write_text("{{ messages }}!")
    assert len({key("default"), key("none"), first, key(str(path))}) == 4
    assert template_identity("default") == {}


def test_a_provider_without_raw_text_is_refused():
    with pytest.raises(ConfigError, match="cannot continue text without a chat template"):
        config_of(model={"name": "mistral/x", "template": "none"}, judge="rules")


def test_a_template_that_is_not_there_is_refused_before_the_run():
    with pytest.raises(ConfigError, match=r"no\.jinja: cannot be read"):
        config_of(model={"name": "scripted/x", "template": "no.jinja"}, judge="rules")


async def test_a_model_asked_in_raw_text_is_loaded_as_any_other():
    class Loading(Listening):
        async def load(self):
            return {"notes": ["on the GPU"]}

    assert await rendered(Loading(), "none").load() == {"notes": ["on the GPU"]}
    assert await rendered(Listening(), "none").load() == {}
