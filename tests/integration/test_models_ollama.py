import asyncio
import os
import subprocess
import sys
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from solver.errors import ConfigError, ModelError, Scope
from solver.models import connect
from solver.models.ollama import was_cut
from solver.records import Message, Sampling
from tests.servers import serving
from tests.wires import OllamaWire, Said, Trouble

CHAT = (Message(role="user", text="What is 2+2?"),)
LONG = (
    Message(role="user", text="Lemma. " * 2000),
    Message(role="assistant", text="So it is. " * 1000),
    Message(role="user", text="What is 2+2?"),
)


async def test_the_context_and_keep_alive_are_explicit_in_every_request():
    async with serving(OllamaWire()) as server:
        options = {"hosts": [server.url], "num_ctx": 5000, "keep_alive": "7m"}
        model = connect("ollama/test", Sampling(), options)
        await model.generate(CHAT, seed=1)
        await model.complete("2+2=", seed=1)
        await model.close()
    for request in server.wire.requests:
        assert request.body["options"]["num_ctx"] == 5000
        assert request.body["keep_alive"] == "7m"
        assert request.body["stream"] is False
        assert request.body["truncate"] is False
        assert request.body["shift"] is False


@pytest.mark.parametrize("version", ["0.33.2", "0.5.0"])
async def test_a_prompt_that_does_not_fit_is_never_answered_in_silence(version):
    async with serving(OllamaWire(version=version)) as server:
        options = {"hosts": [server.url], "num_ctx": 4096}
        model = connect("ollama/test", Sampling(), options)
        reply = await model.generate(LONG, seed=1)
        await model.close()
    assert reply.prompt_cut


async def test_a_prompt_that_fits_is_not_accused():
    async with serving(OllamaWire(version="0.5.0")) as server:
        options = {"hosts": [server.url], "num_ctx": 8192}
        model = connect("ollama/test", Sampling(), options)
        reply = await model.generate(LONG, seed=1)
        await model.close()
    assert not reply.prompt_cut


async def test_a_context_smaller_than_asked_for_is_found_out():
    wire = OllamaWire(Said("4", read=2040), version="0.5.0")
    wire.trained_context = 2048
    async with serving(wire) as server:
        model = connect("ollama/test", Sampling(max_tokens=100), {"hosts": [server.url]})
        await model.describe()
        reply = await model.generate((Message(role="user", text="x" * 8000),), seed=1)
        await model.close()
    assert reply.prompt_cut


@pytest.mark.parametrize("read", [0, 300, 2000, 4000, 4100, 6000])
def test_an_ordinary_prompt_is_never_called_cut(read):
    prompt = "x" * int(read * 4.5)  # English has up to 4.5 letters a token
    assert not was_cut(prompt, read=read, wrote=500, context=8192)


