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


async def test_a_prefix_is_continued_by_the_rest_of_its_reply():
    model = Scripted(replies=["one two three four"])
    assert (await model.complete("Q: count\none two", seed=0)).text == " three four"
    part = await model.complete("Q: count\n", seed=0, max_tokens=2)
    assert (part.text, part.output_tokens, part.capped) == ("one two", 2, True)
    assert (await model.complete("Q", seed=0, stop=[" three"])).text == "one two"


async def test_a_partial_reply_is_continued_to_its_end():
    model = Scripted(replies=["first", "x = 1\nprint(x)"])
    chat = [user("q"), said("first"), user("again")]
    for partial in ("", "x =", "x = 1\n", "x = 1\npri", "x = 1\nprint(x)"):
        reply = await model.extend(chat, partial, seed=0)
        assert partial + reply.text == "x = 1\nprint(x)"
        assert not reply.capped


async def test_one_token_after_another_gives_the_whole_reply():
    model = Scripted(replies=["x = 1\nprint(x)\n"])
    text, requests = "", 0
    while (reply := await model.extend([user("q")], text, seed=0, max_tokens=1)).capped:
        text, requests = text + reply.text, requests + 1
    assert (text + reply.text, requests) == ("x = 1\nprint(x)\n", 4)


async def test_until_ends_a_continuation_after_the_token_that_made_it_true():
    model = Scripted(replies=[Line(text="a b c d", capped=True)])
    reply = await model.extend([user("q")], "a", seed=0, until=lambda text: "c" in text)
    assert (reply.text, reply.output_tokens, reply.capped) == (" b c", 2, False)


async def test_a_partial_reply_of_another_text_is_continued_by_the_first_text_instead():
    line = Line(text="x = = 1", instead=("x = 2 + 3", "x = 2 - 3", "y"))
    model = Scripted(replies=[line])
    for partial, rest in (("x = ", "= 1"), ("x = 2", " + 3"), ("x = 2 -", " 3"), ("z", "")):
        assert (await model.extend([user("q")], partial, seed=0)).text == rest


async def test_a_token_tells_how_sure_it_is_and_what_else_could_stand_there():
    line = Line(text="x = 1 / 0", instead=("x = 1 / 2", "x = 3", "y"), unsure=("0",))
    model = Scripted(replies=[line])
    reply = await model.extend([user("q")], "x", seed=0, logprobs=2)
    assert "".join(token.text for token in reply.tokens) == reply.text == " = 1 / 0"
    assert [token.logprob for token in reply.tokens] == [-0.1, -0.1, -0.1, -3.0]
    assert [[text for text, _ in token.alternatives] for token in reply.tokens] == [
        [" ="],
        [" 1", " 3"],
        [" /"],
        [" 0", " 2"],
    ]
    assert (await model.extend([user("q")], "x", seed=0)).tokens == ()


async def test_a_stop_ends_a_reply_before_it():
    model = Scripted(replies=[Line(text="a\n```output\n4", capped=True)])
    reply = await model.generate([user("q")], seed=0, stop=["4", "```output"])
    assert (reply.text, reply.capped) == ("a\n", False)


async def test_a_continuation_fails_as_often_as_its_line_says():
    model = Scripted(replies=[Line(text="a b", fails=1)])
    for partial in ("", "a"):
        with pytest.raises(ModelError):
            await model.extend([user("q")], partial, seed=0)
        assert partial + (await model.extend([user("q")], partial, seed=0)).text == "a b"


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
