"""Mode `cot`: the model reasons in words and boxes its answer. Nothing is run."""

from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from solver.config import Config
from solver.extract import answer_in
from solver.modes import Mode, Tools
from solver.modes._chat import assistant, opened, worked_examples
from solver.modes._turns import words_turn
from solver.records import Message, Problem, Record, Turn

SYSTEM = """\
You solve mathematics problems by careful reasoning in words.
Work step by step, then give the final answer once, in exact form, as \\boxed{answer}."""

QUESTION = """\
Problem: {question}

Reason step by step and box the final answer."""


TEXTS = {"system": SYSTEM, "question": QUESTION}


class Options(Record):
    """The mode in which the model reasons in words and boxes its answer."""

    examples: int = Field(default=0, ge=0)
    """How many worked examples precede the problem."""
    closing: bool = True
    """Whether the one value of a last sentence is the answer where nothing announces one."""


async def solve(problem: Problem, tools: Tools, config: Config, seed: int) -> AsyncIterator[Turn]:
    """Ask once for reasoning with a boxed answer."""
    chat = opening(problem, config)
    prompt = config.prompt_of(MODE.name)
    reply = await tools.ask(chat, seed=seed, stop=prompt.stop if prompt else ())
    closing = config.section(Options).closing
    yield words_turn(chat, reply, answer_in(reply.text, capped=reply.capped, closing=closing))


def opening(problem: Problem, config: Config) -> tuple[Message, ...]:
    """Return the conversation that asks for reasoning and a boxed answer."""
    examples = worked_examples()[: config.section(Options).examples]
    shots = [(each.question, (assistant(each.reasoning.strip()),)) for each in examples]
    return opened(config.prompt_of(MODE.name), TEXTS, problem.question, shots)


def settings(config: Config) -> dict[str, Any]:
    """Return the settings that affect a trial."""
    return measured(config.section(Options))


def measured(options: Options) -> dict[str, Any]:
    """Return the options that affect a run: without `closing` where it is as it always was."""
    return options.model_dump(mode="json", exclude={"closing"} if options.closing else set())


MODE = Mode(
    name="cot",
    definition="cot: chain of thought. The model reasons in words, in one reply, and boxes its"
    " answer; nothing is run.",
    solve=solve,
    opening=opening,
    sentences=(SYSTEM, QUESTION),
    texts=TEXTS,
    settings=settings,
    options=Options,
    measured=measured,
)
