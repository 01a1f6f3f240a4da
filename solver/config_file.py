"""Read a config from a YAML file, and say in one line what is wrong with it."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from solver.config import Config, JudgingConfig, config_type, mode_names
from solver.errors import ConfigError
from solver.secrets import typed_secrets
from solver.text import one_line
from solver.yaml_file import read_yaml


def load_config(path: Path, overrides: dict[str, Any] | None = None) -> Config:
    """Read a YAML file, apply the command line's overrides, and check every key and value.

    Raises ConfigError: one line naming the file, each wrong key, and what to do.
    """
    content = read_yaml(path, missing=lambda: _nearby(path))
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: should hold keys and values such as `model: local/smollm2`")
    return check_config({**content, **(overrides or {})}, source=str(path))


def check_config(content: dict[str, Any], *, source: str) -> Config:
    """Make a `Config` from plain data, and check the options of its providers too.

    Raises ConfigError, naming `source`.
    """
    from solver.models import (  # here, since it imports provider files
        needs,
        provider_of,
        provider_of_model,
        require,
        template_identity,
    )

    if typed := list(typed_secrets(content)):
        raise ConfigError(f"{source}: {' · '.join(typed)}")
    type_ = config_type(mode_names(content.get("mode", ())))
    try:
        config = type_.model_validate(content)
        for model in config.model:
            config.sampling_of(model)
            options = config.provider_options(model)
            require(model.name, needs(options.get("thinking", "default")))
            provider_of_model(model.name).options.model_validate(options)
            require(model.name, {what for mode in config.running for what in mode.needs})
            if model.template != "default":
                require(model.name, {"raw"})
                template_identity(model.template)
            if any(prompt.stop for prompt in config.asked_with()):
                require(model.name, {"stop"})
        for provider, options in config.providers.items():
            provider_of(provider).options.model_validate(options)
    except ValidationError as invalid:
        wrong = " · ".join(_explain(invalid, type_))
        raise ConfigError(f"{source}: {wrong}") from invalid
    except ConfigError as wrong_provider:
        raise ConfigError(f"{source}: {wrong_provider}") from wrong_provider
    return config


def check_judging(content: dict[str, Any], *, source: str) -> JudgingConfig:
    """Make the part of a config that judging needs from plain data.

    Raises ConfigError, naming `source`.
    """
    from solver.models import provider_of  # here, since it imports provider files

    if typed := list(typed_secrets(content)):
        raise ConfigError(f"{source}: {' · '.join(typed)}")
    try:
        config = JudgingConfig.model_validate(content)
        for provider, options in config.providers.items():
            provider_of(provider).options.model_validate(options)
    except ValidationError as invalid:
        wrong = " · ".join(_explain(invalid, JudgingConfig))
        raise ConfigError(f"{source}: {wrong}") from invalid
    except ConfigError as wrong_provider:
        raise ConfigError(f"{source}: {wrong_provider}") from wrong_provider
    return config


def _explain(invalid: ValidationError, config: type[JudgingConfig]) -> Iterator[str]:
    """Yield each mistake as `where: what, and what to do`."""
    known = _keys_of(config) if invalid.title in ("Config", "JudgingConfig") else []
    for mistake in invalid.errors():
        place = [str(part) for part in mistake["loc"]]
        where = re.sub(r"\.(\d+)", r"[\1]", ".".join(place))
        yield f"{where}: {_what(mistake, known)}" if where else _what(mistake, known)


def _what(mistake: ErrorDetails, known: list[str]) -> str:
    value, kind, context = mistake["input"], mistake["type"], mistake.get("ctx", {})
    match kind:
        case "extra_forbidden":
            key = str(mistake["loc"][-1])
            close = get_close_matches(key, known, n=1, cutoff=0.6)
            return "unknown key" + (f", did you mean {close[0]!r}?" if close else "")
        case "missing":
            return "is missing"
        case "greater_than_equal":
            return f"{value!r:.80} is too small, it must be at least {context['ge']}"
        case "greater_than":
            return f"{value!r:.80} is too small, it must be more than {context['gt']}"
        case "less_than_equal" | "less_than":
            most = context.get("le", context.get("lt"))
            return f"{value!r:.80} is too large, it must be at most {most}"
        case "literal_error":
            options = re.findall(r"'([^']+)'", str(context["expected"]))
            close = get_close_matches(str(value), options, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}? " if close else ""
            return f"{value!r:.80} is unknown; {hint}choices: {', '.join(options)}"
        case "value_error":
            return one_line(str(context["error"]), 400)
        case "string_pattern_mismatch":
            return f"{value!r:.80} should be provider/name, e.g. ollama/llama3.1:8b"
        case _:
            message = mistake["msg"].removeprefix("Input ").replace("a valid", "a")
            return f"{value!r:.80} {message[0].lower()}{message[1:]}"


def _keys_of(record: type[BaseModel]) -> list[str]:
    """List every key a config may have, at any depth."""
    keys = list(record.model_fields)
    for field in record.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _keys_of(field.annotation)
    return [*keys, "name", "options"]


def _nearby(path: Path) -> str:
    """Name the configs that do exist in the folder of the one asked for."""
    found = (
        sorted(other.name for other in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
    )
    close = get_close_matches(path.name, found, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {path.parent / close[0]}?"
    return f"; {path.parent} holds {', '.join(found)}" if found else ""
