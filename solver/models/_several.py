"""One model on several servers of OpenAI's API, each asked when it has the fewest requests.

So a server that answers twice as fast does twice as much. One that fails is avoided for a while.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, Unpack

from solver.errors import ModelError
from solver.models import CompleteOptions, ContinueOptions
from solver.models._hosts import DOWN_SECONDS, Host, Hosts, ask_all
from solver.models._model import ContinuingModel, Model
from solver.records import Message, Reply, json_text


class Whole(ContinuingModel, Model, Protocol):
    """A model that can do all that this API allows."""


class Served(Whole, Host, Protocol):
    """The model at one of the servers."""


_T = TypeVar("_T")


class Several:
    """One model at several servers."""

    def __init__(self, models: Sequence[Served]) -> None:
        self.name = models[0].name
        self.endpoint = "openai " + " ".join(model.place for model in models)
        self.parallel = sum(model.parallel for model in models)
        self._hosts = Hosts(models)

    async def generate(
        self,
        chat: Sequence[Message],
        *,
        seed: int,
        schema: dict[str, Any] | None = None,
        stop: Sequence[str] = (),
    ) -> Reply:
        """Continue a chat on the least busy server."""
        return await _asked(
            self._hosts.least_busy(),
            lambda model: model.generate(chat, seed=seed, schema=schema, stop=stop),
        )

    async def extend(
        self, chat: Sequence[Message], partial: str, /, **how: Unpack[ContinueOptions]
    ) -> Reply:
        """Continue a partial reply on the server that has its start in the cache."""
        host = self._hosts.of(json_text([[message.role, message.text] for message in chat]))
        return await _asked(host, lambda model: model.extend(chat, partial, **how))

    async def complete(self, prefix: str, /, **how: Unpack[CompleteOptions]) -> Reply:
        """Continue raw text on the least busy server."""
        return await _asked(self._hosts.least_busy(), lambda model: model.complete(prefix, **how))

    async def prove_extend(self) -> None:
        """Check each server. Raises ConfigError or ModelError."""
        for model in self._hosts.all:
            await model.prove_extend()

    async def describe(self) -> dict[str, Any]:
        """Return what the servers say of the model; those that do not answer are left out.

        Raises ModelError where they serve different models, or none answers.
        """
        told, failures = await ask_all(self._hosts.all, lambda model: model.describe())
        await self._hosts.keep(told)
        self.parallel = sum(model.parallel for model in self._hosts.all)
        if different := _difference(told):
            raise ModelError(f"{self.name}: the servers differ: {different}", retryable=False)
        notes = [note for facts in told.values() for note in facts.get("notes", ())]
        notes += [f"{self.name}: goes on without a server: {failure}" for failure in failures]
        first = next(iter(told.values()))
        places = " ".join(model.place for model in told)
        return {**first, "base_url": places} | ({"notes": notes} if notes else {})

    async def close(self) -> None:
        """Close the connections."""
        await self._hosts.close()


async def _asked(host: Served, ask: Callable[[Served], Awaitable[_T]]) -> _T:
    """Return what a server answers; one that fails is avoided while there is another."""
    host.busy += 1
    try:
        return await ask(host)
    except ModelError as failed:
        if failed.retryable:
            host.down_until = time.monotonic() + (failed.retry_after or DOWN_SECONDS)
        raise
    finally:
        host.busy -= 1


def _difference(told: Mapping[Served, Mapping[str, Any]]) -> str:
    """Say in what the servers differ that matters to replies, or return an empty text."""
    for what in ("id", "served", "context"):
        values = {model.place: facts.get(what) for model, facts in told.items()}
        if len(set(map(json_text, values.values()))) > 1:
            return ", ".join(f"{place} has {what} {value}" for place, value in values.items())
    return ""
