"""Read a server's list of models, in OpenAI's form: whether it holds one, and its context.

Also find the servers of this form that answer on this machine.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from solver.models import Found, found
from solver.models._failures import check_room, is_loopback, not_the_api
from solver.models._openai_failures import BASE_URL
from solver.models._redact import place

if TYPE_CHECKING:
    import openai

_CONTEXT = (
    "max_model_len", "loaded_context_length", "context_window", "context_length",
    "max_context_length",
)  # fmt: skip
"""What vLLM, LM Studio, Groq, OpenRouter and others call the length of the context."""


def models_in(text: str, endpoint: str) -> "list[openai.types.Model]":
    """Read an answer that lists models, with or without an object around the list.

    The client's own reading fails with a traceback on a page, or on JSON of another form. Raises
    ModelError for those, or ValueError for what is not JSON.
    """
    from openai.types import Model

    try:
        said = json.loads(text)
    except RecursionError:
        said = None
    listed = said.get("data") if isinstance(said, dict) else said
    if not isinstance(listed, list):
        raise not_the_api(endpoint, BASE_URL, text)
    entries = (entry for entry in listed if isinstance(entry, dict))
    return [Model.construct(**entry) for entry in entries if isinstance(entry.get("id"), str)]


def facts_in(
    listed: Sequence["openai.types.Model"], name: str, *, endpoint: str, cap: int
) -> dict[str, Any]:
    """Return what the list says about a model. One that it lacks is a note, for it may be served.

    Raises ModelError where the context leaves no room for a prompt.
    """
    known = {model.id.removeprefix("models/"): model for model in listed}
    model = known.get(name) or known.get(f"{name}:latest")  # as Ollama completes a name
    if model is None:
        facts: dict[str, Any] = {"listed": False, "served": [*known]}
        if len(known) == 1:  # a server of one model answers to any name
            return facts
        close = get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return facts | {"notes": [f"{endpoint} does not list a model {name!r}{hint}"]}
    facts = {"listed": True, "id": model.id, "owner": getattr(model, "owned_by", None)}
    lengths = (getattr(model, field, None) for field in _CONTEXT)
    context = next((n for n in lengths if isinstance(n, int) and n > 0), None)
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
        async with httpx.AsyncClient(trust_env=False, timeout=LOOK_SECONDS) as client:
            listed = (await client.get(f"{url}/models")).json()["data"]
        names = [f"openai/{entry['id']}" for entry in listed]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        return None
    return found(place(url), "OpenAI's API", names)
