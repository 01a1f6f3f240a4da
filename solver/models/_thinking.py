"""How much a model thinks: the one option for it, what servers call it, and who thinks unasked."""

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator

from solver.errors import ConfigError
from solver.records import Sampling
from solver.text import natural

LEVELS = ("low", "medium", "high")
SENSIBLE_CAP = 8192
"""Tokens below which thoughts alone often fill a reply. Makers of such models advise 32,768."""


def _read(value: Any) -> Any:
    """Read `thinking:` of a config, where YAML makes `off` a truth value."""
    if value is False or value == "off":
        return "off"
    read = natural(value) if isinstance(value, str) else None
    number = value if read is None else read
    if number in ("default", *LEVELS):
        return number
    if isinstance(number, int) and not isinstance(number, bool) and number > 0:
        return number
    choices = ", ".join(("default", "off", *LEVELS))
    raise ValueError(f"{value!r} is unknown; choices: {choices}, or a number of tokens")


Thinking = Annotated[int | str, BeforeValidator(_read)]
"""`default` leaves it to the model and its server; else `off`, `low`, `medium`, `high`, or the most
tokens that the thoughts may take."""


def needs(thinking: int | str) -> set[Any]:
    """Return what a provider must be able to do for this value of the option `thinking`."""
    if thinking == "default":
        return set()
    if thinking == "off":
        return {"thinking-off"}
    return {"thinking-budget" if isinstance(thinking, int) else "thinking-level"}


_THINKERS = re.compile(
    r"(?<![a-z0-9])(?:qwq|qwen-?3(?!.*(?:instruct|coder))|deepseek-?(?:r1|reasoner)|r1-|magistral"
    r"|gpt-?oss|gpt-?5|o[134](?:-mini|-pro|-preview)?(?![a-z0-9])|phi-?4-(?:mini-)?reasoning"
    r"|openthinker|exaone-deep|marco-o1|gemini-(?:2\.5|[3-9])|grok-(?:3-mini|[4-9])"
    r"|glm-?(?:4\.[5-9]|z1|[5-9])|.*[-:]thinking|.*[-:]reasoning)",
    re.IGNORECASE,
)
"""Names of models that think unless they are told not to."""


def thinks_by_name(name: str) -> bool:
    """Tell whether models called so are known to think before they reply."""
    return _THINKERS.search(name) is not None


def warnings_of(
    name: str, sampling: Sampling, thinking: int | str, *, context: int | None = None
) -> list[str]:
    """Say what the makers of thinking models advise against in this sampling."""
    found = []
    if sampling.temperature == 0:
        found.append(
            f"{name} thinks, and its makers advise against temperature 0, at which thoughts may"
            " repeat themselves without end: set sampling.temperature to about 0.6"
        )
    if sampling.max_tokens < SENSIBLE_CAP and not isinstance(thinking, int):
        found.append(
            f"{name} thinks, and its thoughts count under the cap: sampling.max_tokens"
            f" {sampling.max_tokens} is small, at least {SENSIBLE_CAP} is advised"
        )
    if isinstance(thinking, int) and sampling.max_tokens <= thinking:
        found.append(
            f"{name}: thinking may take {thinking} tokens, which leaves none of"
            f" sampling.max_tokens {sampling.max_tokens} for the reply"
        )
    if context is not None and context < sampling.max_tokens + PROMPT_TOKENS:
        found.append(
            f"{name}: a context of {context} tokens is smaller than a prompt of about"
            f" {PROMPT_TOKENS} and the cap of {sampling.max_tokens}: raise it, or lower the cap"
        )
    return found


PROMPT_TOKENS = 1024
"""What a prompt of this program takes, its last retry included."""


def openai_fields(url: str, thinking: int | str, model: str) -> dict[str, Any]:
    """Return what a request to this server of OpenAI's API holds for the option `thinking`.

    Servers other than those named here get what vLLM, SGLang and llama.cpp take: each knows some of
    these fields and passes over the others. Raises ConfigError for what the server does not have.
    """
    if thinking == "default":
        return {}
    host = urlsplit(url).hostname or ""
    for ending, fields in _HOSTED.items():
        if host == ending or host.endswith(f".{ending}"):
            found = fields(thinking)
            if found is None:
                kind = "a number of tokens" if isinstance(thinking, int) else f"{thinking!r}"
                raise ConfigError(f"model {model!r}: {ending} takes no thinking: {kind}")
            return found
    return _open_server(thinking)


def template_variables(thinking: int | str) -> dict[str, Any]:
    """Return what chat templates read: Qwen's name for the switch, and gpt-oss's for the level."""
    if thinking == "default":
        return {}
    level = {"reasoning_effort": thinking} if thinking in LEVELS else {}
    return {"enable_thinking": thinking != "off", **level}


def template_kwargs(thinking: int | str) -> dict[str, Any]:
    """Return those variables as a request holds them; nothing where there are none."""
    variables = template_variables(thinking)
    return {"chat_template_kwargs": variables} if variables else {}


def _open_server(thinking: int | str) -> dict[str, Any]:
    """Return the fields of vLLM, SGLang and llama.cpp."""
    fields = template_kwargs(thinking)
    if isinstance(thinking, int):
        fields |= {
            "thinking_token_budget": thinking,  # vLLM
            "custom_params": {"thinking_budget": thinking},  # SGLang
            "thinking_budget_tokens": thinking,  # llama.cpp
        }
    elif thinking in LEVELS:
        fields["reasoning_effort"] = thinking
    return fields


def _by_effort(thinking: int | str) -> dict[str, Any] | None:
    """Return the field of OpenAI itself, which Azure, Groq, xAI and others took over."""
    if isinstance(thinking, int):
        return None
    return {"reasoning_effort": "none" if thinking == "off" else thinking}


def _gemini(thinking: int | str) -> dict[str, Any] | None:
    """Return Gemini's fields; a budget stands in an `extra_body` of its own."""
    if not isinstance(thinking, int):
        return _by_effort(thinking)
    return {"extra_body": {"google": {"thinking_config": {"thinking_budget": thinking}}}}


def _openrouter(thinking: int | str) -> dict[str, Any] | None:
    """Return OpenRouter's field, which it translates for whoever runs the model."""
    if isinstance(thinking, int):
        return {"reasoning": {"max_tokens": thinking}}
    return {"reasoning": {"enabled": False} if thinking == "off" else {"effort": thinking}}


def _deepseek(thinking: int | str) -> dict[str, Any] | None:
    """Return DeepSeek's field, which only switches thinking on or off."""
    return {"thinking": {"type": "disabled"}} if thinking == "off" else None


_HOSTED = {
    "openai.com": _by_effort,
    "azure.com": _by_effort,
    "groq.com": _by_effort,
    "x.ai": _by_effort,
    "mistral.ai": _by_effort,
    "googleapis.com": _gemini,
    "openrouter.ai": _openrouter,
    "deepseek.com": _deepseek,
}
"""The fields of hosted servers, by the end of their host's name."""


def ollama_think(think: bool | str | None, thinking: Thinking) -> bool | str | None:
    """Return what a request asks of Ollama: its own option, or ours; None for nothing."""
    if thinking == "default":
        return think
    return False if thinking == "off" else str(thinking)
