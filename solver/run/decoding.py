"""How each model's replies are drawn: every sampling value, and whose it is where nobody set it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from solver.config import Config, ModelOptions
from solver.models import provider_of_model
from solver.records import Sampling

SERVERS_OWN = "the server's own"
"""Stands for a value that is neither sent nor told by the server."""


def decoding(
    config: Config, model: ModelOptions, described: Mapping[str, Any]
) -> dict[str, int | float | str]:
    """Return each sampling value of a model: what is sent, or else whose default holds.

    `described` are the facts that the model's server tells, which may hold defaults of the model;
    empty where it was not asked.
    """
    provider = provider_of_model(model.name)
    options = config.provider_options(model)
    sampling = config.sampling_of(model)
    fixed = {**provider.neutral, **provider.sent}
    defaults = dict(_defaults(described.get("defaults", ())))
    found: dict[str, int | float | str] = {}
    for name in Sampling.model_fields:
        value = getattr(sampling, name)
        value = fixed.get(name) if value is None else value
        if name in options.get("omit", ()):
            value = None
        if name == "stop":
            texts = [*described.get("stops", ()), *sampling.stop]
            found[name] = " ".join(map(repr, texts)) or "none of the config's or the model's"
        elif value is not None:
            found[name] = value
        elif name in defaults:
            found[name] = f"the model's own {defaults[name]}"
        else:
            found[name] = SERVERS_OWN
    return found


def decoding_line(values: Mapping[str, int | float | str]) -> str:
    """Say it in one line, with what nobody but the server knows at the end."""
    known = [f"{name} {value}" for name, value in values.items() if value != SERVERS_OWN]
    unknown = [name for name, value in values.items() if value == SERVERS_OWN]
    return ", ".join(known) + (f"; {SERVERS_OWN} {', '.join(unknown)}" if unknown else "")


def _defaults(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield names and values of the parameters that come with a model, as Ollama lists them."""
    for line in lines:
        if found := re.fullmatch(r"(\w+)\s+(\S.*?)\s*", line):
            yield found[1], found[2]
