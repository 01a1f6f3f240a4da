"""`solver run --dry-run` and `solver doctor` ask the servers what they serve, and spend nothing."""

import asyncio

import pytest
import yaml

from solver.checks.doctor import examine, server_findings
from solver.run.dry import dry
from solver.run.start import prepare
from tests.servers import serving
from tests.wires import OllamaWire, OpenAIWire


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Write a config with a model of a server, and return its path."""
    monkeypatch.setenv("OLLAMA_NUM_PARALLEL", "1")

    def written(**keys):
        path = tmp_path / "run.yaml"
        common = {"model": "ollama/test", "judge": "rules", "mode": "cot", "limit": 1}
        path.write_text(yaml.safe_dump({**common, **keys}), encoding="utf-8")
        return path

    return written


async def dry_run(path):
    """The exit code of a dry run of this config."""
    job = prepare(path, {}, name=None, runs=path.parent / "runs")
    return await asyncio.to_thread(dry, job)


async def test_a_dry_run_shows_what_is_served_and_how_it_decodes(config, capsys):
    wire = OllamaWire()
    wire.card = {
        "parameters": 'top_k 20\nrepeat_penalty 1.1\nstop "<|im_end|>"',
        "modelfile": f"FROM /x/sha256-{'a' * 64}\nMESSAGE user hi\n",
    }
    async with serving(wire) as server:
        sampling = {"top_p": 0.9, "stop": ["END"]}
        path = config(providers={"ollama": {"hosts": [server.url]}}, sampling=sampling)
        assert await dry_run(path) == 0
    said = capsys.readouterr().out
    assert "model ollama/test: digest sha256:aa, quantisation Q4_1" in said
    assert "temperature 0.0, top_p 0.9, top_k the model's own 20, max_tokens 2048" in said
    assert "stop '<|im_end|>' 'END'" in said
    assert "repeat_penalty 1.0; the server's own min_p, presence_penalty" in said
    assert "1 MESSAGE lines stand before each of our prompts" in said
    assert (wire.loads, wire.asked("/api/chat")) == (0, [])


async def test_a_dry_run_names_the_models_that_are_there_instead(config, capsys):
    async with serving(OllamaWire()) as server:
        path = config(model="ollama/other", providers={"ollama": {"hosts": [server.url]}})
        assert await dry_run(path) == 2
    assert "--model ollama/test" in capsys.readouterr().out


async def test_a_dry_run_says_in_one_line_that_no_server_answered(config, capsys):
    path = config(providers={"ollama": {"hosts": ["http://127.0.0.1:9"]}})
    assert await dry_run(path) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "127.0.0.1" in line]
    assert line.startswith("note: ollama/test was not asked what it serves:")


async def test_a_model_of_this_process_is_not_loaded_for_a_dry_run(config, capsys):
    assert await dry_run(config(model="local/smollm2")) == 0
    said = capsys.readouterr().out
    assert "nothing is known before it is loaded" in said
    assert "top_p 1.0, top_k 0, max_tokens 2048" in said


async def test_the_judges_server_is_asked_too(config, capsys):
    async with serving(OllamaWire()) as server:
        providers = {"ollama": {"hosts": [server.url]}}
        path = config(judge="ollama/judge", providers=providers)
        assert await dry_run(path) == 2
    assert "missing: judge:" in capsys.readouterr().out


async def test_doctor_loads_the_model_and_says_how_it_decodes(config):
    wire = OllamaWire()
    wire.gpu_share = 0.5
    async with serving(wire) as server:
        path = config(providers={"ollama": {"hosts": [server.url]}})
        found = {f.what: f for f in await asyncio.to_thread(lambda: list(examine(path)))}
    assert "50% of it on the GPU" in found["ollama/test"].detail
    assert "top_k the model's own 20" in found["ollama/test decodes with"].detail
    assert wire.loads == 1


async def test_doctor_names_each_server_that_answers_and_what_it_serves(monkeypatch):
    ollama = OllamaWire(model="llama3.1:8b")
    ollama.loaded = 4096
    async with serving(ollama) as first, serving(OpenAIWire(model="qwen\x1b[31m")) as second:
        monkeypatch.setenv("OLLAMA_HOST", first.url)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{second.url}/v1")
        found = await asyncio.to_thread(
            lambda: [*server_findings("ollama"), *server_findings("openai")]
        )
    told = {finding.what: finding.detail for finding in found}
    expected = "Ollama 0.33.2 serves ollama/llama3.1:8b (loaded)"
    assert told[f"server {first.url}"] == expected
    assert told[f"server {second.url}/v1"] == "OpenAI's API serves openai/qwen [31m"


async def test_a_server_that_does_not_answer_is_not_named(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    found = await asyncio.to_thread(
        lambda: [*server_findings("ollama"), *server_findings("openai")]
    )
    assert not any(":9" in finding.what for finding in found)
