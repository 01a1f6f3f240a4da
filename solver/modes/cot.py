"""Mode `cot`: the model reasons in words and boxes its answer. Nothing is run."""

from collections.abc import AsyncIterator

import judge
from solver.config import Config
from solver.modes import Tools, opening
from solver.records import Problem, Turn


async def cot(problem: Problem, tools: Tools, config: Config, seed: int) -> AsyncIterator[Turn]:
    """Ask once for reasoning with a boxed answer."""
    chat = opening("cot", problem, config)
    reply = await tools.ask(chat, seed=seed)
    answer = judge.extract_answer(reply.text)
    found = answer.answer is not None
    yield Turn(
        prompt=chat,
        fresh=True,
        reply=reply,
        answer=answer.answer,
        answer_rule=answer.rule if found else None,
    )
