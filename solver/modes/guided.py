"""Mode `code+guided`: mode `code`, but each reply is checked line by line while it is written.

A reply ends when its first program is complete. After each finished line, the program so far must
parse as the beginning of a program, and the screen must allow it. Otherwise the line is dropped,
and the reply continued with the likeliest token that the dropped line did not begin with. This
definition is ours, as for `literal`. Replies without a program fenced as Python are not checked.
"""

from collections.abc import AsyncIterator, Sequence
from functools import partial as with_arguments
from typing import Any

from solver.config import Config
from solver.models import Extend
from solver.modes import Tools, code
from solver.modes._continue import (
    MOST_REQUESTS,
    LineCheck,
    PartialReply,
    another_token,
    control_of,
)
from solver.records import Message, Problem, Reply, Turn


async def solve(problem: Problem, tools: Tools, config: Config, seed: int) -> AsyncIterator[Turn]:
    """Solve as mode `code` does, with replies that are checked while they are written."""
    most = _interventions(config)

    async def ask(chat: Sequence[Message], *, seed: int, stop: Sequence[str] = ()) -> Reply:
        return await tools.control(with_arguments(guided, chat, seed, tools, most))

    question = code.opening(problem, config)
    async for turn in code.attempts(question, tools, config, seed, ask=ask):
        yield turn


async def guided(
    chat: Sequence[Message], seed: int, tools: Tools, most: int, extend: Extend
) -> Reply:
    """Make one reply: where a line fails, drop it and continue with another token.

    The token is the likeliest one that the line did not begin with. Where the model offers no other
    token, the line stays. After that, or once `most` lines were dropped, no line is checked.
    """
    partial = PartialReply()
    dropped: dict[str, list[str]] = {}
    checking = True
    while (room := partial.room(tools.max_tokens)) > 0:
        check = LineCheck(partial.text, tools.screen if checking else None)
        piece = await extend(
            chat, partial.text, seed=seed + partial.requests, max_tokens=room, until=check
        )
        partial.add(piece)
        if check.found is None:
            return partial.reply(capped=piece.capped)
        if check.found == "closed":
            partial.cut("closed", check.at)
            return partial.reply(capped=False)
        kept = partial.text[: check.at]
        lines = dropped.setdefault(kept, [])
        lines.append(partial.text[check.at :])
        token = await another_token(extend, chat, kept, lines, seed, partial)
        if token is not None:
            partial.cut(check.found, check.at)
            partial.append(*token)
        checking = token is not None and sum(map(len, dropped.values())) < most
    return partial.reply(capped=True)


def settings(config: Config) -> dict[str, Any]:
    """Return the settings that affect a trial."""
    return code.settings(config) | {"interventions": _interventions(config)}


def _interventions(config: Config) -> int:
    return config.section(code.Options).regenerate.interventions


MODE = control_of(
    "guided",
    "code+guided ends the reply where its first program closes, and checks each line of it: one"
    " that does not parse, or that the screen refuses, is dropped and written again.",
    solve,
    settings=settings,
    most_requests=lambda config, max_tokens: 1 + _interventions(config) * (1 + MOST_REQUESTS),
)
