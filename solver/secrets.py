"""Keep keys out of what is stored and shown: find them in a config, and cut them out of text."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_LOGIN = re.compile(r"(?<=://)[^/\s@\"']+@")
_PARAMETER = re.compile(
    r"([?&][\w.-]*(?:key|token|secret|password|passwd|signature)[\w.-]*=)[^&\s\"'#]+",
    re.IGNORECASE,
)
_SHAPE = re.compile(
    r"\b(?:sk-[\w-]{16,}|(?:hf|gsk|ghp|xai|pplx)[-_]\w{20,}|AIza[\w-]{30,}|Bearer [\w.+/=-]{16,})"
)
"""Keys of known providers, wherever they stand."""
_KEYS_NAME = re.compile(
    r"(?:^|[_-])(?:api[_-]?key|access[_-]?token|auth[_-]?token|secret|password|passwd|authorization)$",
    re.IGNORECASE,
)
"""Names of options that hold a key."""
_VARIABLE = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD)$", re.IGNORECASE)
"""Names of environment variables that hold a key."""
_SHORTEST = 8
"""A shorter value would be found in innocent words, too."""


def without_secrets(text: str) -> str:
    """Replace passwords and keys in the addresses of a text by `***`, and keys of known shapes."""
    return _SHAPE.sub("***", _in_address(text))


def _in_address(text: str) -> str:
    """Replace passwords and keys in the addresses of a text."""
    return _PARAMETER.sub(r"\1***", _LOGIN.sub("***@", text))


def secrets_in(environment: Mapping[str, str]) -> list[str]:
    """Return the values of the variables that hold keys, the longest first."""
    values = {value for name, value in environment.items() if _VARIABLE.search(name)}
    return sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True)


def key_argument(command: Sequence[str]) -> str | None:
    """Return the name of the first argument of a command that is given a key; None without one."""
    for argument, following in zip(command, [*command[1:], ""], strict=True):
        name, _, value = argument.partition("=")
        if name.startswith("--"):
            given = value or (following if not following.startswith("-") else "")
            if given and (_KEYS_NAME.search(name) or name.endswith("-token")):
                return name
        elif value and name.isidentifier() and _VARIABLE.search(name):  # `env HF_TOKEN=… server`
            return name
    return None


def typed_secrets(content: Any, where: str = "") -> Iterator[str]:
    """Yield a line for each key that stands in a config itself: where, and what to write instead.

    The line does not repeat the key.
    """
    if isinstance(content, dict):
        for name, value in content.items():
            place = f"{where}.{name}" if where else str(name)
            if without_secrets(place) == place:
                yield from typed_secrets(value, place)
            else:
                inside = f"{where}: " if where else ""
                yield f"{inside}a key's name holds a password, or a key of an API"
    elif isinstance(content, list | tuple):
        for number, value in enumerate(content):
            yield from typed_secrets(value, f"{where}[{number}]")
    elif isinstance(content, str):
        name = where.rpartition(".")[2]
        if name == "api_key_env" and content and not _is_variable(content):
            yield (
                f"{where}: should be the name of an environment variable, e.g."
                " api_key_env: MY_API_KEY; put the key into that variable"
            )
        elif _in_address(content) != content:
            address = _PARAMETER.sub("", _LOGIN.sub("", content)).rstrip("?&")
            yield (
                f"{where}: holds a password or key, which would be stored with the run; write"
                f" {name}: {address} and api_key_env: MY_API_KEY, with the key in that variable"
            )
        elif _SHAPE.search(content) or (content and _KEYS_NAME.search(name)):
            yield (
                f"{where}: holds a key, which would be stored with the run; write"
                " api_key_env: MY_API_KEY, with the key in that variable"
            )


def _is_variable(text: str) -> bool:
    """Tell whether a text is the name of a variable and not a key: in capitals, or one that is."""
    return text in os.environ or re.fullmatch(r"[A-Z_][A-Z0-9_]*", text) is not None
