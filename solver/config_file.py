"""Read a config from a YAML file, and say in one line what is wrong with it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from solver.config import Config, JudgingConfig, config_type, listed_names
from solver.config_faults import explain, keys_of, provider_faults, said, shared_faults
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
    content = read_config(path)
    try:
        return check_config(merged(content, overrides or {}), source=str(path))
    except ConfigError as wrong:
        said = str(wrong).removeprefix(f"{path}: ")
        where, _, what = said.partition(": ")
        key = re.split(r"[.\[]", where)[0]
        if overrides and key in overrides:
            by_word = where == f"{key}.{_SHORT.get(key)}" and isinstance(overrides[key], str)
            by_option = key in Config.model_fields and ("." not in where or "[" in where or by_word)
            option = f"--{key}" if by_option else ""
            raise ConfigError(f"{option or f'--set {where}'}: {what}") from wrong
        raise


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
    config, faults = None, []
    with _one_line(JudgingConfig, source):
        type_ = config_type(listed_names(content.get("mode", ())))
        try:
            config = type_.model_validate(content)
        except ValidationError as invalid:
            faults = [*explain(invalid, keys_of(type_))]
        faults += provider_faults(content)
        if config is not None:
            faults += _faults_together(config)
        if faults or config is None:
            raise ConfigError(" · ".join(dict.fromkeys(faults)))
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


def check_judging(content: dict[str, Any], *, source: str) -> JudgingConfig:
    """Make the part of a config that judging needs from plain data.

    Raises ConfigError, naming `source`.
    """
    _refuse_keys(content, source)
    with _one_line(JudgingConfig, source):
        config = JudgingConfig.model_validate(content)
        if faults := [*shared_faults(config.providers)]:
            raise ConfigError(" · ".join(faults))
    return config


def judging_part(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a stored config that judging needs."""
    return {key: config[key] for key in JudgingConfig.model_fields if key in config}


def _refuse_keys(content: dict[str, Any], source: str) -> None:
    """Raise ConfigError where a key of an API stands in plain data."""
    if typed := list(typed_secrets(content)):
        raise ConfigError(f"{source}: {' · '.join(typed)}")


@contextmanager
def _one_line(type_: type[JudgingConfig], source: str) -> Iterator[None]:
    """Turn what is wrong with plain data into one line that names `source`."""
    try:
        yield
    except ValidationError as invalid:
        known = keys_of(type_) if invalid.title in ("Config", "JudgingConfig") else []
        wrong = " · ".join(explain(invalid, known))
        raise ConfigError(f"{source}: {wrong}") from invalid
    except ConfigError as wrong_provider:
        raise ConfigError(f"{source}: {wrong_provider}") from wrong_provider


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
