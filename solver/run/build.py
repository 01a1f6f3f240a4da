"""Build the models, the sandbox and the judges of a run from its config.

Only here are concrete classes chosen.
"""

import asyncio
import platform
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import solver
from sandbox import Finding, Level, Limits, Sandbox, open_sandbox
from sandbox.screen import screen as screen_program
from solver.config import Config
from solver.errors import ModelError
from solver.models import (
    PROVIDERS,
    Model,
    RawModel,
    connect,
    continuing,
    provider_of,
    provider_of_model,
    rendered,
)
from solver.run.decoding import decoding
from solver.run.judging import Judging, open_judges
from solver.run.schedule import Endpoint, Gate, gate_of
from solver.run.serving import serving
from solver.run.shards import Share
from solver.run.thinking import thinking_warnings
from solver.run.watch import Watch

_PACKAGES = (
    "docker", "mpmath", "networkx", "numpy", "pandas", "pydantic", "scipy", "sympy",
)  # fmt: skip


@dataclass
class Parts:
    """Everything a run works with, connected and checked."""

    endpoints: list[Endpoint]
    """One for each model, in the config's order."""
    sandbox: Sandbox | None
    """None where no mode of the run executes code."""
    screen: Callable[[str], tuple[Finding, ...]]
    judge: Judging
    second_judge: Judging | None = None
    """The judge with a model, where it may only start after all trials have ended: its model shares
    a server with a model under test, and the two would keep unloading each other."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What goes into the manifest."""
    cannot: dict[str, dict[str, str]] = field(default_factory=dict)
    """Why a model is left out of a mode of the run, by model and mode."""
    share: Share = field(default_factory=Share)
    """Which trials of the run are done here."""
    warnings: list[str] = field(default_factory=list)
    """What affects the results and must be shown with them, such as a weaker sandbox."""

    @property
    def programs_at_once(self) -> int:
        """Return how many programs may be in the sandbox or wait for it."""
        return 2 * self.sandbox.workers if self.sandbox else 0

    def endpoint_groups(self) -> list[list[Endpoint]]:
        """Group the models by the endpoint they share."""
        groups: dict[str, list[Endpoint]] = {}
        for endpoint in self.endpoints:
            groups.setdefault(endpoint.model.endpoint, []).append(endpoint)
        return list(groups.values())


@asynccontextmanager
async def build(
    config: Config, *, owner: str, cache: Path, watch: Watch, log: Path | None = None
) -> AsyncIterator[Parts]:
    """Connect and check everything a run needs, and close it all at the end.

    The model server that the config asks for is started first, and ended last; its log lies in the
    folder `log`, or else `cache`, which keeps judge replies. `owner` labels containers.
    Raises ConfigError, ModelError or SandboxError, each saying what to do, before any trial starts.
    """
    async with AsyncExitStack() as stack:
        config = await stack.enter_async_context(serving(config, log or cache, watch))
        warnings: list[str] = []
        models = connect_models(config)
        for model in models:
            stack.push_async_callback(model.close)
        facts = await _described(models, warnings)
        if any("continuing" in mode.needs for mode in config.running):
            await asyncio.gather(*(continuing(model).prove_extend() for model in models))
        cannot = await _cannot(config, models, warnings)
        warnings += thinking_warnings(config, facts)
        gates: dict[str, Gate] = {}
        endpoints = [
            Endpoint(model, config.patience, gate_of(gates, model, config.patience), watch.traffic)
            for model in models
        ]

        sandbox = None
        if any(mode.runs_code for mode in config.running):
            sandbox = await _open_sandbox(config, owner, warnings)
            stack.push_async_callback(sandbox.close)
        judges = await open_judges(stack, config, models, gates, cache, watch, warnings)
        yield Parts(
            endpoints=endpoints,
            sandbox=sandbox,
            screen=_screen(config),
            judge=judges[0],
            second_judge=judges[1] if len(judges) > 1 else None,
            facts={
                "models": facts,
                "decoding": {m.name: decoding(config, m, facts[m.name]) for m in config.model},
                "sandbox": await sandbox.describe() if sandbox else {"kind": "none"},
                "judge": judges[-1].facts,
                "cannot": cannot,
                "can": {m.name: sorted(provider_of_model(m.name).can) for m in models},
                "versions": versions(m.name for m in models),
            },
            cannot=cannot,
            warnings=warnings,
        )


