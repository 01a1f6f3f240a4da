"""A reply as it grows, piece by piece: what the streams of all providers have in common."""

import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from solver.errors import ModelError
from solver.records import Reply, Token

LETTERS_A_TOKEN = 4
"""By which a prompt is counted where the server was cut off before it said its own number."""

Until = Callable[[str], bool]


@dataclass(frozen=True)
class Piece:
    """What one event of a stream says; None where it says nothing of the kind."""

    text: str = ""
    tokens: tuple[Token, ...] = ()
    finish: str | None = None
    """Why the reply ended; `length` where it reached its cap."""
    read: int | None = None
    """Tokens of the prompt."""
    wrote: int | None = None
    """Tokens of the reply."""
    prompt_cut: bool = False
    """The server dropped part of the prompt."""


async def grown(
    stream: AsyncGenerator[Piece, None], *, prompt: str, until: Until | None, endpoint: str
) -> Reply:
    """The reply that a stream brings, to its end or until `until` is true of its text.

    Where the stream is cut before the server counted, the prompt is counted as a quarter of its
    letters, and the reply as the pieces that came. Raises ModelError for a stream without an end.
    """
    started = time.perf_counter()
    text = ""
    tokens: list[Token] = []
    pieces = 0
    read: int | None = None
    wrote: int | None = None
    finish: str | None = None
    cut = prompt_cut = False
    async with aclosing(stream):
        async for piece in stream:
            finish = piece.finish or finish
            read = piece.read if piece.read is not None else read
            wrote = piece.wrote if piece.wrote is not None else wrote
            prompt_cut = piece.prompt_cut or prompt_cut
            tokens += piece.tokens
            if piece.text:
                text += piece.text
                pieces += 1
                if until is not None and until(text):
                    cut = True
                    break
    if finish is None and not cut:
        raise ModelError(f"{endpoint}: the reply ended early")
    known = "".join(token.text for token in tokens) == text
    return Reply(
        text=text,
        input_tokens=read if read is not None else len(prompt) // LETTERS_A_TOKEN,
        output_tokens=wrote if wrote is not None else len(tokens) or pieces,
        seconds=time.perf_counter() - started,
        capped=finish == "length" and not cut,
        prompt_cut=prompt_cut,
        tokens=tuple(tokens) if known else (),
    )


def token(entry: Mapping[str, Any]) -> Token:
    """A token with its alternatives, from the shape that llama.cpp and Ollama share."""
    return Token(
        text=entry["token"],
        logprob=entry["logprob"],
        alternatives=tuple(
            (other["token"], other["logprob"]) for other in entry.get("top_logprobs") or ()
        ),
    )