@pytest.mark.parametrize(("letters", "context"), [(28_000, 8192), (110_000, 32768)])
def test_a_prompt_cut_to_half_the_context_is_called_cut(letters, context):
    assert was_cut("x" * letters, read=context // 2 + 2, wrote=100, context=context)


def test_messages_dropped_from_a_chat_are_noticed():
    assert was_cut("x" * 40_000, read=900, wrote=100, context=8192)


def test_a_window_that_slid_while_writing_is_noticed():
    assert was_cut("x" * 24_000, read=7000, wrote=2048, context=8192)


def test_a_full_window_is_noticed():
    assert was_cut("x" * 30_000, read=8190, wrote=1, context=8192)


def test_a_short_prompt_served_from_a_cache_is_not_accused():
    assert not was_cut("x" * 3000, read=3, wrote=100, context=8192)


async def test_describe_gives_what_identifies_the_weights():
    async with serving(OllamaWire()) as server:
        model = connect("ollama/test", Sampling(), {"hosts": [server.url]})
        facts = await model.describe()
        await model.close()
    assert facts["digest"] == "sha256:aa"
    assert facts["quantisation"] == "Q4_1"
    assert facts["parameters"] == "135M"
    assert facts["num_ctx"] == 8192
    assert facts["defaults"] == ["top_k 20", "repeat_penalty 1.1"]
    assert facts["hosts"] == [{"host": server.url, "version": "0.33.2"}]


async def test_a_missing_model_says_how_to_get_it():
    async with serving(OllamaWire()) as server:
        model = connect("ollama/llama3.1:8b", Sampling(), {"hosts": [server.url]})
        with pytest.raises(ModelError, match=r"`ollama pull llama3.1:8b`") as failure:
            await model.generate(CHAT, seed=1)
        await model.close()
    assert not failure.value.retryable


async def test_a_server_that_is_not_running_says_how_to_start_it():
    async with serving(OllamaWire()) as server:
        url = server.url
    model = connect("ollama/test", Sampling(), {"hosts": [url]})
    with pytest.raises(ModelError, match="ollama serve"):
        await model.describe()
    await model.close()


async def test_hosts_with_different_weights_are_refused():
    async with serving(OllamaWire()) as one, serving(OllamaWire(digest="sha256:bb")) as other:
        model = connect("ollama/test", Sampling(), {"hosts": [one.url, other.url]})
        with pytest.raises(ModelError, match="different weights") as failure:
            await model.describe()
        await model.close()
    assert not failure.value.retryable


async def test_requests_go_to_the_least_busy_host():
    async with serving(OllamaWire(delay=2)) as one, serving(OllamaWire(delay=2)) as other:
        options = {"hosts": [one.url, other.url], "parallel": 2}
        model = connect("ollama/test", Sampling(), options)
        assert model.parallel == 4
        await asyncio.gather(*(model.generate(CHAT, seed=n) for n in range(4)))
        await model.close()
    assert (one.wire.most_at_once, other.wire.most_at_once) == (2, 2)


async def test_a_host_that_is_down_is_passed_over():
    async with serving(OllamaWire()) as gone:
        dead = gone.url
    async with serving(OllamaWire()) as alive:
        model = connect("ollama/test", Sampling(), {"hosts": [dead, alive.url]})
        with pytest.raises(ModelError):
            await model.generate(CHAT, seed=0)
        for seed in range(3):
            assert (await model.generate(CHAT, seed=seed)).text == "4"
        await model.close()


async def test_only_the_reply_is_kept_and_not_the_thoughts():
    message = {"role": "assistant", "content": "4", "thinking": "two and two"}
    answer = {"model": "test", "done": True, "done_reason": "stop", "message": message}
    async with serving(OllamaWire(troubles=[Trouble(body=answer)])) as server:
        model = connect("ollama/test", Sampling(), {"hosts": [server.url], "think": True})
        reply = await model.generate(CHAT, seed=1)
        await model.close()
    assert reply.text == "4"
    assert server.wire.requests[-1].body["think"] is True


def test_a_cap_that_leaves_no_room_for_the_prompt_is_refused():
    with pytest.raises(ConfigError, match="num_ctx"):
        connect("ollama/test", Sampling(max_tokens=4096), {"num_ctx": 4096})


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("", "http://localhost:11434"),
        ("gpu1", "http://gpu1:11434"),
        (":11500", "http://localhost:11500"),
        ("10.0.0.2:1234/", "http://10.0.0.2:1234"),
        ("https://me:secret@gpu1", "https://gpu1"),
    ],
)
async def test_a_host_may_be_written_short(host, shown, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", host)
    model = connect("ollama/test", Sampling(), {})
    await model.close()
    assert model.endpoint == f"ollama {shown}"


@asynccontextmanager
async def described(wire, *others, name="test", sampling=None, **options):
    """A model that has described itself, what it said, and the server behind it."""
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving(one)) for one in (wire, *others)]
        hosts = options.pop("hosts", [server.url for server in servers])
        model = connect(f"ollama/{name}", sampling or Sampling(), {"hosts": hosts, **options})
        stack.push_async_callback(model.close)
        yield model, await model.describe(), wire


def weighing(blob, **more):
    """A server whose model is made from a blob; the digest of its manifest is its own."""
    wire = OllamaWire(digest=more.pop("digest", blob), **more)
    wire.card = {"modelfile": f"# x\nFROM /root/.ollama/blobs/sha256-{blob * 64}\n"}
    return wire


async def test_hosts_are_compared_by_the_weights_and_not_by_the_digest_of_a_path():
    async with described(weighing("a", digest="1"), weighing("a", digest="2")) as (_, facts, _):
        assert facts["weights"] == ["a" * 64]
    with pytest.raises(ModelError, match="different weights"):
        async with described(weighing("a", digest="1"), weighing("b", digest="1")):
            pass


async def test_hosts_with_equal_weights_and_another_template_are_refused_by_its_name():
    other = weighing("a")
    other.card["template"] = "{{ .System }} {{ .Prompt }}"
    with pytest.raises(ModelError, match="different chat_template"):
        async with described(weighing("a"), other):
            pass


async def test_weights_that_nobody_tells_are_equal_to_nothing():
    with pytest.raises(ModelError, match="does not tell"):
        async with described(OllamaWire(digest=""), OllamaWire(digest="")):
            pass


