"""Failures of an endpoint as a `ModelError` of one line, which never holds a key.

The message says how to fix it; `solver/run/schedule.py` decides whether and when to ask again.
"""

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from solver.errors import ModelError

CONNECT_SECONDS = 10.0
"""Time for any endpoint to accept a connection."""


def refused(
    endpoint: str,
    status: int,
    detail: str,
    headers: Mapping[str, str],
    *,
    advice: Mapping[int, str],
    secret: str = "",
) -> ModelError:
    """Build the failure for an HTTP error status. `advice` says how to fix some of them."""
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
    fix = advice.get(status)
    return ModelError(
        f"{endpoint}: {': '.join(parts)}" + (f"; {fix}" if fix else ""),
        status=status,
        retryable=retryable,
        retry_after=retry_after(headers),
    )


def too_slow(endpoint: str, seconds: float) -> ModelError:
    """Build the failure for a reply that did not end before the deadline."""
    return ModelError(
        f"{endpoint}: no whole reply in {seconds:g} s; raise the option `timeout`"
        " or lower sampling.max_tokens"
    )


def unreachable(endpoint: str, reason: BaseException, *, fix: str = "") -> ModelError:
    """Build the failure for a connection that could not be made, or broke."""
    why = one_line(str(reason.__cause__ or reason)) or type(reason).__name__
    return ModelError(f"{endpoint}: no connection: {why}" + (f"; {fix}" if fix else ""))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds the server asks to wait, from milliseconds, seconds or an HTTP date."""
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
    """Tell whether a refusal says that the prompt alone does not fit the model's context.

    A refusal that adds the space for the reply is a mistake in the config, not in the trial.
    """
    text = detail.lower()
    if "completion" in text or "max_tokens" in text or "max_new_tokens" in text:
        return False
    of_the_model = re.search(r"context[ _-](length|size|window|limit)", text)  # Go's context is not
    return of_the_model is not None and any(
        word in text for word in ("exceed", "maximum", "too long", "too large")
    )


def one_line(text: str, secret: str = "") -> str:
    """Shorten to at most 300 printable characters, without the key."""
    if secret:
        text = text.replace(secret, "[key]")
    text = re.sub(r"\b(sk|key|Bearer)[-_ ][\w*.-]{8,}", "[key]", text)
    text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())[:300]


def place(url: str) -> str:
    """Return the URL as it may be shown: without user, password and query."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"


def is_loopback(url: str) -> bool:
    """Tell whether a URL points at this machine."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host == "::1" or host.startswith("127.")
