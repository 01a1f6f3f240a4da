"""A real model of 135 million parameters in this process, and Ollama's protocol over it."""

import asyncio
import subprocess
import sys
import time
from contextlib import aclosing

import pytest

from solver.errors import ConfigError, ModelError
from solver.models import connect
from solver.models._llama_cpp import LlamaCpp
from solver.models._weights import SMOLLM2, get_smollm2
from solver.models.local import Local
from solver.records import Message, Sampling
from tests.needs import require
from tests.servers import serving
from tests.wires import OllamaWire, Said

pytestmark = pytest.mark.model

GREEDY = Sampling(temperature=0, max_tokens=24)
CHAT = (Message(role="user", text="Write a Python program that prints 2 + 3."),)
LONG = (Message(role="user", text="and one more, " * 800),)


@pytest.fixture(scope="module", autouse=True)
def weights():
    """The file of local/smollm2, downloaded if need be."""
    require("model")
    return get_smollm2()


async def used(work, sampling=GREEDY, **options):
    """What `work` makes of a loaded model."""
    model = connect("local/smollm2", sampling, {"context": 1024, "parallel": 2, **options})
    assert isinstance(model, Local)
    try:
        return await work(model)
    finally:
        await model.close()


async def test_it_writes_python_and_says_that_it_reached_the_cap():
    reply = await used(lambda model: model.generate(CHAT, seed=1))
    assert "print" in reply.text
    assert reply.capped
    assert reply.output_tokens == 24
    assert reply.input_tokens > 10
    assert reply.seconds > 0


async def test_the_same_seed_gives_the_same_reply_and_another_seed_another():
    async def three(model):
        return [(await model.generate(CHAT, seed=seed)).text for seed in (5, 5, 6)]

    first, same, other = await used(three, Sampling(temperature=1, max_tokens=24))
    assert first == same
    assert first != other


async def test_a_prompt_that_does_not_fit_is_cut_and_not_answered():
    reply = await used(lambda model: model.generate(LONG, seed=1))
    assert (reply.prompt_cut, reply.text) == (True, "")
    assert reply.input_tokens > 1024


async def test_each_parallel_request_has_the_whole_context():
    almost = (Message(role="user", text="one, " * 150),)

    async def both(model):
        return await asyncio.gather(*(model.generate(almost, seed=n) for n in range(2)))

    for reply in await used(both, context=512):
        assert not reply.prompt_cut
        assert reply.input_tokens > 512 / 2


async def test_a_schema_is_enforced():
    schema = {
        "type": "object",
        "properties": {"score": {"enum": [1, 2, 3, 4, 5]}},
        "required": ["score"],
        "additionalProperties": False,
    }
    sampling = Sampling(temperature=0, max_tokens=60)
    reply = await used(lambda m: m.generate(CHAT, seed=1, schema=schema), sampling)
    assert "".join(reply.text.split()) in {f'{{"score":{n}}}' for n in range(1, 6)}


async def test_raw_text_is_continued_without_a_chat_template():
    reply = await used(lambda m: m.complete("def add(a, b):\n    return", seed=1, max_tokens=6))
    assert "a + b" in reply.text


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


async def test_the_event_loop_stays_alive_while_it_writes():
    async def longest_share(model):
        """Return the longest time without a turn of the loop, as a share of the reply's time."""
        await model.describe()
        reply = asyncio.create_task(model.generate(CHAT, seed=1))
        started, longest = time.perf_counter(), 0.0
        while not reply.done():
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - before)
        return longest / (time.perf_counter() - started)

    assert await used(longest_share) < 0.5


async def test_a_cancelled_reply_gives_its_slot_back():
    async def seconds_of_a_short_one(model):
        started = time.perf_counter()
        await model.complete("1, 2, 3,", seed=1, max_tokens=2)
        return time.perf_counter() - started

    async def cancelled(model):
        await model.describe()
        alone = await seconds_of_a_short_one(model)
        long_replies = [asyncio.create_task(model.generate(CHAT, seed=n)) for n in range(2)]
        await asyncio.sleep(0.3)
        for task in long_replies:
            task.cancel()
        await asyncio.gather(*long_replies, return_exceptions=True)
        return alone, await seconds_of_a_short_one(model)

    alone, after = await used(cancelled, Sampling(temperature=1, max_tokens=900))
    assert after < 100 * alone  # had it waited for one of the others, 450 times as long


