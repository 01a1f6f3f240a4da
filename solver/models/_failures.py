"""What went wrong at an endpoint, as a one-line `ModelError` that never holds a key.

Whether and when to ask again is decided in `solver/run/schedule.py`; here it is said what helps.
"""

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from solver.errors import ModelError

CONNECT_SECONDS = 10.0
"""How long any endpoint has to accept a connection."""


def refused(
    endpoint: str,
    status: int,
    detail: str,
    headers: Mapping[str, str],
    *,
    advice: Mapping[int, str],
    secret: str = "",
) -> ModelError:
    """An answer with an HTTP error status. `advice` says what to do about some of them."""
    retryable = status in (408, 409, 429) or status >= 500
    if (
        "insufficient_quota" in detail
    ):  # OpenAI's 429 for an empty account, which waiting won't fill
        return ModelError(
            f"{endpoint}: the account's quota is used up; add credit or use another key",
            status=status,
            retryable=False,
        )
    said = "" if status in (401, 403) else one_line(detail, secret)  # 401s like to quote the key
    parts = [f"HTTP {status}", *([said] if said else [])]
    mend = advice.get(status)
    return ModelError(
        f"{endpoint}: {': '.join(parts)}" + (f"; {mend}" if mend else ""),
        status=status,
        retryable=retryable,
        retry_after=retry_after(headers),
    )


def too_slow(endpoint: str, seconds: float) -> ModelError:
    """No whole reply before the deadline."""
    return ModelError(
        f"{endpoint}: no whole reply in {seconds:g} s; raise the option `timeout`"
        " or lower sampling.max_tokens"
    )


def unreachable(endpoint: str, reason: BaseException, *, mend: str = "") -> ModelError:
    """No connection, or one that broke."""
    why = one_line(str(reason.__cause__ or reason)) or type(reason).__name__
    return ModelError(f"{endpoint}: no connection: {why}" + (f"; {mend}" if mend else ""))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the server asks to wait, given in milliseconds, in seconds, or as an HTTP date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "")
        try:
            seconds = float(value) * unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        moment = parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except ValueError:
        return None
    return max(0.0, moment - time.time())


def prompt_too_long(detail: str) -> bool:
    """Whether a refusal says that the prompt alone does not fit the model's context.

    A refusal that counts the room for the reply too is a mistake in the config, not in the trial.
    """
    text = detail.lower()
    if "completion" in text or "max_tokens" in text or "max_new_tokens" in text:
        return False
    of_the_model = re.search(r"context[ _-](length|size|window|limit)", text)  # Go's context is not
    return of_the_model is not None and any(
        word in text for word in ("exceed", "maximum", "too long", "too large")
    )


def one_line(text: str, secret: str = "") -> str:
    """At most 300 printable characters, without the key."""
    if secret:
        text = text.replace(secret, "[key]")
    text = re.sub(r"\b(sk|key|Bearer)[-_ ][\w*.-]{8,}", "[key]", text)
    text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())[:300]


def place(url: str) -> str:
    """The URL as it may be shown: without user, password and query."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"


def is_loopback(url: str) -> bool:
    """Whether a URL points at this machine."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host == "::1" or host.startswith("127.")
