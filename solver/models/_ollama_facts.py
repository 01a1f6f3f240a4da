"""What an Ollama server says about a model: its weights, defaults and stops, and its errors."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from solver.errors import ModelError, Scope
from solver.models._answers import positive, reading
from solver.models._failures import CONNECT_SECONDS
from solver.models._ollama_host import Host
from solver.records import digest

if TYPE_CHECKING:
    import ollama

COMPARED = ("weights", "digest", "quantisation", "defaults", "chat_template", "system", "messages")
"""What has to be the same on all hosts, in the order in which a difference is named."""

_WEIGHTS = re.compile(r"^(?:FROM|ADAPTER)\s.*?sha256[-:]([0-9a-f]{64})", re.MULTILINE)
_SYSTEM = re.compile(r"^SYSTEM\s+(.*)", re.MULTILINE | re.DOTALL)
_MESSAGE = re.compile(r"^MESSAGE\s+(.*)", re.MULTILINE)


async def facts_of(host: Host, model: str) -> dict[str, Any]:
    """Return what one host says about the model. Raises ModelError where it cannot answer."""
    listed = await host.reach(host.client.list, CONNECT_SECONDS)
    names = [entry.model or "" for entry in listed.models]
    try:
        shown = await host.reach(lambda: host.client.show(model), CONNECT_SECONDS)
    except ModelError as missing:
        if missing.status != 404 or not names:
            raise
        there = ", ".join(f"ollama/{name}" for name in names[:5])
        raise ModelError(
            f"{missing}, or take one that is there: --model {there}", status=404, retryable=False
        ) from None
    able = shown.capabilities or []
    if able and "completion" not in able:
        raise ModelError(
            f"{host.place}: {model} cannot chat: it is for {', '.join(able)}", scope=Scope.RUN
        )
    digests = [
        entry.digest
        for entry in listed.models
        if whole_name(entry.model or "") == whole_name(model)
    ]
    details, architecture = shown.details, shown.modelinfo or {}
    family = architecture.get("general.architecture", "")
    modelfile = shown.modelfile or ""
    defaults = (shown.parameters or "").splitlines()
    return {
        "host": host.place,
        "version": await host.reach(host.version, CONNECT_SECONDS),
        "digest": next(filter(None, digests), ""),
        "weights": _WEIGHTS.findall(modelfile),
        "quantisation": details.quantization_level if details else None,
        "parameters": details.parameter_size if details else None,
        "family": details.family if details else None,
        "trained_context": positive(architecture.get(f"{family}.context_length")),
        "defaults": defaults,
        "stops": stops_in(defaults),
        "chat_template": digest(shown.template or ""),
        "system": digest(_SYSTEM.findall(modelfile)),
        "messages": _MESSAGE.findall(modelfile),
        "left_out": left_out(modelfile, shown.template or ""),
        "thinks": "thinking" in able,
    }


def left_out(modelfile: str, template: str) -> list[str]:
    """Return the roles that a template cannot hold, as far as its text alone tells.

    A model with a renderer of the server's own needs no template.
    """
    if "\nRENDERER " in f"\n{modelfile}" or ".Messages" in template or ".System" in template:
        return []
    return ["system"] if template.strip() else []


def whole_name(name: str) -> str:
    """Return a model's name as the server lists it: small letters, a tag, no library."""
    name = name.lower().removeprefix("registry.ollama.ai/").removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def stops_in(defaults: Sequence[str]) -> list[str]:
    """Return the texts that end a reply by the model's own parameters."""
    values = [
        line.split(maxsplit=1)[1].strip() for line in defaults if re.match(r"stop\s+\S", line)
    ]
    return [json.loads(value) if _is_quoted(value) else value.strip() for value in values]


def difference(facts: Sequence[Mapping[str, Any]]) -> str:
    """Say in what the hosts do not serve the same, or return an empty text.

    The digest is that of a manifest, which holds a path: it decides only where nobody tells the
    weights.
    """
    for what in COMPARED:
        if what == "digest" and all(fact["weights"] for fact in facts):
            continue
        if len({json.dumps(fact[what]) for fact in facts}) > 1:
            named = "weights" if what == "digest" else what
            which = ", ".join(f"{fact['host']} has {_short(fact[what])}" for fact in facts)
            return f"different {named}: {which}"
    unknown = [fact["host"] for fact in facts if not (fact["weights"] or fact["digest"])]
    return f"weights that {' and '.join(unknown)} does not tell" if unknown else ""


def notes_on(facts: Mapping[str, Any]) -> list[str]:
    """Say what of the model's own is sent with every request, or cannot be known."""
    notes = []
    if facts["messages"]:
        count = len(facts["messages"])
        notes.append(f"the model's own {count} MESSAGE lines stand before each of our prompts")
    if not (facts["weights"] or facts["digest"]):
        notes.append("the server does not tell which weights it serves")
    return notes


@reading()
def model_seconds(answer: "ollama.ChatResponse | ollama.GenerateResponse") -> float:
    """Return the time that the model read and wrote, without queue and loading; 0 if untold."""
    return ((answer.prompt_eval_duration or 0) + (answer.eval_duration or 0)) / 1e9


def time_of(value: str | int | None) -> str | int | None:
    """Read a `keep_alive`; a number in quotes is seconds, for the server wants a unit in a text.

    Raises ValueError for anything but seconds or a time.
    """
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if text and not re.fullmatch(r"-?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+", text):
        raise ValueError(f"{value!r} should be seconds, or a time such as 30m")
    return text or (value if isinstance(value, int) else None)


def was_cut(prompt: str, *, read: int, wrote: int, context: int) -> bool:
    """Tell whether the token counts show that the model did not always see the whole prompt.

    Old servers cut a prompt to half the context, drop whole messages, or slide the window while
    they write, and do not say so. This misses some cases rather than report a whole prompt as cut.
    """
    if read == 0:
        return False  # not counted
    if read >= context - 16 or read + wrote > context + 2:
        return True  # the window was full, then slid
    if len(prompt.encode()) <= context // 2:
        return False  # at most one token a byte, and as much again for the chat template
    halved = context // 2 <= read <= context // 2 + 8
    letters_per_token = len(prompt) / read
    return letters_per_token > (5 if halved else 8)  # English and code have 2.5 to 4.5


def _is_quoted(value: str) -> bool:
    """Tell whether a value is a text in quotes, as Go writes it."""
    try:
        return isinstance(json.loads(value), str)
    except (ValueError, RecursionError):
        return False


def _short(value: Any) -> str:
    """Return the beginning of a value."""
    text = value if isinstance(value, str) else ", ".join(str(part)[:12] for part in value or ())
    return text[:40] or "none"
