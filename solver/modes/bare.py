"""Mode `bare`: the model gives its answer at once, without reasoning.

An answer that takes steps to find, given at once, is remembered or guessed. Asked of a problem and
of variants of it, the drop between the two tells which (arXiv 2605.21856, whose prompts are not
published; these are ours). The worked examples show the form. The reply ends at its first empty
line, so that a model that reasons all the same does not get far.
"""

from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

import judge
from solver.config import Config
from solver.modes import Mode, Tools
from solver.modes._chat import Example, assistant, opened, worked_examples
from solver.modes._turns import words_turn
from solver.problems.files import last_boxed
from solver.records import Message, Problem, Record, Turn

SYSTEM = """\
You are given mathematics problems. Reply with the final answer alone, as \\boxed{answer}, at once.
Write no reasoning, no steps and no other words."""

QUESTION = """\
Problem: {question}

Only the final answer, boxed."""

_END = "\n\n"


class Options(Record):
    """The mode in which the model gives its answer at once, without reasoning."""

    examples: int = Field(default=3, ge=0)
    """How many worked examples, with their answers alone, precede the problem."""


async def solve(problem: Problem, tools: Tools, config: Config, seed: int) -> AsyncIterator[Turn]:
    """Ask once for a boxed answer and nothing else."""
    chat = opening(problem, config)
    reply = await tools.ask(chat, seed=seed, stop=(_END,))
    yield words_turn(chat, reply, judge.extract_answer(reply.text))


def opening(problem: Problem, config: Config) -> tuple[Message, ...]:
    """Return the conversation that asks for a boxed answer alone."""
    examples = worked_examples()[: config.section(Options).examples]
    shots = [(each.question, (_answer_alone(each),)) for each in examples]
    return opened(None, {"system": SYSTEM, "question": QUESTION}, problem.question, shots)


def _answer_alone(example: Example) -> Message:
    return assistant(f"\\boxed{{{last_boxed(example.reasoning)}}}")


def settings(config: Config) -> dict[str, Any]:
    """Return the settings that affect a trial."""
    return config.section(Options).model_dump(mode="json")


MODE = Mode(
    name="bare",
    definition="bare: the model gives its boxed answer at once, without reasoning.",
    solve=solve,
    opening=opening,
    sentences=(SYSTEM, QUESTION, _END),
    settings=settings,
    options=Options,
    at_once=True,
    teaches=lambda turn, trial: False,
)
