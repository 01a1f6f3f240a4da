"""A real model in this process continues a partial reply."""

from contextlib import aclosing

import pytest

from solver.models._llama_cpp import LlamaCpp
from solver.models._weights import get_smollm2
from solver.records import Message, Sampling
from tests.integration.local_model import CHAT, used

pytestmark = [pytest.mark.model, pytest.mark.alone, pytest.mark.usefixtures("weights")]


PROGRAM = (
    Message(role="system", text="Solve the problem by a Python program."),
    Message(role="user", text="What is the sum of the first 20 primes?"),
)
"""The reply holds empty lines. Their two line breaks are also one token, after which the model
continues differently."""


LONG_REPLY = Sampling(temperature=0, max_tokens=60)


async def test_a_reply_continued_token_by_token_is_the_reply_of_one_request():
    async def both(model):
        await model.generate(PROGRAM, seed=1)  # from now on the prompt is in the cache
        whole = await model.generate(PROGRAM, seed=1)
        text, requests = "", 0
        while (step := await model.extend(PROGRAM, text, seed=1, max_tokens=1)).capped:
            text, requests = text + step.text, requests + 1
            if requests == LONG_REPLY.max_tokens:
                break
        return whole, text, requests

    whole, text, requests = await used(both, LONG_REPLY, parallel=1)
    assert "\n\n" in whole.text
    assert text == whole.text
    assert requests == whole.output_tokens


async def test_a_continuation_of_nothing_is_the_reply():
    async def both(model):
        await model.generate(CHAT, seed=1)
        whole = await model.generate(CHAT, seed=1)
        return whole, await model.extend(CHAT, "", seed=1, logprobs=3)

    whole, extended = await used(both, parallel=1)
    assert extended.text == whole.text
    assert (extended.input_tokens, extended.output_tokens) == (whole.input_tokens, 24)
    assert extended.capped
    assert "".join(token.text for token in extended.tokens) == extended.text
    for token in extended.tokens:
        assert token.alternatives[0] == (token.text, token.logprob), "greedy takes the likeliest"
        assert len(token.alternatives) == 3
        assert all(number <= 0 for _, number in token.alternatives)


@pytest.mark.parametrize("partial", ["def double(x):\n    ", "def double(x):\n", "x = 3\n\n"])
async def test_space_at_the_end_of_a_partial_reply_is_kept(partial):
    """A chat template that strips messages would lose it, and count fewer tokens."""

    async def three(model):
        partials = ("", partial.rstrip(), partial)
        return [await model.extend(CHAT, text, seed=1, max_tokens=1) for text in partials]

    opened, stripped, reply = await used(three)
    assert opened.input_tokens < stripped.input_tokens < reply.input_tokens


async def test_until_cuts_a_reply_at_the_token_that_made_it_true():
    async def cut(model):
        whole = await model.generate(CHAT, seed=1)
        seen = []

        def ends_a_line(text):
            seen.append(text)
            return "\n" in text

        reply = await model.extend(CHAT, "", seed=1, until=ends_a_line)
        rest = await model.extend(CHAT, reply.text, seed=1, max_tokens=24 - reply.output_tokens)
        return whole, reply, seen, rest

    whole, reply, seen, rest = await used(cut, parallel=1)
    assert reply.text.endswith("\n")
    assert not reply.capped
    assert seen == [seen[-1][: len(text)] for text in seen], "it grows"
    assert len(seen) == reply.output_tokens < 24
    assert reply.input_tokens == whole.input_tokens
    assert reply.text + rest.text == whole.text


LONGER = "Count from 1 to 100, one number a line. " * 60


@pytest.fixture
def llama():
    return LlamaCpp("test", get_smollm2(), context=1024, parallel=1, threads=2, gpu_layers=0)


def asking(prompt, *, max_tokens):
    """A request that tells how much of its prompt has been read."""
    progress = {"return_progress": True, "logprobs": 1, "stream": True}
    return {"prompt": prompt, "max_tokens": max_tokens, "temperature": 0, "seed": 1, **progress}


async def test_a_continuation_reads_only_what_the_cache_lacks(llama):
    """Without the cache each token of a reply would cost as much as the whole prompt."""
    first = [event async for event in llama.events(asking(LONGER, max_tokens=8))]
    ids = [
        token["id"]
        for event in first
        for choice in event.get("choices", ())
        for token in (choice.get("logprobs") or {}).get("content", ())
    ]
    assert len(ids) > 4
    for known in range(1, len(ids)):
        request = asking([LONGER, *ids[:known]], max_tokens=1)
        read = [e["prompt_progress"] async for e in llama.events(request) if "prompt_progress" in e]
        assert read[-1]["cache"] == read[-1]["total"] - 1, "only the last token is read again"
    await llama.close()


async def test_a_long_prompt_that_is_given_up_is_not_read_to_its_end(llama):
    async with aclosing(llama.events(asking(LONGER, max_tokens=1))) as events:
        async for event in events:
            assert event["prompt_progress"]["processed"] == 0
            break
    again = [event async for event in llama.events(asking(LONGER, max_tokens=1))]
    read = next(event["prompt_progress"] for event in again if "prompt_progress" in event)
    await llama.close()
    assert read["total"] > 3 * 256
    assert read["cache"] < read["total"] - 1, "only the batches that were under way"


async def test_a_partial_reply_that_does_not_fit_is_cut_and_not_continued():
    reply = await used(lambda model: model.extend(CHAT, "one, " * 800, seed=1))
    assert (reply.prompt_cut, reply.text) == (True, "")


async def test_a_character_of_several_tokens_is_given_whole():
    chat = (Message(role="user", text="Repeat exactly: 🙂𝑥²∑ naïve"),)

    async def first(model):
        return await model.extend(chat, "Sure: ", seed=1, max_tokens=1)

    reply = await used(first)
    assert reply.text
    assert "\ufffd" not in reply.text
    assert reply.requests == reply.output_tokens


async def test_a_local_model_can_always_continue():
    await used(lambda model: model.prove_extend())
