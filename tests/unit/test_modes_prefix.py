"""The prefix probe cuts, asks and reads as arXiv 2507.10532 does; `bare` asks at once."""

import pytest

from solver.errors import ConfigError
from solver.models.scripted import Scripted
from solver.modes import mode_of, names
from solver.modes.prefix import cut, stated
from solver.records import Problem
from tests.fakes import config_of, finished_run

QUESTION = "Alice has $2^{24}$ coins, and she gives away half of them. How many are left?"
PROBLEM = Problem(id="p", question=QUESTION, answer="8388608")
GREEDY = {"mode": "prefix", "prefix": {"ratios": [0.6], "template": ["raw", "chat"]}}


@pytest.mark.parametrize(
    ("text", "ratio", "beginning"),
    [
        ("abcde fghij", 0.4, "abcde"),  # 4.4 characters, and on to the next space
        ("abcd efghij", 0.4, "abcd"),  # the fourth character stands before a space
        ("What is $2^{24}$ plus one?", 0.4, "What is $2^{24"),  # in the middle of LaTeX
        ("ab cd ef", 0.75, "ab cd ef"),  # the space at 6 is passed, and no sign follows
        ("no signs", 1, "no signs"),
        ("(ab) [cd] {ef}", 0.5, "(ab) [cd"),
        ("line\nbreak here", 0.3, "line"),
    ],
)
def test_the_cut_moves_right_to_the_next_sign(text, ratio, beginning):
    assert cut(text, ratio) == beginning


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The final answer is $7$. I hope it is correct. \\boxed{8}", "7"),
        ("so \\boxed{\\frac{1}{2}}, and 9 more", "\\frac{1}{2}"),
        ("The answer is: 12.\nNext 13", "12"),
        ("It has 1,234 parts and 5.5 more", "5.5"),
        ("no number at all", None),
        ("答案是 42", "42"),
    ],
)
def test_the_answer_is_what_a_continuation_states_else_its_last_number(text, answer):
    assert stated(text) == answer


async def test_raw_sends_the_beginning_alone_and_chat_sends_it_as_one_message(tmp_path):
    beginning = cut(QUESTION, 0.6)
    rest = QUESTION[len(beginning) :]
    asked = []

    class Asked(Scripted):
        async def complete(self, prefix, /, **how):
            asked.append((prefix, how["temperature"]))
            return await super().complete(prefix, **how)

    chats = []
    model = Asked(replies=[QUESTION], history=chats)
    config = config_of(**GREEDY)
    async with finished_run(tmp_path, [], problems=[PROBLEM], config=config, model=model) as store:
        texts = {row.mode: store.turns(row.key)[0] for row in store.rows()}
    assert asked == [(beginning, 0.0)]
    assert [[(m.role, m.text) for m in chat] for chat, _ in chats] == [[("user", beginning)]]
    assert texts["prefix+60-raw"].reply.text == rest
    assert texts["prefix+60-chat"].reply.text == QUESTION


async def test_greedy_asks_once_whatever_the_repeats_and_samples_as_often_as_it_says(tmp_path):
    def counted(config):
        modes = {mode.name: mode.repeats(config) for mode in config.running}
        return modes["cot"], modes["prefix+60-raw"]

    warm = {"sampling": {"temperature": 0.7}, "repeats": 4, "mode": "cot,prefix"}
    assert counted(config_of(**{**GREEDY, **warm})) == (4, 1)
    sixteen = {"ratios": [0.6], "samples": 16}
    assert counted(config_of(**{**GREEDY, **warm, "prefix": sixteen})) == (4, 16)


async def test_a_greedy_chat_of_a_warm_run_is_asked_at_temperature_0(tmp_path):
    temperatures = []

    class Cool(Scripted):
        async def extend(self, chat, partial, /, **how):
            temperatures.append(how["temperature"])
            return await super().extend(chat, partial, **how)

    config = config_of(**{**GREEDY, "sampling": {"temperature": 0.7}})
    model = Cool(replies=["x"])
    async with finished_run(tmp_path, [], problems=[PROBLEM], config=config, model=model) as store:
        assert len(list(store.rows())) == 2
    assert temperatures == [0.0]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"ratios": [1.5]}, "from 0.1 to 1"),
        ({"ratios": [0.333]}, "whole percents"),
        ({"ratios": [0.6, 0.6]}, "listed twice"),
        ({"template": []}, "should list raw, chat or both"),
        ({"samples": 0}, "too small"),
        ({"samples": 4}, "repeat the same continuation"),
    ],
)
def test_a_section_that_cannot_be_is_refused(section, said):
    with pytest.raises(ConfigError, match=said):
        config_of(mode="prefix", prefix=section)


@pytest.mark.parametrize("name", ["prefix+60", "prefix+5-raw", "prefix+101-raw", "prefix+60-tea"])
def test_only_shares_and_templates_that_exist_are_modes(name):
    with pytest.raises(ConfigError, match="unknown"):
        mode_of(name)


def test_a_share_is_asked_for_by_the_section_alone():
    assert "prefix" in names()
    with pytest.raises(ConfigError, match="whose section asks for it"):
        config_of(mode="prefix+60-raw")


async def test_bare_ends_a_reply_at_its_first_empty_line(tmp_path):
    replies = ["Let me think.\n\nThe answer is \\boxed{5}."]
    config = config_of(mode="bare")
    async with finished_run(tmp_path, replies, problems=[PROBLEM], config=config) as store:
        (row,) = store.rows()
        assert store.turns(row.key)[0].reply.text == "Let me think."
        assert row.answer is None
