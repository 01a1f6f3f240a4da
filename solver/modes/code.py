"""Mode `code`: the model writes one Python program, and gets to mend it when it fails."""

from collections.abc import AsyncIterator, Sequence

from solver.config import Config
from solver.modes import Asks, Tools, opening, program_turn
from solver.modes._prompts import try_again
from solver.records import Message, Problem, Turn


async def code(problem: Problem, tools: Tools, config: Config, seed: int) -> AsyncIterator[Turn]:
    """Ask for a program and run it. If it fails, show the model why, or ask afresh."""
    async for turn in attempts(opening("code", problem, config), tools, config, seed):
        yield turn


async def attempts(
    question: Sequence[Message],
    tools: Tools,
    config: Config,
    seed: int,
    *,
    known: int = 0,
    ask: Asks | None = None,
) -> AsyncIterator[Turn]:
    """Ask for a program until one prints an answer or no retry is left.

    Only what the model could see for itself fires a retry: no program, a refusal by the screen, a
    crash, a limit, silence. A wrong answer never does, for that would leak the reference.
    `known` of the question's messages are in earlier turns already; `ask` is `program_turn`'s.
    """
    limits = config.sandbox
    chat, new = tuple(question), tuple(question[known:])
    for attempt in range(1 + config.code.retries):
        fresh = new == tuple(question)
        turn = await program_turn(chat, new, tools, seed=seed + attempt, fresh=fresh, ask=ask)
        yield turn
        if turn.failure is None or turn.reply.prompt_cut:
            return
        if config.code.retry == "feedback":
            said = Message(role="assistant", text=turn.reply.text)
            why = try_again(turn, seconds=limits.seconds, memory_mb=limits.memory_mb)
            new = (why,)
            chat = (*question, said, why)  # the last one only: ten would not fit a small context
        else:
            new = tuple(question)
