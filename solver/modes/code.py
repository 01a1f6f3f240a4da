"""Mode `code`: the model writes one Python program, and may fix it when it fails."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Any, Literal

from pydantic import Field, field_validator

from solver.config import Config, first_twice, listed_names
from solver.modes import Ask, Mode, Tools
from solver.modes._chat import (
    REPEATED,
    after_reply,
    assistant,
    fill,
    opened,
    texts_of,
    unlike_before,
    user,
    worked_examples,
)
from solver.modes._turns import program_teaches, program_turn
from solver.records import Detail, Failure, Message, Problem, Record, Turn

SYSTEM = """\
You solve mathematics problems by writing Python.
Reply with one complete program in a single ```python block. It must compute the answer and print \
only the final answer, in exact form where there is one (sympy, numpy, scipy and fractions are \
installed). It runs once without input, files or network, and has {seconds:g} seconds."""

QUESTION = """\
Problem: {question}

Write the program."""

TRY_AGAIN = """\
{why}

Write the whole program again, corrected, in a single ```python block. \
Print only the final answer."""

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

SENTENCES = (SYSTEM, QUESTION, TRY_AGAIN, *_WHY.values(), REPEATED)
TEXTS = {"system": SYSTEM, "question": QUESTION, "try_again": TRY_AGAIN}


class RegenerateOptions(Record):
    """Token-by-token regeneration: each control adds a mode `code+…`, compared with `code`."""

    controls: tuple[Literal["literal", "guided", "refine"], ...] = ()
    """`literal`: one request for each token. `guided`: each finished line is checked, and written
    again if it fails. `refine`: a failed program is continued again from its least certain
    token."""
    interventions: int = Field(default=8, ge=1, le=100)
    """The most lines of one reply that `guided` has written again."""

    @field_validator("controls", mode="before")
    @classmethod
    def _one_or_many_controls(cls, value: Any) -> Any:
        return listed_names(value)


class Options(Record):
    """The mode in which the model writes one Python program."""

    retries: int = Field(default=10, ge=0, le=100)
    """How often a failed program may be asked for again; 10 retries are 11 attempts."""
    retry: Literal["feedback", "resample"] = "feedback"
    """`feedback` shows the model its error; `resample` asks for a new program with another seed."""
    examples: int = Field(default=0, ge=0)
    """How many worked examples precede the problem."""
    regenerate: RegenerateOptions = RegenerateOptions()
    """`literal`, `guided` or `refine`, or a list of them: modes to run and compare with `code`."""

    @field_validator("regenerate", mode="before")
    @classmethod
    def _regenerate_by_control(cls, value: Any) -> Any:
        return {"controls": value} if isinstance(value, str | list | tuple) else value


async def solve(problem: Problem, tools: Tools, config: Config, seed: int) -> AsyncIterator[Turn]:
    """Ask for a program and run it; if it fails, show the model why, or ask with another seed."""
    async for turn in attempts(opening(problem, config), tools, config, seed):
        yield turn


async def attempts(
    question: Sequence[Message],
    tools: Tools,
    config: Config,
    seed: int,
    *,
    known: int = 0,
    ask: Ask | None = None,
) -> AsyncIterator[Turn]:
    """Ask for a program until one prints an answer or no retry is left.

    Only what the model could see for itself fires a retry: no program, a refusal by the screen, a
    crash, a limit, silence. A wrong answer never does, for that would leak the reference.
    A model that is cut while it thinks is told so once; cut there again, it is not asked ten times
    more. One that sends the same reply again is told so, since the same request at temperature 0
    would get it for ever. `known` of the question's messages are in earlier turns already; `ask` is
    `program_turn`'s.
    """
    options = config.section(Options)
    chat, new = tuple(question), tuple(question[known:])
    prompt = config.prompt_of(MODE.name)
    if ask is None and prompt is not None and prompt.stop:
        ask = partial(tools.ask, stop=prompt.stop)
    detail = None
    sent: Counter[str] = Counter()
    for attempt in range(1 + options.retries):
        fresh = new == chat
        turn = await program_turn(chat, new, tools, seed=seed + attempt, fresh=fresh, ask=ask)
        yield turn
        if turn.failure is None or turn.reply.prompt_cut or turn.given_up:
            return
        if detail is turn.detail is Detail.CUT_THINKING:
            return
        detail = turn.detail
        if options.retry == "resample":
            new = tuple(question)
            continue
        sent[turn.reply.text] += 1
        why = unlike_before(try_again(turn, config), sent[turn.reply.text])
        # the last attempt only: ten would not fit a small context
        chat = after_reply(question, turn.reply.text, why)
        new = chat if len(chat) == len(question) else (why,)


def opening(problem: Problem, config: Config) -> tuple[Message, ...]:
    """Return the conversation that asks for a program."""
    examples = worked_examples()[: config.section(Options).examples]
    shots = [
        (each.question, (assistant(f"```python\n{each.program.strip()}\n```"),))
        for each in examples
    ]
    prompt = config.prompt_of(MODE.name)
    limits = {"seconds": config.sandbox.seconds}
    return opened(prompt, TEXTS, problem.question, shots, limits=limits)


def try_again(turn: Turn, config: Config) -> Message:
    """Return the message that says why a program failed and asks for another.

    It never says whether an answer was right.
    """
    if turn.failure is None:
        raise ValueError(
            "a turn that gave an answer is not asked again: that would leak the reference"
        )
    limits = {"seconds": config.sandbox.seconds, "memory_mb": config.sandbox.memory_mb}
    asking = str(texts_of(config.prompt_of(MODE.name), TEXTS)["try_again"])
    return user(asking, why=fill(_WHY[turn.failure], detail=_detail(turn), **limits))


def _detail(turn: Turn) -> str:
    """Return the error output of the program, or the reasons for which the screen refused it."""
    if turn.execution is not None:
        return turn.execution.stderr.strip() or f"it ended with exit {turn.execution.exit}"
    return "\n".join(f"line {f.line}: {f.reason}" for f in turn.refusals)


def settings(config: Config) -> dict[str, Any]:
    """Return the settings that affect a trial."""
    return config.section(Options).model_dump(mode="json", exclude={"regenerate"})


def most_attempts(config: Config) -> int:
    """Return how many attempts a trial may make."""
    return 1 + config.section(Options).retries


def measured(options: Options) -> dict[str, Any]:
    """Return the options that affect a run: without `regenerate` where it names no control."""
    unused = set() if options.regenerate.controls else {"regenerate"}
    return options.model_dump(mode="json", exclude=unused)


def faults(config: Config) -> Iterator[str]:
    """Yield a message for retries that would repeat a reply, and for controls without mode code."""
    options = config.section(Options)
    controls = options.regenerate.controls
    if controls and MODE.name not in config.mode:
        yield "code.regenerate: is compared with mode code, so add code to mode"
    if len(set(controls)) < len(controls):
        yield f"code.regenerate: {first_twice(controls)} is listed twice"
    follows = any(MODE.name in (mode.name, *mode.obeys) for mode in config.running)
    if follows and config.greedy and options.retry == "resample" and options.retries > 0:
        yield (
            "code.retry: 'resample' at temperature 0 repeats the same reply;"
            " use retry: feedback or a temperature above 0"
        )


def arms(config: Config) -> tuple[str, ...]:
    """Return the names of the modes that the controls of regeneration add."""
    return tuple(f"code+{control}" for control in config.section(Options).regenerate.controls)


MODE = Mode(
    name="code",
    definition="code: the model writes one program, which is run, and fixes it where it fails,"
    " until it prints something or no retry is left.",
    solve=solve,
    opening=opening,
    sentences=SENTENCES,
    texts=TEXTS,
    settings=settings,
    options=Options,
    measured=measured,
    faults=faults,
    arms=arms,
    most_turns=most_attempts,
    most_kept=lambda config: 1,
    runs_code=True,
    retries=True,
    turn="attempt",
    teaches=program_teaches,
)
