"""Mode `code` with token-by-token regeneration: the reply grows, and a controller may cut it.

arXiv 2501.17084 reports such an arm and defines it nowhere, so these definitions are ours.
`literal` asks for one token a request. `guided` ends the reply when its first program closes, and
checks each line of it: one that does not parse, or that the screen refuses, is grown again.
`refine` mends a failed program by growing it again from its least certain token.
Not covered: replies in which no program is fenced as Python, which grow without control.
"""

import re
from collections.abc import AsyncIterator, Container, Sequence
from functools import partial
from typing import Literal

from sandbox import Level
from solver.config import Config
from solver.models import Extend
from solver.modes import Tools, opening, program_turn
from solver.modes._continue import Growth, LineCheck, another_token, line_begin, places
from solver.modes.code import attempts
from solver.records import Message, Problem, Reply, Turn


async def grown(
    problem: Problem,
    tools: Tools,
    config: Config,
    seed: int,
    *,
    control: Literal["literal", "guided"],
) -> AsyncIterator[Turn]:
    """Mode `code` in every respect, but that a controller makes the replies."""

    async def ask(chat: Sequence[Message], *, seed: int, stop: Sequence[str] = ()) -> Reply:
        if control == "literal":
            return await tools.grow(partial(literal, chat, seed, tools.max_tokens))
        most = config.code.regenerate.interventions
        return await tools.grow(partial(guided, chat, seed, tools, most))

    async for turn in attempts(opening("code", problem, config), tools, config, seed, ask=ask):
        yield turn


async def literal(chat: Sequence[Message], seed: int, cap: int, extend: Extend) -> Reply:
    """One request a token, until the model ends or the cap is reached."""
    growth = Growth()
    wanted = 1
    while wanted <= growth.room(cap):
        piece = await extend(chat, growth.text, seed=seed + growth.bought, max_tokens=wanted)
        growth.add(piece)
        if not piece.capped:
            return growth.reply(capped=False)
        wanted = 1 if piece.text else wanted + 1  # a letter may take several tokens
    return growth.reply(capped=True)


async def guided(
    chat: Sequence[Message], seed: int, tools: Tools, most: int, extend: Extend
) -> Reply:
    """One stream, cut and continued where a line fails, `most` times at the most.

    A line that failed is dropped, and the likeliest token that it did not begin with put in its
    place. Where the model has no other, the line stays; then, or once `most` were dropped, no more
    are checked.
    """
    growth = Growth()
    dropped: dict[str, list[str]] = {}
    checking = True
    while (room := growth.room(tools.max_tokens)) > 0:
        check = LineCheck(growth.text, tools.screen if checking else None)
        piece = await extend(
            chat, growth.text, seed=seed + growth.requests, max_tokens=room, until=check
        )
        growth.add(piece)
        if check.found is None:
            return growth.reply(capped=piece.capped)
        if check.found == "closed":
            growth.cut("closed", check.at)
            return growth.reply(capped=False)
        kept = growth.text[: check.at]
        lines = dropped.setdefault(kept, [])
        lines.append(growth.text[check.at :])
        token = await another_token(extend, chat, kept, lines, seed, growth)
        if token is not None:
            growth.cut(check.found, check.at)
            growth.put(*token)
        checking = token is not None and sum(map(len, dropped.values())) < most
    return growth.reply(capped=True)


async def refine(problem: Problem, tools: Tools, config: Config, seed: int) -> AsyncIterator[Turn]:
    """Ask once; then grow a failed program again from its least certain token before the failure.

    The model is shown no error. Where the provider tells no probabilities, the program is grown
    again from the beginning of the failing line.
    """
    question = opening("code", problem, config)
    growth, dropped = Growth(), list[str]()
    tried: dict[str, list[str]] = {}

    async def ask(chat: Sequence[Message], *, seed: int, stop: Sequence[str] = ()) -> Reply:
        return await tools.grow(partial(_regrown, chat, seed, tools.max_tokens, growth, dropped))

    for attempt in range(1 + config.code.retries):
        turn = await program_turn(
            question, question, tools, seed=seed + attempt, fresh=True, ask=ask
        )
        yield turn
        if turn.failure is None or turn.reply.prompt_cut:
            return
        at = weakest_place(turn, tried)
        growth = Growth.cut_from(turn.reply, at)
        dropped = tried.setdefault(growth.text, [])
        dropped.append(turn.reply.text[at:])


async def _regrown(
    chat: Sequence[Message],
    seed: int,
    cap: int,
    growth: Growth,
    dropped: Sequence[str],
    extend: Extend,
) -> Reply:
    """The reply from where it was cut, its next token another than those that were dropped."""
    if dropped:
        token = await another_token(extend, chat, growth.text, dropped, seed, growth)
        if token is not None:
            growth.put(*token)
    if growth.room(cap) <= 0:
        return growth.reply(capped=True)
    piece = await extend(chat, growth.text, seed=seed, max_tokens=growth.room(cap), logprobs=1)
    growth.add(piece)
    return growth.reply(capped=piece.capped)


def weakest_place(turn: Turn, tried: Container[str]) -> int:
    """Where a failed reply is cut, in characters: at its least certain token before the failure.

    That is a token of the program before the failing line, or of the whole program where no line is
    to blame or it is the first, or of the whole reply where there is no program. Places that were
    `tried` are passed over. Where nothing is known of tokens, it is the beginning of that line, or
    of the program.
    """
    reply = turn.reply
    start = max(0, reply.text.rfind(turn.program)) if turn.program else 0
    program = turn.program or reply.text
    line = start + line_begin(program, (failing_line(turn) or 1) - 1)
    end = line if line > start else start + len(program)
    found = [
        (token.logprob, begin)
        for begin, _, token in places(reply.tokens)
        if start <= begin < end and reply.text[:begin] not in tried
    ]
    return min(found)[1] if found else line


def failing_line(turn: Turn) -> int | None:
    """The program's line (from 1) that was refused or crashed; None where none is to blame."""
    if turn.execution is None:
        return next((f.line for f in turn.findings if f.level is Level.REFUSE), None)
    frames = re.findall(r'File "(?:[^"]*/)?solution\.py", line (\d{1,9})\b', turn.execution.stderr)
    return int(frames[-1]) if frames else None
