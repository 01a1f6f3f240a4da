"""Ask a judging model through a cache, and once more where its reply is invalid.

Replies are kept in an append-only JSONL file, so that none is requested twice. A last line that is
incomplete, because the process was killed while writing, is skipped on reading.
"""

import asyncio
import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from judge.model.replies import Opinion
from judge.model.rubric import Case
from judge.model.rubric import Protocol as AskingProtocol
from judge.verdict import JudgeError

_ATTEMPTS = 2


@dataclass(frozen=True)
class CutReply:
    """A reply that ended because it reached its token limit."""

    text: str


@dataclass(frozen=True)
class Request:
    """Everything that a reply depends on."""

    model: str
    protocol: AskingProtocol
    case: Case
    attempt: int
    """0 at first, 1 for the retry after an invalid reply."""

    @property
    def key(self) -> str:
        """Return the SHA-256 of all fields. The random part of the message is left out."""
        case = self.case
        parts = [self.model, self.protocol.version, case.question, case.reference, case.answer]
        text = json.dumps([*parts, self.attempt])
        return hashlib.sha256(text.encode()).hexdigest()


class ReplyCache:
    """The reply to each request made so far; in memory only where there is no path."""

    def __init__(self, path: Path | None = None) -> None:
        """Read what the file holds. Raises JudgeError where it cannot be read."""
        self.path = path
        self.skipped = 0
        """Lines of the file that could not be read."""
        self._replies: dict[str, str | CutReply] = {}
        self._line_end = b""  # ends an incomplete last line before the first append
        if path is not None and path.exists():
            if not path.is_file():
                raise JudgeError(f"the judge's cache {path} cannot be read: it is no file")
            try:
                self._load(path)
            except OSError as failure:
                raise JudgeError(f"the judge's cache {path} cannot be read: {failure}") from failure

    def __len__(self) -> int:
        return len(self._replies)

    def get(self, request: Request) -> str | CutReply | None:
        """Return the reply to a request, or None if it was never made."""
        return self._replies.get(request.key)

    def put(self, request: Request, reply: str | CutReply, seconds: float) -> None:
        """Append a reply to the file. Raises JudgeError where it cannot be written."""
        self._replies[request.key] = reply
        if self.path is None:
            return
        line = {
            "key": request.key,
            "model": request.model,
            "protocol": request.protocol.name,
            "version": request.protocol.version,
            **asdict(request.case),
            "attempt": request.attempt,
            **_stored(reply),
            "seconds": round(seconds, 3),
            "asked_at": round(time.time(), 3),
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:  # one write for a line, so that writers do not mix
                file.write(self._line_end + json.dumps(line).encode() + b"\n")
            self._line_end = b""
        except OSError as failure:
            message = f"the judge's cache {self.path} cannot be written: {failure}"
            raise JudgeError(message) from failure

    def _load(self, path: Path) -> None:
        line = ""
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    entry = json.loads(line)
                except (ValueError, RecursionError):
                    entry = None
                match entry:
                    case {"key": str(key), "reply": str(reply)}:
                        self._replies[key] = CutReply(reply) if entry.get("cut") else reply
                    case _:
                        self.skipped += 1
        self._line_end = b"\n" if line and not line.endswith("\n") else b""


def _stored(reply: str | CutReply) -> dict[str, str | bool]:
    return {"reply": reply.text, "cut": True} if isinstance(reply, CutReply) else {"reply": reply}


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
            request = Request(self.name, protocol, case, attempt)
            reply, cached = await self._reply(request, complaint)
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
