"""Replace what servers may send and no encoding can write: halves of surrogate pairs."""

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

_Value = TypeVar("_Value")
_SURROGATE = re.compile("[\ud800-\udfff]")


def without_surrogates(value: _Value) -> _Value:
    r"""Replace each half of a surrogate pair by U+FFFD, in a text or in any text within a value.

    A server can send one (as `\ud800` in its JSON), and no encoding can write it.
    """
    found: Any = value
    if isinstance(value, str):
        found = value if value.isascii() else _SURROGATE.sub("\ufffd", value)
    elif isinstance(value, int | float | None):
        pass
    elif isinstance(value, list | tuple):
        cleaned = list(map(without_surrogates, value))
        if any(new is not old for new, old in zip(cleaned, value, strict=True)):
            found = type(value)(cleaned)
    elif isinstance(value, dict):
        found = dict(map(without_surrogates, value.items()))
    elif is_dataclass(value) and not isinstance(value, type):
        parts = [(field.name, getattr(value, field.name)) for field in fields(value) if field.init]
        changed = {name: new for name, old in parts if (new := without_surrogates(old)) is not old}
        found = replace(value, **changed) if changed else value
    return found  # type: ignore[no-any-return]
