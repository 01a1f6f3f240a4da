"""A model that its server loads: before its first reply, in a time of its own, once."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from solver.config import Patience
from solver.errors import ModelError, Scope
from solver.models import connect
from solver.records import Message, Sampling
from solver.run.loading import load_first
from solver.run.progress import headline
from solver.run.schedule import Endpoint, Gate, Stopped
from solver.run.watch import Watch
from solver.store import Store
from tests.servers import serving
from tests.wires import OllamaWire

CHAT = (Message(role="user", text="What is 2+2?"),)


@asynccontextmanager
async def endpoint_to(wire, **options):
    """A model at a server that must load it, behind its gate, and the state of its run."""
    async with serving(wire) as server:
        model = connect("ollama/test", Sampling(), {"hosts": [server.url], **options})
        watch = Watch()
        yield Endpoint(model, Patience(wait_seconds=60), Gate(4), watch.traffic), watch
        await model.close()


def slow(seconds):
    """A server that needs so long to load its model."""
    wire = OllamaWire()
    wire.load_seconds = seconds
    return wire


async def test_a_timeout_shorter_than_the_loading_still_gets_a_reply():
    async with endpoint_to(slow(4.0), timeout=3) as (endpoint, watch):
        reply = await endpoint.ask(CHAT, seed=1)
    assert (reply.text, reply.requests, watch.traffic.failed) == ("4", 1, 0)


async def test_weights_are_loaded_once_for_requests_that_come_together():
    wire = slow(0.3)
    async with endpoint_to(wire) as (endpoint, _):
        await asyncio.gather(*(endpoint.ask(CHAT, seed=seed) for seed in range(4)))
    assert wire.loads == 1
    assert [r.path for r in wire.requests][:2] == ["/api/chat", "/api/ps"]


async def test_a_load_that_takes_too_long_ends_the_run_and_names_its_option():
    async with endpoint_to(slow(30), load_timeout=0.2) as (endpoint, _):
        with pytest.raises(ModelError, match="load_timeout") as failure:
            await endpoint.ask(CHAT, seed=1)
    assert failure.value.scope is Scope.RUN


async def test_ctrl_c_is_obeyed_at_once_while_a_model_loads():
    wire = slow(60)
    async with endpoint_to(wire) as (endpoint, watch):
        asking = asyncio.create_task(endpoint.ask(CHAT, seed=1))
        while not watch.traffic.loading:
            await asyncio.sleep(0.01)
        stopped = time.monotonic()
        watch.stop()
        with pytest.raises(Stopped):
            await asking
        assert time.monotonic() - stopped < 30, "it waited for the model"
    assert wire.loads == 0
    assert not wire.asked("/api/generate")


async def test_the_progress_line_says_what_is_being_loaded():
    async with endpoint_to(slow(30)) as (endpoint, watch):
        watch.total = 3
        loading = asyncio.create_task(endpoint.load())
        while not watch.traffic.loading:
            await asyncio.sleep(0.01)
        assert "loading ollama/test for 0 s" in headline(watch)
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        assert "loading" not in headline(watch)


async def test_the_manifest_holds_what_was_loaded_and_the_user_what_is_unusual(tmp_path, capsys):
    wire = OllamaWire()
    wire.gpu_share = 0.43
    wire.trained_context = 4096
    store = Store.create_or_open(tmp_path)
    async with endpoint_to(wire, num_ctx=8192) as (endpoint, watch):
        await load_first(endpoint, store, watch)
    (host,) = store.manifest()["loaded"]["ollama/test"]["hosts"]
    assert (host["context"], host["bytes"], host["gpu_share"]) == (4096, 1000, 0.43)
    said = capsys.readouterr().err
    for words in ("context of 4096, less than num_ctx 8192", "43% of it on the GPU"):
        assert words in said
        assert any(words in note for note in store.manifest()["warnings"])
    store.close()


async def test_a_model_that_was_unloaded_is_loaded_again_outside_the_time_of_a_reply():
    wire = OllamaWire()
    async with endpoint_to(wire, timeout=3) as (endpoint, watch):
        await endpoint.ask(CHAT, seed=1)
        wire.loaded, wire.load_seconds = None, 4.0
        assert (await endpoint.ask(CHAT, seed=2)).text == "4"
    assert (wire.loads, watch.traffic.failed) == (2, 1)


async def test_a_server_that_does_not_tell_what_it_runs_is_used_all_the_same():
    wire = OllamaWire(renders=False)
    wire.processes = False
    async with endpoint_to(wire) as (endpoint, _):
        facts = await endpoint.load()
        assert (await endpoint.ask(CHAT, seed=1)).text == "4"
    assert facts["hosts"][0]["left_out"] is None
    assert "does not show" in facts["notes"][0]
