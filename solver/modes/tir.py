"""Mode `tir`: the model alternates between words and programs, and is shown what they print.

There are two formats. `tora` (https://arxiv.org/abs/2309.17452, and its released code) uses
```python and ```output blocks and runs each program in a new process. It allows 3 executions, shows
400 characters of output and the last line of an error, and takes the last output as the answer
where none is boxed. `openmath` (https://arxiv.org/abs/2402.10176, as in its published evaluation)
uses tags and one session for all programs of a trial. It allows 6 executions and shows 1,000
characters. Both differ from the papers as follows: the output is a message of its own, as chat
models need; of several programs in a reply the first is run, not the last; a long output keeps its
end as well as its beginning; the time limit is `sandbox.seconds`.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

import judge
from sandbox import Execution, Exit, Finding, Level
from solver.config import Config
from solver.extract import answer_in, extract_program
from solver.modes import Mode, Tools
from solver.modes._chat import Example, assistant, opened, texts_of, worked_examples
from solver.modes._turns import program_teaches, rule_of, screened
from solver.records import Message, Problem, Record, Reply, Turn

SYSTEM = {
    "tora": """\
You solve mathematics problems by reasoning in words and running Python, in turn.
Think about the next step, write one program in a ```python block, and stop there. What it prints \
is given to you in an ```output block, and you go on from it. Every program runs by itself, \
without the names of earlier ones, input, files or network, for at most {seconds:g} seconds \
(sympy, numpy, scipy and fractions are installed). You may run {executions} programs.
When you know the answer, give it once, in exact form, as \\boxed{answer}, and write no more \
programs.""",
    "openmath": """\
You solve mathematics problems by reasoning in words and running Python, in turn.
Think about the next step, write code between <llm-code> and </llm-code>, and stop there. What it \
prints is given to you between <llm-code-output> and </llm-code-output>, and you go on from it. \
Names stay defined from one piece of code to the next. Each runs without input, files or network, \
for at most {seconds:g} seconds (sympy, numpy, scipy and fractions are installed). You may run \
{executions} pieces of code.
When you know the answer, give it once, in exact form, as \\boxed{answer}, and write no more \
code.""",
}

QUESTION = """\
Problem: {question}"""

LAST = """\
That was the last program. Now give the answer as \\boxed{answer}."""

TEXTS = {"system": SYSTEM["tora"], "question": QUESTION, "last": LAST}
"""The system message is that of the format."""


class Options(Record):
    """Tool-integrated reasoning: words and programs in turn, until an answer is boxed."""

    format: Literal["tora", "openmath"] = "tora"
    """`tora` (arXiv 2309.17452): each program runs in a new process. `openmath`
    (arXiv 2402.10176): the programs of a trial share one session, where names stay defined."""
    executions: int | None = Field(default=None, ge=1, le=100)
    """Programs that may run in one trial; by default the papers' 3 (tora) and 6 (openmath)."""
    examples: int = Field(default=2, ge=0)
    """How many worked examples, each with a program and its output, precede the problem."""
    on_error: Literal["continue", "stop"] = "continue"
    """After a program fails, show the model the error and `continue`, or `stop` the trial."""

    @property
    def most_executions(self) -> int:
        """Return how many programs may run in one trial."""
        return self.executions or {"tora": 3, "openmath": 6}[self.format]


_INVENTED = re.compile(
    r"<llm-code-output>|(?:```|~~~)[^\S\n]*(?:output|stdout|result|console)\b", re.IGNORECASE
)
"""Where a model begins to write the output of its program itself."""


@dataclass(frozen=True)
class Format:
    """How programs and their outputs are marked, and how much of an output the model is shown."""

    begins: re.Pattern[str]
    """Where a program begins."""
    ends: re.Pattern[str]
    begin: str
    """How a worked example begins one."""
    end: str
    stop: tuple[str, ...]
    """Texts at which the model must stop, so that it cannot write the output itself."""
    output: str
    keeps_names: bool
    most: int
    """The most characters of an output that the model is shown: its beginning and its end."""
    cut: str
    """What replaces the middle of a longer output."""
    last_output_counts: bool
    """Whether what the last program printed is the answer where none is boxed."""


FORMATS = {
    "tora": Format(
        begins=re.compile(r"```(?:python3?|py)[^\S\n]*\n", re.IGNORECASE),
        ends=re.compile(r"^[^\S\n]*```", re.MULTILINE),
        begin="```python\n",
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
        begin="<llm-code>\n",
        end="</llm-code>",
        stop=("</llm-code>", "<llm-code-output>"),
        output="<llm-code-output>\n{}\n</llm-code-output>",
        keeps_names=True,
        most=1000,
        cut="<output cut>",
        last_output_counts=False,
    ),
}


