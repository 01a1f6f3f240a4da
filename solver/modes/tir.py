"""Mode `tir`: reasoning in words and programs in turn; what they print goes back to the model.

Two formats. `tora` (https://arxiv.org/abs/2309.17452, and its released code): ```python and
```output blocks, a fresh process for each program, 3 executions, output cut to 400 characters, the
last line of an error; the last output counts where no answer is boxed. `openmath`
(https://arxiv.org/abs/2402.10176): tags, one session for all programs of a trial, 6 executions and
1,000 characters, as in its published evaluation. Ours, in both: a chat model gets the output in a
message of its own; the first program of a reply is run, not its last; of a long output the end is
kept too; a program's time is `sandbox.seconds`; no worked examples.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import judge
from sandbox import Execution, Exit, Finding, Level
from solver.config import Config
from solver.extract import extract_program
from solver.modes import Tools, opening, screened
from solver.modes._prompts import TIR_LAST
from solver.records import Message, Problem, Reply, Turn

_BOXED = ("boxed", "boxes")
_INVENTED = re.compile(
    r"<llm-code-output>|(?:```|~~~)[^\S\n]*(?:output|stdout|result|console)\b", re.IGNORECASE
)
"""Where a model goes on to write an output itself."""


@dataclass(frozen=True)
class Format:
    """How programs and their outputs are marked, and how much of an output goes back."""

    begins: re.Pattern[str]
    """Where a program begins."""
    ends: re.Pattern[str]
    end: str
    stop: tuple[str, ...]
    """Where the model is to stop, so that it cannot write the output itself."""
    output: str
    keeps_names: bool
    most: int
    """Characters of an output that go back: its beginning and its end."""
    cut: str
    """What stands for the middle."""
    last_output_counts: bool
    """Whether what the last program printed is the answer where none is boxed."""


FORMATS = {
    "tora": Format(
        begins=re.compile(r"```(?:python3?|py)[^\S\n]*\n", re.IGNORECASE),
        ends=re.compile(r"^[^\S\n]*```", re.MULTILINE),
        end="```",
        stop=("```output",),
        output="```output\n{}\n```",
        keeps_names=False,
        most=400,
        cut="...",
        last_output_counts=True,
    ),
    "openmath": Format(
        begins=re.compile(r"<llm-code>\n?"),
        ends=re.compile(r"</llm-code>"),
        end="</llm-code>",
        stop=("</llm-code>", "<llm-code-output>"),
        output="<llm-code-output>\n{}\n</llm-code-output>",
        keeps_names=True,
        most=1000,
        cut="<output cut>",
        last_output_counts=False,
    ),
}


async def tir(problem: Problem, tools: Tools, config: Config, seed: int) -> AsyncIterator[Turn]:
    """Let the model reason and run programs until it boxes an answer or writes none any more."""
    form = FORMATS[config.tir.format]
    chat = new = opening("tir", problem, config)
    printed = judge.Extracted(answer=None, rule="none")
    for number in range(1 + config.tir.most_executions):
        left = config.tir.most_executions - number
        fresh = chat is new
        reply = await tools.ask(chat, seed=seed + number, stop=form.stop)
        step = read(reply, form)
        if step.program is None or reply.prompt_cut or not left:
            yield _last(new, fresh, reply, step, printed, form)
            return
        findings, execution = await screened(
            step.program, tools, tools.step if form.keeps_names else tools.run
        )
        turn = Turn(
            prompt=new,
            fresh=fresh,
            reply=reply,
            program=step.program,
            findings=findings,
            execution=execution,
        )
        yield turn
        printed = judge.Extracted(answer=None, rule="none")  # an earlier output is superseded
        if execution is not None and execution.exit is Exit.OK:
            printed = judge.extract_output(execution.stdout)
        elif config.tir.on_error == "stop":
            return
        output = form.output.format(shown(execution, findings, form, config.sandbox.seconds))
        new = (Message(role="user", text=output if left > 1 else f"{output}\n\n{TIR_LAST}"),)
        chat = (*chat, Message(role="assistant", text=step.text), *new)


@dataclass(frozen=True)
class Step:
    """What the model may be held to in one reply: all up to the end of its first program."""

    text: str
    program: str | None
    answer: judge.Extracted


def read(reply: Reply, form: Format) -> Step:
    """The first program of a reply, or the answer in words where none comes before it.

    What follows the program is dropped: it was written without the output, which the model may
    have made up. A program that the length limit cut is none.
    """
    begun = form.begins.search(reply.text)
    words = reply.text[: begun.start()] if begun else reply.text
    boxed = judge.extract_answer(_INVENTED.split(words)[0])
    if begun is None or boxed.rule in _BOXED:
        return Step(words, None, boxed)
    none = judge.Extracted(answer=None, rule="none")
    ended = form.ends.search(reply.text, begun.end())
    if ended is None and reply.capped:
        return Step(reply.text, None, none)
    body = reply.text[begun.end() : ended.start() if ended else None]
    body = _INVENTED.split(body)[0].rstrip()
    text = f"{reply.text[: begun.end()]}{body}\n{form.end}"
    return Step(text, extract_program(body) or f"{body}\n", none)  # some put fences into the tags


def _last(
    new: tuple[Message, ...],
    fresh: bool,
    reply: Reply,
    step: Step,
    printed: judge.Extracted,
    form: Format,
) -> Turn:
    """The reply that ends the trial: nothing of it is run any more."""
    answer = step.answer
    if form.last_output_counts and answer.rule not in _BOXED and printed.answer is not None:
        answer = judge.Extracted(printed.answer, "last_output")
    return Turn(
        prompt=new,
        fresh=fresh,
        reply=reply,
        answer=answer.answer,
        answer_rule=answer.rule if answer.answer is not None else None,
    )


def shown(
    execution: Execution | None, findings: tuple[Finding, ...], form: Format, seconds: float
) -> str:
    """What the model is told of a program's run."""
    if execution is None:
        reasons = (f"line {f.line}: {f.reason}" for f in findings if f.level is Level.REFUSE)
        text = "Not run, because it does what is not allowed here: " + "; ".join(reasons)
    elif execution.exit is Exit.TIMEOUT:
        text = f"Stopped: it ran longer than {seconds:g} seconds."
    elif execution.exit is Exit.OK:
        text = execution.stdout.strip() or "Nothing was printed."
    else:
        error = execution.stderr.strip() or f"it ended with exit {execution.exit}"
        text = error if form.keeps_names else error.split("\n")[-1]
    if len(text) <= form.most:
        return text
    return f"{text[: form.most // 2]}{form.cut}{text[-form.most // 2 :]}"
