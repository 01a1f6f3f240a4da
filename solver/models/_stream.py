"""What the streams of all providers have in common: their pieces, collected into a reply."""

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from solver.errors import ModelError
from solver.models._finish import Finish, read_finish
from solver.models._model import Until
from solver.records import Reply, Token
from solver.surrogates import without_surrogates

CHARACTERS_PER_TOKEN = 4
"""For an estimate of the prompt's tokens, if the stream is cut before the server counted them."""


@dataclass(frozen=True)
class Piece:
    """One event of a stream; None for what it does not say."""

    text: str = ""
    thoughts: str = ""
    tokens: tuple[Token, ...] = ()
    finish: str | None = None
    """Why the reply ended, in the server's word."""
    read: int | None = None
    """Tokens of the prompt."""
    wrote: int | None = None
    """Tokens of the reply."""
    prompt_cut: bool = False
    """The server dropped part of the prompt."""


async def collect_reply(
    stream: AsyncGenerator[Piece, None], *, prompt: str, until: Until | None, endpoint: str
) -> Reply:
    """Read a stream to its end, or until `until` is true of its text, and return the reply.

    If the stream is cut before the server has counted tokens, the prompt counts as a quarter of its
    characters and the reply as the pieces that came. Raises ModelError for a stream without an end.
    """
    started = time.perf_counter()
    text = thoughts = ""
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
            thoughts += piece.thoughts
            if piece.text:
                text += without_surrogates(piece.text)  # `until` may encode it
                pieces += 1
                if until is not None and until(text):
                    cut = True
                    break
    if finish is None and not cut:
        raise ModelError(f"{endpoint}: the reply ended early")
    end = Finish() if cut else read_finish(endpoint, finish, text)
    known = "".join(token.text for token in tokens) == text
    return Reply(
        text=text,
        thoughts=thoughts,
        input_tokens=read if read is not None else len(prompt) // CHARACTERS_PER_TOKEN,
        output_tokens=wrote if wrote is not None else len(tokens) or pieces,
        seconds=time.perf_counter() - started,
        capped=end.capped,
        ended=end.ended,
        prompt_cut=prompt_cut,
        tokens=tuple(tokens) if known else (),
    )


def token(entry: Mapping[str, Any]) -> Token:
    """Build a token with its alternatives, from the form that llama.cpp and Ollama share."""
    return Token(
        text=entry["token"],
        logprob=entry["logprob"],
        alternatives=tuple(
            (other["token"], other["logprob"]) for other in entry.get("top_logprobs") or ()
        ),
    )
