"""Every sentence sent to a model under test. Their hash is part of each trial's key.

The wording is this project's own: the source papers print none of theirs.
"""

import importlib.resources
from functools import cache

import yaml

from solver.records import Failure, Message, Record, Turn, digest

CODE_SYSTEM = """\
You solve mathematics problems by writing Python.
Reply with one complete program in a single ```python block. It must compute the answer and print \
only the final answer, in exact form where there is one (sympy, numpy, scipy and fractions are \
installed). It runs once without input, files or network, and has {seconds:g} seconds."""

CODE_QUESTION = """\
Problem: {question}

Write the program."""

COT_SYSTEM = """\
You solve mathematics problems by careful reasoning in words.
Work step by step, then give the final answer once, in exact form, as \\boxed{answer}."""

COT_QUESTION = """\
Problem: {question}

Reason step by step and box the final answer."""

TRY_AGAIN = """\
{why}

Write the whole program again, corrected, in a single ```python block. \
Print only the final answer."""

TIR_SYSTEM = {
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

TIR_QUESTION = """\
Problem: {question}"""

TIR_LAST = """\
That was the last program. Now give the answer as \\boxed{answer}."""

VERIFY = """\
Your program printed this answer: {answer}

Now check it with another program that does not repeat the first: put the answer back into the \
problem, count by brute force, or find it in another way. Its last line of output must be one \
word: True if the answer is right, False if it is wrong, Uncertain if the check cannot tell. \
Write it in a single ```python block."""

REVISE = """\
Your check says that {answer} is wrong. Find the mistake and solve the problem again: write the \
whole program, corrected, in a single ```python block. Print only the final answer."""

_WHY = {
    Failure.NO_CODE: "Your reply held no Python program.",
    Failure.TRUNCATED: "Your reply reached the length limit before its program ended. Be shorter.",
    Failure.UNSAFE: "Your program was not run, because it does what is not allowed here:\n{detail}",
    Failure.CRASHED: "Your program failed:\n{detail}",
    Failure.TIMEOUT: "Your program was stopped: it ran longer than {seconds:g} seconds."
    " Use a faster method.",
    Failure.OUT_OF_MEMORY: "Your program was stopped: it used more than {memory_mb} MiB of memory.",
    Failure.NO_OUTPUT: "Your program ended without printing an answer.",
}


LONGEST_ANSWER = 500
"""Characters of an answer that the model is shown again."""


class Example(Record):
    """A worked example shown before the problem."""

    question: str
    reasoning: str
    program: str


def code_chat(question: str, *, examples: int, seconds: float) -> tuple[Message, ...]:
    """The conversation that asks for a program."""
    chat = [Message(role="system", text=_fill(CODE_SYSTEM, seconds=seconds))]
    for example in worked_examples()[:examples]:
        chat.append(Message(role="user", text=_fill(CODE_QUESTION, question=example.question)))
        chat.append(Message(role="assistant", text=f"```python\n{example.program.strip()}\n```"))
    return (*chat, Message(role="user", text=_fill(CODE_QUESTION, question=question)))


def cot_chat(question: str, *, examples: int) -> tuple[Message, ...]:
    """The conversation that asks for reasoning and a boxed answer."""
    chat = [Message(role="system", text=COT_SYSTEM)]
    for example in worked_examples()[:examples]:
        chat.append(Message(role="user", text=_fill(COT_QUESTION, question=example.question)))
        chat.append(Message(role="assistant", text=example.reasoning.strip()))
    return (*chat, Message(role="user", text=_fill(COT_QUESTION, question=question)))


def tir_chat(question: str, *, form: str, executions: int, seconds: float) -> tuple[Message, ...]:
    """The conversation that asks for words and programs in turn."""
    system = _fill(TIR_SYSTEM[form], executions=executions, seconds=seconds)
    return (
        Message(role="system", text=system),
        Message(role="user", text=_fill(TIR_QUESTION, question=question)),
    )


def verify(answer: str) -> Message:
    """Ask for a program that checks an answer."""
    return Message(role="user", text=_fill(VERIFY, answer=answer[:LONGEST_ANSWER]))


def revise(answer: str) -> Message:
    """Say that the model's own check found its answer false, and ask for another."""
    return Message(role="user", text=_fill(REVISE, answer=answer[:LONGEST_ANSWER]))


def try_again(turn: Turn, *, seconds: float, memory_mb: int) -> Message:
    """Say why a program failed, and ask for another. Never says whether an answer was right."""
    if turn.failure is None:
        raise ValueError(
            "a turn that gave an answer is not asked again: that would leak the reference"
        )
    why = _fill(_WHY[turn.failure], detail=_detail(turn), seconds=seconds, memory_mb=memory_mb)
    return Message(role="user", text=_fill(TRY_AGAIN, why=why))


@cache
def worked_examples() -> tuple[Example, ...]:
    """The worked examples, in order. None of them is in a problem set."""
    text = importlib.resources.files("solver.modes").joinpath("examples.yaml").read_text("utf-8")
    return tuple(Example.model_validate(row) for row in yaml.safe_load(text))


def prompt_hash(mode: str, mode_options: dict[str, object]) -> str:
    """Changes when any sentence or example that the mode sends changes."""
    code = [CODE_SYSTEM, CODE_QUESTION, TRY_AGAIN, *_WHY.values()]
    sentences = {
        "code": code,
        "cot": [COT_SYSTEM, COT_QUESTION],
        "tir": [*TIR_SYSTEM.values(), TIR_QUESTION, TIR_LAST],
        "csv": [*code, VERIFY, REVISE],
    }[mode.partition("+")[0]]
    count = mode_options.get("examples", 0)
    examples = [e.model_dump() for e in worked_examples()[: count if isinstance(count, int) else 0]]
    return digest([sentences, mode_options, examples])


def _detail(turn: Turn) -> str:
    if turn.execution is not None:
        return turn.execution.stderr.strip() or f"it ended with exit {turn.execution.exit}"
    return "\n".join(f"line {f.line}: {f.reason}" for f in turn.findings if f.level == "refuse")


def _fill(template: str, **values: object) -> str:
    """Put values into `{name}` places in one pass, so that braces in a value are left alone."""
    pieces = template.split("{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, brace, rest = piece.partition("}")
        key, _, form = name.partition(":")
        filled.append(format(values[key], form) + rest if brace and key in values else "{" + piece)
    return "".join(filled)
