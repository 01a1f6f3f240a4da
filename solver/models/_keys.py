"""Read keys from the environment, and addresses as people write them."""

import os
from urllib.parse import urlsplit

from solver.errors import ConfigError


def read_key(variable: str, model: str) -> str:
    """Return the key in an environment variable, or an empty text where there is none.

    Raises ConfigError for characters that no key holds: they would break the request, or be refused
    without a word about the cause.
    """
    key = os.environ.get(variable, "")
    strange = None
    if key != key.strip():
        strange = "a blank or a line end around it"
    elif not key.isascii():
        strange = "characters such as typographic quotes"
    elif any(not character.isprintable() or character.isspace() for character in key):
        strange = "a blank or a control character"
    elif key[:1] in "\"'" and key:
        strange = "quotes around it"
    if strange:
        raise ConfigError(
            f"model {model!r}: the key in {variable} has {strange}; set it to the key alone"
        )
    return key


def checked_url(url: str, model: str, option: str) -> str:
    """Return an address without blanks and quotes around it. Raises ConfigError for a wrong one."""
    import httpx

    url = url.strip().strip("\"'").strip()
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"model {model!r}: {option} should start with http:// or https://")
    try:
        known = bool(httpx.URL(url).raw_host and urlsplit(url).hostname) and urlsplit(url).port != 0
    except (ValueError, httpx.InvalidURL):  # a port or a bracket that is none, an invisible sign
        known = False
    if not known:
        raise ConfigError(
            f"model {model!r}: the host or port in {option} is wrong, or it holds an invisible"
            " character; write it as in http://host:8000/path"
        )
    return url