async def test_a_host_that_is_down_at_the_start_is_left_out_and_said():
    async with serving(OllamaWire()) as gone:
        dead = gone.url
    async with serving(OllamaWire()) as alive:
        model = connect("ollama/test", Sampling(), {"hosts": [dead, alive.url], "parallel": 2})
        facts = await model.describe()
        assert (await model.generate(CHAT, seed=1)).text == "4"
        await model.close()
    assert any(dead in note for note in facts["notes"])
    assert model.parallel == 2


@pytest.mark.parametrize(
    "name", ["test", "Test", "library/test", "registry.ollama.ai/library/test:latest"]
)
async def test_a_digest_is_found_whichever_way_the_name_is_written(name):
    wire = OllamaWire(model=name)
    wire.listed = "test:latest"
    async with described(wire, name=name) as (_, facts, _):
        assert facts["digest"] == "sha256:aa"


async def test_there_is_no_penalty_on_repetition_unless_it_is_set():
    async with described(OllamaWire()) as (model, _, wire):
        await model.generate(CHAT, seed=1)
    assert wire.requests[-1].body["options"]["repeat_penalty"] == 1.0


async def test_penalties_that_are_set_are_sent():
    sampling = Sampling(repeat_penalty=1.1, min_p=0.05, presence_penalty=0.5, frequency_penalty=0.2)
    async with described(OllamaWire(), sampling=sampling) as (model, _, wire):
        await model.generate(CHAT, seed=1)
    sent = wire.requests[-1].body["options"]
    assert [sent[name] for name in ("repeat_penalty", "min_p")] == [1.1, 0.05]
    assert [sent[name] for name in ("presence_penalty", "frequency_penalty")] == [0.5, 0.2]


async def test_stops_of_the_model_the_config_and_the_mode_go_together():
    wire = OllamaWire()
    wire.card = {"parameters": 'stop    "<|im_end|>"\nstop    "A \\"B\\""\ntop_k   20'}
    async with described(wire, sampling=Sampling(stop=("END",))) as (model, _, _):
        await model.generate(CHAT, seed=1, stop=("```output",))
    assert wire.requests[-1].body["options"]["stop"] == ["<|im_end|>", 'A "B"', "END", "```output"]


async def test_stops_of_the_model_alone_are_left_to_the_server():
    wire = OllamaWire()
    wire.card = {"parameters": 'stop "<|im_end|>"'}
    async with described(wire) as (model, _, _):
        await model.generate(CHAT, seed=1)
    assert "stop" not in wire.requests[-1].body["options"]


async def test_a_template_without_the_system_message_is_refused_unless_it_is_accepted():
    wire = OllamaWire()
    wire.seen_roles = ("user", "assistant")
    async with described(wire) as (model, _, _):
        with pytest.raises(ModelError, match="leaves out the system message") as failure:
            await model.load()
    assert failure.value.scope is Scope.RUN
    async with described(wire, require_system=False) as (model, _, _):
        assert "leaves out the system message" in (await model.load())["notes"][0]


async def test_a_template_of_the_prompt_alone_is_refused_before_anything_is_loaded():
    """A file without a template of its own gets this one."""
    wire = OllamaWire()
    wire.card = {"template": "{{ .Prompt }}"}
    with pytest.raises(ModelError, match="leaves out the system message"):
        async with described(wire):
            pass
    assert wire.loads == 0
    wire.card |= {"modelfile": "FROM x\nTEMPLATE {{ .Prompt }}\nRENDERER qwen3-coder\n"}
    async with described(wire) as (_, facts, _):
        assert not any("template" in note for note in facts["notes"])


async def test_messages_of_the_models_own_are_said():
    wire = weighing("a")
    wire.card["modelfile"] += "MESSAGE user hi\nMESSAGE assistant hello\n"
    async with described(wire) as (_, facts, _):
        assert "2 MESSAGE lines" in facts["notes"][0]


async def test_a_model_that_only_embeds_is_refused():
    wire = OllamaWire()
    wire.card = {"capabilities": ["embedding"]}
    with pytest.raises(ModelError, match="cannot chat"):
        async with described(wire):
            pass


async def test_a_name_that_is_not_there_gets_the_names_that_are():
    with pytest.raises(ModelError, match="--model ollama/test"):
        async with described(OllamaWire(), name="other"):
            pass


