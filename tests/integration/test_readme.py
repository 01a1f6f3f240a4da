"""Every command in the README runs as written, on fewer problems; every config is understood.

The commands see no package but those that the README's first `pip install` brings.
"""

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import logs
from tests.fakes import program
from tests.integration.engines import require
from tests.integration.test_problems_hub import (
    MATH500,
    hub,
    math500_as_on_the_hub,
    math_as_on_the_hub,
)
from tests.servers import serving
from tests.simulated import make_python
from tests.wires import OllamaWire

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.partition("  #")[0].strip()
    for line in README.splitlines()
    if re.match(r"    (solver|python -m|make|pip) ", line)
]
EXTRAS = re.search(r"    pip install '\.\[([a-z,]+)\]'", README)[1].split(",")
ELSEWHERE = {"make demo", "make test", "solver view", "solver demo"}
"""What sets the project up is run by whoever runs this (`.ci/run` calls `make test`); the viewer,
which serves until it is stopped, and the demo, which takes minutes, have tests of their own."""


@pytest.mark.native
@pytest.mark.model
async def test_every_command_in_the_readme_runs(tmp_path):
    require("native")
    require("model")
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    (tmp_path / "mine.csv").write_text("question,answer\nWhat is 3+4?,7\nWhat is 3+5?,8\n")
    logs.lm_eval(tmp_path / "logs", {"p1": ["so \\boxed{2}"], "p2": ["\\boxed{3}"]})
    files = {f"{MATH500}/test.jsonl": math500_as_on_the_hub(), **math_as_on_the_hub()}
    reply = program("print(7)") + "\nso \\boxed{7}"
    with hub(files) as (address, _):
        async with serving(OllamaWire(reply=reply, model="llama3.1:8b")) as server:
            settings = {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path), "OLLAMA_HOST": server.url}
            python = make_python("bare", tmp_path / "python", EXTRAS)
            for command in COMMANDS:
                if command not in ELSEWHERE and not command.startswith("pip install "):
                    await run(smaller(command), tmp_path, settings, python)


@pytest.mark.native
async def test_an_installation_without_extras_runs_a_server_s_model_and_names_what_is_missing(
    tmp_path,
):
    require("native")
    python = make_python("bare", tmp_path / "python")
    async with serving(OllamaWire(reply=program("print(7)"), model="llama3.1:8b")) as server:
        settings = {"OLLAMA_HOST": server.url}
        await run("solver run --model ollama/llama3.1:8b --limit 1", tmp_path, settings, python)
    (ran,) = (tmp_path / "runs").iterdir()
    await run(f"solver show {ran}", tmp_path, {}, python)
    for command, extra in (
        ("solver run quickstart", "local"),
        ("solver run configs/code-vs-cot.yaml --model scripted/x", "hub"),
        (f"solver export {ran} --format parquet", "parquet"),
    ):
        (tmp_path / "configs").mkdir(exist_ok=True)
        shutil.copy(ROOT / "configs/code-vs-cot.yaml", tmp_path / "configs")
        done = await call(command, tmp_path, {}, python)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), command
        assert f"[{extra}" in done.stderr, command


@pytest.mark.parametrize("config", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda p: p.name)
async def test_every_config_passes_a_dry_run(config, tmp_path):
    files = {}
    if "problems: starter" not in config.read_text(encoding="utf-8"):
        files = {f"{MATH500}/test.jsonl": math500_as_on_the_hub(), **math_as_on_the_hub()}
    keys = dict.fromkeys(("OPENAI_API_KEY", "MISTRAL_API_KEY", "GEMINI_API_KEY"), "not-a-key")
    with hub(files) as (address, _):
        settings = {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path), **keys}
        command = "probe" if config.stem == "probe" else "run"
        await run(f"solver {command} {config} --dry-run", tmp_path, settings)


def test_every_config_is_in_the_readme():
    for config in (ROOT / "configs").glob("*.yaml"):
        assert f"configs/{config.name}" in README


def smaller(command: str) -> str:
    """The same command on two problems, and the quickstart with a model that needs no hub.

    Its replies are cut short, because nothing depends on what they say.
    """
    if command.startswith("solver run") and "quickstart" in command:
        mode = re.search(r"--mode (\S+)", command)
        name = f"quickstart-{mode[1].replace(',', '-')}" if mode else "quickstart"
        command += f" --model local/smollm2 --name {name} --set sampling.max_tokens=48"
    if not command.startswith(("solver run", "solver probe")) or "--dry-run" in command:
        return command
    return re.sub(r" --limit \d+", "", command) + " --limit 2"


async def run(
    command: str, folder: Path, settings: dict[str, str], python: str | Path = sys.executable
) -> None:
    done = await call(command, folder, settings, python)
    allowed = {0, 2} if command == "solver doctor" else {0}
    if "no trial to train on" in done.stderr:
        allowed = {2}  # a model this small may be right nowhere
    assert done.returncode in allowed, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


async def call(
    command: str, folder: Path, settings: dict[str, str], python: str | Path
) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)
    if words[0] == "solver":
        words = [str(python), "-m", "solver.cli", *words[1:]]
    elif words[0] == "python":
        words = [str(python), *words[1:]]
    return await asyncio.to_thread(
        subprocess.run,
        words,
        cwd=folder,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=300,
    )
