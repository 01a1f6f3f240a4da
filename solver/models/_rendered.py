"""A model that is asked in raw text: with another chat template than its own, or with none.

Base models have no template: a chat is then the texts of its messages, a blank line between two, so
that worked examples and the question read as one text to be continued.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Unpack

from solver.errors import ConfigError
from solver.models._model import CompleteOptions, LoadingModel, Model, RawModel, ServedModel
from solver.models._templates import read_template
from solver.records import Message, Reply, digest

OWN, NONE = "default", "none"
"""The values of `template` that name no file: the model's own template, and no template."""


def rendered(model: Model, template: str) -> Model:
    """Return a model that is asked with another chat template; the model itself for `default`.

    Raises ConfigError where it cannot continue raw text, or the file holds no template.
    """
    if template == OWN:
        return model
    if not isinstance(model, RawModel):
        raise ConfigError(f"model {model.name!r}: its provider cannot continue raw text")
    return _Rendered(model, model, plain_text if template == NONE else read_template(template))


def template_identity(template: str) -> dict[str, str]:
    """Return what a template adds to a trial's key: nothing for the model's own.

    Raises ConfigError for a file that holds no template.
    """
    if template in (OWN, NONE):
        return {} if template == OWN else {"template": NONE}
    read_template(template)
    return {"template": digest(Path(template).expanduser().read_text(encoding="utf-8"))}


def plain_text(chat: Sequence[Message]) -> str:
    """Return the texts of a chat's messages, with a blank line between two."""
    return "\n\n".join(message.text for message in chat)


class _Rendered:
    """Asks a model in the text that a function makes of a chat."""

    def __init__(
        self, model: Model, raw: RawModel, render: Callable[[Sequence[Message]], str]
    ) -> None:
        self.name = model.name
        self.endpoint = model.endpoint
        self.parallel = model.parallel
        self._model = model
        self._raw = raw
        self._render = render

    async def generate(
        self,
        chat: Sequence[Message],
        *,
        seed: int,
        schema: dict[str, Any] | None = None,
        stop: Sequence[str] = (),
    ) -> Reply:
        """Continue the text of the chat. No schema can be asked for."""
        return await self._raw.complete(self._render(chat), seed=seed, stop=stop)

    async def complete(self, prefix: str, /, **how: Unpack[CompleteOptions]) -> Reply:
        """Continue raw text, as the model does."""
        return await self._raw.complete(prefix, **how)

    async def describe(self) -> dict[str, Any]:
        """Return the model's own facts."""
        return await self._model.describe()

    async def served(self) -> list[dict[str, Any]]:
        """Return what the model's servers say; nothing where they say nothing."""
        return await self._model.served() if isinstance(self._model, ServedModel) else []

    async def load(self) -> dict[str, Any]:
        """Have the model loaded, where that takes a step of its own."""
        return await self._model.load() if isinstance(self._model, LoadingModel) else {}

    async def close(self) -> None:
        """Close the model."""
        await self._model.close()
