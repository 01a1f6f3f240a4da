"""Half a surrogate pair in any field that a server answers ends no run."""

import pytest

from solver.errors import ModelError
from solver.models import connect
from solver.records import Message, Sampling
from tests.fakes import ExactJudge, config_of, finished_run, program
from tests.integration.test_models_extend import PROVIDERS as CONTINUING
from tests.integration.test_models_http import PROVIDERS
from tests.servers import serving
from tests.wires import Said, Trouble

HALF = "\ud800 \udfff\x00"
CHAT = (Message(role="user", text="1 + 1"),)
REPLIES = {
    "text": Said(f"{HALF}\n{program('print(1)')}"),
    "thoughts": Said(f"<think>{HALF}</think>{program('print(1)')}"),
    "thoughts apart": Said(
        program("print(1)"), message={"reasoning_content": HALF, "thinking": HALF}
    ),
    "refusal": Said("", message={"refusal": HALF, "content": HALF}),
}


def run_with(model, folder):
    """A run of three trials that makes each request once."""
    config = config_of(model=model.name, providers={}, patience={"attempts": 1})
    return finished_run(folder, [], model=model, config=config, judge=ExactJudge())


@pytest.mark.parametrize("said", REPLIES.values(), ids=REPLIES)
@pytest.mark.parametrize("name", PROVIDERS)
async def test_half_a_pair_in_a_reply_is_stored_and_ends_no_run(tmp_path, monkeypatch, name, said):
    monkeypatch.setenv(f"{name.upper()}_API_KEY", "k")
    wire, at = PROVIDERS[name]
    async with serving(wire(said)) as server:
        model = connect(f"{name}/test", Sampling(), at(server.url))
        async with run_with(model, tmp_path) as store:
            rows = list(store.rows())
            assert len(rows) == 3
            for row in rows:
                store.trial(row.key).model_dump_json()
        await model.close()


@pytest.mark.parametrize("how", ["guided", "refine"])
@pytest.mark.parametrize("name", CONTINUING)
async def test_half_a_pair_in_a_streamed_reply_is_stored(tmp_path, monkeypatch, name, how):
    monkeypatch.setenv(f"{name.upper()}_API_KEY", "k")
    wire, at = CONTINUING[name]
    said = Said(f"{HALF}\n" + program(f"# {HALF[:3]}\nprint(1)"))
    async with serving(wire(said)) as server:
        model = connect(f"{name}/test", Sampling(), at(server.url))
        content = {"code": {"regenerate": how, "retries": 0}, "patience": {"attempts": 1}}
        config = config_of(model=model.name, mode="code", providers={}, **content)
        running = finished_run(tmp_path, [], model=model, config=config, judge=ExactJudge())
        async with running as store:
            rows = list(store.rows())
            assert {row.mode for row in rows} == {"code", f"code+{how}"}
            for row in rows:
                assert row.error is None
                assert "\ufffd \ufffd" in store.trial(row.key).turns[0].reply.text
        assert any(stream.sent for stream in server.wire.streams)
        await model.close()


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("place", ["error", "finish reason"])
async def test_half_a_pair_where_the_server_speaks_is_one_line(tmp_path, monkeypatch, name, place):
    monkeypatch.setenv(f"{name.upper()}_API_KEY", "k")
    wire, at = PROVIDERS[name]
    trouble = Trouble(200, {"error": {"message": f"no {HALF}", "code": 400}})
    said = Said(program("print(1)"), finish=f"no {HALF}")
    async with serving(wire(said, troubles=[trouble] * 50 * (place == "error"))) as server:
        model = connect(f"{name}/test", Sampling(), at(server.url))
        with pytest.raises(ModelError, match="no") as refused:
            async with run_with(model, tmp_path):
                pass
        assert "\n" not in str(refused.value)
        str(refused.value).encode(errors="backslashreplace")
        await model.close()
