"""Read a server's list of models, in OpenAI's form: whether it holds one, and its context."""

import json
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from solver.models._failures import check_room, not_the_api
from solver.models._openai_failures import BASE_URL

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
    model = known.get(name)
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
