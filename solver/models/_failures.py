"""Failures of an endpoint as a `ModelError` of one line, which never holds a key.

The message says how to fix it; `solver/run/schedule.py` decides whether and when to ask again.
"""

import math
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from solver.errors import ModelError, Scope
from solver.models._clients import PROXIES, are_set
from solver.models._kinds import Kind, kind_of, parameter_in, stated_delay
from solver.models._redact import one_line
from solver.models._said import said_in
from solver.records import Reply

CONNECT_SECONDS = 10.0
"""Time for any endpoint to accept a connection."""

Advice = Mapping[int | str, str]
"""How to fix an HTTP status, a kind of failure, or a parameter that is refused, by its name."""

_SCOPE = {
    Kind.TOO_LONG: Scope.PROMPT,
    Kind.NO_ROOM: Scope.UNKNOWN,
    Kind.FILTERED: Scope.PROMPT,
    Kind.TOO_LARGE: Scope.UNKNOWN,
    Kind.ACCOUNT: Scope.RUN,
    Kind.KEY: Scope.RUN,
    Kind.MEMORY: Scope.RUN,
    Kind.MODEL: Scope.RUN,
    Kind.PARAMETER: Scope.RUN,
}

_FIX = {
    Kind.NO_ROOM: "prompt and reply do not fit together: lower sampling.max_tokens, or serve the"
    " model with a longer context",
    Kind.FILTERED: "the provider's content filter refused this prompt; other problems go on",
    Kind.TOO_LARGE: "one request is more than the account's limit: lower sampling.max_tokens, or"
    " raise the limit",
    Kind.ACCOUNT: "the account has no credit or has reached a limit: add credit, raise the limit,"
    " or use another key",
    Kind.MEMORY: "choose a smaller model or quantisation, or a shorter context",
}


class TooLong(ModelError):
    """The prompt alone does not fit the model's context."""


class NoRoom(ModelError):
    """The prompt fits the model's context, but not together with the cap on the reply."""


def refused(
    endpoint: str,
    status: int | None,
    body: object,
    headers: Mapping[str, str],
    *,
    advice: Advice,
    secret: str = "",
) -> ModelError:
    """Build the failure for an error, told by its whole body and its status.

    The body is text or JSON that was read already; its words are shown without the `secret`.
    """
    said = said_in(body)
    if status is None or status < 400:  # an error inside a good answer
        status = said.status
    wait = retry_after(headers)
    if wait is None:
        wait = stated_delay(said.words)
    kind = kind_of(said, status, waits=wait is not None)
    words = one_line(said.words, secret) or one_line(said.codes, secret)
    told = ": ".join(part for part in (f"HTTP {status}" if status else "", words) if part)
    parts = [f"{endpoint}: {told or 'an error without words'}"]
    parts += [fix] if (fix := _fix(kind, status, parameter_in(said), said.all, advice)) else []
    scope = _SCOPE[kind] if kind in _SCOPE else _scope_of(status)
    made = {Kind.TOO_LONG: TooLong, Kind.NO_ROOM: NoRoom}.get(kind, ModelError)
    return made("; ".join(parts), status=status, scope=scope, retry_after=wait)


def _fix(kind: Kind, status: int | None, parameter: str, text: str, advice: Advice) -> str:
    """Say what the user can do about a failure, or nothing."""
    if kind is Kind.PARAMETER:
        if "max_" in parameter and re.search(r"too large|at most|less than|<=|exceed", text):
            return "lower sampling.max_tokens"
        return advice.get(parameter, "")
    if kind is Kind.KEY:
        return advice.get(401, "")
    if kind is Kind.MODEL:
        return advice.get(404, "")
    if kind in _FIX:
        return advice.get(kind.value, _FIX[kind])
    return advice.get(status or 0, "")


def _scope_of(status: int | None) -> Scope:
    """Tell from the status alone how much a failure decides."""
    if status is None or status in (408, 409, 425, 429) or status >= 500:
        return Scope.REQUEST
    return Scope.RUN if status in (401, 402, 403, 404) else Scope.UNKNOWN


async def reply_or_cut(ask: Callable[[], Awaitable[Reply]], *, follow_up: bool = False) -> Reply:
    """Return the reply, or an empty one with `prompt_cut` if the prompt does not fit.

    A conversation that has grown (`follow_up`) until no room is left for the reply counts as cut;
    a first prompt without room is the config's mistake.
    """
    started = time.perf_counter()
    try:
        return await ask()
    except NoRoom:
        if not follow_up:
            raise
    except TooLong:
        pass
    return Reply(text="", seconds=time.perf_counter() - started, prompt_cut=True)


def check_room(endpoint: str, cap: int, context: int) -> None:
    """Raise ModelError if the cap on a reply leaves no room for a prompt in the context."""
    if cap >= context:
        raise ModelError(
            f"{endpoint}: sampling.max_tokens {cap} leaves no room for the prompt in a context of"
            f" {context}; lower it, or serve the model with a longer context",
            scope=Scope.RUN,
        )


def not_the_api(endpoint: str, fix: str, body: object = "") -> ModelError:
    """Build the failure for an answer of another form. An empty one may pass."""
    said = said_in(body)
    if not said.words and isinstance(body, str | bytes):
        return ModelError(f"{endpoint}: the answer was empty")
    shown = f" ({one_line(said.words)[:80]})" if said.page else ""
    return ModelError(f"{endpoint}: the answer is not the API's{shown}; {fix}", scope=Scope.ADDRESS)


def too_slow(endpoint: str, seconds: float) -> ModelError:
    """Build the failure for a reply that did not end before the deadline."""
    return ModelError(
        f"{endpoint}: no whole reply in {seconds:g} s; raise the option `timeout`"
        " or lower sampling.max_tokens"
    )


def unreachable(endpoint: str, reason: BaseException, *, fix: str = "") -> ModelError:
    """Build the failure for a connection that could not be made, or broke."""
    cause = reason.__cause__ or reason
    why = one_line(str(cause)) or type(reason).__name__
    through = f" (through the proxy of {proxies[0]})" if (proxies := are_set(PROXIES)) else ""
    told = (_ANSWERED.get(type(each).__name__) for each in (reason, cause))
    what = next(filter(None, told), f"no connection{through}")
    return ModelError(f"{endpoint}: {what}: {why}" + (f"; {fix}" if fix else ""))


_ANSWERED = {
    "DecodingError": "an answer that cannot be unpacked",
    "TooManyRedirects": "the address leads nowhere",
}
"""What of an HTTP library's failures is none of the connection."""


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
    moment = _moment(headers.get("retry-after", ""))
    if moment is None:
        return None
    now = _moment(headers.get("date", ""))  # by the server's clock: this machine's may be wrong
    return max(0.0, moment - (time.time() if now is None else now))


def _moment(date: str) -> float | None:
    """Read an HTTP date, as seconds since 1970; None for one that is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError, TypeError, OSError):  # also for a year that no clock has
        return None


def is_loopback(url: str) -> bool:
    """Tell whether a URL points at this machine; one that cannot be read does not."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return host == "localhost" or host == "::1" or host.startswith("127.")
