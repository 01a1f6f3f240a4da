"""What a provider declares about itself, and how one is found by name.

A provider is a file that exports one `PROVIDER`: in this folder, in an installed package that names
it as an entry point of the group `solver.models`, or in any module that can be imported.
"""

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Literal, NamedTuple, get_args

from pydantic import ValidationError

from solver.errors import ConfigError
from solver.models._model import Model
from solver.models._redact import one_line
from solver.models._thinking import needs
from solver.records import Record, Sampling
from solver.text import first_of

PROVIDERS = tuple(
    sorted(
        file.name
        for file in iter_modules([str(Path(__file__).parent)])
        if not file.name.startswith("_")
    )
)
"""The providers in this folder, by name."""

ENTRY_POINTS = "solver.models"
"""The entry point group in which other packages name their providers."""

Capability = Literal[
    "continuing",
    "logprobs",
    "raw",
    "schema",
    "seed",
    "stop",
    "thinking-budget",
    "thinking-level",
    "thinking-off",
]

_CANNOT = {
    "continuing": "continue a partial reply",
    "logprobs": "return the probabilities of tokens",
    "raw": "continue text without a chat template",
    "schema": "hold a reply to a JSON schema",
    "seed": "take a seed",
    "stop": "end a reply at a given text",
    "thinking-budget": "limit thinking to a number of tokens",
    "thinking-level": "set a level of thinking",
    "thinking-off": "switch thinking off",
}


class Found(NamedTuple):
    """A server that answers."""

    place: str
    serves: str
    """Its models, in words."""


MOST_NAMED = 8
"""So many models of a server are named."""


def found(place: str, kind: str, models: Sequence[str]) -> Found:
    """Return a server of a kind, such as `Ollama 0.33.2`, with the first of its models."""
    named = first_of(models, MOST_NAMED) or "no model"
    return Found(place, one_line(f"{kind} serves {named}"))


@dataclass(frozen=True)
class Provider:
    """All that the program knows about a provider before it connects to a model."""

    name: str
    description: str
    """One line for help and `solver doctor`."""
    options: type[Record]
    """Its options in the config; each field documented."""
    connect: Callable[[str, Sampling, Any], Model]
    """Makes the model from its name, the sampling and the checked options, without asking it
    anything. Raises ConfigError: a missing key or package, or sampling that it does not have."""
    can: frozenset[Capability]
    """What it passes on to the model. A server or model may still refuse it."""
    reach: frozenset[str] = frozenset()
    """Options that say only how the model is reached or how fast. They change no reply, so a run
    can be resumed with others."""
    sent: Mapping[str, Any] = field(default_factory=dict)
    """What it sends where the config leaves it unset, though a server has another default. It can
    change a reply, so it is part of a trial's key."""
    neutral: Mapping[str, Any] = field(default_factory=dict)
    """What holds where the config leaves it unset, in every version: no part of a trial's key."""
    loads: bool = False
    """Describing a model loads its weights into this process, so that a dry run does not ask."""
    key: str | None = None
    """The environment variable that holds the key by default; None where no key is needed."""
    library: str | None = None
    """The package that speaks to the model."""
    install: str | None = None
    """What `pip install` is given when the library is missing."""
    look: Callable[[], Awaitable[str | None]] | None = None
    """Looks for its server, and says how to fix what is missing. None if there is no server."""

    find: Callable[[], Awaitable[list[Found]]] | None = None
    """Finds the servers that answer at their usual addresses here, for `solver doctor`."""

    def __post_init__(self) -> None:
        """Refuse a capability that does not exist."""
        if unknown := self.can - {*get_args(Capability)}:
            raise ConfigError(
                f"provider {self.name!r}: cannot declare {', '.join(sorted(unknown))};"
                f" capabilities: {', '.join(get_args(Capability))}"
            )

    def measured(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options that can change a reply."""
        return {name: value for name, value in options.items() if name not in self.reach}

    def decisive(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return all of a model's that can change a reply: it is part of a trial's key."""
        return {**self.sent, **self.measured(options)}

    async def missing(self) -> str | None:
        """Say how to fix what this machine lacks to use the provider, or return None."""
        if self.library is not None and find_spec(self.library) is None:
            return f"pip install {self.install or self.library}"
        if self.key is not None and not os.environ.get(self.key):
            return f"set the environment variable {self.key}"
        return await self.look() if self.look is not None else None

    async def servers(self) -> list[Found]:
        """Return the servers that answer at their usual addresses here."""
        return await self.find() if self.find is not None else []


def connect(spec: str, sampling: Sampling, options: dict[str, Any]) -> Model:
    """Return the model called `provider/name`. `describe` proves that it is there, not this.

    Raises ConfigError: an unknown provider, a wrong option, a missing key or package.
    """
    provider = provider_of_model(spec)
    require(spec, needs(options.get("thinking", "default")))
    name = spec.partition("/")[2]
    if not name:
        raise ConfigError(f"model {spec!r}: should be provider/name, e.g. ollama/llama3.1:8b")
    try:
        checked = provider.options.model_validate(options)
    except ValidationError as invalid:
        wrong = " · ".join(_explain(invalid, provider.options))
        raise ConfigError(f"model {spec!r}: options: {wrong}") from invalid
    model = provider.connect(name, sampling, checked)
    model.name = spec  # trials find their model by it, so a provider may not choose another
    return model


def provider_of(name: str) -> Provider:
    """Return a provider. Imports its file, but not the client library that it uses.

    `name` is a file of this folder, an entry point, or the dotted path of a module.
    Raises ConfigError for one that does not exist, does not import or holds no PROVIDER.
    """
    if name in PROVIDERS:
        return _record(import_module(f"{__package__}.{name}"), name)
    if entry := _entries().get(name):
        return _from_entry(entry)
    if "." in name and all(part.isidentifier() for part in name.split(".")):
        return _from_module(name)
    known = provider_names()
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ConfigError(f"no provider called {name!r}.{hint} Providers: {', '.join(known)}.")


def provider_of_model(spec: str) -> Provider:
    """Return the provider of the model called `provider/name`. Raises ConfigError naming it."""
    try:
        return provider_of(spec.partition("/")[0])
    except ConfigError as unknown:
        raise ConfigError(f"model {spec!r}: {unknown}") from unknown


def provider_names() -> list[str]:
    """List the providers of this folder, then those of installed packages."""
    return [*PROVIDERS, *sorted({*_entries()} - {*PROVIDERS})]


def require(spec: str, needed: Iterable[Capability]) -> None:
    """Raise ConfigError if the provider of the model `spec` lacks a capability that is needed."""
    can = provider_of_model(spec).can
    if lacking := [_CANNOT[what] for what in needed if what not in can]:
        raise ConfigError(f"model {spec!r}: its provider cannot {' or '.join(lacking)}")


def _entries() -> dict[str, EntryPoint]:
    """Return the entry points of installed packages by name."""
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}


