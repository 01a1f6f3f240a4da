"""The seam to a language model, and the way from `provider/name` to the file that speaks to it.

A provider is a file in this folder with an `Options` class (its knobs) and a function
`connect(name, sampling, options)`. Files whose name starts with an underscore are shared by them.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol, cast

from pydantic import ValidationError

from solver.errors import ConfigError
from solver.records import Message, Record, Reply, Sampling

PROVIDERS = tuple(
    sorted(file.name for file in iter_modules(__path__) if not file.name.startswith("_"))
)
"""The files of this folder, by name."""


def connect(spec: str, sampling: Sampling, options: dict[str, Any]) -> "Model":
    """The model called `provider/name`. Nothing is asked of it yet: `describe` proves it is there.

    Raises ConfigError: an unknown provider, a wrong option, a missing key or package.
    """
    provider, _, name = spec.partition("/")
    try:
        knobs = options_of(provider)
    except ConfigError as unknown:
        raise ConfigError(f"model {spec!r}: {unknown}") from unknown
    if not name:
        raise ConfigError(f"model {spec!r}: should be provider/name, e.g. ollama/llama3.1:8b")
    try:
        checked = knobs.model_validate(options)
    except ValidationError as invalid:
        wrong = " · ".join(_explain(invalid, knobs))
        raise ConfigError(f"model {spec!r}: options: {wrong}") from invalid
    return cast(Model, import_module(f"{__name__}.{provider}").connect(name, sampling, checked))


def options_of(provider: str) -> type[Record]:
    """The typed options of a provider. Imports its file, but not the client library it uses.

    Raises ConfigError for a provider that does not exist.
    """
    if provider not in PROVIDERS:
        close = get_close_matches(provider, PROVIDERS, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ConfigError(
            f"no provider called {provider!r}.{hint} Providers: {', '.join(PROVIDERS)}."
        )
    return cast(type[Record], import_module(f"{__name__}.{provider}").Options)


def _explain(invalid: ValidationError, knobs: type[Record]) -> list[str]:
    """Each wrong option as `where: what`."""
    lines = []
    for mistake in invalid.errors():
        where = ".".join(str(part) for part in mistake["loc"])
        if mistake["type"] == "extra_forbidden":
            close = get_close_matches(where, knobs.model_fields, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else "there are "
            what = f"unknown, {hint}" + ("" if close else ", ".join(knobs.model_fields))
        else:
            what = mistake["msg"].removeprefix("Value error, ")
        lines.append(f"{where}: {what}" if where else what)
    return lines


class Model(Protocol):
    """A language model that can be asked."""

    name: str
    """`provider/name`, as in the config."""
    endpoint: str
    """What shares a limit with others, e.g. `ollama http://localhost:11434`. Never holds a key."""
    parallel: int
    """How many requests the endpoint should have in flight at the most."""

    async def generate(
        self, chat: Sequence[Message], *, seed: int, schema: dict[str, Any] | None = None
    ) -> Reply:
        """Continue a chat by one reply, once, without retrying.

        `schema` asks for JSON of that schema where the provider can enforce one.
        Raises ModelError; what to do about it is `solver.schedule`'s business.
        """
        ...

    async def describe(self) -> dict[str, Any]:
        """Facts for the manifest (digest, quantisation, versions), and proof that it is there.

        Raises ModelError, with `retryable=False` for an unknown model or a refused key.
        """
        ...

    async def close(self) -> None:
        """Give back connections and memory."""
        ...


class Completer(Protocol):
    """A model that can also continue raw text, for regeneration and memory probes."""

    async def complete(
        self, prefix: str, *, seed: int, max_tokens: int | None = None, stop: Sequence[str] = ()
    ) -> Reply:
        """Continue `prefix` as it stands, with no chat template around it."""
        ...
