"""The canaries: what they hold, when a judge passes, and how the reason for stopping is told."""

import asyncio
import json
import math
from typing import Any

import pytest

from judge import CutReply, Relation, compare
from judge.audit import canaries
from judge.model.canaries import CANARIES, MOST_FALSE_ACCEPTS, MOST_FALSE_REJECTS
from judge.model.rubric import YES_NO
from tests.unit.test_judge_audit import TRUTH, Gullible, Honest


def test_there_are_fifty_canaries_half_of_them_right():
    assert len(CANARIES) == 50
    assert sum(probe.right for probe in CANARIES) == 25
    assert len(set(CANARIES)) == 50


@pytest.mark.parametrize(
    ("slips", "false_accepts", "drifted"),
    [
        (("43",), ("42 ← 43",), False),
        (("43", r"\frac{8}{3}"), ("42 ← 43", r"\frac{3}{8} ← \frac{8}{3}"), True),
    ],
)
def test_two_false_accepts_among_the_canaries_are_drift_and_one_is_chance(
    slips, false_accepts, drifted
):
    class Slipping(Honest):
        def relation(self, reference: str, answer: str, swapped: bool) -> str:
            right = TRUTH.get((reference, answer), False) or answer in slips
            return "identical" if right else "different"

    found = asyncio.run(canaries(Slipping()))
    assert (found.false_accepts, found.drifted) == (false_accepts, drifted)


def passes(false_accepts: float, false_rejects: float) -> float:
    """The probability that a judge with these error rates passes the canaries."""

    def at_most(most: int, rate: float) -> float:
        return sum(math.comb(25, k) * rate**k * (1 - rate) ** (25 - k) for k in range(most + 1))

    return at_most(MOST_FALSE_ACCEPTS, false_accepts) * at_most(MOST_FALSE_REJECTS, false_rejects)


def test_the_thresholds_pass_a_good_judge_and_stop_a_bad_one():
    assert passes(0.01, 0.05) >= 0.95
    assert passes(0.005, 0.03) >= 0.99
    assert passes(0.10, 0.05) < 0.28
    assert passes(0.20, 0.05) < 0.03
    assert passes(0.01, 0.30) < 0.10
    assert passes(0.01, 0.50) < 0.001


def test_most_canaries_are_what_the_rules_leave_to_a_model_and_none_contradicts_them():
    found = [(probe.right, compare(probe.reference, probe.answer).relation) for probe in CANARIES]
    assert (True, Relation.DIFFERENT) not in found
    assert (False, Relation.EQUAL) not in found
    assert [relation for _, relation in found].count(Relation.UNDECIDED) >= 25


@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        ("I would say 5.", "format", "not in the format"),
        (CutReply("Let me think about"), "cut", "max_tokens"),
    ],
)
def test_replies_in_another_format_or_cut_are_told_apart_from_drift(reply, state, words):
    async def ask(system: str, user: str, schema: dict[str, Any]) -> str | CutReply:
        return reply

    found = asyncio.run(canaries(ask))
    assert (found.state, found.drifted) == (state, True)
    assert words in str(found)
    assert "drifted" not in str(found)


def test_the_canaries_of_the_yes_no_preset_ask_its_question():
    async def ask(system: str, user: str, schema: dict[str, Any]) -> str:
        assert system == YES_NO.system
        values = list(json.loads(user).values())
        return r"\boxed{yes}" if TRUTH[values[1], values[2]] else r"\boxed{no}"

    found = asyncio.run(canaries(ask, preset="yes-no"))
    assert (found.state, found.kappa) == ("passed", 1)


def test_canaries_are_given_up_as_soon_as_refusal_is_certain():
    ask = Gullible()
    found = asyncio.run(canaries(ask, at_once=1, give_up=True))
    assert found.drifted
    assert ask.calls == found.total == 4  # two right ones, two wrong ones


def test_canaries_are_asked_every_time():
    ask = Honest()
    asyncio.run(canaries(ask))
    asyncio.run(canaries(ask))
    assert ask.calls == 100
