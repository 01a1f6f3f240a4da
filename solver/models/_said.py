"""Read what a server says in an error: from an object, a list, a text or a web page."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from solver.models._redact import beginning

_WORDS = (
    "message", "msg", "error", "detail", "details", "errors", "error_message", "error_msg",
    "metadata", "raw", "reason", "title", "description", "innererror", "response",
)  # fmt: skip
_CODES = ("code", "type", "status", "error_code", "reason")
_READ = 20_000
"""So many characters of an error are read, whatever a server sends."""


@dataclass(frozen=True)
class Said:
    """An error in the server's words."""

    words: str = ""
    codes: str = ""
    """Its codes and types, separated by spaces."""
    parameter: str = ""
    """What of the request it names, if it has a field for that."""
    status: int | None = None
    """An HTTP status that stands in the body."""
    page: bool = False
    """It is a web page, so someone else answered."""

    @property
    def all(self) -> str:
        """Join words and codes."""
        return f"{self.codes} {self.words}".strip()


def said_in(body: object) -> Said:
    """Read an error's body, as text or as JSON that was read already."""
    if isinstance(body, bytes):
        body = body.decode(errors="replace")
    if isinstance(body, str):
        body = parsed(body)
    if isinstance(body, str):
        body = beginning(body, _READ)
        page = re.match(r"\s*<(!doctype|html|head|body|\?xml)", body, re.IGNORECASE) is not None
        return Said(words=_without_tags(body) if page else body.strip(), page=page)
    words = list(dict.fromkeys(word.strip() for word in _words(body) if word.strip()))
    if not words and body:
        words = [json.dumps(body, default=str, ensure_ascii=False)]
    codes = [*dict.fromkeys(_values(body, _CODES))]
    numbers = [int(code) for code in codes if re.fullmatch(r"[45]\d\d", code)]
    parameter = next(_values(body, ("param", "parameter")), "") or next(_places(body), "")
    return Said(
        words=beginning(": ".join(words), _READ),
        codes=beginning(" ".join(code for code in codes if not code.isdigit()), _READ),
        parameter=parameter,
        status=numbers[0] if numbers else None,
    )


def has_error(body: object) -> bool:
    """Tell whether a body that came with a good status is an error all the same."""
    if isinstance(body, list):
        return any(map(has_error, body))
    if not isinstance(body, Mapping):
        return False
    return bool(body.get("error") or body.get("errors")) or body.get("object") == "error"


def parsed(text: str) -> Any:
    """Return the JSON in a text, or the text."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _words(value: Any) -> Iterator[str]:
    """Yield the texts of an error; of a list of wrong fields, each with its place."""
    if isinstance(value, str):
        inner = parsed(value)
        yield from (value,) if isinstance(inner, str) else _words(inner)
    elif isinstance(value, list):
        for entry in value:
            yield from _words(entry)
    elif isinstance(value, Mapping):
        if isinstance(value.get("loc"), list):
            yield f"{'.'.join(map(str, value['loc']))}: {value.get('msg', '')}"
            return
        for name in _WORDS:
            if name in value:
                yield from _words(value[name])


def _values(value: Any, names: tuple[str, ...]) -> Iterator[str]:
    """Yield what stands under some names, at any depth."""
    if isinstance(value, list):
        for entry in value:
            yield from _values(entry, names)
    elif isinstance(value, Mapping):
        for name in names:
            if isinstance(value.get(name), str | int) and value[name]:
                yield str(value[name])
        for inner in value.values():
            yield from _values(inner, names)


def _places(value: Any) -> Iterator[str]:
    """Yield the last part of each `loc`, which names a field of the request."""
    if isinstance(value, list):
        for entry in value:
            yield from _places(entry)
    elif isinstance(value, Mapping):
        if isinstance(value.get("loc"), list) and value["loc"]:
            yield str(value["loc"][-1])
        for inner in value.values():
            yield from _places(inner)


def _without_tags(page: str) -> str:
    """Return the words of a web page."""
    page = re.sub(r"(?is)<(script|style)\b.*?(</\1>|$)", " ", page)
    return f"a web page: {' '.join(re.sub(r'<[^<>]*>', ' ', page).split())}"
