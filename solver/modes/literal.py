"""Mode `code+literal`: mode `code`, but with one request for each token of a reply.

arXiv 2501.17084 reports results of such a mode without defining it, so this definition is ours. At
temperature 0 the reply should equal that of a single request; reports show how often it does.
"""

from collections.abc import AsyncIterator, Sequence
from functools import partial as with_arguments

from solver.config import Config
from solver.models import Extend
from solver.modes import Tools, code
from solver.modes._continue import PartialReply, control_of
from solver.records import Message, Problem, Reply, Turn


async def solve(problem: Problem, tools: Tools, config: Config, seed: int) -> AsyncIterator[Turn]:
    """Solve as mode `code` does, with replies made token by token."""

    async def ask(chat: Sequence[Message], *, seed: int, stop: Sequence[str] = ()) -> Reply:
        return await tools.control(with_arguments(literal, chat, seed, tools.max_tokens))

    question = code.opening(problem, config)
    async for turn in code.attempts(question, tools, config, seed, ask=ask):
        yield turn


async def literal(chat: Sequence[Message], seed: int, cap: int, extend: Extend) -> Reply:
    """Make one request for each token, until the model ends the reply or the cap is reached."""
    partial = PartialReply()
    wanted = 1
    while wanted <= partial.room(cap):
        piece = await extend(chat, partial.text, seed=seed + partial.written, max_tokens=wanted)
        partial.add(piece)
        if not piece.capped:
            return partial.reply(capped=False)
        # part of a character gives no text: then ask for one more token at once
        wanted = 1 if piece.text else wanted + 1
    return partial.reply(capped=True)


MODE = control_of(
    "literal",
    "code+literal asks for one token a request, and does nothing else.",
    solve,
    most_requests=lambda config, max_tokens: max_tokens,
)
