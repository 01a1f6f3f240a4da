"""From a config to the working parts of a run: the only place that picks concrete classes."""

import asyncio
import os
import platform
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

import solver
from judge import Ask, Judge, JudgeError, Policy, open_judge
from judge.audit import canaries
from sandbox import Finding, Level, Limits, Sandbox, open_sandbox
from sandbox.screen import screen as screen_program
from solver.config import DEFAULT_JUDGE, Config, JudgeOptions, ModelOptions
from solver.errors import ConfigError, ModelError
from solver.models import Model, connect, continuer
from solver.records import Message, Sampling, digest
from solver.run.schedule import Endpoint, Gate
from solver.run.watch import Watch

_PACKAGES = (
    "docker", "mistralai", "mpmath", "networkx", "numpy", "ollama", "openai", "pandas",
    "pydantic", "scipy", "sympy", "xllamacpp",
)  # fmt: skip


@dataclass(frozen=True)
class Judging:
    """A judge and what decides its verdicts."""

    judge: Judge
    facts: dict[str, Any]

    @property
    def id(self) -> str:
        """Stored with every verdict."""
        return digest({k: v for k, v in self.facts.items() if not k.startswith("workers")})


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
    """The model judge that must wait, since it shares an endpoint with a model under test."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What goes into the manifest."""
    warnings: list[str] = field(default_factory=list)
    """What the reader of the numbers must know, such as a weaker sandbox."""

    @property
    def programs_at_once(self) -> int:
        """Programs in the sandbox at one time, and as many waiting."""
        return 2 * self.sandbox.workers if self.sandbox else 0

    def endpoint_groups(self) -> list[list[Endpoint]]:
        """The models by the endpoint they share."""
        groups: dict[str, list[Endpoint]] = {}
        for endpoint in self.endpoints:
            groups.setdefault(endpoint.model.endpoint, []).append(endpoint)
        return list(groups.values())


@asynccontextmanager
async def build(config: Config, *, owner: str, cache: Path, watch: Watch) -> AsyncIterator[Parts]:
    """Connect and check everything a run needs, and give it all back at the end.

    `owner` labels containers; judge replies are cached in the folder `cache`.
    Raises ConfigError, ModelError or SandboxError, each with its mend, before anything is spent.
    """
    async with AsyncExitStack() as stack:
        warnings: list[str] = []
        models = connect_models(config)
        for model in models:
            stack.push_async_callback(model.close)
        described = await asyncio.gather(*(model.describe() for model in models))
        if any(mode.continues for mode in config.running):
            await asyncio.gather(*(continuer(model).prove_extend() for model in models))
        gates: dict[str, Gate] = {}
        endpoints = [
            Endpoint(model, config.patience, _gate(gates, model, config), watch.traffic)
            for model in models
        ]

        sandbox = None
        if any(mode.runs_code for mode in config.running):
            sandbox = await _open_sandbox(config, owner, warnings)
            stack.push_async_callback(sandbox.close)
        judges = await _open_judges(stack, config, models, gates, cache, watch, warnings)
        yield Parts(
            endpoints=endpoints,
            sandbox=sandbox,
            screen=_screen(config),
            judge=judges[0],
            second_judge=judges[1] if len(judges) > 1 else None,
            facts={
                "models": {m.name: facts for m, facts in zip(models, described, strict=True)},
                "sandbox": await sandbox.describe() if sandbox else {"kind": "none"},
                "judge": judges[-1].facts,
                "versions": versions(),
            },
            warnings=warnings,
        )


@asynccontextmanager
async def build_judge(config: Config, *, cache: Path, watch: Watch) -> AsyncIterator[Judging]:
    """The judge alone, for answers that are stored already.

    Raises ConfigError or ModelError as `build` does; a judge that was asked for must be there.
    """
    async with AsyncExitStack() as stack:
        judges = await _open_judges(stack, config, [], {}, cache, watch, [])
        yield judges[-1]


def connect_models(config: Config) -> list[Model]:
    """The models under test. Raises ConfigError for a missing key or package."""
    return [
        connect(model.name, config.sampling_of(model), config.provider_options(model))
        for model in config.model
    ]


def connect_judge(config: Config, warnings: list[str]) -> Model | None:
    """The judge's model, or None where the rules decide alone; `warnings` gets the reason why.

    Raises ConfigError where a judge that the user asked for by name is not available.
    """
    wanted = config.judge.model
    if wanted is None:
        warnings.append("judge: rules alone; what they cannot decide is counted apart")
        return None
    options = config.provider_options(ModelOptions(name=wanted, options=config.judge.options))
    sampling = Sampling(temperature=0.0, max_tokens=600)
    try:
        return connect(wanted, sampling, options)
    except ConfigError as missing:
        if "model" in config.judge.model_fields_set and wanted != DEFAULT_JUDGE:
            raise
        warnings.append(
            f"judge: rules alone, since the default judge is not available ({missing});"
            " what they cannot decide is counted apart"
        )
        return None


