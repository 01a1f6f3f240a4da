"""Make what a server says fit to be shown: one line, without keys and passwords."""

import re
from urllib.parse import urlsplit

_SHAPED = re.compile(r"\b(sk|key|gsk|xai|Bearer|Basic)[-_ ][\w*.+/=-]{8,}")
_STARRED = re.compile(r"\S*\*{3,}\S*")
_LOGIN = re.compile(r"(?<=//)[^/\s]+@")
_QUERY = re.compile(r"(https?://[^\s?#]+)(?:[?#]\S*)?")
_QUOTED_ENOUGH = 8
"""So many characters of a key in a row give too much of it away."""


def one_line(text: str, secret: str = "") -> str:
    """Shorten to at most 300 printable characters, without the key or a part of it."""
    for part in {secret, secret.strip()} - {""}:
        text = text.replace(part, "[key]")
    text = _SHAPED.sub("[key]", text)
    text = _QUERY.sub(r"\1", _LOGIN.sub("", text))
    text = _STARRED.sub("[key]", text)
    if len(secret) > _QUOTED_ENOUGH:
        start, end = secret[:_QUOTED_ENOUGH], secret[-_QUOTED_ENOUGH:]
        text = re.sub(rf"\S*({re.escape(start)}|{re.escape(end)})\S*", "[key]", text)
    text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())[:300]


def place(url: str) -> str:
    """Return the URL as it may be shown: without user, password and query."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    port = f":{parts.port}" if parts.port else ""
    path = "" if "@" in parts.path else parts.path.rstrip("/")  # of a password that holds a slash
    return f"{parts.scheme}://{host}{port}{path}"
