"""Ask a judging model through the cache, and once more where its reply is invalid."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Protocol

from judge.model.cache import CutReply, ReplyCache, Request
from judge.model.replies import Opinion
from judge.model.rubric import Case
from judge.model.rubric import Protocol as AskingProtocol
from judge.verdict import JudgeError

_ATTEMPTS = 2


class Ask(Protocol):
    """The function that asks a language model; callers pass it, so that `judge` needs no client."""

    async def __call__(self, system: str, user: str, schema: dict[str, Any]) -> "str | CutReply":
        """Return the model's reply, as deterministic as the provider allows.

        A reply that reached its token limit is a `CutReply`, which may still hold a verdict.
        `schema` is the JSON schema the reply should have; empty means free text. Raises JudgeError
        where the model could not be reached or did not answer.
        """


@dataclass(frozen=True)
class Look:
    """The result of asking once, including the retry."""

    opinion: Opinion | None
    complaint: str
    """What was wrong with the last reply, where there is no opinion."""
    cached: bool
    cut: bool = False
    """There is no opinion because the reply ended at its token limit."""


class AskedModel:
    """A judging model with its cache."""

    def __init__(self, ask: Ask | None, name: str, cache: ReplyCache) -> None:
        self.ask = ask
        self.name = name
        self._cache = cache
        self._locks: dict[str, asyncio.Lock] = {}

    async def look(self, protocol: AskingProtocol, case: Case) -> Look:
        """Ask, and once more where the reply is invalid. Raises JudgeError as `Ask` does."""
        complaint, all_cached, cut = "", True, False
        for attempt in range(_ATTEMPTS):
            reply, cached = await self._reply(
                Request(self.name, protocol, case, attempt), complaint
            )
            all_cached = all_cached and cached
            try:
                return Look(_read(protocol, reply), "", all_cached)
            except ValueError as problem:
                cut = isinstance(reply, CutReply)
                complaint = "it was cut at its token limit" if cut else str(problem)
        return Look(None, complaint, all_cached, cut)

    async def _reply(self, request: Request, complaint: str) -> tuple[str | CutReply, bool]:
        """Return the reply and whether it was cached. Equal requests wait for each other."""
        lock = self._locks.setdefault(request.key, asyncio.Lock())
        async with lock:
            known = self._cache.get(request)
            if known is not None:
                return known, True
            if self.ask is None:
                raise JudgeError(f"offline: the cache has no reply of {self.name} for this answer")
            started = time.perf_counter()
            protocol = request.protocol
            message = protocol.message(request.case, complaint)
            system = "" if protocol.alone else protocol.system
            reply = await self.ask(system, message, protocol.schema)
            self._cache.put(request, reply, time.perf_counter() - started)
        self._locks.pop(request.key, None)
        return reply, False


def _read(protocol: AskingProtocol, reply: str | CutReply) -> Opinion:
    """Read a reply. Raise ValueError where it is invalid, or cut before its verdict."""
    if not isinstance(reply, CutReply):
        return protocol.read(reply)
    if not protocol.schema and not protocol.alone and "\\boxed" not in reply.text:
        raise ValueError("it has no verdict")  # a cut reply without a box says neither yes nor no
    return protocol.read(reply.text)