async def solve(problem: Problem, tools: Tools, config: Config, seed: int) -> AsyncIterator[Turn]:
    """Let the model reason and run programs until it boxes an answer or writes no program."""
    options = config.section(Options)
    form = FORMATS[options.format]
    chat = new = opening(problem, config)
    prompt = config.prompt_of(MODE.name)
    last, more = texts_of(prompt, TEXTS)["last"], prompt.stop if prompt else ()
    printed = judge.Extracted(answer=None, rule="none")
    for number in range(1 + options.most_executions):
        left = options.most_executions - number
        fresh = chat is new
        reply = await tools.ask(chat, seed=seed + number, stop=(*form.stop, *more))
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
        printed = judge.Extracted(answer=None, rule="none")  # only the last program's may count
        if execution is not None and execution.exit is Exit.OK:
            printed = judge.extract_output(execution.stdout)
        elif options.on_error == "stop":
            return
        output = form.output.format(shown(execution, findings, form, config.sandbox.seconds))
        new = (Message(role="user", text=output if left > 1 else f"{output}\n\n{last}"),)
        chat = (*chat, assistant(step.text), *new)


def opening(problem: Problem, config: Config) -> tuple[Message, ...]:
    """Return the messages that ask for words and programs in turn."""
    options = config.section(Options)
    limits = {"executions": options.most_executions, "seconds": config.sandbox.seconds}
    form = FORMATS[options.format]
    examples = worked_examples()[: options.examples]
    shown = [(example.question, _worked(example, form)) for example in examples]
    texts = {**TEXTS, "system": SYSTEM[options.format]}
    return opened(config.prompt_of(MODE.name), texts, problem.question, shown, limits=limits)


def _worked(example: Example, form: Format) -> tuple[Message, ...]:
    """Return what follows the question of a worked example: a program, its output, the answer."""
    return (
        assistant(f"I compute it with a program.\n\n{form.begin}{example.program}{form.end}"),
        Message(role="user", text=form.output.format(example.output)),
        assistant(example.reasoning.strip().splitlines()[-1]),
    )


@dataclass(frozen=True)
class Step:
    """The part of a reply that is used: all up to the end of its first program."""

    text: str
    program: str | None
    answer: judge.Extracted


def read(reply: Reply, form: Format) -> Step:
    """Read the first program of a reply, or its boxed answer if that comes first.

    What follows the program is dropped, since the model wrote it without knowing the output, or
    invented the output. A program that the length limit cut off does not count.
    """
    opened = form.begins.search(reply.text)
    words = reply.text[: opened.start()] if opened else reply.text
    early = answer_in(_INVENTED.split(words)[0], capped=reply.capped)
    if opened is None or early.boxed:
        return Step(words, None, early)
    none = judge.Extracted(answer=None, rule="none")
    ended = form.ends.search(reply.text, opened.end())
    if ended is None and reply.capped:
        return Step(reply.text, None, none)
    body = reply.text[opened.end() : ended.start() if ended else None]
    body = _INVENTED.split(body)[0].rstrip()
    text = f"{reply.text[: opened.end()]}{body}\n{form.end}"
    # some models put a code fence inside the tags
    return Step(text, extract_program(body) or f"{body}\n", none)


def _last(
    new: tuple[Message, ...],
    fresh: bool,
    reply: Reply,
    step: Step,
    printed: judge.Extracted,
    form: Format,
) -> Turn:
    """Return the turn of the reply that ends the trial, of which nothing is run."""
    answer = step.answer
    counts = form.last_output_counts and not reply.capped
    if counts and not answer.boxed and printed.answer is not None:
        answer = judge.Extracted(printed.answer, "last_output")
    return Turn(
        prompt=new,
        fresh=fresh,
        reply=reply,
        answer=answer.answer,
        answer_rule=rule_of(answer),
    )


def shown(
    execution: Execution | None, findings: tuple[Finding, ...], form: Format, seconds: float
) -> str:
    """Return what the model is told about its program: the output, or why there is none."""
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


def settings(config: Config) -> dict[str, Any]:
    """Return the settings that affect a trial."""
    options = config.section(Options)
    return options.model_dump(mode="json") | {"executions": options.most_executions}


def kept(reply: Reply, options: Options) -> str:
    """Return the part of a reply that was used: all up to the end of its first program."""
    return read(reply, FORMATS[options.format]).text


MODE = Mode(
    name="tir",
    definition="tir: reasoning and programs by turns; what a program prints goes back to the model,"
    " and a boxed answer ends it (arXiv 2309.17452, 2402.10176).",
    solve=solve,
    opening=opening,
    sentences=(*SYSTEM.values(), QUESTION, LAST),
    texts=TEXTS,
    settings=settings,
    options=Options,
    most_turns=lambda config: 1 + config.section(Options).most_executions,
    most_kept=lambda config: config.section(Options).most_executions,
    runs_code=True,
    rounds=True,
    needs=frozenset({"stop"}),
    turn="round",
    teaches=program_teaches,
    kept=kept,
)
