"""What this machine has of all that a run needs, and how to mend what it has not."""

import asyncio
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sandbox import probe
from solver.config import Config
from solver.config_file import check_config, load_config
from solver.errors import ConfigError, ModelError
from solver.models import Model
from solver.run.build import connect_models
from solver.run.judging import connect_judge
from solver.run.start import FREE_DISK_MB
from solver.text import say


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    good: bool
    """Whether it is as a run needs it."""
    detail: str
    """What is there, or how to mend it."""
    needed: bool = False
    """Whether the run that was asked about stops without it."""


def examine(path: Path | None) -> Iterator[Finding]:
    """Look at everything: for one config, or for all that a run could want."""
    yield from sandbox_findings()
    yield _disk()
    if path is not None:
        config = load_config(path)
        yield from _models(config)
        yield _judge(config)
        return
    for package, use, extra in (
        ("xllamacpp", "local/… models", "local"),
        ("pyarrow", "Parquet files", "parquet"),
        ("huggingface_hub", "problem sets from the dataset hub", "hub"),
    ):
        there = find_spec(package) is not None
        mend = f"for {use}: pip install 'solver[{extra}]'"
        yield Finding(f"package {package}", there, "is installed" if there else mend)
    for provider, key in (("openai", "OPENAI_API_KEY"), ("mistral", "MISTRAL_API_KEY")):
        there = bool(os.environ.get(key))
        yield Finding(key, there, "is set" if there else f"export it to use {provider}/… models")
    any_model = check_config({"model": "ollama/any"}, source="doctor")
    for finding in _models(any_model):
        reached = finding.good or "ollama pull" in finding.detail
        yield Finding("Ollama server", reached, "answers" if reached else finding.detail)


def sandbox_findings() -> Iterator[Finding]:
    """The ways to run programs: one that works is enough, and Docker is the best of them."""
    facts = probe()
    works = {fact.what: fact.works for fact in facts}
    docker = works["Docker engine"] and works["sandbox image"]
    for fact in facts:
        yield Finding(fact.what, fact.works, fact.note)
    chosen = "docker" if docker else "native" if works["bubblewrap"] else None
    mend = "install Docker and run `solver sandbox build`, or install bubblewrap"
    yield Finding("sandbox: auto", chosen is not None, chosen or mend, needed=True)


def print_findings(findings: Iterable[Finding]) -> int:
    """Print each finding as it is made. Exit code 2 where something needed is missing."""
    missing = False
    for finding in findings:
        mark = "ok" if finding.good else "MISSING" if finding.needed else "-"
        say(f"{mark:8} {finding.what}: {finding.detail}")
        missing = missing or (finding.needed and not finding.good)
    return 2 if missing else 0


def _disk() -> Finding:
    free = shutil.disk_usage(".").free // 2**20
    return Finding("disk here", free >= FREE_DISK_MB, f"{free:,} MiB free", needed=True)


def _models(config: Config) -> Iterator[Finding]:
    try:
        models = connect_models(config)
    except ConfigError as lacking:
        yield Finding("models", False, str(lacking), needed=True)
        return
    for model in models:
        yield asyncio.run(_described(model))


def _judge(config: Config) -> Finding:
    notes: list[str] = []
    try:
        model = connect_judge(config, notes)
    except ConfigError as lacking:
        return Finding("judge", False, str(lacking), needed=True)
    if model is None:
        return Finding("judge", True, notes[0])
    return asyncio.run(_described(model))


async def _described(model: Model) -> Finding:
    try:
        facts = await model.describe()
    except ModelError as failure:
        return Finding(model.name, False, str(failure), needed=True)
    finally:
        await model.close()
    known = ", ".join(f"{key} {value}" for key, value in facts.items() if isinstance(value, str))
    return Finding(model.name, True, known or "is there")