def shares_endpoint(judge_model: Model, models: Sequence[Model]) -> bool:
    """Whether asking the judge would push another model's weights out of the same server."""
    return any(
        model.endpoint == judge_model.endpoint and model.name != judge_model.name
        for model in models
    )


def policy_of(options: JudgeOptions) -> Policy:
    """The judge's contested conventions. Raises ConfigError for a name or value that is unknown."""
    known = {field.name for field in fields(Policy)}
    for name in options.policy:
        if name not in known:
            raise ConfigError(f"judge.policy.{name}: unknown; choices: {', '.join(sorted(known))}")
    try:
        return TypeAdapter(Policy).validate_python(options.policy)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = f"{first['input']!r}: {first['msg']}"
        raise ConfigError(f"judge.policy.{place}: {message}") from wrong


def versions() -> dict[str, str]:
    """Versions of all that could move a number."""
    found = {"solver": solver.__version__, "python": sys.version.split()[0]}
    found["platform"] = platform.platform()
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _gate(gates: dict[str, Gate], model: Model, config: Config) -> Gate:
    """The one gate of the model's endpoint, shared by all who ask there, the judge too."""
    limit = config.patience.parallel or model.parallel
    return gates.setdefault(model.endpoint, Gate(limit))


async def _open_sandbox(config: Config, owner: str, warnings: list[str]) -> Sandbox:
    """The box for programs; `warnings` gets what the reader must know about a weaker one."""
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


async def _open_judges(
    stack: AsyncExitStack,
    config: Config,
    models: Sequence[Model],
    gates: dict[str, Gate],
    cache: Path,
    watch: Watch,
    warnings: list[str],
) -> list[Judging]:
    """The judge of the run. Two where the one with a model must wait: first the rules alone."""
    options, policy = config.judge, policy_of(config.judge)
    model = connect_judge(config, warnings)
    judges = []
    if model is None or shares_endpoint(model, models):
        judges.append(await _open_judge(stack, options, policy, cache, None))
    if model is not None:
        stack.push_async_callback(model.close)
        described = await model.describe()
        gate = _gate(gates, model, config)
        endpoint = Endpoint(model, config.patience, gate, watch.judge_traffic)
        asked = await _open_judge(stack, options, policy, cache, endpoint)
        asked = replace(asked, facts={**asked.facts, "model_facts": described})
        # where the rules come first, their verdicts are this judge's too: it only adds to them
        judges = [replace(first, facts=asked.facts) for first in judges] + [asked]
        if options.canaries and not options.offline:
            await _listen_to_canaries(endpoint)
    return judges


async def _listen_to_canaries(endpoint: Endpoint) -> None:
    """Ask the judge's model about fixed pairs. Raises JudgeError where it has drifted."""
    found = await canaries(ask_through(endpoint), model_name=endpoint.model.name)
    if found.drifted:
        raise JudgeError(
            f"{endpoint.model.name}: {found}; name another judge.model, or accept this one with"
            " judge.canaries: false (`solver judge audit` shows how it errs)"
        )


async def _open_judge(
    stack: AsyncExitStack,
    options: JudgeOptions,
    policy: Policy,
    cache: Path,
    endpoint: Endpoint | None,
) -> Judging:
    opened = open_judge(
        ask=ask_through(endpoint) if endpoint else None,
        model_name=endpoint.model.name if endpoint else "",
        preset=options.preset if endpoint else "rules-then-model",
        policy=policy,
        workers=max(1, min(4, (os.cpu_count() or 1) // 2)),
        cache=cache / "judge.jsonl" if endpoint else None,
        offline=options.offline and endpoint is not None,
        threshold=options.threshold,
    )
    stack.push_async_callback(opened.close)
    return Judging(opened, await opened.describe())


def ask_through(endpoint: Endpoint) -> Ask:
    """The judge's way to a model: text in, text out."""

    async def ask(system: str, user: str, schema: dict[str, Any]) -> str:
        chat = (Message(role="system", text=system), Message(role="user", text=user))
        try:
            return (await endpoint.ask(chat, seed=0, schema=schema or None)).text
        except ModelError as failure:
            raise JudgeError(str(failure)) from failure

    return ask


def _screen(config: Config) -> Callable[[str], tuple[Finding, ...]]:
    match config.sandbox.screen:
        case "refuse":
            return screen_program
        case "warn":
            return _screen_and_run
        case "off":
            return lambda program: ()


def _screen_and_run(program: str) -> tuple[Finding, ...]:
    """The findings, softened so that none of them keeps the program from running."""
    return tuple(
        replace(finding, level=Level.WARN) if finding.level is Level.REFUSE else finding
        for finding in screen_program(program)
    )
