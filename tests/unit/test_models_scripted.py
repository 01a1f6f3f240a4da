import asyncio
import json
import random

import pytest

from solver.errors import ConfigError, ModelError
from solver.models import connect
from solver.models.scripted import Line, Script, Scripted
from solver.records import Message, Sampling


def user(text):
    return Message(role="user", text=text)


def said(text):
    return Message(role="assistant", text=text)


async def texts(model, chat, seeds):
    return [(await model.generate(chat, seed=seed)).text for seed in seeds]


async def test_turns_are_said_in_order_and_then_round_again():
    model = Scripted(replies=["first", "second"])
    chat = [user("q")]
    heard = []
    for _ in range(3):
        reply = await model.generate(chat, seed=7)
        heard.append(reply.text)
        chat += [said(reply.text), user("again")]
    assert heard == ["first", "second", "first"]


async def test_a_list_inside_the_replies_is_chosen_from_by_the_seed():
    model = Scripted(replies=[("zero", "one", "two")])
    assert await texts(model, [user("q")], [0, 1, 2, 3]) == ["zero", "one", "two", "zero"]


async def test_worked_examples_before_the_problem_are_not_counted_as_turns():
    model = Scripted(replies=["first", "second"])
    chat = [user("example"), said("not ours"), user("example"), said("nor this"), user("q")]
    assert await texts(model, chat, [0]) == ["first"]


async def test_the_problem_asked_wins_over_a_problem_among_the_examples():
    scripts = [
        Script(when="apples", replies=("about apples",)),
        Script(when="pears", replies=("about pears",)),
        Script(replies=("anything",)),
    ]
    model = Scripted(scripts=scripts)
    asked = [user("apples?"), said("an example"), user("pears?"), said("x"), user("try again")]
    assert await texts(model, asked, [0]) == ["about pears"]
    assert await texts(model, [user("plums?")], [0]) == ["anything"]


async def test_replies_do_not_depend_on_the_order_of_requests():
    scripts = [Script(when=f"problem {n}.", replies=(("a", f"b{n}", "c"),)) for n in range(20)]
    requests = [(n, seed) for n in range(20) for seed in range(5)]

    async def answers(order):
        model = Scripted(scripts=scripts)
        asked = [model.generate([user(f"problem {n}.")], seed=seed) for n, seed in order]
        return dict(zip(order, [reply.text for reply in await asyncio.gather(*asked)], strict=True))

    shuffled = random.Random(1).sample(requests, len(requests))
    assert await answers(shuffled) == await answers(requests)


async def test_a_line_can_be_capped_and_cut():
    model = Scripted(replies=[Line(text="half a", capped=True, prompt_cut=True)])
    reply = await model.generate([user("q")], seed=0)
    assert (reply.capped, reply.prompt_cut) == (True, True)


async def test_a_request_fails_as_often_as_its_line_says_whatever_else_is_asked():
    model = Scripted(replies=[Line(text="at last", fails=2, status=429, retry_after=3)])
    for chat in ([user("q")], [user("other")]):
        for _ in range(2):
            with pytest.raises(ModelError) as failure:
                await model.generate(chat, seed=0)
            assert failure.value.status == 429
            assert failure.value.retryable
            assert failure.value.retry_after == 3
        assert (await model.generate(chat, seed=0)).text == "at last"


async def test_a_scripted_404_is_not_worth_asking_again():
    with pytest.raises(ModelError) as failure:
        await Scripted(replies=[Line(fails=-1, status=404)]).generate([user("q")], seed=0)
    assert not failure.value.retryable


async def test_history_receives_each_chat_with_its_seed():
    heard = []
    await Scripted(replies=["a"], history=heard).generate([user("q")], seed=3)
    assert heard == [((user("q"),), 3)]


async def test_a_prefix_is_continued_by_the_rest_of_the_reply_it_began():
    model = Scripted(replies=["one two three four"])
    assert (await model.complete("Q: count\none two", seed=0)).text == " three four"
    part = await model.complete("Q: count\n", seed=0, max_tokens=2)
    assert (part.text, part.output_tokens, part.capped) == ("one two", 2, True)
    assert (await model.complete("Q", seed=0, stop=[" three"])).text == "one two"


async def test_a_file_gives_scripts_and_can_be_the_name(tmp_path):
    path = tmp_path / "replies.jsonl"
    rows = [{"when": "apples", "replies": ["red"]}, {"replies": [["x", "y"]]}]
    path.write_text("\n".join(map(json.dumps, rows)))
    for model in (
        connect(f"scripted/{path}", Sampling(), {}),
        connect("scripted/dry", Sampling(), {"file": str(path)}),
    ):
        assert await texts(model, [user("apples?")], [0]) == ["red"]
        assert await texts(model, [user("pears?")], [1]) == ["y"]


def test_a_wrong_line_of_the_file_is_named(tmp_path):
    path = tmp_path / "replies.jsonl"
    path.write_text('{"replies": ["a"]}\n{"reply": "b"}\n')
    with pytest.raises(ConfigError, match=r"replies.jsonl:2: replies: Field required"):
        connect("scripted/x", Sampling(), {"file": str(path)})


def test_a_script_with_nothing_to_say_is_refused():
    with pytest.raises(ConfigError, match="nothing to say"):
        connect("scripted/x", Sampling(), {})


async def test_describe_changes_with_the_script():
    one, other = Scripted(replies=["a"]), Scripted(replies=["b"])
    assert (await one.describe())["hash"] != (await other.describe())["hash"]
