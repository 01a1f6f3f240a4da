"""Make what a server says fit to be shown: one line, without keys and passwords."""

import re
from urllib.parse import urlsplit

_SHAPED = re.compile(r"\b(sk|key|gsk|xai|Bearer|Basic)[-_ ][\w*.+/=-]{8,}")
_LOGIN = re.compile(r"(?<=//)[^/\s]+@")
_QUERY = re.compile(r"(https?://[^\s?#]+)(?:[?#]\S*)?")
_QUOTED_ENOUGH = 8
"""So many characters of a key in a row give too much of it away."""
_READ = 4_000
"""So much of a text is searched for keys; 300 characters of it are shown."""
_LONGEST_SECRET = 1_000
"""A longer word holds no key."""


def one_line(text: str, secret: str = "") -> str:
    """Shorten to at most 300 printable characters, without the key or a part of it."""
    secret = secret.strip()
    if secret:
        text = text.replace(secret, "[key]")
    text = _SHAPED.sub("[key]", beginning(text, _READ))
    text = _QUERY.sub(r"\1", _LOGIN.sub("", text))
    parts = ["***"]
    if len(secret) > _QUOTED_ENOUGH:
        parts += [secret[:_QUOTED_ENOUGH], secret[-_QUOTED_ENOUGH:]]
    words = "".join(c if c.isprintable() else " " for c in text).split()
    return " ".join("[key]" if any(p in word for p in parts) else word for word in words)[:300]


def beginning(text: str, most: int) -> str:
    """Return at most so many characters of a text, without the beginning of a word at their end.

    It could be that of a key, or of an address with a password, which nothing would recognise.
    """
    start = text[:most]
    if start == text or text[most].isspace():
        return start
    words = start.rsplit(maxsplit=1)
    return words[0] if len(words) == 2 and len(words[1]) < _LONGEST_SECRET else start


def place(url: str) -> str:
    """Return the URL as it may be shown: without user, password and query."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    port = f":{parts.port}" if parts.port else ""
    path = "" if "@" in parts.path else parts.path.rstrip("/")  # of a password that holds a slash
    return f"{parts.scheme}://{host}{port}{path}"
