"""Take one turn in which the model writes a program: ask, extract, screen, run."""

from collections.abc import Sequence

import judge
from sandbox import Execution, Exit, Finding, Level
from solver.extract import extract_program
from solver.modes import Ask, Run, Tools
from solver.records import Message, Reply, Trial, Turn, Verification


async def program_turn(
    chat: Sequence[Message],
    new: Sequence[Message],
    tools: Tools,
    *,
    seed: int,
    fresh: bool,
    ask: Ask | None = None,
) -> Turn:
    """Make one attempt at a program that prints the answer.

    `chat` is all that is sent, `new` the part of it that no earlier turn holds. `ask` makes the
    reply; by default it is one request to the model.
    """
    reply = await (ask or tools.ask)(chat, seed=seed)
    program = extract_program(reply.text, capped=reply.capped)
    findings: tuple[Finding, ...] = ()
    execution = None
    if program is not None and not reply.prompt_cut:
        findings, execution = await screened(program, tools, tools.run)
    answer = judge.Extracted(answer=None, rule="none")
    if execution is not None and execution.exit is Exit.OK:
        answer = judge.extract_output(execution.stdout)
    return Turn(
        prompt=tuple(new),
        fresh=fresh,
        reply=reply,
        program=program,
        findings=findings,
        execution=execution,
        answer=answer.answer,
        answer_rule=rule_of(answer),
        runs_code=True,
    )


def words_turn(chat: Sequence[Message], reply: Reply, answer: judge.Extracted) -> Turn:
    """Return the one turn of a trial in which the model answers in words."""
    return Turn(
        prompt=tuple(chat),
        fresh=True,
        reply=reply,
        answer=answer.answer,
        answer_rule=rule_of(answer),
    )


def rule_of(answer: judge.Extracted) -> str | None:
    """Return the rule that found an answer; None where there is no answer."""
    return answer.rule if answer.answer is not None else None


async def screened(
    program: str, tools: Tools, run: Run
) -> tuple[tuple[Finding, ...], Execution | None]:
    """Screen a program, and run it unless it is refused; return the findings and the execution."""
    findings = tools.screen(program)
    refused = any(finding.level is Level.REFUSE for finding in findings)
    return findings, None if refused else await run(program)


def program_teaches(turn: Turn, trial: Trial) -> bool:
    """Tell whether a turn of a correct trial is worth training on.

    It is if its program, if any, ran without error, and the turn gave the trial's answer. A turn
    that gave no answer also counts where its program was only a step towards one. A check counts
    only if it found the answer true.
    """
    if turn.verification not in (None, Verification.TRUE):
        return False
    ran = turn.execution is not None and turn.execution.exit is Exit.OK
    if turn.program is not None and not ran:
        return False
    if turn.answer is None:
        return turn.program is not None and not turn.runs_code
    return turn.answer == trial.answer
