"""The example configs of `configs/servers`: each loads, says what is missing, and asks a server.

Those that start their server themselves are only read here; `test_serve.py` starts one.
"""

from pathlib import Path

import pytest
import yaml

from solver.config_file import load_config, serve_plan
from solver.records import Message
from solver.run.build import connect_models
from solver.run.dry import dry
from solver.run.start import prepare
from tests.servers import serving
from tests.wires import OpenAIWire

FOUND = sorted((Path(__file__).parents[2] / "configs/servers").glob("*.yaml"))
CONFIGS = [path for path in FOUND if not path.stem.startswith("serve-")]
NAMES = [path.stem for path in CONFIGS]
CHAT = (Message(role="user", text="What is 2+2?"),)


@pytest.fixture(params=CONFIGS, ids=NAMES)
def path(request, monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    if variable := options_of(request.param).get("api_key_env"):
        monkeypatch.delenv(variable, raising=False)
    return request.param


def options_of(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))["providers"]["openai"]


def test_each_server_that_people_use_has_one():
    assert NAMES == [
        "azure-openai", "deepseek", "gemini", "groq", "llama-server", "lm-studio", "openrouter",
        "sglang", "vllm",
    ]  # fmt: skip


def test_a_dry_run_names_the_key_that_is_missing_and_passes_with_it(
    path, tmp_path, monkeypatch, capsys
):
    """No server answers: the address is one of this machine where nothing listens."""
    options = options_of(path)
    variable = options.get("api_key_env")
    nowhere = "http://127.0.0.1:9/v1"
    if variable is not None:
        assert dry(prepare(path, {"limit": 1}, name=None, runs=tmp_path)) == 2
        assert variable in capsys.readouterr().out
        monkeypatch.setenv(variable, "kEy-0123456789")
    here = {"limit": 1, "providers": {"openai": {**options, "base_url": nowhere}}}
    assert dry(prepare(path, here, name=None, runs=tmp_path)) == 0
    said = capsys.readouterr().out
    assert "missing" not in said
    assert "was not asked what it serves: openai http://127.0.0.1:9/v1: no connection" in said


async def test_what_it_says_is_what_is_sent(path, monkeypatch):
    """A server on this machine stands for the real one."""
    given = options_of(path)
    if "api_key_env" in given:
        monkeypatch.setenv(given["api_key_env"], "kEy-0123456789")
    config = load_config(path, {})
    async with serving(OpenAIWire("4")) as server:
        here = {**given, "base_url": f"{server.url}/v1"}
        (model,) = connect_models(config.model_copy(update={"providers": {"openai": here}}))
        await model.describe()
        assert (await model.generate(CHAT, seed=1)).text == "4"
        await model.close()
        request = server.wire.requests[-1]
    assert request.body["model"] == config.model[0].name.partition("/")[2]
    assert ("seed" in request.body) is ("seed" not in given.get("omit", ()))
    assert request.body[given.get("cap_parameter", "max_tokens")] == config.sampling.max_tokens
    key = "kEy-0123456789" if "api_key_env" in given else "none"
    assert request.headers["authorization"] == f"Bearer {key}"


def test_servers_of_this_machine_need_no_key_and_others_a_secure_address(path):
    options = options_of(path)
    assert options["base_url"].startswith(
        "https://" if "api_key_env" in options else "http://localhost"
    )


@pytest.mark.parametrize("path", [p for p in FOUND if p not in CONFIGS], ids=lambda p: p.stem)
def test_a_server_that_is_started_for_the_run_is_named_with_its_command(path, tmp_path, capsys):
    plan = serve_plan(load_config(path))
    missing = dry(prepare(path, {"limit": 1}, name=None, runs=tmp_path))
    said = capsys.readouterr().out
    assert f"serve: {plan.shown()}" in said
    assert (missing == 2) is (f"missing: {plan.missing()}" in " ".join(said.split()))
