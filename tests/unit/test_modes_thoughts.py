"""Every mode reads, runs, judges and sends back the reply alone, never the thoughts before it."""

import pytest

from solver.models.scripted import Line
from solver.modes._chat import after_reply, user
from solver.records import Detail, Failure, Message, Outcome
from tests.fakes import program, told

DRAFT = f"Let me try:\n{program('print(99)')}\nso \\boxed{{99}}, which is wrong."


def apart(text, thoughts=DRAFT, **more):
    return Line(text=text, thoughts=thoughts, **more)


def tagged(text, thoughts=DRAFT, **more):
    return Line(text=f"<think>\n{thoughts}\n</think>\n\n{text}", **more)


def half(text, thoughts=DRAFT, **more):
    return Line(text=f"{thoughts}\n</think>\n\n{text}", **more)


FORMS = pytest.mark.parametrize("think", [apart, tagged, half])


def sent(found):
    """All that was sent to the model."""
    return "".join(message.text for chat, _ in found.history for message in chat)


@FORMS
async def test_code_runs_the_program_after_the_thoughts(tmp_path, think):
    found = await told(tmp_path, [think(program("print(1)"))])
    assert (found.row.outcome, found.row.answer) == (Outcome.CORRECT, "1")
    assert list(found.sandbox.ran) == ["print(1)\n"]
    assert found.turns[0].reply.thoughts == DRAFT


@FORMS
async def test_code_does_not_run_a_draft_where_no_program_follows(tmp_path, think):
    found = await told(tmp_path, [think("I could not find one.")], code={"retries": 0})
    assert found.row.outcome is Outcome.NO_CODE
    assert not found.sandbox.ran


@FORMS
async def test_a_retry_does_not_send_thoughts_back(tmp_path, think):
    crash = program("# exit: crashed\nprint(1)")
    found = await told(tmp_path, [think(crash), think(program("print(1)"))])
    assert found.row.outcome is Outcome.CORRECT
    assert len(found.turns) == 2
    assert "99" not in sent(found)
    assert "think" not in sent(found)


@FORMS
async def test_cot_takes_the_answer_after_the_thoughts(tmp_path, think):
    found = await told(tmp_path, [think("The answer is 1.")], mode="cot")
    assert (found.row.outcome, found.row.answer) == (Outcome.CORRECT, "1")


async def test_cot_has_no_answer_where_only_the_thoughts_have_one(tmp_path):
    found = await told(tmp_path, [apart("", r"So \boxed{1}")], mode="cot")
    assert found.row.outcome is Outcome.NO_ANSWER
    assert found.turns[0].detail is Detail.ONLY_IN_THOUGHTS


@FORMS
async def test_tir_runs_no_draft_and_sends_back_none(tmp_path, think):
    replies = [think(program("print(1)")), think(r"\boxed{1}")]
    found = await told(tmp_path, replies, mode="tir")
    assert (found.row.outcome, found.row.answer) == (Outcome.CORRECT, "1")
    assert list(found.sandbox.ran) == ["print(1)"]
    assert "99" not in sent(found)


@FORMS
async def test_csv_checks_with_the_program_after_the_thoughts(tmp_path, think):
    replies = [think(program("print(1)")), think(program("print(True)"))]
    found = await told(tmp_path, replies, mode="csv")
    assert (found.row.outcome, len(found.turns)) == (Outcome.CORRECT, 2)
    assert list(found.sandbox.ran) == ["print(1)\n", "print(True)\n"]
    assert "99" not in sent(found)


CUT = [
    Line(text="", thoughts=DRAFT, capped=True),
    Line(text=f"<think>\n{DRAFT}\nSo now I", capped=True),
]


@pytest.mark.parametrize("cut", CUT)
@pytest.mark.parametrize("mode", ["code", "cot", "tir", "csv"])
async def test_a_reply_cut_while_thinking_is_truncated(tmp_path, mode, cut):
    found = await told(tmp_path, [cut], mode=mode, code={"retries": 0})
    assert found.row.outcome is Outcome.TRUNCATED
    assert found.turns[0].detail is Detail.CUT_THINKING
    assert not found.sandbox.ran


@pytest.mark.parametrize("cut", CUT)
async def test_the_second_cut_while_thinking_ends_the_trial(tmp_path, cut):
    found = await told(tmp_path, [cut], code={"retries": 10})
    assert [turn.failure for turn in found.turns] == [Failure.TRUNCATED] * 2
    assert found.turns[1].fresh


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Let me think", Outcome.TRUNCATED),
        ("So x = 1 and then we", Outcome.TRUNCATED),
        ("Therefore the first sum is 1. Next, we", Outcome.TRUNCATED),
        (r"\boxed{1} Let me check this by", Outcome.CORRECT),
        ("The final answer is 1.\n\nLet me check this by", Outcome.TRUNCATED),
    ],
)
async def test_words_that_the_cap_cut_have_an_answer_only_if_they_box_it(tmp_path, text, outcome):
    found = await told(tmp_path, [Line(text=text, capped=True)], mode="cot")
    assert found.row.outcome is outcome


async def test_a_cut_while_answering_is_asked_for_again(tmp_path):
    cut = Line(text=program("print(1)")[:-3], thoughts=DRAFT, capped=True)
    found = await told(tmp_path, [cut], code={"retries": 3})
    assert len(found.turns) == 4
    assert {turn.detail for turn in found.turns} == {Detail.CUT_ANSWERING}


async def test_no_empty_message_and_no_two_of_one_role_are_sent(tmp_path):
    found = await told(tmp_path, [apart("")], code={"retries": 2})
    for chat, _ in found.history:
        assert all(message.text for message in chat)
        assert [message.role for message in chat] == ["system", "user"]
    assert found.history[1][0][1].text.startswith(found.history[0][0][1].text)
    assert "held no Python program" in found.history[1][0][1].text
    assert found.turns[1].prompt == found.history[1][0]


def test_a_reply_with_text_is_a_message_of_its_own():
    chat, again = (user("2 + 2?"),), user("Again.")
    said = Message(role="assistant", text="5")
    assert after_reply(chat, "5", again) == (*chat, said, again)
    assert after_reply(chat, " \n", again) == (user("2 + 2?\n\nAgain."),)
