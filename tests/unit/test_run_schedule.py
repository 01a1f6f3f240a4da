"""Limits and patience: what is waited for, how long, and what is not."""

import asyncio
import time

import pytest

from solver.config import Patience
from solver.errors import ModelError, Scope
from solver.models.scripted import Line, Script, Scripted
from solver.records import Message, Reply
from solver.run.schedule import Endpoint, Gate, Stopped, Traffic

CHAT = (Message(role="user", text="What is 1 plus 0?"),)


def endpoint(*replies, traffic=None, patience=None, delay=0.0, limit=8) -> Endpoint:
    model = Scripted(replies=replies, delay=delay)
    return Endpoint(model, patience or Patience(), Gate(limit), traffic or Traffic())


async def test_a_failed_request_is_made_again_and_counted():
    traffic = Traffic()
    reply = await endpoint(Line(text="1", fails=2, status=503, retry_after=0), traffic=traffic).ask(
        CHAT, seed=0
    )
    assert (reply.text, reply.requests, traffic.failed) == ("1", 3, 2)


async def test_thoughts_in_the_text_of_a_provider_from_outside_are_taken_out():
    class Raw(Scripted):
        async def generate(self, *args, **kwargs):
            return Reply(text="<think>hm</think>4")

    asked = Endpoint(Raw(replies=["x"]), Patience(), Gate(1), Traffic())
    reply = await asked.ask(CHAT, seed=0)
    assert (reply.text, reply.thoughts) == ("4", "hm")


async def test_attempts_are_bounded():
    asked = endpoint(Line(fails=-1, retry_after=0), patience=Patience(attempts=3))
    with pytest.raises(ModelError, match="gave up after 3 requests") as failure:
        await asked.ask(CHAT, seed=0)
    assert failure.value.retryable


async def test_the_total_wait_is_bounded_and_said():
    asked = endpoint(
        Line(fails=-1, status=429, retry_after=3600), patience=Patience(wait_seconds=5)
    )
    clock = asyncio.get_running_loop().time
    start = clock()
    with pytest.raises(ModelError, match=r"at most 5 s \(the server asks for 3600 s more\)"):
        await asked.ask(CHAT, seed=0)
    assert clock() - start < 5, "it waited"


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_what_asking_again_cannot_mend_is_asked_once(status):
    traffic = Traffic()
    with pytest.raises(ModelError) as failure:
        await endpoint(Line(fails=-1, status=status), traffic=traffic).ask(CHAT, seed=0)
    assert traffic.failed == 1
    assert not failure.value.retryable


@pytest.mark.parametrize(("status", "ends_the_run"), [(400, False), (401, True), (404, True)])
async def test_after_a_first_answer_only_a_lost_key_or_model_ends_the_run(status, ends_the_run):
    asked = endpoint("1", Line(text="2", fails=-1, status=status))
    await asked.ask(CHAT, seed=0)
    with pytest.raises(ModelError) as failure:
        await asked.ask((*CHAT, Message(role="assistant", text="1")), seed=0)
    assert (failure.value.scope is Scope.RUN) is ends_the_run


async def test_no_more_requests_are_in_flight_than_the_gate_allows():
    traffic = Traffic()
    asked = endpoint("1", traffic=traffic, delay=0.01, limit=3)
    most = 0

    async def look():
        nonlocal most
        while True:
            most = max(most, len(traffic.started))
            await asyncio.sleep(0.001)

    looking = asyncio.create_task(look())
    await asyncio.gather(*(asked.ask(CHAT, seed=n) for n in range(12)))
    looking.cancel()
    assert most == 3


async def test_a_rate_limit_halves_the_gate_once_and_success_opens_it_again():
    gate = Gate(8)
    for _ in range(5):
        gate.limited()
    assert gate.limit == 4
    for _ in range(4 + 5 + 6 + 7):
        gate.succeeded()
    assert gate.limit == 8


async def test_a_request_that_backs_off_leaves_its_slot_to_others():
    """One slot: while the first request waits to be made again, the second one is answered."""
    model = Scripted(
        replies=["fine"],
        scripts=[Script(when="busy", replies=(Line(text="late", fails=1, retry_after=0.1),))],
    )
    asked = Endpoint(model, Patience(), Gate(1), Traffic())
    done = []

    async def ask(question):
        reply = await asked.ask((Message(role="user", text=question),), seed=0)
        done.append(reply.text)

    await asyncio.gather(ask("busy"), ask("other"))
    assert done == ["fine", "late"]


async def test_a_growing_reply_keeps_its_slot_from_one_request_to_the_next():
    asked = endpoint("a b c d e f", delay=0.005, limit=1)
    order = []

    async def grow(name):
        async with asked.hold() as extend:
            text = ""
            for _ in range(3):
                text += (await extend(CHAT, text, seed=0, max_tokens=1)).text
                order.append(name)
            assert text == "a b c"

    async def ask():
        await asked.ask(CHAT, seed=0)
        order.append("whole")

    await asyncio.gather(grow("one"), ask(), grow("two"))
    assert order == ["one"] * 3 + ["whole"] + ["two"] * 3


async def test_a_request_of_a_growing_reply_is_made_again_and_counted():
    traffic = Traffic()
    asked = endpoint(Line(text="a b", fails=2, status=503, retry_after=0), traffic=traffic)
    async with asked.hold() as extend:
        reply = await extend(CHAT, "a", seed=0)
    assert (reply.text, reply.requests, traffic.failed, len(traffic.started)) == (" b", 3, 2, 0)