def _from_entry(entry: EntryPoint) -> Provider:
    """Return the provider of an entry point, which names a module or the record in it."""
    where = f"the entry point {entry.name!r} ({entry.value})"
    try:
        return _record(entry.load(), where)
    except (ImportError, SyntaxError, AttributeError) as broken:
        raise ConfigError(f"provider {entry.name!r}: {where} does not load: {broken}") from broken


def _from_module(path: str) -> Provider:
    """Return the provider in the module of a dotted path."""
    try:
        return _record(import_module(path), path)
    except ModuleNotFoundError as missing:
        if missing.name is not None and f"{path}.".startswith(f"{missing.name}."):
            raise ConfigError(
                f"no provider called {path!r}: there is no module {missing.name!r};"
                " install it, or add its folder to PYTHONPATH"
            ) from missing
        raise ConfigError(f"provider {path!r} does not import: {missing}") from missing
    except (ImportError, SyntaxError) as broken:
        raise ConfigError(f"provider {path!r} does not import: {broken}") from broken


def _record(found: object, where: str) -> Provider:
    """Return the provider that was found itself or in a module."""
    record = found if isinstance(found, Provider) else getattr(found, "PROVIDER", None)
    if not isinstance(record, Provider):
        raise ConfigError(
            f"provider {where!r} has no PROVIDER: the module should hold"
            " `PROVIDER = solver.models.Provider(...)`"
        )
    return record


def _explain(invalid: ValidationError, options: type[Record]) -> list[str]:
    """Say what is wrong with each option, as `where: what`."""
    lines = []
    for mistake in invalid.errors():
        where = ".".join(str(part) for part in mistake["loc"])
        if mistake["type"] == "extra_forbidden":
            close = get_close_matches(where, options.model_fields, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else "there are "
            what = f"unknown, {hint}" + ("" if close else ", ".join(options.model_fields))
        else:
            what = mistake["msg"].removeprefix("Value error, ")
        lines.append(f"{where}: {what}" if where else what)
    return lines
