"""Ways of solving: one file a mode, an async generator that reads like the conversation it holds.

A mode yields a `Turn` for each model reply, and stops when it has an answer or no attempt is left.
It never sees the reference answer.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import judge
from sandbox import Execution, Finding, Level
from solver.config import Config
from solver.extract import extract_program
from solver.models import Extend
from solver.modes._continue import MOST_REQUESTS
from solver.modes._prompts import code_chat, cot_chat, prompt_hash, tir_chat
from solver.records import Message, Problem, Reply, Turn, digest


class Asks(Protocol):
    """Ask the model under test for one reply; waiting, retrying and resuming happen behind it."""

    async def __call__(
        self, chat: Sequence[Message], *, seed: int, stop: Sequence[str] = ()
    ) -> Reply:
        """The reply, which ends before any of `stop`. Raises ModelError."""
        ...


Grower = Callable[[Extend], Awaitable[Reply]]
"""Makes one reply out of several continuations."""


class Runs(Protocol):
    """Run one program in the sandbox."""

    async def __call__(self, program: str) -> Execution:
        """How it went. Raises SandboxError."""
        ...


@dataclass(frozen=True)
class Tools:
    """What a mode works with."""

    ask: Asks
    grow: Callable[[Grower], Awaitable[Reply]]
    """Let a controller make the next reply. Raises ModelError."""
    run: Runs
    """In a fresh process."""
    step: Runs
    """In the trial's session, where names stay defined."""
    screen: Callable[[str], tuple[Finding, ...]]
    max_tokens: int
    """The cap on one reply."""


class Mode(Protocol):
    """A way of solving. `seed` is the trial's; a turn that must differ adds its number to it."""

    def __call__(
        self, problem: Problem, tools: Tools, config: Config, seed: int
    ) -> AsyncIterator[Turn]:
        """The turns of one trial, as they happen."""
        ...


def mode_of(name: str) -> Mode:
    """The mode in the file of that name; `code+guided` is in `regenerate`, with its control."""
    from solver.modes.code import code
    from solver.modes.cot import cot
    from solver.modes.csv import csv
    from solver.modes.regenerate import grown, refine
    from solver.modes.tir import tir

    modes: dict[str, Mode] = {
        "code": code,
        "code+literal": partial(grown, control="literal"),
        "code+guided": partial(grown, control="guided"),
        "code+refine": refine,
        "cot": cot,
        "csv": csv,
        "tir": tir,
    }
    return modes[name]


def opening(name: str, problem: Problem, config: Config) -> tuple[Message, ...]:
    """The first messages that a mode sends for a problem."""
    if name == "cot":
        return cot_chat(problem.question, examples=config.cot.examples)
    if name == "tir":
        return tir_chat(
            problem.question,
            form=config.tir.format,
            executions=config.tir.most_executions,
            seconds=config.sandbox.seconds,
        )
    return code_chat(
        problem.question, examples=config.code.examples, seconds=config.sandbox.seconds
    )


def identity(name: str, config: Config) -> str:
    """Changes with anything that changes what a mode sends or does: part of every trial's key."""
    code = config.code.model_dump(mode="json", exclude={"regenerate"})
    options: dict[str, Any] = {
        "code": code,
        "cot": config.cot.model_dump(mode="json"),
        "tir": config.tir.model_dump(mode="json") | {"executions": config.tir.most_executions},
        "csv": code | {"revisions": config.csv.revisions},
        "code+guided": code | {"interventions": config.code.regenerate.interventions},
    }.get(name, code)
    limits = config.sandbox
    return digest([prompt_hash(name, options), limits.seconds, limits.memory_mb])


def most_turns(name: str, config: Config) -> int:
    """Replies that one trial may take."""
    attempts = 1 + config.code.retries
    return {
        "cot": 1,
        "tir": 1 + config.tir.most_executions,
        "csv": (attempts + 1) * (1 + config.csv.revisions),
    }.get(name, attempts)


def most_requests(name: str, config: Config, max_tokens: int) -> int:
    """Requests that one reply may take, each of which sends its prompt again."""
    another = 1 + MOST_REQUESTS
    return {
        "code+literal": max_tokens,
        "code+guided": 1 + config.code.regenerate.interventions * another,
        "code+refine": another,
    }.get(name, 1)


def most_kept(name: str, config: Config) -> int:
    """Replies, and what was said of them, that one prompt may hold beside its opening."""
    return {"cot": 0, "tir": config.tir.most_executions, "csv": 3, "code+refine": 0}.get(name, 1)


async def program_turn(
    chat: Sequence[Message],
    new: Sequence[Message],
    tools: Tools,
    *,
    seed: int,
    fresh: bool,
    ask: Asks | None = None,
) -> Turn:
    """Model, extract, screen, sandbox: one attempt at a program that prints the answer.

    `chat` is all that is sent, `new` the part of it that no earlier turn holds. `ask` makes the
    reply where that is not simply the model's.
    """
    reply = await (ask or tools.ask)(chat, seed=seed)
    program = extract_program(reply.text, capped=reply.capped)
    findings: tuple[Finding, ...] = ()
    execution = None
    if program is not None and not reply.prompt_cut:
        findings, execution = await screened(program, tools, tools.run)
    answer = judge.Extracted(answer=None, rule="none")
    if execution is not None and execution.exit == "ok":
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


async def screened(
    program: str, tools: Tools, run: Runs
) -> tuple[tuple[Finding, ...], Execution | None]:
    """Run a program unless the screen refuses it; its findings, and how it went."""
    findings = tools.screen(program)
    refused = any(finding.level is Level.REFUSE for finding in findings)
    return findings, None if refused else await run(program)
