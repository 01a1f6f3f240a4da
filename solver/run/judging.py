"""Open the judge of a run, and judge answers that are already stored."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from judge import Ask, CutReply, Judge, JudgeError, Policy, open_judge
from judge.grade import ASKING_ALWAYS
from solver.config import JudgeOptions, JudgingConfig, ModelOptions
from solver.errors import ConfigError, ModelError, Scope
from solver.models import Model, connect
from solver.records import Message, Outcome, Problem, Sampling
from solver.run.canaries import pass_canaries
from solver.run.schedule import Endpoint, Gate, Stopped, gate_of, together
from solver.run.watch import Watch
from solver.store import Store, judge_id

CACHE = "judge.jsonl"
"""Keeps the replies of the judge's model, in the run's folder."""
MAX_TOKENS = 600
"""The cap on one reply of the judge's model, unless the config sets another."""


@dataclass(frozen=True)
class Judging:
    """A judge, and the facts about it that determine its verdicts."""

    judge: Judge
    facts: dict[str, Any]
    asks_always: bool = False
    """Its model is asked about every answer, not only where the rules are undecided."""

    @cached_property
    def id(self) -> str:
        """Return what is stored with every verdict."""
        return judge_id(self.facts)


@asynccontextmanager
async def build_judge(
    config: JudgingConfig, *, cache: Path, watch: Watch
) -> AsyncIterator[Judging]:
    """Open the judge alone, for answers that are stored already.

    Raises ConfigError or ModelError as `build` does.
    """
    async with AsyncExitStack() as stack:
        judges = await open_judges(stack, config, [], {}, cache, watch, [])
        yield judges[-1]


def connect_judge(config: JudgingConfig, warnings: list[str]) -> Model | None:
    """Connect the judge's model; None where the rules decide alone, with the reason in `warnings`.

    Raises ConfigError where a judge that the user asked for by name is not available.
    """
    wanted = config.judge.model
    if wanted is None:
        warnings.append("judge: rules alone; answers that they cannot decide are not scored")
        return None
    options = config.provider_options(ModelOptions(name=wanted, options=config.judge.options))
    sampling = Sampling(temperature=0.0, max_tokens=config.judge.max_tokens or MAX_TOKENS)
    try:
        return connect(wanted, sampling, options)
    except ConfigError:
        if "model" in config.judge.model_fields_set:
            raise
        warnings.append(
            "judge: rules alone, as no judge's key is set; answers that they cannot decide are not"
            " scored (--judge provider/name asks a model about those)"
        )
        return None


def shares_endpoint(judge_model: Model, models: Sequence[Model]) -> bool:
    """Tell whether the judge's server would have to unload a model under test to run the judge."""
    return any(
        model.endpoint == judge_model.endpoint and model.name != judge_model.name
        for model in models
    )


def policy_of(options: JudgeOptions) -> Policy:
    """Return the conventions that the config sets for the judge, e.g. on missing units.

    Raises ConfigError for an unknown name or value.
    """
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


async def open_judges(
    stack: AsyncExitStack,
    config: JudgingConfig,
    models: Sequence[Model],
    gates: dict[str, Gate],
    cache: Path,
    watch: Watch,
    warnings: list[str],
) -> list[Judging]:
    """Open the run's judge. Two where the one with a model must wait: first the rules alone.

    A second judge with the default preset only adds to the verdicts of the rules, so both have its
    id. One that asks about every answer has an id of its own, and judges them all again.
    """
    options, policy = config.judge, policy_of(config.judge)
    model = connect_judge(config, warnings)
    judges = []
    if model is None or shares_endpoint(model, models):
        judges.append(await _open_judge(stack, options, policy, cache, None))
    if model is not None:
        stack.push_async_callback(model.close)
        described = await model.describe()
        warnings += [f"judge: {note}" for note in described.pop("notes", [])]
        gate = gate_of(gates, model, config.patience)
        endpoint = Endpoint(model, config.patience, gate, watch.judge_traffic)
        asked = await _open_judge(stack, options, policy, cache, endpoint)
        asked = replace(asked, facts={**asked.facts, "model_facts": described})
        if not asked.asks_always:
            judges = [replace(first, facts=asked.facts) for first in judges]
        judges.append(asked)
        if options.canaries and not options.offline:
            await pass_canaries(ask_through(endpoint), endpoint, options, described, watch)
    return judges


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
        cache=cache / CACHE if endpoint else None,
        offline=options.offline and endpoint is not None,
        threshold=options.threshold,
    )
    stack.push_async_callback(opened.close)
    asks_always = endpoint is not None and options.preset in ASKING_ALWAYS
    return Judging(opened, await opened.describe(), asks_always)


def ask_through(endpoint: Endpoint) -> Ask:
    """Return the function by which the judge asks a model: text in, text out."""

    async def ask(system: str, user: str, schema: dict[str, Any]) -> str | CutReply:
        chat: tuple[Message, ...] = (Message(role="user", text=user),)
        if system:  # models trained to verify answers have none
            chat = (Message(role="system", text=system), *chat)
        try:
            reply = await endpoint.ask(chat, seed=0, schema=schema or None)
        except ModelError as failure:
            if failure.scope is Scope.RUN:
                raise  # no other answer would be judged either
            raise JudgeError(str(failure)) from failure
        if reply.prompt_cut:
            raise JudgeError(f"{endpoint.model.name}: the server cut the judge's prompt")
        return CutReply(reply.text) if reply.capped else reply.text

    return ask


async def grade_undecided(judging: Judging, store: Store) -> int:
    """Judge the stored answers that this judge must decide; return how many there were.

    They are those without a usable verdict, and for a judge that asks about every answer also
    those that only another judge has decided.
    """
    problems = store.problems()
    waiting = [
        row
        for row in store.rows()
        if row.answer is not None
        and (
            row.outcome is Outcome.JUDGE_INVALID
            or (judging.asks_always and row.verdict is not None and row.judge != judging.id)
        )
    ]

    async def grade(key: str, problem: Problem, answer: str) -> None:
        with suppress(Stopped):
            verdict = await judging.judge.grade(problem.question, problem.answer, answer)
            store.add_verdict(key, verdict, judge=judging.id)

    await together([grade(row.key, problems[row.problem_id], row.answer or "") for row in waiting])
    return len(waiting)
