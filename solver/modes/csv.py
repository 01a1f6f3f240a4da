"""Mode `csv`: solve as `code` does, then let the model check its answer with a second program.

Code-based self-verification, https://arxiv.org/abs/2308.07921. In the paper all of it happens
inside one reply of a closed tool, and it says neither how the result of a check is read nor when
the model stops revising. Here the check is one more request in the same conversation, its result is
the last line that its program prints, and `csv.revisions` limits the revisions.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

from pydantic import Field, model_validator

from sandbox import Execution, Exit
from solver.config import Config
from solver.modes import Mode, Tools, code
from solver.modes._chat import assistant, texts_of, unlike_before, user
from solver.modes._turns import program_teaches, program_turn
from solver.records import Message, Problem, Record, Turn, Verification

VERIFY = """\
Your program printed this answer: {answer}

Now check it with another program that does not repeat the first: put the answer back into the \
problem, count by brute force, or find it in another way. Its last line of output must be one \
word: True if the answer is right, False if it is wrong, Uncertain if the check cannot tell. \
It runs by itself: nothing that the first program imported or defined exists in it. \
Write it in a single ```python block."""

REVISE = """\
Your check says that {answer} is wrong. Find the mistake and solve the problem again: write the \
whole program, corrected, in a single ```python block. Print only the final answer."""

TEXTS = {**code.TEXTS, "verify": VERIFY, "revise": REVISE}

LONGEST_ANSWER = 500
"""The most characters of an answer that are shown to the model."""


class VoteWeights(Record):
    """The weight of an answer in the vote over repeats. Affects no trial, only the analysis."""

    true: float = Field(default=1.0, ge=0)
    """Where its check found it true."""
    uncertain: float = Field(default=0.5, ge=0)
    """Where its check failed, or could not tell."""
    false: float = Field(default=0.2, ge=0)
    """Where its check found it false, and no revision was left."""

    @model_validator(mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        """Read `true:` and `false:` as words, which YAML reads as truth values."""
        return {str(k).lower(): v for k, v in value.items()} if isinstance(value, dict) else value


class Options(Record):
    """Self-verification (arXiv 2308.07921): solve as `code` does, then check by a program."""

    revisions: int = Field(default=2, ge=0, le=20)
    """How often the model solves again after its check found false; then the last answer counts."""
    weights: VoteWeights = VoteWeights()
    """Weights in the vote over repeats. The paper only says that true weighs more than uncertain,
    and uncertain more than false; the numbers are ours."""


async def solve(problem: Problem, tools: Tools, config: Config, seed: int) -> AsyncIterator[Turn]:
    """Solve, check, and solve again while the check says false.

    The trial's answer is the first one that is not found false, or the last one where no revision
    is left. A revision that gives no answer leaves the trial without one, since the model has given
    up the answer before it.
    """
    config = _as_code(config)
    texts = texts_of(config.prompt_of(code.MODE.name), TEXTS)
    question = chat = code.opening(problem, config)
    known = number = 0
    sent: Counter[str] = Counter()
    for _ in range(1 + config.section(Options).revisions):
        async for turn in code.attempts(chat, tools, config, seed + number, known=known):
            number += 1
            yield turn
        if turn.answer is None or turn.failure is not None:
            return
        sent[turn.reply.text] += 1
        request = verify(turn.answer, str(texts["verify"]))
        request = unlike_before(request, sent[turn.reply.text])
        chat = (*question, assistant(turn.reply.text), request)
        check = await _check(chat, turn, tools, seed + number)
        number += 1
        yield check
        if check.verification is not Verification.FALSE:
            return
        sent[check.reply.text] += 1
        revision = revise(turn.answer, str(texts["revise"]))
        revision = unlike_before(revision, sent[check.reply.text])
        chat = (*chat, assistant(check.reply.text), revision)
        known = len(chat) - 1


def opening(problem: Problem, config: Config) -> tuple[Message, ...]:
    """Return the conversation that asks for a program."""
    return code.opening(problem, _as_code(config))


def _as_code(config: Config) -> Config:
    """Return the config in which mode `code` has this mode's own prompt, if there is one."""
    prompts = config.prompts
    if MODE.name not in prompts:
        return config
    return config.model_copy(update={"prompts": {**prompts, code.MODE.name: prompts[MODE.name]}})


def verify(answer: str, text: str = VERIFY) -> Message:
    """Return the message that asks for a program to check an answer."""
    return user(text, answer=answer[:LONGEST_ANSWER])


def revise(answer: str, text: str = REVISE) -> Message:
    """Return the message that says the check found the answer false, and asks for another."""
    return user(text, answer=answer[:LONGEST_ANSWER])


async def _check(chat: tuple[Message, ...], solved: Turn, tools: Tools, seed: int) -> Turn:
    """Ask once for a program that checks the answer; the turn keeps the answer it checks."""
    turn = await program_turn(chat, chat[-1:], tools, seed=seed, fresh=False)
    return turn.model_copy(
        update={
            "answer": solved.answer,
            "answer_rule": solved.answer_rule,
            "verification": state_of(turn.execution),
        }
    )


def state_of(execution: Execution | None) -> Verification:
    """Read what a checking program found from its last line; uncertain if it is no such word."""
    if execution is None or execution.exit is not Exit.OK:
        return Verification.UNCERTAIN
    lines = execution.stdout.split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    word = re.fullmatch(r"\W*(true|false|uncertain)\W*", last.lower())
    return Verification(word.group(1)) if word else Verification.UNCERTAIN


def settings(config: Config) -> dict[str, Any]:
    """Return the settings that affect a trial."""
    return code.settings(config) | {"revisions": config.section(Options).revisions}


def most_turns(config: Config) -> int:
    """Return how many replies a trial may take: all attempts and a check, for each revision."""
    return (code.most_attempts(config) + 1) * (1 + config.section(Options).revisions)


def vote(options: Options) -> Mapping[Verification, float]:
    """Return the weight of an answer in the vote, by what its check found."""
    return {state: getattr(options.weights, state) for state in Verification}


MODE = Mode(
    name="csv",
    definition="csv: the model checks its answer with a second program, and solves again while the"
    " check says false (arXiv 2308.07921).",
    solve=solve,
    opening=opening,
    sentences=(*code.SENTENCES, VERIFY, REVISE),
    texts=TEXTS,
    settings=settings,
    options=Options,
    measured=lambda options: options.model_dump(mode="json", exclude={"weights"}),
    obeys=("code",),
    most_turns=most_turns,
    most_kept=lambda config: 3,
    runs_code=True,
    vote=vote,
    turn="turn",
    label=lambda mode, turn, number: f"Turn {number}{', check' if turn.verification else ''}",
    teaches=program_teaches,
    audited=lambda turn: turn.verification is None,
)
