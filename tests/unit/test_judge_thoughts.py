"""Thoughts: which part of a text is the reply, and that a mere mention of a tag divides nothing."""

import pytest

from judge import extract_answer
from judge.reading.thoughts import without_thoughts
from solver.extract import extract_program

PROGRAM = "```python\nprint(1)\n```"
FINAL = "<|end|><|start|>assistant<|channel|>final<|message|>"


@pytest.mark.parametrize(
    ("text", "reply", "thoughts"),
    [
        ("<think>\nPerhaps 7.\n</think>\n\nIt is 12.", "It is 12.", "Perhaps 7."),
        ("<thinking>a</thinking>b", "b", "a"),
        ("<THINK>a</THINK>b", "b", "a"),
        ("<seed:think>a</seed:think>b", "b", "a"),
        ("[THINK]a[/THINK]b", "b", "a"),
        ("◁think▷a◁/think▷b", "b", "a"),
        ("<|begin_of_thought|>a<|end_of_thought|>\n<|begin_of_solution|>b", "b", "a"),
        ("<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>b<|END_RESPONSE|>", "b", "a"),
        ("<|im_start|>assistant\n<think>a</think>b<|im_end|>", "b", "a"),
        ("```thinking\na\n```\nb", "b", "a"),
        ("```thinking\na\n</thinking>\nb", "b", "a"),
        ("<think>a</think>\nb\n<think>c</think>\nd", "b\n\nd", "a\nc"),
        ("<think><think>a</think></think>b", "b", "<think>a"),
        ("<think>a</think>b</think>", "b", "a"),
        ("The template opened it.\n</think>\nb", "b", "The template opened it."),
        ("Not yet.</think>b", "b", "Not yet."),
        ("Not yet. </think> It is 4.", "It is 4.", "Not yet."),
        ("So ```python\nprint(\n</think>\nb", "b", "So ```python\nprint("),
        ("```python\n1\n</think>\n\n```\n2\n```", "```\n2\n```", "```python\n1"),
        ("<think>\n```\n1\n</think>\nSo:\n```\n2\n```", "So:\n```\n2\n```", "```\n1"),
        ("<think>\n```\n</think>\n1\n```\n</think>b", "b", "```\n</think>\n1\n```"),
        (f"<|channel|>analysis<|message|>a{FINAL}b<|return|>", "b", "a"),
        (f"a{FINAL}b<|return|>", "b", "a"),
        (
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant to=functions.python"
            f"<|channel|>commentary <|constrain|>json<|message|>c<|call|>{FINAL}b",
            "b",
            "a\nc",
        ),
        (f"<|channel|>analysis<|message|>a{FINAL}```\nb\n```", "```\nb\n```", "a"),
        ("analysisWe try 5.assistantfinalIt is 8.", "It is 8.", "We try 5."),
    ],
)
def test_thoughts_are_told_apart_from_the_reply(text, reply, thoughts):
    divided = without_thoughts(text)
    assert (divided.reply.strip(), divided.thoughts, divided.closed) == (reply, thoughts, True)


@pytest.mark.parametrize(
    "text",
    [
        "<think>\nSo \\boxed{7}? Let me check",
        "[THINK]the answer is 7",
        "```thinking\nthe answer is 7",
        "<|channel|>analysis<|message|>So the answer is 7",
        "analysisSo the answer is 7",
        f"<think>\n{PROGRAM}\nNo, better",
    ],
)
def test_a_text_that_ends_within_thoughts_has_no_reply(text):
    divided = without_thoughts(text)
    assert (divided.reply, divided.closed) == ("", False)
    assert extract_answer(text).answer is None
    assert extract_program(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "It is 4.",
        "Write `<think>` before and `</think>` after. The answer is 4.",
        'The tag "</think>" is missing. The answer is 4.',
        "Put it between <think> and </think> tags. The answer is 4.",
        "analysis of the problem shows 4",
        '```python\ntext = """\n<think>\nhm\n</think>\n"""\nprint(text)\n```',
        "Like this:\n```\nthoughts\n</think>\nreply\n```\nThe answer is 4.",
        "```python\nx = 1  # </think>\nprint(x)\n```\nDone.",
        '```python\nprint(re.sub(r"<think>.*?</think>", "", text))\n```',
        "```python\nparts = text.split('</think>')\nprint(parts)\n```",
        "if x <s> y",
        "Harmony writes `<|channel|>final<|message|>` first.",
    ],
)
def test_a_reply_that_only_mentions_a_tag_is_left_alone(text):
    assert without_thoughts(text) == (text, "", True)


@pytest.mark.parametrize(
    "stop",
    ["<|im_end|>", "</s>", "<|eot_id|>", "<|endoftext|>", "<｜end▁of▁sentence｜>", 
     "<end_of_turn>\n", "<|im_end|>\n<|endoftext|>", "<|im_end|>\n<|im_start|>user\nAnd 5 + 5?"],
)  # fmt: skip
def test_stop_tokens_are_no_part_of_the_reply(stop):
    assert without_thoughts(f"The answer is 42.{stop}").reply == "The answer is 42."
    assert extract_answer(f"42{stop}").answer == "42"
    assert extract_program(f"{PROGRAM}{stop}") == "print(1)\n"


def test_neither_boxes_nor_programs_within_thoughts_count():
    thoughts = f"<think>\nDraft:\n{PROGRAM}\n\\boxed{{7}}\n</think>\n"
    assert extract_answer(f"{thoughts}The answer is 12.").answer == "12"
    assert extract_answer(f"{thoughts}There is no such number.").answer != "7"
    assert extract_program(f"{thoughts}```\nimport math\nprint(math.e)\n```") == (
        "import math\nprint(math.e)\n"
    )
    assert extract_program(f"{thoughts}print(3)") == "print(3)"


def test_hostile_texts_are_divided_in_linear_time():
    parts = [
        "</s>",
        "<think>",
        "</think>",
        "`</think>` ",
        "<think>\n</think>",
        "[THINK]",
        "<|end|>",
    ]
    parts += ["<|channel|>final<|message|>", "<|start|>assistant", "\n```thinking"]
    for part in parts:
        without_thoughts(part * (400_000 // len(part)))
        without_thoughts(part * (400_000 // len(part)) + "x")
