"""What a language model is to the rest of the program, and what one adds that continues replies."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, Required, TypedDict, Unpack, runtime_checkable

from solver.errors import ConfigError
from solver.records import Message, Reply

Until = Callable[[str], bool]
"""Given the continuation after each token, tells whether to stop there."""


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

        `schema` asks for JSON of that schema where the provider can enforce one. `stop` adds to the
        sampling's texts that end a reply; the reply does not hold them.
        Raises ModelError; `solver.run.schedule` decides whether to ask again.
        """
        ...

    async def describe(self) -> dict[str, Any]:
        """Return facts for the manifest (digest, quantisation, versions); proves it is there.

        `notes`, if it holds any, are what the reader must know; they become warnings of the run.
        Raises ModelError, with `retryable=False` for an unknown model or a refused key.
        """
        ...

    async def close(self) -> None:
        """Give back connections and memory."""
        ...


class ContinueOptions(TypedDict, total=False):
    """How to continue a partial reply."""

    seed: Required[int]
    max_tokens: int | None
    """A cap below the sampling's, on the continuation alone."""
    until: Until | None
    """Stops the reply where it is true: the stream is cut there, and the reply is not capped."""
    logprobs: int
    """Above 0, asks for `Reply.tokens` with so many alternatives each; they are empty where the
    provider does not return probabilities."""
    temperature: float | None
    """Overrides the sampling's."""


class CompleteOptions(TypedDict, total=False):
    """How to continue raw text."""

    seed: Required[int]
    max_tokens: int | None
    """A cap in place of the sampling's."""
    stop: Sequence[str]
    """Adds to the sampling's texts that end a reply."""
    temperature: float | None
    """Overrides the sampling's."""


def overrides(how: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cap and the temperature that a continuation has in place of the sampling's."""
    return {name: how[name] for name in ("max_tokens", "temperature") if how.get(name) is not None}


class Extend(Protocol):
    """Continue a partial reply: the `extend` of a model, or a function that calls it."""

    async def __call__(
        self, chat: Sequence[Message], partial: str, /, **how: Unpack[ContinueOptions]
    ) -> Reply:
        """Continue the reply to `chat` that starts with `partial`, as `extend` does."""
        ...


@runtime_checkable
class RawModel(Protocol):
    """A model that can be sent text without a chat template."""

    async def complete(self, prefix: str, /, **how: Unpack[CompleteOptions]) -> Reply:
        """Continue `prefix` as raw text, without a chat template. Raises ModelError.

        A provider that declares no "raw" in its `can` sends the text in some other way.
        """
        ...


@runtime_checkable
class ContinuingModel(RawModel, Protocol):
    """A model that can also continue a partial reply, which regeneration needs."""

    async def extend(
        self, chat: Sequence[Message], partial: str, /, **how: Unpack[ContinueOptions]
    ) -> Reply:
        """Continue the reply to `chat` that starts with `partial`, once, without retrying.

        `partial` may be empty. `Reply.text` is the continuation alone. If the stream is cut before
        the server has counted tokens, the prompt counts as a quarter of its characters and the
        reply as the pieces that came. Raises ModelError.
        """
        ...

    async def prove_extend(self) -> None:
        """Check that replies can be continued here, before the run starts.

        Raises ConfigError that says how to fix it, or ModelError if the server does not answer.
        """
        ...


def continuing(model: Model) -> ContinuingModel:
    """Return the model as one that continues partial replies. Raises ConfigError if it cannot."""
    if not isinstance(model, ContinuingModel):
        raise ConfigError(f"model {model.name!r}: its provider cannot continue a partial reply")
    return model


@runtime_checkable
class ServedModel(Protocol):
    """A model that can be exchanged for another under its name while a run goes on."""

    async def served(self) -> list[dict[str, Any]]:
        """Return what each server has under the name now, as in `describe`. Raises ModelError."""
        ...


@runtime_checkable
class LoadingModel(Protocol):
    """A model whose server loads its weights before the first reply, which may take minutes."""

    async def load(self) -> dict[str, Any]:
        """Have the weights loaded; return what the server then says of them, and `notes`.

        Raises ModelError.
        """
        ...
