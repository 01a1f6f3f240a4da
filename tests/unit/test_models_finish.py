"""Why a reply ended: what is a reply, what is asked again, what is kept with a flag."""

import pytest

from solver.errors import ModelError, Scope
from solver.models._finish import CAPPED, FAILED, FILTERED, LOOPING, OWN, WHOLE, read_finish
from solver.models._stream import Piece, collect_reply

PROGRAM = "```python\nprint(41)\n```"


def ended(reason, text=PROGRAM, **fields):
    return read_finish("server", reason, text, **fields)


@pytest.mark.parametrize("reason", ["stop", "eos_token", "end_turn", "STOP", "stop-sequence"])
def test_a_finished_reply_is_a_reply(reason):
    finish = ended(reason)
    assert (finish.capped, finish.ended) == (False, "")


@pytest.mark.parametrize("reason", ["length", "MAX_TOKENS", "model_length", "max_output_tokens"])
def test_a_reply_cut_at_the_cap_is_capped(reason):
    assert ended(reason).capped


@pytest.mark.parametrize(
    "reason",
    ["error", "abort", "insufficient_system_resource", "load", "unload", "", None, "cancelled"],
)
def test_a_reply_that_the_server_broke_off_is_asked_for_again(reason):
    with pytest.raises(ModelError, match="broke the reply off") as failure:
        ended(reason)
    assert failure.value.retryable


def test_an_error_beside_a_finished_reply_is_asked_again_in_its_words():
    with pytest.raises(ModelError, match="Provider disconnected") as failure:
        ended("stop", failure="Provider disconnected")
    assert failure.value.retryable


@pytest.mark.parametrize("reason", ["content_filter", "SAFETY", "RECITATION", "sensitive"])
def test_a_reply_that_a_filter_withheld_is_an_error_of_its_prompt_alone(reason):
    with pytest.raises(ModelError, match=reason) as failure:
        ended(reason, "")
    assert failure.value.scope is Scope.PROMPT


@pytest.mark.parametrize("reason", ["eaten_by_a_bear", "stopped?", "7"])
def test_a_reason_nobody_knows_is_never_silently_a_reply(reason):
    with pytest.raises(ModelError, match="not known") as failure:
        ended(reason)
    assert failure.value.scope is Scope.UNKNOWN


def test_a_refusal_is_kept_with_its_words():
    assert ended("stop", "", refusal="I can't help.").ended == "refusal: I can't help."


@pytest.mark.parametrize("reason", ["tool_calls", "function_call", "tool_use"])
def test_a_call_of_a_tool_without_a_text_is_flagged_and_next_to_one_is_not(reason):
    assert ended(reason, "").ended == reason
    assert ended(reason).ended == ""


def test_a_call_of_a_tool_is_noticed_whatever_the_reason():
    assert ended("stop", " ", calls=True).ended == "tool_calls"


def test_a_loop_is_flagged_though_it_has_a_text():
    assert ended(LOOPING).ended == "looping"


def test_no_reason_stands_in_two_groups():
    groups = (WHOLE, CAPPED, FAILED, FILTERED, OWN)
    assert sum(map(len, groups)) == len(frozenset().union(*groups))


@pytest.mark.parametrize(("reason", "retryable"), [("abort", True), ("eaten_by_a_bear", False)])
async def test_streams_are_held_to_the_same_table(reason, retryable):
    async def stream():
        yield Piece(text=PROGRAM, finish=reason)

    with pytest.raises(ModelError) as failure:
        await collect_reply(stream(), prompt="", until=None, endpoint="server")
    assert failure.value.retryable is retryable
