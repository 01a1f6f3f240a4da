"""Keep replies of judging models in an append-only JSONL file, so that none is requested twice.

A last line that is incomplete, because the process was killed while writing, is skipped on reading.
"""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from judge.model.rubric import Case, Protocol
from judge.verdict import JudgeError


@dataclass(frozen=True)
class CutReply:
    """A reply that ended because it reached its token limit."""

    text: str


@dataclass(frozen=True)
class Request:
    """Everything that a reply depends on."""

    model: str
    protocol: Protocol
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
                    reply = entry["reply"]
                    self._replies[entry["key"]] = CutReply(reply) if entry.get("cut") else reply
                except (json.JSONDecodeError, KeyError, TypeError):
                    self.skipped += 1
        self._line_end = b"\n" if line and not line.endswith("\n") else b""


def _stored(reply: str | CutReply) -> dict[str, str | bool]:
    return {"reply": reply.text, "cut": True} if isinstance(reply, CutReply) else {"reply": reply}
