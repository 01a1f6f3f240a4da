"""The seam to a language model, and the way from `provider/name` to the file that speaks to it.

A provider is a file in this folder with an `Options` class (its knobs) and a function
`connect(name, sampling, options)`. Files whose name starts with an underscore are shared by them.
"""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol, cast, runtime_checkable

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
        self,
        chat: Sequence[Message],
        *,
        seed: int,
        schema: dict[str, Any] | None = None,
        stop: Sequence[str] = (),
    ) -> Reply:
        """Continue a chat by one reply, once, without retrying.

        `schema` asks for JSON of that schema where the provider can enforce one. `stop` are texts
        that end the reply beside those of the sampling; the reply does not hold them.
        Raises ModelError; what to do about it is `solver.run.schedule`'s business.
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


class Extend(Protocol):
    """Go on from a reply that is begun."""

    async def __call__(
        self,
        chat: Sequence[Message],
        begun: str,
        *,
        seed: int,
        max_tokens: int | None = None,
        until: Callable[[str], bool] | None = None,
        logprobs: int = 0,
        temperature: float | None = None,
    ) -> Reply:
        """Continue the reply to `chat` that begins with `begun` (which may be empty).

        `Reply.text` is the continuation alone. `until` sees it grow, after each token, and ends it
        by True: the stream is cut there, and what came until then is the reply, not capped.
        `logprobs` above 0 asks for `Reply.tokens` with so many alternatives, empty where the
        provider cannot tell. `temperature` overrides the sampling's. Where a cut stream leaves the
        server no time to count, the prompt is counted as a quarter of its letters, and the reply
        as the pieces that came. Raises ModelError.
        """
        ...


@runtime_checkable
class Continuer(Protocol):
    """A model that can also go on from a text that is begun, for regeneration."""

    @property
    def extend(self) -> Extend:
        """Continue a reply, once, without retrying."""
        ...

    async def prove_extend(self) -> None:
        """Show that replies can be continued here, before anything is spent.

        Raises ConfigError naming the mend, and ModelError where there is no answer at all.
        """
        ...

    async def complete(
        self, prefix: str, *, seed: int, max_tokens: int | None = None, stop: Sequence[str] = ()
    ) -> Reply:
        """Continue `prefix` as it stands, with no chat template around it. Raises ModelError."""
        ...


def continuer(model: Model) -> Continuer:
    """The model as one that can go on from a text. Raises ConfigError for one that cannot."""
    if not isinstance(model, Continuer):
        raise ConfigError(f"model {model.name!r}: its provider cannot continue a reply")
    return model
