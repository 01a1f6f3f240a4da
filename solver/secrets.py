"""Keep keys out of what is stored and shown: find them in a config, and cut them out of text."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

_LOGIN = re.compile(r"""(?<=://)(?:[^/\s"\\]|\\[^\s/]|"(?=[^\s,:;>})\]/"]))+@""")
"""User and password, up to the last @; but not beyond the quote that ends an address."""
_PARAMETER = re.compile(r"[?&;#]([\w.%-]+)=")
_VALUE = re.compile(r"""(?:[^&\s"'#\\]|\\\S|["'](?=[\w%]))+""")
_KEYS_PARAMETER = re.compile(
    r"key|token|secret|password|passwd|signature|(?:^|[._-])(?:auth|code|credentials?|pwd|sig)$",
    re.IGNORECASE,
)
"""Names of parameters of an address that hold a key."""
_HARMLESS = re.compile(
    r"(?:(?:(?:api|model)[-_]?)?version|deployment|project|provider|region|tenant)=[\w.-]{0,40}|"
)
"""What a query may hold in a config, such as Azure's version."""
_ADDRESS = re.compile(r"(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?(?:/[\w./~%-]*)?", re.IGNORECASE)
"""An address that can be suggested: host, port and path."""
_SHAPE = re.compile(
    r"\b(?:sk-[\w-]{16,}|(?:hf|gsk|ghp|xai|pplx)[-_]\w{20,}|AIza[\w-]{30,}|Bearer [\w.+/=-]{16,})"
)
"""Keys of known providers, wherever they stand."""
_KEYS_NAME = re.compile(
    r"(?:^|[_-])(?:(?:api|access|account|private|secret|subscription)[_-]?key"
    r"|(?:access|auth)?[_-]?token|secret|password|passwd|passphrase|pwd"
    r"|auth|authorization|credentials?|sig)$",
    re.IGNORECASE,
)
"""Names of options that hold a key."""
_NO_KEY = re.compile(r"<.*>|\[.*\]|▁.*|none|off|false|no", re.IGNORECASE | re.DOTALL)
"""What a `token` or `auth` holds that is no key: a token of a model's text, a word for nothing."""
_MODELS_TOKEN = re.compile(
    r"(?:audio|begin|bos|cls|end|eo[stm]|first|image|last|mask|max|min|next|pad|sep|special|start"
    r"|stop|think|thinking|unk|video)[_-]?token$",
    re.IGNORECASE,
)
"""Names of options that hold a token of a model's text."""
_VARIABLE = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD)$", re.IGNORECASE)
"""Names of environment variables that hold a key."""
_SHORTEST = 8
"""A shorter value would be found in innocent words, too."""

_BY_VARIABLE = "api_key_env: MY_API_KEY, with the key in that variable"
_SERVERS = {
    "base_url": f"{_BY_VARIABLE}; or only set OPENAI_BASE_URL to the whole address",
    "server_url": _BY_VARIABLE,
    "hosts": "set OLLAMA_API_KEY to the key; or only set OLLAMA_HOST to the whole address",
}
"""The options that are addresses of servers, and how each is given a key."""


def without_secrets(text: str) -> str:
    """Replace passwords and keys in the addresses of a text by `***`, and keys of known shapes."""
    return _SHAPE.sub("***", _in_address(text))


def _in_address(text: str) -> str:
    """Replace passwords and keys in the addresses of a text."""
    parts, done = [], 0
    for named in _PARAMETER.finditer(text):
        if named.start() < done or not _KEYS_PARAMETER.search(unquote(named[1])):
            continue
        if value := _VALUE.match(text, named.end()):
            parts += [text[done : named.end()], "***"]
            done = value.end()
    return _LOGIN.sub("***@", "".join((*parts, text[done:])))


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
            if _is_key(name, given):
                return name
        elif value and name.isidentifier() and _VARIABLE.search(name):  # `env HF_TOKEN=… server`
            return name
    return None


def typed_secrets(content: Any, where: str = "", name: str = "") -> Iterator[str]:
    """Yield a line for each key that stands in a config itself: where, and what to write instead.

    The line does not repeat the key. `name` is that of the option which holds the content.
    """
    if isinstance(content, dict):
        for key, value in content.items():
            place = f"{where}.{key}" if where else str(key)
            if without_secrets(place) == place:
                yield from typed_secrets(value, place, str(key))
            else:
                inside = f"{where}: " if where else ""
                yield f"{inside}a key's name holds a password, or a key of an API"
    elif isinstance(content, list | tuple):
        for number, value in enumerate(content):
            yield from typed_secrets(value, f"{where}[{number}]", name)
    elif wrong := _wrong(content, where, name):
        yield f"{where}: {wrong}"


def _wrong(value: Any, where: str, name: str) -> str:
    """Say what to write instead of a value that is a key or holds one; nothing if it does not."""
    if type(value) is int and not name.endswith("token"):  # a password, but not the id of a token
        value = str(value)
    if not isinstance(value, str):
        return ""
    stored = "which would be stored with the run; write"
    if name == "api_key_env" and value and not _is_variable(value):
        return (
            "should be the name of an environment variable, e.g."
            " api_key_env: MY_API_KEY; put the key into that variable"
        )
    if name in _SERVERS and _may_hold_key(value):
        option = where.rpartition(".")[2]
        return (
            f"holds a password or key, or what may be one, {stored}"
            f" {option}: {_bare(value)} and {_SERVERS[name]}"
        )
    if _in_address(value) != value:
        return f"holds a password or key, {stored} {_BY_VARIABLE}"
    if _SHAPE.search(value) or _is_key(name, value):
        return f"holds a key, {stored} {_BY_VARIABLE}"
    return ""


def _may_hold_key(address: str) -> bool:
    """Tell whether an address holds more than a host, a port, a path and what is harmless."""
    before, _, query = address.partition("?")
    known = all(_HARMLESS.fullmatch(part) for part in query.split("&"))
    return not known or any(character in before for character in "@#;")


def _bare(address: str) -> str:
    """Return scheme, host, port and path of an address, which may be broken, and no more of it."""
    address = address.strip(" \t\"'")
    head = re.split("[?#;]", address, maxsplit=1)[0]
    scheme = "https" if head.lower().startswith("https:") else "http"
    place = head.rpartition("@" if "@" in head else "://")[2].lstrip("/")
    login = head.partition("://")[2].rpartition("@")[0]
    sure = "/" not in login and "@" not in address[len(head) :]
    if not sure or not _ADDRESS.fullmatch(place):
        place = "host:port/path"
    return without_secrets(f"{scheme}://{place}")


def _is_key(name: str, value: str) -> bool:
    """Tell whether an option's value is a key: of `api_key`, `--hf-token`, `clientSecret`."""
    words = re.sub(r"(?<=[a-z\d])(?=[A-Z])", "_", name)
    named = _KEYS_NAME.search(words) is not None and _MODELS_TOKEN.search(words) is None
    may_be_none = words.lower().endswith(("token", "auth")) and _NO_KEY.fullmatch(value)
    return named and value != "" and not may_be_none


def _is_variable(text: str) -> bool:
    """Tell whether a text is the name of a variable and not a key: in capitals, or one that is."""
    return text in os.environ or re.fullmatch(r"[A-Z_][A-Z0-9_]*", text) is not None