async def test_a_growing_reply_that_fails_gives_its_slot_back():
    asked = endpoint("1", Line(text="2", fails=-1, status=400), limit=1)
    await asked.ask(CHAT, seed=0)
    with pytest.raises(ModelError):
        async with asked.hold() as extend:
            await extend((*CHAT, Message(role="assistant", text="1")), "", seed=0)
    assert (await asked.ask(CHAT, seed=0)).text == "1"


async def test_extra_stops_reach_the_model():
    assert (await endpoint("1 END 2").ask(CHAT, seed=0, stop=("END",))).text == "1 "


async def refusing(scope, *, answered):
    """An endpoint whose next request fails so, and what it raises."""

    class Refusing(Scripted):
        async def generate(self, *args, **how):
            raise ModelError("no", scope=scope)

    asked = endpoint("fine")
    if answered:
        await asked.ask(CHAT, seed=0)
    asked.model = Refusing(replies=["x"])
    asked.patience = Patience(attempts=1)
    with pytest.raises(ModelError) as failure:
        await asked.ask(CHAT, seed=0)
    return failure.value


@pytest.mark.parametrize("answered", [False, True])
async def test_a_refusal_of_the_run_ends_it_at_any_time(answered):
    assert (await refusing(Scope.RUN, answered=answered)).scope is Scope.RUN


@pytest.mark.parametrize("answered", [False, True])
async def test_a_refused_prompt_never_ends_the_run(answered):
    assert (await refusing(Scope.PROMPT, answered=answered)).scope is Scope.PROMPT


async def test_a_page_of_someone_else_is_a_wrong_address_only_before_the_first_answer():
    assert (await refusing(Scope.ADDRESS, answered=False)).scope is Scope.RUN
    assert (await refusing(Scope.ADDRESS, answered=True)).retryable


async def test_a_full_queue_halves_the_gate_as_a_rate_limit_does():
    for status in (429, 503):
        asked = endpoint(Line(text="1", fails=1, status=status, retry_after=0), limit=8)
        await asked.ask(CHAT, seed=0)
        assert asked.gate.limit == 4


async def test_ctrl_c_ends_a_back_off_at_once_and_starts_no_request():
    traffic = Traffic()
    asked = endpoint(
        Line(fails=-1, status=429, retry_after=3600),
        traffic=traffic,
        patience=Patience(wait_seconds=10_000),
    )
    going = asyncio.create_task(asked.ask(CHAT, seed=0))
    while not traffic.waiting:
        await asyncio.sleep(0.001)
    traffic.stop.set()
    with pytest.raises(Stopped):
        await asyncio.wait_for(going, 60)
    assert (traffic.failed, traffic.waiting) == (1, 0)


async def test_the_time_that_a_model_loads_is_no_time_of_its_requests():
    class Slow(Scripted):
        loaded = 0.0

        async def load(self):
            await asyncio.sleep(0.01)
            self.loaded = time.monotonic()
            return {}

    traffic, model = Traffic(), Slow(replies=["1", "2"])
    asked = Endpoint(model, Patience(), Gate(1), traffic)
    await asked.ask(CHAT, seed=0)
    began = traffic.began
    await asked.ask(CHAT, seed=1)
    assert traffic.began == began >= model.loaded > 0


async def test_ctrl_c_lets_the_request_in_flight_finish_and_none_at_the_gate_start():
    traffic, history = Traffic(), []
    model = Scripted(replies=["1"], delay=0.05, history=history)
    asked = Endpoint(model, Patience(), Gate(1), traffic)
    going = [asyncio.create_task(asked.ask(CHAT, seed=n)) for n in range(3)]
    while not history:
        await asyncio.sleep(0.001)
    traffic.stop.set()
    first, *others = await asyncio.gather(*going, return_exceptions=True)
    assert first.text == "1"
    assert all(isinstance(other, Stopped) for other in others)
    assert len(history) == 1


async def order_of(gate, *, trials=2, turns=3, pause=0.0, ends=True):
    """The trials whose requests a gate let in, in order, when all start together."""
    order = []

    async def trial(name):
        for _ in range(turns):
            async with gate.slot(name):
                order.append(name)
                await asyncio.sleep(0.001)
            await asyncio.sleep(pause)  # its program runs
        if ends:
            await gate.left(name)

    await asyncio.gather(*map(trial, range(trials)))
    return order


async def test_requests_of_a_trial_follow_one_another_where_there_is_one_slot():
    assert await order_of(Gate(1), pause=0.01) == [0, 0, 0, 1, 1, 1]


async def test_a_trial_with_a_long_program_does_not_keep_the_only_slot():
    gate = Gate(1, kept_seconds=0.01)
    async with gate.slot("one"):
        pass
    async with asyncio.timeout(30), gate.slot("other"):  # the program of the first still runs
        pass


async def test_a_trial_that_never_says_that_it_ended_keeps_nobody_out():
    assert sorted(await order_of(Gate(1, kept_seconds=0.01), ends=False)) == [0, 0, 0, 1, 1, 1]


async def test_with_more_slots_no_trial_waits_for_another():
    assert await order_of(Gate(2), pause=0.01) == [0, 1, 0, 1, 0, 1]