async def test_a_reply_that_repeats_itself_is_a_reply_with_a_flag():
    """Ollama ends it with `done: false`, without a reason and without counts."""
    answer = {"model": "test", "done": False, "message": {"role": "assistant", "content": "a a a"}}
    async with described(OllamaWire()) as (model, _, wire):
        wire.troubles.append(Trouble(body=answer))
        reply = await model.generate(CHAT, seed=1)
    assert (reply.text, reply.ended, reply.capped) == ("a a a", "looping", False)


async def test_nothing_is_guessed_from_counts_where_the_server_refuses_long_prompts():
    said = Said("4", read=20, wrote=1010)
    for version, cut in (
        ("0.12.5", True),
        ("0.12.6", False),
        ("0.30.0-rc1", False),
        ("0.0.0", False),
    ):
        options = {"num_ctx": 1024, "sampling": Sampling(max_tokens=1000)}
        async with described(OllamaWire(said, version=version), **options) as (model, _, _):
            assert (await model.generate(CHAT, seed=1)).prompt_cut is cut


async def test_a_context_that_is_full_before_the_cap_names_num_ctx():
    said = Said("so", finish="length", read=7000, wrote=1192)
    async with described(OllamaWire(said)) as (model, _, _):
        reply = await model.generate(CHAT, seed=1)
    assert reply.capped
    assert "num_ctx" in reply.ended


@pytest.mark.parametrize(
    ("given", "sent"), [(0, 0), (-1, -1), ("5", 5), ("-1", -1), ("1h30m", "1h30m"), (None, None)]
)
async def test_keep_alive_is_read_in_its_forms_and_not_forced(given, sent):
    async with described(OllamaWire(), keep_alive=given) as (model, _, wire):
        await model.generate(CHAT, seed=1)
    assert wire.requests[-1].body.get("keep_alive") == sent


def test_a_keep_alive_that_is_no_time_is_refused():
    with pytest.raises(ConfigError, match="keep_alive"):
        connect("ollama/test", Sampling(), {"keep_alive": "a while"})


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("::1", "http://[::1]:11434"),
        ("[::1]:80", "http://[::1]:80"),
        (' "gpu1" ', "http://gpu1:11434"),
        ("gpu1:", "http://gpu1:11434"),
        ("gpu1:99999", "http://gpu1:11434"),
        ("gpu1/path", "http://gpu1:11434/path"),
        ("gpu1:80/path/", "http://gpu1:80/path"),
        ("https://gpu1/path", "https://gpu1/path"),
    ],
)
async def test_a_host_is_read_as_ollama_reads_it(written, url, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", written)
    model = connect("ollama/test", Sampling(), {})
    await model.close()
    assert model.endpoint == f"ollama {url}"


@pytest.mark.parametrize("written", ["::1", "gpu1:x", '"a b"'])
def test_no_form_of_the_variable_breaks_the_import_of_the_client(written):
    code = "from solver.models._ollama_host import ollama_library; ollama_library()"
    environment = {**os.environ, "OLLAMA_HOST": written}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


async def test_key_and_login_go_to_every_path(monkeypatch):
    monkeypatch.setenv("OLLAMA_API_KEY", "kEy-0123456789")
    async with described(OllamaWire()) as (_, _, wire):
        sent = {request.headers["authorization"] for request in wire.requests}
    assert sent == {"Bearer kEy-0123456789"}
    async with serving(OllamaWire()) as server:
        host = server.url.replace("://", "://me:p%20w@")
        model = connect("ollama/test", Sampling(), {"hosts": [host]})
        await model.describe()
        await model.close()
        sent = {request.headers["authorization"] for request in server.wire.requests}
    assert sent == {"Basic bWU6cCB3"}


async def test_seconds_are_those_of_the_model_without_queue_and_loading():
    message = {"role": "assistant", "content": "4"}
    answer = {"model": "test", "done": True, "done_reason": "stop", "message": message}
    times = {"load_duration": 9e9, "prompt_eval_duration": 5e8, "eval_duration": 15e8}
    async with described(OllamaWire()) as (model, _, wire):
        wire.troubles.append(Trouble(body={**answer, **times}))
        assert (await model.generate(CHAT, seed=1)).seconds == 2.0


async def test_how_to_ask_more_at_a_time_is_said_where_nobody_set_it(monkeypatch):
    monkeypatch.delenv("OLLAMA_NUM_PARALLEL", raising=False)
    async with described(OllamaWire()) as (_, facts, _):
        assert any("option parallel" in note for note in facts["notes"])
    async with described(OllamaWire(), parallel=2) as (_, facts, _):
        assert not any("option parallel" in note for note in facts["notes"])
