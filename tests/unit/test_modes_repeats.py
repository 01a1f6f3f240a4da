"""A model that repeats itself: no request repeats another, and a cut reply counts by its box."""

import pytest

from solver.models.scripted import Line
from solver.records import Outcome
from tests.fakes import program, told


def requests(found):
    """Each request of a trial as one text."""
    return ["\n".join(message.text for message in chat) for chat, _ in found.history]


@pytest.mark.parametrize("reply", [program("# exit: crashed"), "I will not.", program("x = 1")])
async def test_a_retry_never_repeats_an_earlier_request(tmp_path, reply):
    found = await told(tmp_path, [reply], mode="code", code={"retries": 4})
    sent = requests(found)
    assert len(sent) == len(set(sent)) == 5
    assert "You have sent this same reply 4 times" in sent[-1]
    assert "You have sent this same reply" not in sent[1]


async def test_replies_that_come_round_in_turn_are_told_apart(tmp_path):
    one, other = program("# exit: crashed"), program("x = 1")
    found = await told(tmp_path, [one, other, one, other, one], mode="code", code={"retries": 4})
    assert len(set(requests(found))) == 5


async def test_a_check_and_a_revision_that_come_again_are_asked_for_in_other_words(tmp_path):
    wrong, check = program("print(4)"), program("print(False)")
    script = [wrong, check, wrong, check, wrong, check]
    found = await told(tmp_path, script, mode="csv", csv={"revisions": 2})
    assert len(set(requests(found))) == len(requests(found)) == 6


async def test_the_check_is_told_that_it_runs_by_itself(tmp_path):
    found = await told(tmp_path, [program("print(1)"), program("print(True)")], mode="csv")
    assert "nothing that the first program imported or defined exists" in requests(found)[1]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("First we add. The answer is 1", Outcome.TRUNCATED),
        ("So it equals $1", Outcome.TRUNCATED),
        ("So \\boxed{1}. To check this, we", Outcome.CORRECT),
        ("So \\boxed{1", Outcome.TRUNCATED),
    ],
)
async def test_a_reply_cut_at_the_cap_counts_only_by_its_box(tmp_path, text, outcome):
    found = await told(tmp_path, [Line(text=text, capped=True)], mode="cot")
    assert found.row.outcome is outcome


async def test_a_whole_reply_still_counts_by_its_words(tmp_path):
    found = await told(tmp_path, ["First we add. The answer is 1"], mode="cot")
    assert found.row.outcome is Outcome.CORRECT
