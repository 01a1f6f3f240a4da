"""Read why a reply ended, by one table for all providers: a reply, a failure, or a flag on it."""

from dataclasses import dataclass

from solver.errors import ModelError, Scope
from solver.models._redact import one_line

WHOLE = frozenset({
    "stop", "eos", "eos_token", "end_turn", "stop_sequence", "stop_token", "stop_str",
    "complete", "completed", "end", "finished",
})  # fmt: skip
CAPPED = frozenset({
    "length", "max_tokens", "max_output_tokens", "max_new_tokens", "max_length",
    "max_tokens_reached", "model_length", "model_context_window_exceeded", "context_length",
    "context_window_exceeded", "token_limit",
})  # fmt: skip
FAILED = frozenset({
    "error", "abort", "aborted", "cancelled", "canceled", "cancel", "timeout", "failed",
    "failure", "load", "unload", "interrupted", "insufficient_system_resource",
    "engine_error", "network_error", "server_error", "internal_error", "overloaded",
    "connection_closed", "preempted", "evicted", "null", "none",
})  # fmt: skip
FILTERED = frozenset({
    "content_filter", "content_filtered", "content_policy", "safety", "recitation",
    "blocklist", "prohibited_content", "spii", "sensitive", "moderation", "blocked",
    "guardrail", "guardrail_intervened", "language",
})  # fmt: skip
OWN = frozenset({
    "refusal", "tool_calls", "tool_call", "tool_use", "function_call",
    "malformed_function_call", "unexpected_tool_call", "repetition", "repetition_truncation",
    "loop", "looping",
})  # fmt: skip
"""How a model itself ends a reply otherwise."""

LOOPING = "looping"
"""For a server that ends a reply which repeats itself and gives no reason."""


@dataclass(frozen=True)
class Finish:
    """How a reply ended."""

    capped: bool = False
    ended: str = ""
    """As `Reply.ended`."""


def read_finish(
    endpoint: str,
    reason: object,
    text: str,
    *,
    refusal: str | None = None,
    calls: bool = False,
    failure: str = "",
) -> Finish:
    """Read the reason that a server gives for the end of a reply.

    `refusal` is a field with the words of one, `calls` tells of a call of a tool, `failure` is an
    error that stands beside the reply. Raises ModelError where `text` is not what the model would
    have written: to be asked again, or filtered, or for a reason that is not known.
    """
    given = str(getattr(reason, "value", reason) or "").strip()
    word = given.lower().replace("-", "_").replace(" ", "_")
    if failure or word in FAILED or not word:
        why = f"it ended with {given!r}" if given else "it ended without a reason"
        said = f": {one_line(failure)}" if failure else ""
        raise ModelError(f"{endpoint}: the server broke the reply off: {why}{said}")
    if word in FILTERED:
        raise ModelError(
            f"{endpoint}: the provider's content filter withheld the reply ({one_line(given)})",
            scope=Scope.PROMPT,
        )
    if refusal and not text.strip():
        return Finish(ended=f"refusal: {one_line(refusal)}")
    if word in CAPPED:
        return Finish(capped=True)
    if word in OWN or (calls and not text.strip()):
        spoken = text.strip() and word.startswith(("tool", "function"))
        return Finish(ended="" if spoken else given if word in OWN else "tool_calls")
    if word in WHOLE:
        return Finish()
    raise ModelError(
        f"{endpoint}: the reply ended for a reason that is not known here: {one_line(given)!r};"
        " it may not be whole, so it is not used",
        scope=Scope.UNKNOWN,
    )
