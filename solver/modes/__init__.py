"""Ways of solving: one file a mode, an async generator that reads like the conversation it holds.

A mode yields a `Turn` for each model reply, and stops when it has an answer or no attempt is left.
It never sees the reference answer.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import judge
from sandbox import Execution, Finding, Level
from solver.config import Config
from solver.extract import extract_program
from solver.prompts import code_chat, cot_chat
from solver.records import Message, Problem, Reply, Turn


class Asks(Protocol):
    """Ask the model under test for one reply; waiting, retrying and resuming happen behind it."""

    async def __call__(self, chat: Sequence[Message], *, seed: int) -> Reply:
        """The reply. Raises ModelError."""
        ...


class Runs(Protocol):
    """Run one program in the sandbox."""

    async def __call__(self, program: str) -> Execution:
        """How it went. Raises SandboxError."""
        ...


@dataclass(frozen=True)
class Tools:
    """What a mode works with."""

    ask: Asks
    run: Runs
    screen: Callable[[str], tuple[Finding, ...]]


class Mode(Protocol):
    """A way of solving. `seed` is the trial's; a turn that must differ adds its number to it."""

    def __call__(
        self, problem: Problem, tools: Tools, config: Config, seed: int
    ) -> AsyncIterator[Turn]:
        """The turns of one trial, as they happen."""
        ...


def mode_of(name: str) -> Mode:
    """The mode in the file of that name."""
    from solver.modes.code import code
    from solver.modes.cot import cot

    return {"code": code, "cot": cot}[name]


def opening(name: str, problem: Problem, config: Config) -> tuple[Message, ...]:
    """The first messages that a mode sends for a problem."""
    if name == "cot":
        return cot_chat(problem.question, examples=config.cot.examples)
    return code_chat(
        problem.question, examples=config.code.examples, seconds=config.sandbox.seconds
    )


async def program_turn(
    chat: Sequence[Message], new: Sequence[Message], tools: Tools, *, seed: int, fresh: bool
) -> Turn:
    """Model, extract, screen, sandbox: one attempt at a program that prints the answer.

    `chat` is all that is sent, `new` the part of it that no earlier turn holds.
    """
    reply = await tools.ask(chat, seed=seed)
    program = extract_program(reply.text, capped=reply.capped)
    findings = tools.screen(program) if program is not None else ()
    refused = any(finding.level is Level.REFUSE for finding in findings)
    execution = None
    answer = judge.Extracted(answer=None, rule="none")
    if program is not None and not refused and not reply.prompt_cut:
        execution = await tools.run(program)
        if execution.exit == "ok":
            answer = judge.extract_output(execution.stdout)
    return Turn(
        prompt=tuple(new),
        fresh=fresh,
        reply=reply,
        program=program,
        findings=findings,
        execution=execution,
        answer=answer.answer,
        answer_rule=answer.rule if answer.answer is not None else None,
        runs_code=True,
    )
