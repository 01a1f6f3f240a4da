"""Prompts are data: named, shipped or from a file, part of the key, and arms of a run."""

import pytest

from solver.errors import ConfigError
from solver.modes import Tools, identity, mode_of, shipped
from solver.prompts import shipped_prompts
from solver.records import Problem, Reply
from solver.run.tasks import tasks_of
from tests.fakes import config_of

PROBLEM = Problem(id="p", question="What is 1 + {1}?", answer="2")


def sent(mode, **content):
    config = config_of(judge="rules", mode=[mode], **content)
    return [(message.role, message.text) for message in mode_of(mode).opening(PROBLEM, config)]


def keys(**content):
    return [task.key for task in tasks_of(config_of(judge="rules", **content), [PROBLEM])]


def test_a_prompt_replaces_the_texts_it_names(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("texts:\n  question: |\n    Q: {question}\n", encoding="utf-8")
    (system, question) = sent("cot", prompts={"cot": str(path)})
    assert question == ("user", "Q: What is 1 + {1}?")
    assert system == sent("cot")[0]


def test_a_prompt_can_do_without_a_system_message():
    prompt = {"texts": {"system": None, "question": "{question}"}}
    assert sent("cot", prompts={"cot": prompt}) == [("user", "What is 1 + {1}?")]


def test_worked_examples_come_before_the_problem():
    shots = [{"question": "2 + 2?", "reply": "4"}]
    chat = sent("cot", prompts={"cot": {"texts": {"system": None}, "shots": shots}})
    assert [role for role, _ in chat] == ["user", "assistant", "user"]
    assert "2 + 2?" in chat[0][1]


def test_a_prompt_is_part_of_the_key_and_its_name_is_not():
    text = {"texts": {"question": "Solve: {question}"}}
    plain, asked, named = (
        keys(mode="cot", prompts=prompts)
        for prompts in ({}, {"cot": text}, {"cot": {"name": "x", "about": "y", **text}})
    )
    assert plain != asked
    assert asked == named


def test_the_modes_own_texts_have_a_name_and_change_no_key():
    assert keys(mode="cot", prompts={"cot": "ours"}) == keys(mode="cot")


def test_an_arm_with_another_prompt_runs_beside_the_mode():
    config = config_of(mode="cot,cot@qwen-boxed", judge="rules")
    own, other = config.running
    assert (own.name, other.name) == ("cot", "cot@qwen-boxed")
    assert other.section == "cot"
    assert identity(own, config) != identity(other, config)
    assert identity(own, config) == identity(own, config_of(mode="cot", judge="rules"))
    given = config_of(mode="cot", prompts={"cot": "qwen-boxed"}, judge="rules")
    assert identity(mode_of("cot"), given) == identity(other, config)


def test_an_arms_prompt_may_be_ones_own():
    prompts = {"cot@mine": {"texts": {"question": "Mine: {question}"}}}
    assert sent("cot@mine", prompts=prompts)[-1] == ("user", "Mine: What is 1 + {1}?")


@pytest.mark.parametrize("mode", ["csv", "code+guided"])
def test_a_mode_that_obeys_another_asks_with_its_prompt(mode):
    code = {"code": {"texts": {"question": "Code: {question}"}}}
    config = config_of(mode="code,csv", prompts=code, judge="rules")
    assert mode_of(mode).opening(PROBLEM, config)[-1].text == "Code: What is 1 + {1}?"
    bare = config_of(mode="code,csv", judge="rules")
    assert identity(mode_of(mode), config) != identity(mode_of(mode), bare)


def test_the_modes_own_texts_can_run_beside_a_given_prompt():
    given = {"code": {"texts": {"question": "Given: {question}"}}}
    assert sent("csv", prompts=given)[-1][1].startswith("Given: ")
    assert sent("csv@ours", prompts=given) == sent("csv")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"prompts": {"cot": "qwen-boxd"}}, "mode cot has no prompt 'qwen-boxd'; did you mean"),
        ({"prompts": {"cott": "ours"}}, "'cott' is unknown; did you mean 'cot'?"),
        ({"prompts": {"cot": "no.yaml"}}, "no.yaml: no such file"),
        ({"prompts": {"cot": {"texts": {"question": "?"}}}}, "cot: question: should hold"),
        ({"prompts": {"cot": {"texts": {"qestion": "?"}}}}, "cot: unknown text 'qestion'"),
        ({"prompts": {"cot": {"texts": {"question": None}}}}, "only `system` may be null"),
        ({"prompts": {"code": {"mode": "cot"}}}, "is written for mode 'cot'"),
        ({"prompts": {"code+guided": "wording-2"}}, "takes no prompt; it asks as 'code' does"),
        ({"mode": "cot@mine.yaml"}, "a file is named in prompts: `prompts: {cot@mine: mine.yaml}`"),
        ({"mode": "cot@nothing"}, "mode cot has no prompt 'nothing'"),
        ({"mode": "cot@"}, "'cot@' is unknown"),
    ],
)
def test_a_mistake_in_prompts_is_one_line(content, expected):
    with pytest.raises(ConfigError) as mistake:
        config_of(**{"mode": "cot", **content})
    assert expected in str(mistake.value)
    assert "\n" not in str(mistake.value)


@pytest.mark.parametrize("mode", [mode.name for mode in shipped() if mode.texts])
def test_every_shipped_prompt_fits_its_mode_and_names_its_source(mode):
    for prompt in shipped_prompts(mode).values():
        assert not list(prompt.faults(mode_of(mode).texts))
        assert prompt.about
        assert prompt.source


def test_more_wordings_only_add_trials():
    few, many = keys(mode="cot,code"), keys(mode="cot,code", wordings=3)
    assert set(few) < set(many)
    assert len(many) == len(set(many)) == 3 * len(few)


async def test_a_prompts_stop_texts_end_each_reply():
    config = config_of(mode="cot@minerva-4shot", judge="rules")
    asked = []

    async def ask(chat, *, seed, stop=()):
        asked.append(tuple(stop))
        return Reply(text="The final answer is $2$. I hope it is correct.")

    tools = Tools(ask=ask, control=None, run=None, step=None, screen=None, max_tokens=100)
    (turn,) = [turn async for turn in mode_of("cot@minerva-4shot").solve(PROBLEM, tools, config, 0)]
    assert asked == [("\n\nProblem:",)]
    assert turn.answer == "2"
