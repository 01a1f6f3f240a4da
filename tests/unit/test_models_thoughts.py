"""Thoughts are kept apart from the reply, in whichever form a server returns them."""

from types import SimpleNamespace

import pytest

from solver.models._thoughts import keep_apart, opens_thoughts, read_message
from solver.models.scripted import Line, Scripted
from solver.records import Detail, Message, Reply, Turn

PROGRAM = "```python\nprint(42)\n```"


@pytest.mark.parametrize(
    ("message", "read"),
    [
        ({"content": "4"}, ("4", "")),
        ({"content": None}, ("", "")),
        ({"content": "4", "thinking": "hm"}, ("4", "hm")),
        ({"content": "4", "reasoning_content": "hm"}, ("4", "hm")),
        ({"content": "4", "reasoning": "hm", "reasoning_content": None}, ("4", "hm")),
        ({"content": "4", "reasoning": "hm", "reasoning_content": "hm"}, ("4", "hm")),
        ({"content": ["4", " apples"]}, ("4 apples", "")),
        ({"content": [{"type": "text", "text": "4"}]}, ("4", "")),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "4"},
                    {"type": "thinking", "thinking": ""},
                    {"type": "text", "text": "2"},
                ]
            },
            ("42", "hm"),
        ),
        ({"content": [{"type": "reasoning_summary", "summary": "hm"}, "4"]}, ("4", "")),
        ({"content": 4}, ("", "")),
    ],
)
def test_text_and_thoughts_of_a_message(message, read):
    assert read_message(message) == read
    assert read_message(SimpleNamespace(**message)) == read


@pytest.mark.parametrize(
    ("text", "reply", "thoughts"),
    [
        ("<think>\nhm\n</think>\n\n4", "4", "hm"),
        ("<thinking>hm</thinking>4", "4", "hm"),
        ("[THINK]hm[/THINK]4", "4", "hm"),
        ("hm\n</think>\n\n4", "4", "hm"),
        ("<think>\nhm, 5 or", "", "hm, 5 or"),
        ("<think>\n\n</think>\n\n4", "4", ""),
        (
            "<|channel|>analysis<|message|>hm<|end|><|channel|>final<|message|>4<|return|>",
            "4",
            "hm",
        ),
        ("4<|im_end|>", "4", ""),
        ("4<|eot_id|>", "4", ""),
        ("4</s>", "4", ""),
        ("Put `<think>` before the reply.", "Put `<think>` before the reply.", ""),
        ("The tag </think> ends thoughts.", "The tag </think> ends thoughts.", ""),
        ("4 < 5, and 5 > 4", "4 < 5, and 5 > 4", ""),
    ],
)
def test_thoughts_in_the_text(text, reply, thoughts):
    apart = keep_apart(Reply(text=text, output_tokens=9))
    assert (apart.text, apart.thoughts) == (reply, thoughts)
    assert apart.output_tokens == 9


@pytest.mark.parametrize("text", ["4", PROGRAM, "  4\n", "x\n\n\\boxed{4}\n"])
def test_a_reply_without_thoughts_is_left_as_it_is(text):
    reply = Reply(text=text, input_tokens=5, output_tokens=9)
    assert keep_apart(reply, total=14) == reply


@pytest.mark.parametrize(
    ("text", "reply", "thoughts"),
    [
        (f"So {PROGRAM} and then", "", f"So {PROGRAM} and then"),
        ("So\n</think>\n4", "4", "So"),
        ("<think>\nSo\n</think>\n4", "4", "<think>\nSo"),
    ],
)
def test_a_text_after_a_prompt_that_opened_thoughts(text, reply, thoughts):
    apart = keep_apart(Reply(text=text), opened=True)
    assert (apart.text, apart.thoughts) == (reply, thoughts)


def test_a_reply_whose_thoughts_the_server_took_out_is_whole():
    reply = Reply(text="4", thoughts="So")
    assert keep_apart(reply, opened=True).text == "4"


