"""Read a server's list of models, in OpenAI's form: whether it holds one, and its context.

Also find the servers of this form that answer on this machine.
"""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from solver.errors import ModelError
from solver.models import Found, found
from solver.models._answers import positive
from solver.models._clients import connection_errors, guard
from solver.models._failures import check_room, is_loopback, not_the_api
from solver.models._openai_failures import BASE_URL
from solver.models._redact import place

_CONTEXT = (
    "max_model_len", "loaded_context_length", "context_window", "context_length",
    "max_context_length",
)  # fmt: skip
"""What vLLM, LM Studio, Groq, OpenRouter and others call the length of the context."""


def models_in(text: str, endpoint: str) -> list[dict[str, Any]]:
    """Read an answer that lists models, with or without an object around the list.

    The client's own reading fails with a traceback on a page, or on JSON of another form. Raises
    ModelError for those, or ValueError for what is not JSON.
    """
    try:
        said = json.loads(text)
    except RecursionError:
        said = None
    listed = said.get("data") if isinstance(said, dict) else said
    if not isinstance(listed, list):
        raise not_the_api(endpoint, BASE_URL, text)
    entries = (entry for entry in listed if isinstance(entry, dict))
    return [entry for entry in entries if isinstance(entry.get("id"), str)]


def facts_in(
    listed: Sequence[Mapping[str, Any]], name: str, *, endpoint: str, cap: int
) -> dict[str, Any]:
    """Return what the list says about a model. One that it lacks is a note, for it may be served.

    Raises ModelError where the context leaves no room for a prompt.
    """
    known = {model["id"].removeprefix("models/"): model for model in listed}
    model = known.get(name) or known.get(f"{name}:latest")  # as Ollama completes a name
    if model is None:
        facts: dict[str, Any] = {"listed": False, "served": [*known]}
        if len(known) == 1:  # a server of one model answers to any name
            return facts
        close = get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return facts | {"notes": [f"{endpoint} does not list a model {name!r}{hint}"]}
    facts = {"listed": True, "id": model["id"], "owner": model.get("owned_by")}
    lengths = (positive(model.get(field)) for field in _CONTEXT)
    context = next(filter(None, lengths), None)
    if context is not None:
        check_room(endpoint, cap, context)
        facts["context"] = context
    return facts


USUAL_PORTS = {8000: "vLLM", 8080: "llama-server", 1234: "LM Studio", 30000: "SGLang"}
"""Where the servers of this API listen by default."""

LOOK_SECONDS = 2.0
"""Time for a server on this machine to list its models."""


async def find() -> list[Found]:
    """Return the servers at OPENAI_BASE_URL and the usual ports of this machine that answer."""
    named = os.environ.get("OPENAI_BASE_URL", "")
    urls = {named.rstrip("/")} if is_loopback(named) else set()
    urls |= {f"http://localhost:{port}/v1" for port in USUAL_PORTS}
    answers = await asyncio.gather(*map(_serves, sorted(urls)))
    return [answer for answer in answers if answer is not None]


async def _serves(url: str) -> Found | None:
    """Return what a server of this machine lists; None where none of this form answers."""
    import httpx

    try:
        at = place(url)
        hooks = {"response": [guard(at)]}
        async with (
            asyncio.timeout(LOOK_SECONDS),
            httpx.AsyncClient(trust_env=False, timeout=None, event_hooks=hooks) as client,
        ):
            listed = models_in((await client.get(f"{url}/models")).text, at)
    except connection_errors(OSError, ValueError, ModelError):
        return None
    return found(at, "OpenAI's API", [f"openai/{entry['id']}" for entry in listed])
