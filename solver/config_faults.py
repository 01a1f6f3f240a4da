"""Say what is wrong with a config: each mistake as where, what, and what to do."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from solver.config import ModelOptions
from solver.errors import ConfigError
from solver.records import Sampling
from solver.secrets import without_secrets
from solver.text import one_line, short


def provider_faults(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the models, the judge's model and the options of providers.

    It reads plain data, so that these mistakes are told whatever else is wrong with a config.
    """
    shared = {
        name: options
        for name, options in _mapping(content.get("providers")).items()
        if isinstance(name, str) and isinstance(options, dict)
    }
    entries = content.get("model")
    entries = entries if isinstance(entries, list | tuple) else [entries]
    for number, entry in enumerate(entries):
        place = "model.options" if len(entries) == 1 else f"model[{number}].options"
        if (model := _model_of(entry)) is not None:
            yield from _model_faults(model, shared, place)
    judge = content.get("judge")
    judge = {"model": judge} if isinstance(judge, str) else _mapping(judge)
    if isinstance(name := judge.get("model"), str) and "/" in name:
        asked = _model_of({"name": name, "options": judge.get("options", {})})
        if asked is not None:
            for fault in _model_faults(asked, shared, "judge.options"):
                yield re.sub(r"^model(?= ')", "judge", fault)
    yield from shared_faults(shared)


def shared_faults(providers: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with the options that all models of a provider share.

    What is missing there may stand beside a model.
    """
    from solver.models import provider_of  # here, since it imports provider files

    for name, options in providers.items():
        try:
            known = provider_of(name).options
        except ConfigError as unknown:
            yield f"providers.{name}: {unknown}"
        else:
            elsewhere = known.model_fields.keys() - options.keys()
            yield from _wrong(known, options, f"providers.{name}", elsewhere)


def _model_of(entry: Any) -> ModelOptions | None:
    """Return a model with those of its keys that are right; None without a name."""
    given = entry if isinstance(entry, dict) else {"name": entry}
    right: dict[str, Any] = {"name": given.get("name")}
    try:
        found = ModelOptions.model_validate(right)
    except ValidationError:
        return None
    for key in ModelOptions.model_fields.keys() & given.keys():
        with suppress(ValidationError):
            found = ModelOptions.model_validate(right | {key: given[key]})
            right[key] = given[key]
    return found


def _model_faults(
    model: ModelOptions, shared: Mapping[str, dict[str, Any]], place: str
) -> Iterator[str]:
    from solver.models import needs, provider_of_model, require, template_identity

    try:
        known = provider_of_model(model.name).options
    except ConfigError as unknown:
        yield str(unknown)
        return
    beside = shared.get(model.provider, {})
    options = {**beside, **model.options}
    wrong = list(_wrong(known, options, place, beside.keys() - model.options.keys()))
    yield from wrong
    thinking = options.get("thinking", "default") if model.thinking == "default" else model.thinking
    if not wrong:
        yield from said(lambda: require(model.name, needs(thinking)))
    if model.template != "default":
        yield from said(lambda: require(model.name, {"raw"}))
        yield from said(lambda: template_identity(model.template))


def said(check: Callable[[], object]) -> Iterator[str]:
    """Yield what a check finds wrong, if anything."""
    try:
        check()
    except ConfigError as wrong:
        yield str(wrong)


def _wrong(
    known: type[BaseModel], options: dict[str, Any], where: str, elsewhere: Set[str]
) -> Iterator[str]:
    """Yield what is wrong with options, which stand at `where` in the config.

    What is wrong with those that stand elsewhere is told there.
    """
    try:
        known.model_validate(options)
    except ValidationError as invalid:
        yield from explain(
            invalid, list(known.model_fields), inside=f"{where}.", elsewhere=elsewhere
        )


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}


_LONG = re.compile(r"\S{200,}")
"""What no place and no name is."""


class Faults(ConfigError):
    """All that is wrong with a config, each as where, what, and what to do."""

    def __init__(self, source: str, faults: Iterable[str]) -> None:
        clean = (_LONG.sub(lambda word: short(word[0], 100), without_secrets(f)) for f in faults)
        self.faults = list(dict.fromkeys(clean))
        super().__init__(f"{source}: {' · '.join(self.faults)}")


def explain(
    invalid: ValidationError,
    known: list[str],
    *,
    inside: str = "",
    elsewhere: Set[str] = frozenset(),
) -> Iterator[str]:
    """Yield each mistake as `where: what, and what to do`; `inside` begins every place.

    Those of the keys `elsewhere` are left out.
    """
    mistakes = invalid.errors()
    for mistake in mistakes:
        place = [str(part) for part in mistake["loc"]]
        if place and place[0] in elsewhere:
            continue
        if mistake["type"] == "too_short" and any(
            len(other["loc"]) > len(place) and other["loc"][: len(place)] == mistake["loc"]
            for other in mistakes
        ):
            continue  # it is too short since pydantic left out what the other mistake is about
        where = re.sub(r"\.(\d+)", r"[\1]", ".".join(place))
        where = f"{inside}{where}" if where else inside.rstrip(".")
        yield f"{where}: {_what(mistake, known)}" if where else _what(mistake, known)


def _what(mistake: ErrorDetails, known: list[str]) -> str:
    value, kind, context = mistake["input"], mistake["type"], mistake.get("ctx", {})
    match kind:
        case "extra_forbidden":
            place = [str(part) for part in mistake["loc"] if not isinstance(part, int)]
            if place[-1] in ("probes", "control", "calculation"):
                return "is for `solver probe` alone; run the config with that command"
            return "unknown key" + _meant(place[-1], ".".join(place[:-1]), known)
        case "missing":
            return "is missing"
        case "too_short":
            return "is empty, and at least one is needed"
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
            return one_line(str(context["error"]), 1_000)
        case "int_parsing" | "int_type" | "int_from_float":
            return f"{value!r:.80} should be a whole number"
        case "float_parsing" | "float_type":
            return f"{value!r:.80} should be a number"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"{value!r:.80} should be keys and values"
        case "bool_parsing" | "bool_type":
            return f"{value!r:.80} should be true or false"
        case "string_pattern_mismatch":
            return f"{value!r:.80} should be provider/name, e.g. ollama/llama3.1:8b"
        case _:
            message = mistake["msg"].removeprefix("Input ").replace("a valid", "a")
            return f"{value!r:.80} {message[0].lower()}{message[1:]}"


def _meant(key: str, section: str, known: list[str]) -> str:
    """Ask whether a key of the same section was meant, or one like it elsewhere."""
    beside = [name.rpartition(".")[2] for name in known if name.rpartition(".")[0] == section]
    begin = [name for name in beside if len(key) > 1 and name.startswith(key)]
    close = begin or get_close_matches(key, beside, n=1, cutoff=0.6)
    if not close:
        elsewhere = [name for name in known if name.rpartition(".")[2] == key]
        by_leaf = {name.rpartition(".")[2]: name for name in reversed(known)}
        like = get_close_matches(key, by_leaf, n=1, cutoff=0.75)
        close = elsewhere or [by_leaf[leaf] for leaf in like]
    return f", did you mean {close[0]!r}?" if close else ""


def keys_of(record: type[BaseModel], section: str = "") -> list[str]:
    """List every key a config may have, at any depth, as `section.key`."""
    keys = []
    for name, field in record.model_fields.items():
        keys.append(f"{section}{name}")
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += keys_of(field.annotation, f"{section}{name}.")
    if not section:
        keys += keys_of(ModelOptions, "model.") + keys_of(Sampling, "model.sampling.")
    return keys
