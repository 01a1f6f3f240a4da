"""Tell what kind of failure an error is, from its words and codes: whose fault, and how lasting.

The words are those that servers use: OpenAI, Azure, OpenRouter, Mistral, Gemini, DeepSeek, Groq,
Ollama, vLLM, SGLang, TGI, llama.cpp and LM Studio.
"""

import re
from enum import Enum

from solver.models._said import Said


class Kind(Enum):
    """What went wrong, as far as it decides what to do."""

    TOO_LONG = "too long"
    NO_ROOM = "no room"
    FILTERED = "filtered"
    TOO_LARGE = "too large"
    ACCOUNT = "account"
    KEY = "key"
    MEMORY = "memory"
    MODEL = "model"
    PARAMETER = "parameter"
    OTHER = "other"


def _pattern(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts), re.IGNORECASE)


_NO_MONEY = _pattern(
    r"insufficient[_ ]quota", r"billing_(not_active|hard_limit)", r"insufficient[_ ]balance",
    r"account_deactivated", r"access_terminated",
)  # fmt: skip
"""Codes for an account that waiting does not fill."""

_ACCOUNT = _pattern(
    r"quota", r"billing", r"insufficient (balance|credits?|funds?)", r"payment required",
    r"(not enough|out of|no|more|negative|add|buy|purchase|included|exhausted|remaining) credits?",
    r"credits? (balance|limit|exhausted|depleted|remaining)", r"usage limit", r"spend(ing)? limit",
    r"(hourly|daily|weekly|monthly) (usage|limit|quota|token|request)", r"per[- ](day|month)",
    r"subscription", r"account .{0,40}(deactivated|suspended|disabled|inactive|not active|overdue)",
    r"organization .{0,40}(disabled|deactivated|restricted)", r"arrears|overdue",
)  # fmt: skip

_MEMORY = _pattern(
    r"requires? more .{0,20}memory", r"not enough .{0,20}memory",
    r"insufficient (system |gpu |video )?(memory|resources)", r"due to insufficient",
)  # fmt: skip

_KEY = _pattern(
    r"(invalid|incorrect|expired|wrong|bad)[_ ](api[_ ]?)?key", r"api[_ ]key[_ ](not|inv|exp)"
)

_MODEL = _pattern(
    r"model_not_found|no such model|unknown model|no models? (is )?loaded|unknown_model",
    r"\bmodel\b.{0,120}(does not exist|not found|not exist|is not available|decommissioned)",
    r"does not support (chat|generate|completion)",
)  # fmt: skip

_FILTERED = _pattern(
    r"content[_ ]?filter", r"content[_ ]management[_ ]policy", r"responsible_?ai", r"guardrail",
    r"content[_ ]policy", r"usage polic", r"data_?inspection_?failed", r"content exists risk",
    r"inappropriate content", r"moderation", r"\bflagged\b", r"safety (sys|filter|polic|set)",
    r"(prompt|input|content|request) (was|is|has been) blocked", r"prohibited[_ ]content",
    r"sensitive (content|information|word)",
)  # fmt: skip

_REFUSES = _pattern(
    r"un(supported|known|recognized|expected)", r"extra[_ ](inputs|forbidden)", r"not supported",
    r"(does not|doesn't|cannot|can't) (support|accept|be used)", r"not (permitted|allowed|valid)",
    r"cannot find field", r"invalid", r"too (large|high|low|small)", r"must be|should be|expected",
    r"(greater|less|more|fewer) than", r"at (most|least)", r"out of range",
)  # fmt: skip

_PARAMETERS = (
    "max_completion_tokens", "max_tokens", "temperature", "top_p", "top_k", "min_p", "random_seed",
    "seed", "stop", "response_format", "reasoning_effort", "chat_template_kwargs", "thinking",
    "think", "repeat_penalty", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs",
    "stream_options", "keep_alive", "num_ctx", "num_predict", "format", "prompt_mode", "extra_body",
)  # fmt: skip

