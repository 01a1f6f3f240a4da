"""What to know about the models of a run that think, before it starts."""

from collections.abc import Iterator, Mapping
from typing import Any

from solver.config import Config
from solver.models import thinks_by_name, warnings_of


def thinking_warnings(config: Config, described: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield what the makers of each model that thinks advise against in this config.

    A server's own word in `described` decides whether a model thinks, else its name does.
    """
    for model in config.model:
        options, facts = config.provider_options(model), described.get(model.name, {})
        asked = options.get("thinking", "default")
        if asked == "off" or options.get("think") is False:
            continue
        known = facts.get("thinks")
        if asked != "default" or (thinks_by_name(model.name) if known is None else known):
            context = facts.get("num_ctx") or facts.get("context") or options.get("num_ctx")
            sampling = config.sampling_of(model)
            yield from warnings_of(model.name, sampling, asked, context=context)
