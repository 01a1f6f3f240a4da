"""Mode `csv`: solve as `code` does, then let the model check its answer with a second program.

Code-based self-verification, https://arxiv.org/abs/2308.07921. There, all of it happens inside one
reply of a closed tool, and the paper says neither how a state is read nor when revision ends. Here
the check is one request in the same conversation, its state is the last line its program prints,
and `csv.revisions` is the end.
"""

import re
from collections.abc import AsyncIterator

from sandbox import Execution, Exit
from solver.config import Config
from solver.modes import Tools, opening, program_turn
from solver.modes._prompts import revise, verify
from solver.modes.code import attempts
from solver.records import Message, Problem, Turn, Verification


async def csv(problem: Problem, tools: Tools, config: Config, seed: int) -> AsyncIterator[Turn]:
    """Solve, check, and solve again while the check says false.

    An answer that is found true, uncertain, or false once too often is the trial's. A revision that
    brings no answer leaves the trial without one: the model has disowned what it had.
    """
    question = chat = opening("csv", problem, config)
    known = number = 0
    for _ in range(1 + config.csv.revisions):
        async for turn in attempts(chat, tools, config, seed + number, known=known):
            number += 1
            yield turn
        if turn.answer is None or turn.failure is not None:
            return
        request = verify(turn.answer)
        chat = (*question, Message(role="assistant", text=turn.reply.text), request)
        check = await _check(chat, turn, tools, seed + number)
        number += 1
        yield check
        if check.verification is not Verification.FALSE:
            return
        said = Message(role="assistant", text=check.reply.text)
        chat = (*chat, said, revise(turn.answer))
        known = len(chat) - 1


async def _check(chat: tuple[Message, ...], solved: Turn, tools: Tools, seed: int) -> Turn:
    """One request for a program that says whether the answer is right; the answer stays."""
    turn = await program_turn(chat, chat[-1:], tools, seed=seed, fresh=False)
    return turn.model_copy(
        update={
            "answer": solved.answer,
            "answer_rule": solved.answer_rule,
            "verification": state_of(turn.execution),
        }
    )


def state_of(execution: Execution | None) -> Verification:
    """What a checking program found: the one word of its last line, else uncertain."""
    if execution is None or execution.exit is not Exit.OK:
        return Verification.UNCERTAIN
    lines = execution.stdout.split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    word = re.fullmatch(r"\W*(true|false|uncertain)\W*", last.lower())
    return Verification(word.group(1)) if word else Verification.UNCERTAIN
