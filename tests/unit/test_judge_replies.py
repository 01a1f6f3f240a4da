"""Which replies of a judging model count, and how the others are told apart."""

import json
import os

import pytest

from judge.model.asked import CutReply, ReplyCache
from judge.model.rubric import FIVE_POINTS, YES_NO
from judge.verdict import JudgeError
from tests.unit.test_judge_grade import UNDECIDED, Scripted, judge_with, says

INVALID = {
    "not json": "The score is 5.",
    "empty": "",
    "a list": "[]",
    "a boolean score": says("different", score=True),
    "a score out of range": says("identical", score=6),
    "an unknown relation": says("different", relation="excellent"),
    "an extra key": says("identical", note="x"),
    "a missing key": json.dumps({"score": 5}),
    "a number for a text": says("identical", reason=5),
    "a key twice": says("different")[:-1] + ', "score": 5, "relation": "identical"}',
    "two objects that disagree": says("identical") + says("different"),
    "a score between two": says("identical", score=4.5),
    "a score in words": says("identical", score="five"),
    "thoughts without an end": f"<think>It may be {says('identical')}",
    "very long": " " * 10 + says("identical", reason="x" * 30_000),
    "deep nesting": "[" * 10_000,
}


@pytest.mark.parametrize("reply", INVALID.values(), ids=INVALID.keys())
async def test_an_invalid_reply_twice_is_an_invalid_verdict_and_never_correct(reply):
    ask = Scripted(reply)
    verdict = await judge_with(ask).grade(*UNDECIDED)
    assert (verdict.score, verdict.by, verdict.relation) == (None, "model", "judge_invalid")
    assert len(ask.asked) == 2


async def test_a_valid_reply_after_an_invalid_one_counts():
    ask = Scripted("hm", says("partial"))
    verdict = await judge_with(ask).grade(*UNDECIDED)
    assert verdict.score == 2
    assert "could not be used" in ask.asked[1][1]


READ = {
    "a fence": f"```json\n{says('partial')}\n```",
    "a fence without a name": f"```\n{says('partial')}\n```",
    "a fence of another kind": f"~~~~ JSON\n{says('partial')}\n~~~~",
    "words around it": f"Here is my verdict: {says('partial')} I am sure.",
    "thoughts before it": f"<think>{says('identical')} or {{1, 2}}?</think>\n{says('partial')}",
    "thoughts with no start": f"It may be {says('identical')}</think>{says('partial')}",
    "a set before it": f"The set {{1, 2}} against {{1}}.\n{says('partial')}",
    "the same object twice": says("partial") + "\n" + says("partial"),
    "a decimal score": says("partial", score=2.0),
    "a score as text": says("partial", score="2"),
}


@pytest.mark.parametrize("reply", READ.values(), ids=READ.keys())
def test_a_valid_object_is_read_whatever_is_around_it(reply):
    opinion = FIVE_POINTS.read(reply)
    assert (opinion.score, opinion.relation, opinion.inconsistent) == (2, "partial", False)


@pytest.mark.parametrize(
    ("said", "score", "counts", "relation"),
    [
        ("different", 5, 1, "different"),
        ("identical", 4, 4, "same_by_convention"),
        ("identical", 1, 1, "different"),
        ("partial", 3, 2, "partial"),
    ],
)
async def test_the_lower_of_score_and_relation_counts_and_is_flagged(said, score, counts, relation):
    ask = Scripted(says(said, score=score), says("identical", swapped=True))
    verdict = await judge_with(ask).grade(*UNDECIDED)
    assert (verdict.score, verdict.relation) == (counts, relation)
    assert "inconsistent" in verdict.flags


async def test_a_reply_that_was_cut_is_told_apart_from_one_that_is_invalid(tmp_path):
    path = tmp_path / "judge.jsonl"
    ask = Scripted(CutReply('{"reference_form": "the lines'))
    verdict = await judge_with(ask, cache=path).grade(*UNDECIDED)
    assert (verdict.score, verdict.relation) == (None, "judge_cut")
    assert "token limit" in verdict.reason
    assert "token limit" in ask.asked[1][1]
    assert (await judge_with(cache=path).grade(*UNDECIDED)).relation == "judge_cut"


async def test_a_reply_that_was_cut_after_its_verdict_counts():
    ask = Scripted(CutReply(says("partial") + " That is because"))
    assert (await judge_with(ask).grade(*UNDECIDED)).score == 2


async def test_a_cut_reply_without_a_box_is_no_rejection_in_the_yes_no_preset():
    verdict = await judge_with(Scripted(CutReply("Let us compare")), "yes-no").grade(*UNDECIDED)
    assert (verdict.score, verdict.relation) == (None, "judge_cut")


@pytest.mark.parametrize(
    ("reply", "score", "relation"),
    [
        (r"They agree. \boxed{yes}", 5, "yes"),
        (r"First \boxed{yes}, but no: \boxed{no}", 1, "no"),
        (r"\boxed{\text{Yes}}", 5, "yes"),
        (r"\boxed{maybe}", 1, "no_verdict"),
        (r"\boxed{Yes.}", 5, "yes"),
        (r"\boxed{\textbf{yes}}", 5, "yes"),
        ("Yes.", 5, "yes"),
        (r"\textbf{yes}", 5, "yes"),
        ("**No**", 1, "no"),
        (r"<think>\boxed{yes}</think> \boxed{no}", 1, "no"),
        ("yes, they agree", 1, "no_verdict"),
        ("", 1, "no_verdict"),
    ],
)
async def test_yes_no_believes_the_last_box_and_nothing_else(reply, score, relation):
    ask = Scripted(reply)
    verdict = await judge_with(ask, "yes-no").grade(*UNDECIDED)
    assert (verdict.score, verdict.relation) == (score, relation)
    assert ask.asked[0][0] == YES_NO.system
    assert ask.asked[0][2] == {}


@pytest.mark.parametrize(
    "line",
    [
        "[" * 200_000, "9" * 5_000, "1", "null", "[]", "{}", '{"key": "k"}',
        '{"key": "k", "reply": 1}',
        '{"key": "k", "reply": {}}', '{"key": 1, "reply": ""}', '{"key": [], "reply": ""}',
    ],
    ids=lambda line: line[:24],
)  # fmt: skip
async def test_a_damaged_line_of_the_cache_is_skipped_and_the_others_count(tmp_path, line):
    path = tmp_path / "judge.jsonl"
    await judge_with(Scripted(says("partial")), cache=path).grade(*UNDECIDED)
    path.write_text(f"{line}\n{path.read_text('utf-8')}", "utf-8")
    cache = ReplyCache(path)
    assert (len(cache), cache.skipped) == (1, 1)
    assert (await judge_with(cache=path).grade(*UNDECIDED)).cached


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_cache_that_is_no_file_is_refused_in_one_line(tmp_path, make):
    make(tmp_path / "judge.jsonl")
    with pytest.raises(JudgeError, match=r"judge\.jsonl cannot be read: it is no file"):
        ReplyCache(tmp_path / "judge.jsonl")