async def _described(models: Sequence[Model], warnings: list[str]) -> dict[str, dict[str, Any]]:
    """Return what the server of each model says of it, by name; its notes become warnings."""
    described = await asyncio.gather(*(model.describe() for model in models))
    for said in described:
        warnings += said.pop("notes", [])
    return {model.name: said for model, said in zip(models, described, strict=True)}


async def _cannot(
    config: Config, models: Iterable[Model], warnings: list[str]
) -> dict[str, dict[str, str]]:
    """Find the models that cannot be sent raw text, where a mode of the run sends it.

    Each is asked for one token, since a server of an API that has raw text may refuse it. Adds a
    warning for each that is left out. Raises ModelError where a server does not answer.
    """
    raw = [mode.name for mode in config.running if mode.raw]
    found: dict[str, dict[str, str]] = {}
    for model in models if raw else ():
        if (reason := await _no_raw_text(model)) is not None:
            found[model.name] = dict.fromkeys(raw, reason)
            warnings.append(f"{model.name} is left out of {', '.join(raw)}: {reason}")
    return found


async def _no_raw_text(model: Model) -> str | None:
    """Say why a model cannot be sent text without a chat template; None where it can."""
    if "raw" not in provider_of_model(model.name).can or not isinstance(model, RawModel):
        return "its provider has chat alone"
    try:
        await model.complete("1 + 1 =", seed=0, max_tokens=1)
    except ModelError as refused:
        if refused.retryable:
            raise
        return f"its server refuses text without a chat template ({refused})"
    return None


def connect_models(config: Config) -> list[Model]:
    """Connect the models under test. Raises ConfigError for a missing key or package."""
    return [
        rendered(
            connect(model.name, config.sampling_of(model), config.provider_options(model)),
            model.template,
        )
        for model in config.model
    ]


def versions(models: Iterable[str]) -> dict[str, str]:
    """Return the versions of all software that could change a result of a run of `models`."""
    found = {"solver": solver.__version__, "python": sys.version.split()[0]}
    found["platform"] = platform.platform()
    providers = [*map(provider_of, PROVIDERS), *map(provider_of_model, models)]
    libraries = {provider.library for provider in providers if provider.library is not None}
    for package in sorted(libraries.union(_PACKAGES)):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


async def _open_sandbox(config: Config, owner: str, warnings: list[str]) -> Sandbox:
    """Open the sandbox; add a warning to `warnings` where it is a weaker one."""
    wanted = config.sandbox
    limits = Limits(seconds=wanted.seconds, memory_mb=wanted.memory_mb)
    sandbox = await open_sandbox(wanted.kind, limits=limits, workers=wanted.workers, owner=owner)
    if passed_over := (await sandbox.describe())["passed_over"]:
        warnings.append(
            f"sandbox: programs run in the {sandbox.kind!r} sandbox, whose README says what that"
            f" leaves open; not in {'; not in '.join(passed_over)}"
        )
    elif sandbox.kind == "reduced":
        warnings.append(
            "sandbox: programs run with the reduced isolation that was asked for;"
            " sandbox/README.md says what that leaves open"
        )
    return sandbox


def _screen(config: Config) -> Callable[[str], tuple[Finding, ...]]:
    match config.sandbox.screen:
        case "refuse":
            return screen_program
        case "warn":
            return _screen_and_run
        case "off":
            return lambda program: ()


def _screen_and_run(program: str) -> tuple[Finding, ...]:
    """Screen a program, but lower each refusal to a warning, so that the program still runs."""
    return tuple(
        replace(finding, level=Level.WARN) if finding.level is Level.REFUSE else finding
        for finding in screen_program(program)
    )
