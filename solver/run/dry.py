"""Show what a run would do: first prompts, counts, what each model is given, what is missing."""

import asyncio
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from solver.config import Config
from solver.config_file import serve_plan
from solver.errors import ConfigError, ModelError, require_unix
from solver.models import Model, provider_of_model
from solver.report.trial import show_chat
from solver.run.build import connect_models
from solver.run.decoding import decoding, decoding_line
from solver.run.judging import connect_judge
from solver.run.sameness import require_same
from solver.run.serving import covers_judge, left_to_ask, serve_lines
from solver.run.sharded import done_elsewhere
from solver.run.shards import Share
from solver.run.start import Job, counted, counts
from solver.run.thinking import thinking_warnings
from solver.store import Store, is_run
from solver.text import say, say_wrapped


@dataclass
class Asked:
    """What the servers of a run said before it."""

    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By model, what its server says of it; lacks those that were not asked."""
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """What keeps the run from starting."""


def dry(job: Job) -> int:
    """Print the first prompt of each mode, the counts, what each model is given, what is missing.

    Servers are asked what they serve, where they answer; no reply is requested and nothing is
    loaded. Returns the exit code: 0, or 2 where something is missing.
    """
    require_unix("solver run")
    config = job.config
    for mode in config.running:
        say(f"── first prompt, mode {mode.name}, problem {job.problems[0].id}")
        show_chat(mode.opening(job.problems[0], config))
    say_wrapped(counted(job), indent=2)
    if job.shard is not None:
        done = Share(job.shard, done_elsewhere(job.folder, job.shard))
        own = counts(job, Share(job.shard))[1]
        say(
            f"shard {job.shard}: {own} of these trials are its own,"
            f" {own - counts(job, done)[1]} of them done in other shards"
        )
    asked = asyncio.run(_ask(config))
    say(f"run folder: {job.folder}{_what_is_there(job, asked.missing)}")
    for line in serve_lines(serve_plan(config), job.folder):
        say_wrapped(line, indent=4)
    for model in config.model:
        facts = asked.facts.get(model.name, {})
        say_wrapped(
            f"model {model.name}: {served_line(facts) or 'nothing is known before it is loaded'}",
            indent=2,
        )
        say_wrapped(f"  decoding: {decoding_line(decoding(config, model, facts))}", indent=4)
    notes = [*job.source.notes(), *asked.notes, *thinking_warnings(config, asked.facts)]
    for line in notes:
        say_wrapped(f"note: {line}", indent=2)
    for line in asked.missing:
        say_wrapped(f"missing: {line}", indent=2)
    return 2 if asked.missing else 0


def _what_is_there(job: Job, missing: list[str]) -> str:
    """Say whether the run would be resumed; where it would be refused, add that to `missing`."""
    if not is_run(job.folder):
        return ""
    with closing(Store.open(job.folder)) as store:
        try:
            require_same(store, job.config, job.problems)
        except ConfigError as refusal:
            missing.append(str(refusal))
            return " (exists: would be refused)"
    return " (exists: would resume)"


def served_line(facts: Mapping[str, Any]) -> str:
    """Say in one line what a server tells of a model."""
    words = (f"{name} {value}" for name, value in facts.items() if isinstance(value, str) and value)
    return ", ".join(words)


async def _ask(config: Config) -> Asked:
    """Connect the models and the judge, and ask the server of each what it serves.

    A server that the run would start is not asked.
    """
    asked = Asked()
    models: list[Model] = []
    plan = serve_plan(config)
    if plan is not None and (lacking_program := plan.missing()):
        asked.missing.append(lacking_program)
    try:
        models += connect_models(left_to_ask(config, plan))
    except ConfigError as lacking:
        asked.missing.append(str(lacking))
    try:
        served = plan is not None and covers_judge(plan, config)
        judge = None if served else connect_judge(config, asked.notes)
    except ConfigError as lacking:
        asked.missing.append(str(lacking))
        judge = None
    named = {model.name for model in models}
    for model in [*models, *([judge] if judge is not None else [])]:
        await _describe(model, asked, "" if model.name in named else "judge: ")
        await model.close()
    return asked


async def _describe(model: Model, asked: Asked, who: str) -> None:
    """Ask one server, unless the model would be loaded into this process."""
    if provider_of_model(model.name).loads:
        return
    try:
        facts = await model.describe()
    except ModelError as failure:
        if failure.retryable:
            asked.notes.append(f"{who}{model.name} was not asked what it serves: {failure}")
        else:
            asked.missing.append(f"{who}{failure}")
        return
    asked.notes += [f"{who}{note}" for note in facts.pop("notes", [])]
    asked.facts[model.name] = facts
