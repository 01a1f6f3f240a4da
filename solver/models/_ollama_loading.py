"""Have Ollama load a model before its first reply, and ask what it then runs with and is given.

Loading has a time of its own: the server stops it when the client leaves, so a `timeout` of replies
that is shorter than the loading would never see one. The request for it has a chat rendered and
answers nothing, which shows in the same go whether the model's template holds every message.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from solver.errors import ModelError, Scope
from solver.models._failures import CONNECT_SECONDS
from solver.models._hosts import ask_all
from solver.models._ollama_facts import whole_name
from solver.models._ollama_host import Host
from solver.records import Message

SHOWN = (Message(role="system", text="SOLVER-ONE"), Message(role="user", text="SOLVER-TWO"))
"""The chat that is rendered."""


async def load_on_all(
    hosts: Sequence[Host], render: Callable[[Host], Awaitable[str]], model: str, seconds: float
) -> tuple[list[dict[str, Any]], list[str]]:
    """Load a model on all hosts; return what each then says of it, and a note on each that failed.

    `render` asks a host for `SHOWN` as text. Raises the first failure where no host has loaded it.
    """
    told, failures = await ask_all(hosts, lambda host: load(host, render, model, seconds))
    return list(told.values()), list(map(str, failures))


async def load(
    host: Host, render: Callable[[Host], Awaitable[str]], model: str, seconds: float
) -> dict[str, Any]:
    """Have one host load a model; return its context, its bytes and the share on the GPU.

    With them come the roles that its template leaves out, None where the server renders no chat.
    Raises ModelError, also where that takes longer than `seconds`.
    """
    try:
        async with asyncio.timeout(seconds):
            rendered = await render(host)
    except TimeoutError:
        raise ModelError(
            f"{host.place}: {model} was not loaded in {seconds:g} s; raise the option load_timeout",
            scope=Scope.RUN,
        ) from None
    except ModelError as unable:
        if unable.scope in (Scope.RUN, Scope.REQUEST):
            raise
        return {"host": host.place, "left_out": None}
    dropped = [message.role for message in SHOWN if message.text not in rendered]
    return {"host": host.place, "left_out": dropped, **await running(host, model)}


async def running(host: Host, model: str) -> dict[str, Any]:
    """Return what a host says of a model that it has loaded; nothing where it does not tell."""
    try:
        listed = await host.reach(host.client.ps, CONNECT_SECONDS)
    except ModelError:
        return {}  # a proxy in front of it may not pass this on
    for entry in listed.models:
        if whole_name(entry.model or entry.name or "") == whole_name(model):
            size, on_gpu = entry.size or 0, entry.size_vram or 0
            return {
                "context": entry.context_length,
                "bytes": int(size),
                "gpu_share": round(on_gpu / size, 3) if size else None,
            }
    return {}


def notes_on_loaded(facts: Mapping[str, Any], num_ctx: int) -> list[str]:
    """Say where a host runs the model otherwise than a user expects."""
    notes = []
    if facts.get("context") and facts["context"] < num_ctx:
        notes.append(
            f"{facts['host']} runs it with a context of {facts['context']}, less than num_ctx"
            f" {num_ctx}"
        )
    if 0 < (share := facts.get("gpu_share") or 0) < 1:
        notes.append(f"{facts['host']} holds {share:.0%} of it on the GPU, so it is slow")
    return notes


def notes_on_roles(name: str, dropped: Sequence[str] | None, *, required: bool) -> list[str]:
    """Note the roles that a model's template leaves out, or that nobody can know.

    Raises ModelError where one is left out and all are `required`.
    """
    if dropped is None:
        return ["this server does not show what its template makes of a prompt"]
    if not dropped:
        return []
    said = f"the model's template leaves out the {' and the '.join(dropped)} message"
    if required:
        raise ModelError(
            f"{name}: {said}, so it would not be told what to do; take a model with a whole"
            " template, or accept this with the option require_system: false",
            scope=Scope.RUN,
        )
    return [said]
