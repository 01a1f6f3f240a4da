"""Read a config from a YAML file, and say in one line what is wrong with it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from solver.config import Config, JudgingConfig, config_type, listed_names
from solver.config_faults import (
    Faults,
    explain,
    keys_of,
    provider_faults,
    said,
    shared_faults,
)
from solver.errors import ConfigError
from solver.secrets import typed_secrets
from solver.serve.plan import Plan, plan_of
from solver.text import first_of
from solver.yaml_file import parse_yaml, read_yaml

SHIPPED = next(
    folder
    for folder in (Path(__file__).parent / "configs", Path(__file__).parents[1] / "configs")
    if folder.is_dir()
)
"""The configs that come with solver: inside the installed package, or beside it in a clone."""

_SHORT = {"model": "name", "sandbox": "kind", "judge": "model", "serve": "engine"}
"""Sections that may be written as one word, and the key that this word is the value of."""


def find_config(name: Path) -> Path:
    """Return the file of a config: a path, or the name of one that ships with solver."""
    shipped = SHIPPED / f"{name}.yaml"
    try:
        by_name = not name.exists() and not name.is_absolute() and ".." not in name.parts
        return shipped if by_name and shipped.is_file() else name
    except (OSError, ValueError):  # no name of a file at all, which reading it will say
        return name


def shipped_names() -> list[str]:
    """List the configs that ship with solver, by the names that `find_config` takes."""
    files = SHIPPED.rglob("*.yaml")
    return sorted(file.relative_to(SHIPPED).with_suffix("").as_posix() for file in files)


def load_config(path: Path, overrides: dict[str, Any] | None = None) -> Config:
    """Read a YAML file, apply the command line's overrides, and check every key and value.

    An override that is a mapping replaces only the keys that it names. Raises ConfigError: one line
    naming the file, each wrong key, and what to do.
    """
    path = find_config(path)
    content, over = read_config(path), overrides or {}
    try:
        return check_config(merged(content, over), source=str(path))
    except Faults as wrong:
        given = {fault: _option_of(fault, over) for fault in wrong.faults}
        told = [option + fault.partition(": ")[2] for fault, option in given.items() if option]
        if rest := [fault for fault, option in given.items() if not option]:
            told.append(f"{path}: {' · '.join(rest)}")
        raise ConfigError(" · ".join(told)) from wrong


def _option_of(fault: str, overrides: Mapping[str, Any]) -> str:
    """Return the option of the command line that a mistake came from, as `--option: `, or ""."""
    where = fault.partition(": ")[0]
    keys = re.split(r"[.\[ ]", where)
    value: Any = overrides
    for key in keys if keys[0] != "model" else keys[:1]:
        if not isinstance(value, dict):
            break
        if key.rstrip("]") not in value:
            return ""
        value = value[key.rstrip("]")]
    by_word = where == f"{keys[0]}.{_SHORT.get(keys[0])}" and isinstance(overrides[keys[0]], str)
    plain = "." not in where or "[" in where or by_word or where.startswith(f"{keys[0]} '")
    return f"--{keys[0]}: " if keys[0] in Config.model_fields and plain else f"--set {where}: "


def merged(content: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """Return the content with the overrides over it, mapping by mapping.

    In a list of models, each is overridden.
    """
    result = dict(content)
    for key, value in overrides.items():
        base = result.get(key, {})
        if not isinstance(value, dict):
            result[key] = value
        elif isinstance(base, list | tuple):
            result[key] = [merged(_in_full(key, entry), value) for entry in base]
        else:
            result[key] = merged(_in_full(key, base), value)
    return result


def _in_full(key: str, section: Any) -> dict[str, Any]:
    """Return a section as a mapping, of which a config may give only one word."""
    if isinstance(section, dict):
        return section
    if key not in _SHORT:
        return {}
    return {_SHORT[key]: None if (key, section) == ("judge", "rules") else section}


def settings(texts: Iterable[str]) -> dict[str, Any]:
    """Read `key.path=value` texts, whose values are YAML, as nested overrides.

    Raises ConfigError for one that has no key, no value or is not YAML.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        parts = name.strip().split(".")
        if not equals or not all(parts):
            raise ConfigError(
                f"--set {text}: should be key.path=value, e.g. sampling.temperature=0.7;"
                " `solver config` lists the keys"
            )
        try:
            over: Any = parse_yaml(value)
        except ConfigError as failure:
            raise ConfigError(f"--set {text}: the value is {failure}") from failure
        for part in reversed(parts):
            over = {part: over}
        found = merged(found, over)
    return found


