"""Tell by their manifests whether two stored runs are the same one."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from solver.text import first_of

SERVED = (
    "weights", "digest", "sha256", "hash", "id", "quantisation", "parameters", "family",
    "trained_context", "num_ctx", "context", "max_context_length", "chat_template", "defaults",
    "system", "messages",
)  # fmt: skip
"""Facts of a model that decide its replies. What only says how it is reached may change."""
MOST_SHOWN = 5


def differences(first: Any, second: Any, where: str = "", absent: str = "none") -> Iterator[str]:
    """Yield each value that differs between two nested structures, as `where: first → second`.

    Values are written as in a config. `absent` stands for one that only the other structure has.
    """
    if first == second or all(each is None or each is _ABSENT for each in (first, second)):
        return
    pair = [{} if each is None or each is _ABSENT else each for each in (first, second)]
    if all(isinstance(each, dict) for each in pair):
        for key in sorted(pair[0].keys() | pair[1].keys()):
            place = f"{where}.{key}" if where else str(key)
            old, new = (each.get(key, _ABSENT) for each in pair)
            yield from differences(old, new, place, absent)
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for number, (old, new) in enumerate(zip(first, second, strict=True)):
            yield from differences(old, new, f"{where}[{number}]", absent)
    else:
        written = (absent if each is _ABSENT else _written(each) for each in (first, second))
        yield f"{where}: {' → '.join(written)}"


_ABSENT = object()
"""Where a structure has no value."""


def _written(value: Any) -> str:
    """Write a value as in a config: `true`, `null`, a text without quotes unless it needs them."""
    written = json.dumps(value, ensure_ascii=False, default=str)
    if not isinstance(value, str) or not value.strip():
        return written
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return value
    return written  # without quotes it would be a number, or true


def served_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a server says of a model now and did not say before; an empty fact says nothing.

    An Ollama digest holds a path, so it decides only where the weights are not told.
    """
    told = bool(before.get("weights") and now.get("weights"))
    for fact in SERVED:
        if fact == "digest" and told:
            continue
        old, new = before.get(fact), now.get(fact)
        if fact in before and fact in now and old != new and old not in ("", []):
            yield f"{fact}: {_short(old)} → {_short(new)}"


def unlike(first: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    """Yield what keeps the trials of two manifests from being trials of one run.

    `limit` and `repeats` may differ, since a run may be extended, and so may the judge of a run
    that was judged again.
    """
    before, after = (dict(each.get("identity") or {}) for each in (first, other))
    if "first_judge" in first or "first_judge" in other:
        before["judge"] = after["judge"] = None
    yield from differences(before, after, absent="default")
    asked, now = (each.get("prompts", {}) for each in (first, other))
    for mode in sorted(asked.keys() & now.keys()):
        if asked[mode] != now[mode]:
            yield f"prompts of mode {mode}: {asked[mode]} → {now[mode]}"
    models, served = (each.get("models", {}) for each in (first, other))
    for name in sorted(models.keys() & served.keys()):
        yield from (f"{name}: {each}" for each in served_changes(models[name], served[name]))


def joined(different: Sequence[str]) -> str:
    """Return the first of the differences on one line, and how many more there are."""
    return first_of(different, MOST_SHOWN, " · ")


def _short(value: Any) -> str:
    """Return a fact, cut where it is long."""
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