_CONTEXT = _pattern(
    r"context[ _-]?(length|size|window|limit)", r"\bn_ctx\b", r"n_keep", r"maximum model length",
    r"context (the )?overflow", r"too many tokens", r"input token count", r"inputs`? (tokens|must)",
    r"prompt is too long", r"(prompt|input|request) .{0,30}too (long|large) for",
    r"prompt \(.{0,30}\) is longer", r"max_(completion_)?tokens must be at least 1, got -",
    r"(input|prompt) (length|tokens?) .{0,40}exceed", r"maximum (input|prompt|sequence) length",
)  # fmt: skip
_TOO_MUCH = _pattern(
    r"exceed", r"maximum", r"too (long|large|many)", r"longer", r"greater", r"overflow", r"reduce",
    r"at least 1, got -", r"must (be|have)|cannot", r"not enough", r"larger",
)  # fmt: skip
_OF_THE_REPLY = _pattern(r"completion", r"max_(new_)?tokens", r"output", r"max_output")
_PROMPT_TOKENS = (
    r"(\d+) (?:tokens )?(?:in|of|from|for) (?:the |your )?(?:text |input )?"
    r"(?:messages|input|prompt)",
    r"(\d+) (?:prompt|input|`inputs`) tokens", r"(?:inputs?|prompt) \((\d+) tokens",
    r"(?:prompt|messages?|input) (?:contains?|resulted in|has|is|of) (?:at least )?(\d+)",
    r"prompt \(length (\d+)\)", r"n_keep: ?(\d+)", r"input token count \((\d+)",
    r"request \((\d+) tokens", r"(\d+) tokens > ", r"(\d+) \+ \d+ > ", r"given: (\d+)",
)  # fmt: skip
_CONTEXT_TOKENS = (
    r"\d \+ \d+ > (\d+)", r"(\d+) maximum context", r"n_ctx: ?(\d+)",
    r"(?:length|size|window|limit)(?: is| of|:)? (?:only )?\(?(\d+)", r"<= ?(\d+)", r"> (\d+)",
    r"less than (\d+)", r"allowed \((\d+)", r"cannot exceed (\d+)",
)  # fmt: skip
_NO_COUNT = re.compile(r"\d{16,}")
"""Digits that are no number of tokens; the patterns would try each of them as the first."""
_DELAY = re.compile(
    r"(?:try again|retry|available again|resets?) (?:in|after) (?:about )?"
    r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?) ?(ms|s\b|sec|minutes?|hours?)?)?",
    re.IGNORECASE,
)


def kind_of(said: Said, status: int | None, *, waits: bool) -> Kind:
    """Tell the kind of an error; `waits` where the server says when to ask again."""
    text = re.sub(r"https?://\S+", "", said.all)
    if status in (429, 413) and re.search(r"request (is )?too large", text, re.IGNORECASE):
        return Kind.TOO_LARGE
    if status != 429 and (size := _size(text)) is not None:
        return size
    if _NO_MONEY.search(text) or status == 402:
        return Kind.ACCOUNT
    passing = status == 429 and waits
    if _MEMORY.search(text):
        return Kind.MEMORY
    if not passing and (status is None or status < 500) and _ACCOUNT.search(text):
        return Kind.ACCOUNT
    if status in (None, 400, 403, 404, 422, 451, 500) and _FILTERED.search(text):
        return Kind.FILTERED
    if status in (None, 400, 404, 422):
        if _KEY.search(text):
            return Kind.KEY
        if parameter_in(said) and _REFUSES.search(text):
            return Kind.PARAMETER
        if _MODEL.search(text):
            return Kind.MODEL
    return Kind.OTHER


def parameter_in(said: Said) -> str:
    """Return the parameter of the request that an error names, or an empty text."""
    if (field := said.parameter.rpartition(".")[2]) in _PARAMETERS:
        return field
    for name in re.findall(r"['\"`]([\w.]+)['\"`]", said.words):
        if name.rpartition(".")[2] in _PARAMETERS:
            return str(name.rpartition(".")[2])
    words = re.findall(r"\w+", said.words.lower())
    return next((name for name in _PARAMETERS if name in words), "")


def stated_delay(words: str) -> float | None:
    """Read how many seconds an error's words ask to wait, as in `try again in 7m12.5s`."""
    found = _DELAY.search(words)
    if found is None or not any(found.groups()[:3]):
        return None
    hours, minutes, number, unit = found.groups()
    unit = (unit or "s").lower()
    scale = 0.001 if unit == "ms" else 60 if unit[0] == "m" else 3600 if unit[0] == "h" else 1
    return 3600 * float(hours or 0) + 60 * float(minutes or 0) + scale * float(number or 0)


def _size(text: str) -> Kind | None:
    """Tell whether the prompt alone, or only prompt and reply together, are too long, or neither.

    The numbers decide where they are given. Else the mention of the reply does, except in the code
    that OpenAI and Groq have for both.
    """
    if "deadline" in text or not (_CONTEXT.search(text) and _TOO_MUCH.search(text)):
        return None
    prompt, context = _number(_PROMPT_TOKENS, text), _number(_CONTEXT_TOKENS, text)
    if prompt is not None and context is not None:
        return Kind.TOO_LONG if prompt >= context else Kind.NO_ROOM
    if re.search(r"got -\d|messages or completion", text):
        return Kind.TOO_LONG
    return Kind.NO_ROOM if _OF_THE_REPLY.search(text) else Kind.TOO_LONG


def _number(patterns: tuple[str, ...], text: str) -> float | None:
    """Return the number that the first fitting pattern finds."""
    text = _NO_COUNT.sub(" ", text.replace(",", ""))
    found = (re.search(pattern, text, re.IGNORECASE) for pattern in patterns)
    return next((float(match[1]) for match in found if match), None)
