"""Which tokens a growing reply was written in, so that it goes on from those and no others.

A text can be spelt in several ways: a model that wrote two line ends one by one goes on otherwise
when it is given both as one token. Not covered: text that was not written here has no spelling,
and what is not ASCII may be several tokens of which only the last one is told.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

REMEMBERED = 32
"""Replies that may grow at a time, each with its alternatives."""


class Part(NamedTuple):
    """A token of a reply, or text whose token is not known."""

    text: str
    token: int | None = None


@dataclass(frozen=True)
class _Grown:
    opened: str
    text: str
    parts: tuple[Part, ...]


class Spelling:
    """Remembers the tokens of the replies that grew last."""

    def __init__(self) -> None:
        self._grown: deque[_Grown] = deque(maxlen=REMEMBERED)

    def of(self, opened: str, begun: str) -> tuple[Part, ...]:
        """`begun`, behind the prompt `opened`, as it was written as far as that is known."""
        known = max(
            (_shared(grown, begun) for grown in self._grown if grown.opened == opened),
            key=len,
            default=(),
        )
        rest = begun[sum(len(part.text) for part in known) :]
        return (*known, Part(rest)) if rest else known

    def keep(self, opened: str, begun: Sequence[Part], written: Sequence[Part]) -> None:
        """Remember that `begun` went on by what was `written`."""
        parts = (*begun, *(part if part.text.isascii() else Part(part.text) for part in written))
        text = "".join(part.text for part in parts)
        for grown in [old for old in self._grown if old.opened == opened]:
            if text.startswith(grown.text):
                self._grown.remove(grown)
        self._grown.append(_Grown(opened, text, parts))


def _shared(grown: _Grown, begun: str) -> tuple[Part, ...]:
    """The parts of a reply with which `begun` begins too."""
    if begun.startswith(grown.text):
        return grown.parts
    end = 0
    for number, part in enumerate(grown.parts):
        if not begun.startswith(part.text, end):
            return grown.parts[:number]
        end += len(part.text)
    return grown.parts
