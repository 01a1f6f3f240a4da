"""Extraction: which answer is found, by which rule, and that no text can stop the search."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from judge import Extracted, extract_answer, extract_output
from tests.needs import shared_data

OURS = Path(__file__).parents[1] / "data" / "transcripts.jsonl"


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (r"So we get $\boxed{\frac{1}{2}}$.", r"\frac{1}{2}"),
        (r"\boxed{3} was wrong, it is \boxed{4}", "4"),
        (r"\boxed{\sqrt{\frac{a}{b}}}", r"\sqrt{\frac{a}{b}}"),
        (r"\fbox{7}", "7"),
        (r"\boxed 5", "5"),
        (r"\boxed{x=\{1,2\}}", r"x=\{1,2\}"),
        ("\x08oxed{5}", "5"),
        (r"\boxed {6}", "6"),
        (r"a stray } and { before \boxed{8}", "8"),
        (r"\boxed{\text{4:30 p.m.}}", r"\text{4:30 p.m.}"),
    ],
)
def test_the_last_box_is_found_with_its_nested_braces(reply, answer):
    assert extract_answer(reply) == Extracted(answer, "boxed")


def test_boxes_that_wrap_each_other_are_unwrapped():
    assert extract_answer(r"\boxed{\fbox{\boxed{5}}}").answer == "5"


def test_a_complete_box_wins_over_a_later_unfinished_one():
    assert extract_answer(r"\boxed{3}, and then \boxed{\frac{1") == Extracted("3", "boxed")


def test_an_empty_box_in_the_problem_is_not_the_answer():
    assert extract_answer(r"Fill \boxed{\phantom{2}}: it is \boxed{4}. \boxed{}").answer == "4"


def test_boxes_side_by_side_are_one_answer():
    reply = r"$\boxed{x = 4} \quad \text{and} \quad \boxed{y = 2}$"
    assert extract_answer(reply) == Extracted("x = 4, y = 2", "boxes")


def test_alternatives_in_boxes_stay_alternatives():
    assert extract_answer(r"\boxed{4} or \boxed{2}").answer == "4 or 2"


def test_boxes_with_words_between_them_are_not_joined():
    assert extract_answer(r"First \boxed{4}. Later it turns out to be \boxed{2}.").answer == "2"


def test_the_same_box_twice_is_one_answer():
    assert extract_answer(r"$\boxed{9}$ $\boxed{9}$") == Extracted("9", "boxed")


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("The final answer is 72.", "72"),
        ("The answer is $9$.", "9"),
        ("Work.\n#### 72", "72"),
        ("FINAL ANSWER 072", "072"),
        ("**Final Answer:** 3.14", "3.14"),
        ("**Final Answer**\n\n\\[\n9\n\\]", "9"),
        ("Answer:\n\n42", "42"),
        (r"Answer \( x^2 \)", "x^2"),
        ("The answer should be (A).", "(A)"),
        ("The answer to the second part of the problem is -4", "-4"),
        ("The answer is 5 because 2 + 3 = 5.", "5"),
        ("Final Answer: The largest $n$ is 34.", "34"),
        ("The answer is 1,000.99", "1,000.99"),
        ("The answer is 4:30 p.m.", "4:30 p.m."),
        ("The answer is $28$ percent.", "28  percent"),
        ("The final answer is $x = 5$ and $y = 6$. I hope it is correct.", "x = 5  and  y = 6"),
        ("I first got 10, a slip. Final answer: 9", "9"),
        ("Answer: 3\nNo. Answer: 4", "4"),
        ("<think>1?</think><answer>12</answer>", "12"),
    ],
)
def test_a_declared_answer_is_found(reply, answer):
    assert extract_answer(reply) == Extracted(answer, "declared")


def test_a_box_wins_over_a_declared_answer():
    assert extract_answer("\\boxed{3}\nThe answer is 4.").answer == "3"


def test_this_is_no_verb():
    reply = "I cannot give the final answer to this problem. However, we can guess."
    assert extract_answer(reply).rule != "declared"


def test_a_heading_of_the_fourth_level_is_no_answer():
    assert extract_answer("#### 1. Find the slope\nIt takes a while to find it.").answer is None


def test_a_program_in_the_reply_is_not_searched():
    reply = "```python\nprint(r'\\boxed{%s}' % '\\boxed{7}')  # the answer is 8\n```"
    assert extract_answer(reply) == Extracted(None, "none")


def test_the_last_tool_output_is_the_answer_where_nothing_follows():
    reply = "```python\nprint(1)\n```\n```output\n1\n```\nWrong.\n```output\n2\n```\n"
    assert extract_answer(reply) == Extracted("2", "output")


def test_an_answer_declared_before_the_last_tool_output_is_stale():
    assert extract_answer("The answer is 1.\n```output\n2\n```").answer == "2"


@pytest.mark.parametrize(
    "reply",
    [
        "```python\nprint(3)\n```It is 3, so $\\boxed{3}$.",
        "Solution:```python\nprint(4)\n```\nIt is $\\boxed{3}$.",
        "```python\nprint(4)\n``````python\nprint(3)\n```\nIt is $\\boxed{3}$.",
        "````python\nprint(4)\n````\nIt is $\\boxed{3}$.",
        "```42```\nIt is $\\boxed{3}$.",
    ],
)
def test_fences_without_line_ends_do_not_hide_the_words_after_them(reply):
    assert extract_answer(reply) == Extracted("3", "boxed")


def test_an_empty_box_in_an_explanation_does_not_hide_the_tool_output():
    assert extract_answer("```output\n52\n```\nNow put it in a `\\boxed{}`.").answer == "52"


def test_a_box_that_breaks_off_after_the_tool_output_is_unreadable():
    assert extract_answer("```output\n52\n```\nSo $\\boxed{5").rule == "unreadable"


def test_a_tool_error_is_no_answer():
    reply = "```output\nNameError: name 'x' is not defined\n```"
    assert extract_answer(reply) == Extracted(None, "none")


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("We add.\n\nTherefore, the sum is 42.", "42"),
        (r"Thus $x \le 2$ is our answer.", r"x \le 2"),
        (r"Hence \[ x = 3 + 4 = 7 \]", "7"),
    ],
)
def test_a_concluding_sentence_is_read(reply, answer):
    assert extract_answer(reply) == Extracted(answer, "conclusion")


@pytest.mark.parametrize("reply", ["42", r"$\frac12$", "10 or 9", "x = 5"])
def test_a_reply_that_is_only_an_answer_is_the_answer(reply):
    assert extract_answer(reply).rule == "whole"


@pytest.mark.parametrize("stdout", ["[]\n", "{}\n", "set()\n", "3\n[]\n"])
def test_an_empty_collection_is_an_answer(stdout):
    assert extract_output(stdout).answer == stdout.split()[-1]


@pytest.mark.parametrize(
    "reply",
    [r"the final answer is \boxed{5", r"so \boxed{5", "The answer is", r"\boxed{}", "Answer:\n"],
)
def test_an_answer_begun_and_not_finished_is_unreadable(reply):
    assert extract_answer(reply) == Extracted(None, "unreadable")


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "\n",
        "I'm sorry, I can't determine the answer.",
        "Let us solve this step by step, slowly.",
    ],
)
def test_a_reply_without_an_answer_has_none(reply):
    assert extract_answer(reply) == Extracted(None, "none")


@pytest.mark.parametrize(
    ("stdout", "answer"),
    [
        ("42\n", "42"),
        ("42\n\n\n", "42"),
        ("x = 5\n", "x = 5"),
        ("{x: 5, y: 6}\n", "{x: 5, y: 6}"),
        ("[0, 1)\n", "[0, 1)"),
        ("Interval.open(0, 1)\n", "Interval.open(0, 1)"),
        ("1\n2\n3\n", "3"),
        ("7\n-----\n", "7"),
        ("\x1b[32m7\x1b[0m\r\n", "7"),
        ("4:30 PM\n", "4:30 PM"),
        ("None\n", "None"),
    ],
)
def test_the_last_printed_line_is_the_answer_as_it_stands(stdout, answer):
    assert extract_output(stdout) == Extracted(answer, "last_line")


@pytest.mark.parametrize(
    ("stdout", "answer", "rule"),
    [
        ("The answer is 42\n", "42", "declared"),
        ("Answer: 42\nVerified: True\n", "42", "declared"),
        ("The answer is\n5\n", "5", "declared"),
        ("Number of ways: 120\n", "120", "labelled"),
        ("The probability is 0.5556\n", "0.5556", "labelled"),
        ("The value of x is: 5.\n", "5", "labelled"),
        ("\\boxed{5}\nDone\n", "5", "boxed"),
    ],
)
def test_words_around_a_printed_answer_are_taken_off(stdout, answer, rule):
    assert extract_output(stdout) == Extracted(answer, rule)


def test_a_matrix_printed_on_several_lines_is_one_answer():
    assert extract_output("A =\n[[1 2]\n [3 4]]\n") == Extracted("[[1 2]\n[3 4]]", "last_lines")


def test_a_printed_bracket_that_nothing_opened_is_unreadable():
    assert extract_output("3, 4]]\n") == Extracted(None, "unreadable")


@pytest.mark.parametrize(
    "stdout",
    [
        "",
        "   \n",
        "1\nTraceback (most recent call last):\n  File 'a'\nZeroDivisionError: division by zero\n",
        "KeyboardInterrupt\n",
        "sympy.core.sympify.SympifyError: bad\n",
        "Error: could not solve\n",
    ],
)
def test_an_error_message_is_no_printed_answer(stdout):
    assert extract_output(stdout) == Extracted(None, "none")


def test_what_is_printed_after_a_handled_error_counts():
    assert extract_output("ValueError: no\n42\n").answer == "42"


FRAGMENTS = [
    "\\boxed{", "\\boxed", "{", "}", "\\", "$", "$$", "\\[", "\\]", "\\(", "answer", "answer is ",
    "Final answer: ", "####", "\n", "```", "```output\n", "```python\n", "<answer>", "</answer>",
    "so ", "is ", "1", "x=", ",", "and", "or", "]", "(", "\x08oxed{", "\x1b[3", "é", "\ud800", " ",
]  # fmt: skip


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60).map("".join))
@example("\\boxed{" * 10)
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_the_extractor(text):
    for extract in (extract_answer, extract_output):
        found = extract(text)
        assert (found.answer is None) == (found.rule in ("none", "unreadable"))
        assert found.answer != ""


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_a_box_around_any_balanced_text_gives_that_text_back(text):
    content = "1" + "".join(c for c in text if c.isalnum())
    assert extract_answer(f"so $\\boxed{{{content}}}$ it is").answer == content


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_long_run_of_one_fragment_is_read_to_its_end(fragment):
    """That the time grows with the length alone is held by tests/bench/quick.py."""
    text = fragment * (200_000 // len(fragment))
    for extract in (extract_answer, extract_output):
        found = extract(text)
        assert (found.answer is None) == (found.rule in ("none", "unreadable"))


def test_deep_nesting_is_read_to_its_end():
    found = extract_answer("\\boxed{" * 25_000 + "5" + "}" * 25_000)
    assert found.rule == "boxed"
    assert found.answer.strip("}").endswith("{5")
    assert found.answer.count("{") == found.answer.count("}")


def test_the_answer_of_each_of_our_transcripts_is_found():
    rows = [json.loads(line) for line in OURS.read_text(encoding="utf-8").splitlines()]
    assert [extract_answer(row["text"]).answer for row in rows] == [row["answer"] for row in rows]


def test_published_labels_are_reproduced_on_real_transcripts():
    with gzip.open(shared_data("judge/transcripts_dev.jsonl.gz"), "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    boxed = [row for row in rows if row["source"] == "QwenLM/Qwen2.5-Math"]
    found = [extract_answer(row["output"]).answer for row in boxed]
    same = sum(
        _squeezed(answer or "") == _squeezed(row["published_pred"])
        for answer, row in zip(found, boxed, strict=True)
    )
    assert None not in found
    assert same / len(boxed) > 0.9


def _squeezed(text: str) -> str:
    return text.replace("\\dfrac", "\\frac").replace("$", "").replace(" ", "").rstrip(".")


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("小明有 5 个。\n答案：12", "12"),
        ("因为 $A=B$，故选：C", "C"),
        ("所以，最终答案是 $x=3$。", "x=3"),
        ("Die Antwort ist 12.", "12"),
        ("Das Ergebnis lautet: 12", "12"),
        ("La respuesta es $\\frac12$.", r"\frac12"),
        ("La réponse est 12.", "12"),
        ("La risposta è 12.", "12"),
        ("Ответ: 12", "12"),
        ("答えは12です。", "12"),
        ("정답은 12입니다.", "12"),
    ],
)
def test_an_answer_declared_in_another_language_is_found(reply, answer):
    assert extract_answer(reply) == Extracted(answer, "declared")


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Then we multiply, which gives us $5r^5$.", "5r^5"),
        ("She starts with 15.\nHillary has 7 nickels.", "7"),
        ("We add the parts.\nJosh made a profit of **$70,000**.", "$70,000"),
        ("It costs more.\nThey need exactly 3.5 hours.", "3.5"),
    ],
)
def test_the_one_value_of_a_closing_sentence_is_found_under_a_rule_of_its_own(reply, answer):
    assert extract_answer(reply) == Extracted(answer, "closing")
    assert extract_answer(reply, closing=False).answer is None


@pytest.mark.parametrize(
    "reply",
    [
        "We add.\nNow let us solve $x^2 = 4$ with Python.",
        "We add.\nIt lies between 3 and 5 on the line.",
        "We add.\nI cannot find the value 7.",
        "We add.\nIs it 7?",
        "We add.\nWe consider these 7 cases:",
        "We add.\nThe code would print 7.",
    ],
)
def test_a_closing_sentence_without_one_clear_value_is_no_answer(reply):
    assert extract_answer(reply).answer is None


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (r"Exactly \boxed{\sqrt2}, numerically \boxed{\approx 1.414}", r"\sqrt2"),
        (r"It is \boxed{\frac13} \approx \boxed{0.333}", r"\frac13"),
        (r"The answer is \\boxed{279}.", "279"),
        (r"So boxed{27}", "27"),
        (r"\[Answer: 009\]", "009"),
        (r"The answer is 5. Put it in \boxed .", "5"),
    ],
)
def test_boxes_that_are_damaged_or_repeat_a_value_give_the_answer(reply, answer):
    assert extract_answer(reply).answer == answer
