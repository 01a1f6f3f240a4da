"""Remembers the token ids of partial replies, so that continuing does not tokenise them again.

A text can be tokenised in several ways: a model that wrote two line breaks as two tokens continues
differently when it reads them as one. Not covered: text that the model did not write, whose ids are
unknown, and characters outside ASCII, which may take several tokens of which only the last is told.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

REMEMBERED = 32
"""Replies to remember: those being continued at one time, each with its alternatives."""


class Part(NamedTuple):
    """A token of a reply, or text whose token is not known."""

    text: str
    token: int | None = None


@dataclass(frozen=True)
class _Written:
    prompt: str
    text: str
    parts: tuple[Part, ...]


class TokenIds:
    """The token ids of the replies that were continued last."""

    def __init__(self) -> None:
        self._replies: deque[_Written] = deque(maxlen=REMEMBERED)

    def of(self, prompt: str, partial: str) -> tuple[Part, ...]:
        """Return the tokens in which `partial` was written after `prompt`, and the rest as text."""
        known = max(
            (_shared(reply, partial) for reply in self._replies if reply.prompt == prompt),
            key=len,
            default=(),
        )
        rest = partial[sum(len(part.text) for part in known) :]
        return (*known, Part(rest)) if rest else known

    def keep(self, prompt: str, partial: Sequence[Part], written: Sequence[Part]) -> None:
        """Remember that `partial` was continued by the tokens `written`."""
        parts = (*partial, *(part if part.text.isascii() else Part(part.text) for part in written))
        text = "".join(part.text for part in parts)
        for reply in [old for old in self._replies if old.prompt == prompt]:
            if text.startswith(reply.text):
                self._replies.remove(reply)
        self._replies.append(_Written(prompt, text, parts))


def _shared(reply: _Written, partial: str) -> tuple[Part, ...]:
    """Return the tokens of a reply with which `partial` starts too."""
    if partial.startswith(reply.text):
        return reply.parts
    end = 0
    for number, part in enumerate(reply.parts):
        if not partial.startswith(part.text, end):
            return reply.parts[:number]
        end += len(part.text)
    return reply.parts