def read_config(path: Path) -> dict[str, Any]:
    """Read the keys and values of a YAML file. Raises ConfigError naming it."""
    content = read_yaml(path, missing=lambda: _nearby(path))
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: should hold keys and values such as `model: local/smollm2`")
    return content


def check_config(content: dict[str, Any], *, source: str) -> Config:
    """Make a `Config` from plain data, and check its models and its providers' options too.

    Raises ConfigError, naming `source`, with all that is wrong.
    """
    _refuse_keys(content, source)
    names = listed_names(content.get("mode", ()))
    names = (
        [name for name in names if isinstance(name, str)] if isinstance(names, list | tuple) else []
    )
    config, faults = None, list[str]()
    try:
        type_ = config_type(names)
        config = type_.model_validate(content)
    except ValidationError as invalid:
        faults += explain(invalid, keys_of(type_))
    except ConfigError as wrong_mode:
        faults.append(str(wrong_mode))
    faults += provider_faults(content)
    if config is not None:
        faults += _faults_together(config)
    if faults or config is None:
        raise Faults(source, faults)
    return config


def _faults_together(config: Config) -> Iterator[str]:
    """Yield what is wrong with models for what the rest of the config asks of them."""
    from solver.models import require  # here, since it imports provider files

    needed = {what for mode in config.running for what in mode.needs}
    stops = any(prompt.stop for prompt in config.asked_with())
    for model in config.model:
        yield from said(partial(require, model.name, needed))
        if stops:
            yield from said(partial(require, model.name, {"stop"}))
    yield from said(partial(serve_plan, config))


def serve_plan(config: Config) -> Plan | None:
    """Return which server a run starts for which of its models; None for none.

    Raises ConfigError where the engine does not fit the models.
    """
    models = [(model.name, config.provider_options(model)) for model in config.model]
    return plan_of(config.serve, models)


def check_judging(content: dict[str, Any], *, source: str, typed: dict[str, Any]) -> JudgingConfig:
    """Make the part of a config that judging needs from plain data.

    Only what the user has `typed` now may hold no key: an earlier version may have stored one.
    Raises ConfigError, naming `source`.
    """
    _refuse_keys(typed, source)
    try:
        config = JudgingConfig.model_validate(content)
    except ValidationError as invalid:
        raise Faults(source, explain(invalid, keys_of(JudgingConfig))) from invalid
    if faults := [*shared_faults(config.providers)]:
        raise Faults(source, faults)
    return config


def judging_part(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a stored config that judging needs."""
    return {key: config[key] for key in JudgingConfig.model_fields if key in config}


def _refuse_keys(content: dict[str, Any], source: str) -> None:
    """Raise ConfigError where a key of an API stands in plain data."""
    if typed := list(typed_secrets(content)):
        raise ConfigError(f"{source}: {' · '.join(typed)}")


def _nearby(path: Path) -> str:
    """Name the configs that do exist: in the folder of the one asked for, or with solver."""
    close = get_close_matches(path.stem, shipped_names(), n=1, cutoff=0.6)
    if close and not (path.parent / f"{close[0]}.yaml").exists():
        return f"; did you mean `{close[0]}`, which comes with solver?"
    found = (
        sorted(other.name for other in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
    )
    close = get_close_matches(path.name, found, n=1, cutoff=0.75)
    if close:
        return f"; did you mean {path.parent / close[0]}?"
    return f"; {path.parent} holds {first_of(found, 8)}" if found else ""