async def test_a_long_prompt_can_be_cancelled_while_it_is_read():
    prompt = (Message(role="user", text="two, " * 500),)

    async def cancelled(model):
        await model.describe()
        reading = asyncio.create_task(model.generate(prompt, seed=1))
        await asyncio.sleep(0.1)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        return reading.cancelled()

    assert await used(cancelled, Sampling(max_tokens=1), context=2048)


async def test_a_reply_past_its_deadline_is_our_failure_and_not_the_models():
    with pytest.raises(ModelError, match="no whole reply") as failure:
        await used(
            lambda model: model.generate(CHAT, seed=1),
            Sampling(temperature=1, max_tokens=900),
            timeout=0.2,
        )
    assert failure.value.retryable


async def test_describe_gives_what_identifies_the_weights():
    facts = await used(lambda model: model.describe())
    assert facts["sha256"] == SMOLLM2.sha256
    assert (facts["quantisation"], facts["trained_context"]) == ("Q4_1", 8192)
    assert facts["context"] == 1024


async def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + bytes(1000))
    model = connect(f"local/{tmp_path}/x.gguf", Sampling(), {})
    with pytest.raises(ModelError, match="could not be loaded") as failure:
        await model.describe()
    assert not failure.value.retryable


def test_a_cap_that_leaves_no_room_for_the_prompt_is_refused():
    with pytest.raises(ConfigError, match="context"):
        connect("local/smollm2", Sampling(max_tokens=2048), {"context": 2048})


SCRIPT = """
import asyncio
from solver.models import connect
from solver.records import Message, Sampling
async def main():
    model = connect("local/smollm2", Sampling(temperature=1, max_tokens=2000), {{}})
    await model.describe()
    print("ready", flush=True)
    await {what}
asyncio.run(main())
"""
ASKING = 'model.generate([Message(role="user", text="Tell me a long story.")], seed=1)'


def test_llama_cpp_writes_nothing_to_the_terminal():
    script = SCRIPT.format(what='model.complete("1, 2,", seed=1, max_tokens=3)')
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout, run.stderr) == (0, "ready\n", "")


def test_ctrl_c_in_the_middle_of_a_reply_ends_the_program_soon():
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(what=ASKING)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    process.send_signal(2)
    _, stderr = process.communicate(timeout=60)  # the whole reply would take minutes
    assert stderr.endswith("KeyboardInterrupt\n")
    assert process.returncode == -2


async def test_the_native_ollama_client_talks_to_a_real_model():
    """A server that speaks Ollama's protocol, with smollm2 behind it."""
    behind = connect("local/smollm2", GREEDY, {"context": 1024})

    async def reply(messages, body):
        chat = [Message(role=m["role"], text=m["content"]) for m in messages]
        said = await behind.generate(chat, seed=body["options"]["seed"])
        if said.prompt_cut:
            return Said("", "too long")
        finish = "length" if said.capped else "stop"
        return Said(said.text, finish, read=said.input_tokens, wrote=said.output_tokens)

    direct = await behind.generate(CHAT, seed=3)
    async with serving(OllamaWire(reply, model="smollm2")) as server:
        options = {"hosts": [server.url], "num_ctx": 1024}
        model = connect("ollama/smollm2", GREEDY, options)
        through = await model.generate(CHAT, seed=3)
        too_long = await model.generate(LONG, seed=3)
        await model.close()
    await behind.close()
    assert through.text == direct.text
    assert (through.capped, through.prompt_cut) == (True, False)
    assert (through.input_tokens, through.output_tokens) == (direct.input_tokens, 24)
    assert too_long.prompt_cut