@pytest.mark.parametrize(
    ("prompt", "opens"),
    [
        ("<assistant>", None),
        ("<assistant><think>\n", True),
        ("<assistant>[THINK]", True),
        ("<assistant><think>\n\n</think>\n\n", False),
        ("Do not write <think>.<assistant>", None),
    ],
)
def test_what_a_rendered_chat_does_with_thoughts(prompt, opens):
    assert opens_thoughts(prompt) is opens


def test_thoughts_of_both_forms_are_joined():
    apart = keep_apart(Reply(text="<think>two</think>4", thoughts="one"))
    assert (apart.text, apart.thoughts) == ("4", "one\ntwo")


@pytest.mark.parametrize(
    ("reply", "total", "counts"),
    [
        (Reply(text="4", output_tokens=9), None, (9, None, None)),
        (Reply(text="4", output_tokens=9, thought_tokens=8), None, (9, 8, "reported")),
        (Reply(text="4", input_tokens=50, output_tokens=10), 1060, (1010, 1000, "counted")),
        (
            Reply(text="4", input_tokens=50, output_tokens=10, thought_tokens=1000),
            1060,
            (1010, 1000, "reported"),
        ),
        (Reply(text="4", input_tokens=50, output_tokens=10), 60, (10, None, None)),
        (Reply(text="4", output_tokens=10), 60, (10, None, None)),
        (Reply(text="", thoughts="hm " * 9, output_tokens=30), None, (30, 30, "counted")),
        (Reply(text="abc", thoughts="x" * 9, output_tokens=40), None, (40, 30, "estimated")),
    ],
)
def test_tokens_of_thoughts(reply, total, counts):
    apart = keep_apart(reply, total=total)
    assert (apart.output_tokens, apart.thought_tokens, apart.thoughts_counted) == counts


@pytest.mark.parametrize("text", ["<think>hm</think>4", "4", "<think>hm", "Use `<think>`."])
def test_what_is_apart_stays_as_it_is(text):
    apart = keep_apart(Reply(text=text, output_tokens=9))
    assert keep_apart(apart) == apart


def turn(reply, **facts):
    return Turn(prompt=(), reply=reply, **facts)


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (Reply(text="", thoughts="hm", capped=True), Detail.CUT_THINKING),
        (Reply(text="", thought_tokens=2048, capped=True), Detail.CUT_THINKING),
        (Reply(text="So", thoughts="hm", capped=True), Detail.CUT_ANSWERING),
        (Reply(text="", capped=True), Detail.CUT_ANSWERING),
        (Reply(text="", thoughts="hm"), Detail.ENDED_THINKING),
        (Reply(text="", thoughts=r"so \boxed{4}"), Detail.ONLY_IN_THOUGHTS),
        (Reply(text="", thoughts=r"so \boxed{4}", capped=True), Detail.CUT_THINKING),
        (Reply(text="I give up.", thoughts=r"so \boxed{4}"), None),
        (Reply(text="", thoughts="hm", capped=True, prompt_cut=True), None),
    ],
)
def test_why_there_is_no_answer(reply, detail):
    assert turn(reply).detail is detail


def test_an_answer_needs_no_explanation():
    assert turn(Reply(text=r"\boxed{4}", thoughts="hm", capped=True), answer="4").detail is None


def test_a_box_in_thoughts_is_no_answer_where_a_program_was_asked_for():
    reply = Reply(text="", thoughts=r"so \boxed{4}")
    assert turn(reply, runs_code=True).detail is Detail.ENDED_THINKING


async def test_the_scripted_model_keeps_thoughts_apart():
    model = Scripted(replies=[Line(text="4", thoughts="two and two"), "<think>hm</think>5"])
    chat = [Message(role="user", text="2 + 2?")]
    first = await model.generate(chat, seed=0)
    assert (first.text, first.thoughts, first.output_tokens) == ("4", "two and two", 4)
    chat += [Message(role="assistant", text="4"), Message(role="user", text="Sure?")]
    second = await model.generate(chat, seed=0)
    assert (second.text, second.thoughts) == ("5", "hm")
