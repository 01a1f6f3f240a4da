"""Start the model server that a config asks for, and send its models' requests there."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from solver.config import Config, ModelOptions
from solver.config_file import serve_plan
from solver.errors import ModelError
from solver.run.watch import Watch
from solver.serve import LOG
from solver.serve.plan import Plan
from solver.serve.server import Server, running


@asynccontextmanager
async def serving(config: Config, folder: Path, watch: Watch) -> AsyncIterator[Config]:
    """Have the server of a config run until the block ends; yield the config with its address.

    `build` needs that one; tasks, keys and the manifest take the config as it was, so that none
    holds the port. The server's log is written into the folder. While it is started again, the
    requests that `watch` counts wait for it; where it has died too often, `watch` ends the run.
    Without a server to start, the config is yielded unchanged.
    Raises ConfigError and ModelError where it does not start.
    """
    plan = serve_plan(config)
    if plan is None:
        yield config
        return
    models = [*plan.models]
    if covers_judge(plan, config) and config.judge.model is not None:
        models.append(config.judge.model)
    server = Server(plan, models, folder, watch.traffic.loading, watch.end_by)
    async with running(server):
        watch.traffic.server = watch.judge_traffic.server = server
        try:
            yield reached(config, plan, server.port)
        except ModelError as failure:
            told = watch.ended_by is not None and failure.__cause__ is watch.ended_by
            if told or not server.lost.is_set():
                raise
            raise watch.ended_by or server.failure("died") from failure


def reached(config: Config, plan: Plan, port: int) -> Config:
    """Return a config whose served models, and judge where it is served, have the address."""
    address = {plan.engine.option: plan.address(port)}
    models = tuple(
        model.model_copy(update={"options": {**model.options, **address}})
        if model.name in plan.models
        else model
        for model in config.model
    )
    judge = config.judge
    if covers_judge(plan, config):
        judge = judge.model_copy(update={"options": {**judge.options, **address}})
    return config.model_copy(update={"model": models, "judge": judge})


def covers_judge(plan: Plan, config: Config) -> bool:
    """Tell whether the server of a run also answers for its judge."""
    name = config.judge.model
    if name is None:
        return False
    return plan.covers(
        name, config.provider_options(ModelOptions(name=name, options=config.judge.options))
    )


def changed_command(before: Mapping[str, Any], server: Server | None) -> list[str]:
    """Say where a run goes on with a server that is started by another command than before."""
    now = server.plan.shown() if server is not None else None
    if now is None or before.get("command", now) == now:
        return []
    return [
        f"serve: the run began with `{before['command']}` and goes on with `{now}`; replies may"
        " differ where that changes the weights, the context or the precision"
    ]


def server_facts(server: Server | None, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the manifest holds of a run's server, counting the restarts of earlier commands.

    `before` is what it held when this command began. Empty where the run has started no server.
    """
    if server is None:
        return {}
    facts = server.facts()
    return {"serve": {**facts, "restarts": before.get("restarts", 0) + facts["restarts"]}}


def left_to_ask(config: Config, plan: Plan | None) -> Config:
    """Return a config without the models that a server of the run answers for."""
    if plan is None:
        return config
    others = tuple(model for model in config.model if model.name not in plan.models)
    return config.model_copy(update={"model": others})


def serve_lines(plan: Plan | None, folder: Path) -> list[str]:
    """Say which server a run starts, when it is taken to be ready, and where its log is."""
    if plan is None:
        return []
    free = " (PORT: a free one)" if plan.options.port == "auto" else ""
    ready = plan.ready("PORT" if free else plan.options.port)
    return [
        f"serve: {plan.shown()}{free}",
        f"  for {', '.join(plan.models)}; ready once {ready} answers; log {folder / LOG}",
    ]
