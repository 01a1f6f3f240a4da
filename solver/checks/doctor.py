"""Check what this machine has of everything that a run needs, and say how to get the rest."""

import asyncio
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sandbox import SandboxError, open_sandbox, probe
from solver.config import Config
from solver.config_file import load_config, serve_plan
from solver.errors import ConfigError, ModelError
from solver.install import pip_install
from solver.models import LoadingModel, Model, provider_names, provider_of
from solver.run.build import connect_models
from solver.run.decoding import decoding, decoding_line
from solver.run.dry import served_line
from solver.run.judging import connect_judge
from solver.run.serving import covers_judge, left_to_ask
from solver.run.start import FREE_DISK_MB
from solver.text import say_wrapped, size


@dataclass(frozen=True)
class Finding:
    """One thing that was checked."""

    what: str
    good: bool
    """Whether it is there and works."""
    detail: str
    """What is there, or how to fix it."""
    needed: bool = False
    """Whether the run cannot start without it."""


def examine(path: Path | None) -> Iterator[Finding]:
    """Check what the run of a config needs, or without a config all that any run could use."""
    yield from sandbox_findings()
    yield _disk()
    if path is not None:
        config = load_config(path)
        plan = serve_plan(config)
        if plan is not None:
            missing = plan.missing()
            detail = missing or f"the run starts it: {plan.shown()}"
            yield Finding(f"server {plan.engine.name}", missing is None, detail, needed=True)
        yield from _models(left_to_ask(config, plan))
        if plan is None or not covers_judge(plan, config):
            yield _judge(config)
        return
    for name in provider_names():
        yield provider_finding(name)
        yield from server_findings(name)
    for package, use, extra in (
        ("pyarrow", "Parquet files", "parquet"),
        ("huggingface_hub", "problem sets from the dataset hub", "hub"),
        ("ray", "runs on a Ray cluster", "ray"),
    ):
        there = find_spec(package) is not None
        fix = f"for {use}: {pip_install(extra)}"
        yield Finding(f"package {package}", there, "is installed" if there else fix)


def provider_finding(name: str) -> Finding:
    """Say whether this machine has what a provider needs, and how to fix it if not."""
    what = f"{name}/… models"
    try:
        provider = provider_of(name)
        missing = asyncio.run(provider.missing())
    except ConfigError as broken:
        return Finding(what, False, str(broken))
    return Finding(what, missing is None, f"{missing or 'ready'} ({provider.description})")


def server_findings(name: str) -> Iterator[Finding]:
    """Name each server of a provider that answers at its usual address, and what it serves."""
    try:
        servers = asyncio.run(provider_of(name).servers())
    except (ConfigError, ImportError):
        return  # said of the provider already
    for server in servers:
        yield Finding(f"server {server.place}", True, server.serves)


def sandbox_findings() -> Iterator[Finding]:
    """Check which sandboxes work. One is enough; `auto` prefers Docker."""
    facts = probe()
    works = {fact.what: fact.works for fact in facts}
    for fact in facts:
        yield Finding(fact.what, fact.works, fact.note)
    if (works["Docker engine"] and works["sandbox image"]) or works["bubblewrap"]:
        yield asyncio.run(_opened())
    else:
        fix = "install Docker and run `solver sandbox build`, or install bubblewrap"
        yield Finding("sandbox: auto", False, fix, needed=True)


async def _opened() -> Finding:
    """Open the sandbox that `auto` chooses, which runs a program."""
    try:
        sandbox = await open_sandbox(workers=1)
    except SandboxError as error:
        return Finding("sandbox: auto", False, str(error), needed=True)
    await sandbox.close()
    return Finding("sandbox: auto", True, f"{sandbox.kind}, and a program ran in it")


def print_findings(findings: Iterable[Finding]) -> int:
    """Print each finding as it is made. Return 2 if something needed is missing, else 0."""
    missing = False
    for finding in findings:
        mark = "ok" if finding.good else "MISSING" if finding.needed else "-"
        say_wrapped(f"{mark:8} {finding.what}: {finding.detail}", indent=9)
        missing = missing or (finding.needed and not finding.good)
    return 2 if missing else 0


def _disk() -> Finding:
    """Check the free disk space of the current folder."""
    free = shutil.disk_usage(".").free
    enough = free >= FREE_DISK_MB * 2**20
    return Finding("disk here", enough, f"{size(free)} free", needed=True)


def _models(config: Config) -> Iterator[Finding]:
    """Check that the config's models answer."""
    try:
        models = connect_models(config)
    except ConfigError as lacking:
        yield Finding("models", False, str(lacking), needed=True)
        return
    for model, options in zip(models, config.model, strict=True):
        found, facts = asyncio.run(_described(model))
        yield found
        line = decoding_line(decoding(config, options, facts))
        yield Finding(f"{model.name} decodes with", True, line)


def _judge(config: Config) -> Finding:
    """Check that the config's judge answers, if it has a model."""
    notes: list[str] = []
    try:
        model = connect_judge(config, notes)
    except ConfigError as lacking:
        return Finding("judge", False, str(lacking), needed=True)
    if model is None:
        return Finding("judge", True, notes[0])
    return asyncio.run(_described(model))[0]


async def _described(model: Model) -> tuple[Finding, dict[str, Any]]:
    """Ask a model to describe itself, which proves that it is there; return its facts, too."""
    try:
        facts = await model.describe()
        loaded = await model.load() if isinstance(model, LoadingModel) else {}
    except ModelError as failure:
        return Finding(model.name, False, str(failure), needed=True), {}
    finally:
        await model.close()
    notes = [*facts.pop("notes", []), *loaded.get("notes", [])]
    told = ", ".join(filter(None, [served_line(facts), *dict.fromkeys(notes)]))
    return Finding(model.name, True, told or "is there"), facts
