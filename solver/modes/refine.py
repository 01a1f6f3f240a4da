"""Mode `code+refine`: a failed program is continued again from its least certain token.

The model is not shown the error. Its reply is kept up to that token, which comes before the line
that failed, and continued with another token. This definition is ours, as for `literal`.
"""

import re
from collections.abc import AsyncIterator, Container, Sequence
from functools import partial as with_arguments

from solver.config import Config
from solver.models import Extend
from solver.modes import Tools, code
from solver.modes._continue import (
    MOST_REQUESTS,
    PartialReply,
    another_token,
    control_of,
    line_begin,
    places,
)
from solver.modes._turns import program_turn
from solver.records import Message, Problem, Reply, Turn


async def solve(problem: Problem, tools: Tools, config: Config, seed: int) -> AsyncIterator[Turn]:
    """Ask once; then continue a failed program from its least certain token.

    The model is shown no error. Where the provider returns no probabilities, the program is
    continued from the beginning of the failing line.
    """
    question = code.opening(problem, config)
    partial, dropped = PartialReply(), list[str]()
    tried: dict[str, list[str]] = {}

    async def ask(chat: Sequence[Message], *, seed: int, stop: Sequence[str] = ()) -> Reply:
        controller = with_arguments(_continued, chat, seed, tools.max_tokens, partial, dropped)
        return await tools.control(controller)

    for attempt in range(code.most_attempts(config)):
        turn = await program_turn(
            question, question, tools, seed=seed + attempt, fresh=True, ask=ask
        )
        yield turn
        if turn.failure is None or turn.reply.prompt_cut or turn.given_up:
            return
        at = weakest_place(turn, tried)
        partial = PartialReply.cut_from(turn.reply, at)
        dropped = tried.setdefault(partial.text, [])
        dropped.append(turn.reply.text[at:])


async def _continued(
    chat: Sequence[Message],
    seed: int,
    cap: int,
    partial: PartialReply,
    dropped: Sequence[str],
    extend: Extend,
) -> Reply:
    """Continue the reply from where it was cut, with a token that no dropped text begins with."""
    if dropped:
        token = await another_token(extend, chat, partial.text, dropped, seed, partial)
        if token is not None:
            partial.append(*token)
    if partial.room(cap) <= 0:
        return partial.reply(capped=True)
    piece = await extend(chat, partial.text, seed=seed, max_tokens=partial.room(cap), logprobs=1)
    partial.add(piece)
    return partial.reply(capped=piece.capped)


def weakest_place(turn: Turn, tried: Container[str]) -> int:
    """Return where to cut a failed reply, in characters: before its least certain token.

    The tokens considered are those of the program before the failing line; of the whole program
    where no line failed or the first one did; of the whole reply where it holds no program. Places
    already `tried` are skipped. Where no such token is known, the cut is at the beginning of the
    failing line, or of the program.
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
    """Return the number (from 1) of the program's line that was refused or crashed, if any."""
    if turn.execution is None:
        return next((finding.line for finding in turn.refusals), None)
    frames = re.findall(r'File "(?:[^"]*/)?solution\.py", line (\d{1,9})\b', turn.execution.stderr)
    return int(frames[-1]) if frames else None


MODE = control_of(
    "refine",
    "code+refine keeps a failed program up to its least certain token before the failing line, and"
    " continues it again from there.",
    solve,
    most_requests=lambda config, max_tokens: 1 + MOST_REQUESTS,
    most_kept=lambda config: 0,
)
