"""The section `serve`: what it starts, for which models, and what of it is refused in one line."""

import pytest

from solver.config import make_config
from solver.config_file import check_config, serve_plan
from solver.errors import ConfigError
from solver.run.serving import covers_judge, reached
from solver.run.tasks import tasks_of
from tests.fakes import PROBLEMS


def config(model="openai/Qwen/Qwen3-8B", judge="rules", providers=None, **serve):
    content = {"model": model, "judge": judge, "providers": providers or {}, "serve": serve}
    return check_config(content, source="run.yaml")


def plan(**keys):
    return serve_plan(config(**keys))


def refusal(**keys):
    with pytest.raises(ConfigError) as refused:
        config(**keys)
    assert "\n" not in str(refused.value)
    return str(refused.value).removeprefix("run.yaml: ")


@pytest.mark.parametrize(
    ("engine", "model", "shown"),
    [
        ("vllm", "openai/a/b", "vllm serve a/b --host 127.0.0.1 --port 8001"),
        ("sglang", "openai/a/b", "sglang serve --model-path a/b --host 127.0.0.1 --port 8001"),
        ("ollama", "ollama/qwen3:8b", "ollama serve"),
        (
            "llama-server",
            "openai/x.gguf",
            "llama-server --model x.gguf --alias x.gguf --host 127.0.0.1 --port 8001",
        ),
    ],
)
def test_each_engine_has_a_command(engine, model, shown):
    assert plan(engine=engine, model=model).shown(8001) == shown


def test_ollama_learns_its_address_from_the_environment():
    found = plan(engine="ollama", model="ollama/qwen3:8b")
    assert found.environment(8001)["OLLAMA_HOST"] == "127.0.0.1:8001"
    assert found.address(8001) == ("http://127.0.0.1:8001",)


def test_a_command_is_split_and_filled_but_never_given_to_a_shell():
    command = """vllm serve {model} --port {port} --config '{"temperature": 0}' '$(x)' {{port}}"""
    assert plan(engine="vllm", command=command).command(9) == [
        "vllm", "serve", "Qwen/Qwen3-8B", "--port", "9", "--config", '{"temperature": 0}', "$(x)",
        "{{port}}",
    ]  # fmt: skip


def test_a_list_of_words_may_hold_numbers_as_yaml_reads_them():
    assert plan(engine="vllm", command=["vllm", "--port", 8001], port=8001).shown() == (
        "vllm --port 8001"
    )


def test_an_engine_alone_may_stand_for_the_section():
    content = {"model": "openai/a", "judge": "rules", "serve": "vllm"}
    assert serve_plan(check_config(content, source="run.yaml")).engine.name == "vllm"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"command": "vllm --port {prot}"},
            "serve.command: unknown placeholder {prot}, did you mean {port}? there are {host},"
            " {model}, {port}",
        ),
        ({"command": "vllm 'x"}, "serve.command: No closing quotation: check the quotes"),
        ({"command": " "}, "serve.command: names no program"),
        ({"command": ["vllm", "serve", "x"]}, "serve: command has no {port}"),
        ({"command": "vllm --port {port} --api-key abc"}, "serve.command: holds a key (--api-key)"),
        ({"command": "env HF_TOKEN=abc vllm --port {port}"}, "serve.command: holds a key (HF_TOK"),
        ({"port": 0}, "serve.port: 0 should be auto, or a port from 1 to 65535"),
        ({"command": {"a": 1}}, "serve.command: {'a': 1} should be a line, or a list of words"),
        ({"ready": "health"}, "serve.ready: 'health' should be a path"),
        ({"ready": "http://{host}:{port}x/"}, "serve.ready: 'http://{host}:{port}x/': its host or"),
        ({"engine": "vlm"}, "serve.engine: 'vlm' is unknown; did you mean 'vllm'?"),
        ({"restart": 3}, "serve.restart: unknown key, did you mean 'restarts'?"),
        ({"engine": None, "restarts": 2}, "serve: engine is missing: one of vllm, sglang, ollama"),
        (
            {"model": "ollama/x"},
            "serve.engine: vllm answers for openai/… models, and the config has ollama/x",
        ),
        (
            {"model": ["openai/a", "openai/b"]},
            "serve.engine: vllm serves one model, and openai/a and openai/b have no",
        ),
        (
            {"providers": {"openai": {"base_url": "http://gpu1/v1"}}},
            "serve.engine: vllm has no model to serve, as openai/Qwen/Qwen3-8B has an address of"
            " its own; remove base_url, or serve",
        ),
    ],
)
def test_what_cannot_be_served_is_one_line(keys, said):
    assert refusal(**{"engine": "vllm", **keys}).startswith(said)


def test_a_missing_program_is_named_with_how_to_get_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert plan(engine="vllm", command="no-such-server --port {port}").missing() == (
        "serve: no program 'no-such-server' on the PATH; give its path in serve.command"
    )
    assert plan(engine="vllm").missing() == (
        "serve: no program 'vllm' on the PATH: pip install vllm, in an environment that is active"
        " here; or give its path in serve.command"
    )


def test_models_with_an_address_of_their_own_are_left_to_it():
    other = {"name": "openai/b", "options": {"base_url": "http://gpu1/v1"}}
    found = config(engine="vllm", model=["openai/a", other, "mistral/x"])
    served = reached(found, serve_plan(found), 8001)
    assert [model.options.get("base_url") for model in served.model] == [
        "http://127.0.0.1:8001/v1", "http://gpu1/v1", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("engine", "model", "judge", "covered"),
    [
        ("vllm", "openai/a", "openai/a", True),
        ("vllm", "openai/a", "openai/gpt-4o", False),
        ("ollama", "ollama/a", "ollama/b", True),
        ("ollama", "ollama/a", "mistral/b", False),
        ("ollama", "ollama/a", {"model": "ollama/b", "options": {"hosts": ["gpu1"]}}, False),
    ],
)
def test_a_judge_is_asked_there_only_where_the_server_has_its_model(engine, model, judge, covered):
    found = config(engine=engine, model=model, judge=judge)
    assert covers_judge(serve_plan(found), found) is covered
    address = reached(found, serve_plan(found), 8001).judge.options
    assert (address != found.judge.options) is covered


def test_the_engine_belongs_to_a_run_and_the_port_to_nothing_that_is_stored():
    plain, served = (config(engine="vllm", port=port) for port in ("auto", 8001))
    assert plain.identity() == served.identity()
    assert plain.identity()["serve"] == {"engine": "vllm"}
    assert [*tasks_of(plain, PROBLEMS)] == [*tasks_of(served, PROBLEMS)]


def test_a_run_without_a_server_is_what_it_was_before_there_were_any():
    content = {"model": "openai/a", "judge": "rules"}
    found = check_config(content, source="run.yaml")
    assert "serve" not in found.identity()
    assert make_config(found.model_dump(mode="json")) == found
    assert serve_plan(found) is None
