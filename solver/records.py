"""What a run writes to disk: problems, trials and the turns inside them.

Records hold facts. What follows from them (`Turn.failure`, `Trial.outcome`) is computed each time
and never stored, so stored data cannot contradict itself.
"""

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

import judge
from judge import Verdict
from sandbox import Execution, Exit, Finding, Level
from solver.numbers import Count, Logprob, Seconds
from solver.surrogates import without_surrogates

Text = Annotated[str, BeforeValidator(without_surrogates)]
"""Text from outside: a model's, a judge's, a server's, a file's."""


class Record(BaseModel):
    """A frozen value whose unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(Record):
    """One question with its reference answer."""

    id: Text = Field(min_length=1)
    question: Text = Field(min_length=1)
    answer: Text = Field(min_length=1)
    domain: Text = "unknown"
    level: int = Field(default=0, ge=0, le=5)
    """1 (easy) to 5 (hard); 0 where the data set has no levels."""
    set: Text = ""
    """The name of the problem set it comes from."""
    published: Text = Field(default="", pattern=r"^(\d{4}(-\d\d(-\d\d)?)?)?$")
    """When it was first published: `2025`, `2025-02` or `2025-02-13`; empty where not known. A
    model whose training data ends later may have seen it."""
    variant_of: Text = ""
    """The id of the problem that this one is a variant of, with other numbers; else empty."""
    other_answers: tuple[Text, ...] = ()
    """Further references, of which any is right too; some logs of other tools have them."""

    @property
    def references(self) -> tuple[str, ...]:
        """Return every reference; an answer is right that equals any of them."""
        return (self.answer, *self.other_answers)

    @property
    def words(self) -> str:
        """Return the question with single spaces: the same for two copies of one problem."""
        return " ".join(self.question.split())

    @property
    def hash(self) -> str:
        """Return a hash of question and references. Another text makes another problem."""
        return digest([self.question, *self.references])


class Message(Record):
    """One message of a chat."""

    role: Literal["system", "user", "assistant"]
    text: Text


class Sampling(Record):
    """How replies are drawn. Part of every trial's key."""

    temperature: float = Field(default=0.0, ge=0, le=2)
    """0 always takes the likeliest token; repeats need more."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Draw from the likeliest tokens whose probabilities add up to this."""
    top_k: int | None = Field(default=None, ge=1)
    """Draw from so many of the likeliest tokens."""
    max_tokens: int = Field(default=2048, ge=1)
    """The cap on one reply, in tokens. A reply that reaches it is counted as a cap hit."""
    stop: tuple[Text, ...] = ()
    """Texts before which a reply ends."""
    min_p: float | None = Field(default=None, ge=0, le=1)
    """Draw from tokens at least so probable, measured by the likeliest."""
    repeat_penalty: float | None = Field(default=None, gt=0)
    """Make tokens that were written less likely; 1 changes nothing."""
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    """Take this from the score of tokens that were written."""
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    """Take this from a token's score for each time it was written."""

    def measured(self) -> dict[str, Any]:
        """Return what is part of a trial's key.

        The last four are left out where they are unset: keys are older than they are.
        """
        newer = ("min_p", "repeat_penalty", "presence_penalty", "frequency_penalty")
        unset = {name for name in newer if getattr(self, name) is None}
        return self.model_dump(mode="json", exclude=unset)


class Token(Record):
    """One token of a reply, and how sure the model was of it."""

    text: Text
    logprob: Logprob
    """Natural logarithm of its probability."""
    alternatives: tuple[tuple[Text, Logprob], ...] = ()
    """The most likely tokens at its place, best first, with their logarithms; where asked for."""


class Intervention(Record):
    """One cut that a controller made in a partial reply (see `modes/guided.py`, `refine.py`)."""

    kind: Literal["closed", "unparsable", "refused", "refined"]
    """`closed`: the first program was complete. `unparsable`, `refused`: a line failed that check
    and was written again. `refined`: the reply was continued again from its least certain token."""
    at: int
    """Characters of the reply that were kept."""
    dropped: Text = ""
    """What was cut off."""


class Reply(Record):
    """A model's answer, made by one request or by several that continue one another."""

    text: Text
    """The reply without the model's thoughts. Nothing else is read, run, judged or sent back."""
    thoughts: Text = ""
    """What a reasoning model wrote before its reply, where the server shows it."""
    input_tokens: Count = 0
    output_tokens: Count = 0
    """Thoughts included."""
    thought_tokens: Count | None = None
    """Tokens of the thoughts; None where there were none, or nobody knows."""
    thoughts_counted: Literal["reported", "counted", "estimated"] | None = None
    """`reported` by the server; `counted` as all tokens minus those of the prompt and the text;
    `estimated` by the length of thoughts and text, where only their sum is known."""
    seconds: Seconds = 0.0
    """Wall time of the request that succeeded, without waiting in our own queue or backing off; of
    Ollama the time that the model read and wrote, without the server's queue and loading."""
    requests: int = 1
    """Requests made for it, failed ones included."""
    capped: bool = False
    """The reply reached `max_tokens`."""
    prompt_cut: bool = False
    """The server dropped part of the prompt, so the model did not see the whole problem."""
    ended: Text = ""
    """How the reply ended, in the server's words, where it was neither finished nor cut at the cap:
    a refusal, a call of a tool that there is not, a loop, a full context."""
    tokens: tuple[Token, ...] = ()
    """The tokens of the reply, if they were requested and the provider returns them."""
    interventions: tuple[Intervention, ...] = ()
    """What a controller did while the reply was written."""

    @property
    def only_thoughts(self) -> bool:
        """Tell whether the model thought and then ended, or was cut, before it replied."""
        return not self.text.strip() and bool(self.thoughts or self.thought_tokens)


class Failure(StrEnum):
    """Why a turn gave no answer. Each is the model's doing, never ours."""

    NO_CODE = "no_code"
    UNSAFE = "unsafe"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    NO_OUTPUT = "no_output"
    NO_ANSWER = "no_answer"
    TRUNCATED = "truncated"


class Detail(StrEnum):
    """What explains a failure, beyond its kind."""

    CUT_THINKING = "cut while thinking"
    CUT_ANSWERING = "cut while answering"
    ENDED_THINKING = "ended while thinking"
    ONLY_IN_THOUGHTS = "answer only in the thoughts"


class Verification(StrEnum):
    """What a model's check of its own answer found; uncertain unless clearly true or false."""

    TRUE = "true"
    FALSE = "false"
    UNCERTAIN = "uncertain"


class Turn(Record):
    """One model reply inside a trial, and what became of it."""

    prompt: tuple[Message, ...]
    """The messages sent that no earlier turn holds; all of them where `fresh`."""
    fresh: bool = False
    """This turn starts a new conversation."""
    reply: Reply
    program: Text | None = None
    findings: Annotated[tuple[Finding, ...], BeforeValidator(without_surrogates)] = ()
    """What the safety screen remarked."""
    execution: Annotated[Execution | None, BeforeValidator(without_surrogates)] = None
    answer: Text | None = None
    answer_rule: Text | None = None
    """Which extraction rule found the answer."""
    runs_code: bool = False
    """Whether the answer is what a program prints, as opposed to what the reply says."""
    verification: Verification | None = None
    """What the program found, where the turn is a check of the answer before it."""

    @property
    def given_up(self) -> bool:
        """Tell whether the reply ended in a way that asking again does not change."""
        return bool(self.reply.ended) and not self.reply.text.strip()

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """Return the findings for which the program was not run."""
        return tuple(finding for finding in self.findings if finding.level is Level.REFUSE)

    @property
    def boxed_in_thoughts(self) -> bool:
        """Tell whether words were asked for, and only the thoughts hold a boxed answer."""
        reply = self.reply
        if self.runs_code or not reply.only_thoughts:
            return False
        return judge.extract_answer(reply.thoughts).boxed

    @property
    def detail(self) -> Detail | None:
        """Say more of the failure, where thoughts or the cap explain it."""
        return detail_of(
            failure=self.failure,
            prompt_cut=self.reply.prompt_cut,
            only_thoughts=self.reply.only_thoughts,
            boxed=self.boxed_in_thoughts,
        )

    @property
    def failure(self) -> Failure | None:
        """Say why there is no answer, or None where there is one."""
        return failure_of(
            answered=self.answer is not None,
            runs_code=self.runs_code,
            has_program=self.program is not None,
            exit=self.execution.exit if self.execution else None,
            capped=self.reply.capped,
            prompt_cut=self.reply.prompt_cut,
        )


def failure_of(
    *,
    answered: bool,
    runs_code: bool,
    has_program: bool,
    exit: Exit | None,
    capped: bool,
    prompt_cut: bool,
) -> Failure | None:
    """Say why a turn with these facts gave no answer, or None where it gave one."""
    if prompt_cut:
        return Failure.TRUNCATED  # the model never saw the whole problem: no answer counts
    if answered:
        return None
    if not has_program:
        missing = Failure.NO_CODE if runs_code else Failure.NO_ANSWER
        return Failure.TRUNCATED if capped else missing
    if exit is None:
        return Failure.UNSAFE
    if exit is Exit.OK and not runs_code:
        return Failure.TRUNCATED if capped else Failure.NO_ANSWER
    return _FAILURE_OF_EXIT[exit]


def detail_of(
    *, failure: Failure | None, prompt_cut: bool, only_thoughts: bool, boxed: bool
) -> Detail | None:
    """Say more of a failure; `boxed` tells whether the thoughts hold what was asked for."""
    if prompt_cut:
        return None
    if failure is Failure.TRUNCATED:
        return Detail.CUT_THINKING if only_thoughts else Detail.CUT_ANSWERING
    if only_thoughts and failure in (Failure.NO_ANSWER, Failure.NO_CODE):
        return Detail.ONLY_IN_THOUGHTS if boxed else Detail.ENDED_THINKING
    return None


_FAILURE_OF_EXIT = {
    Exit.OK: Failure.NO_OUTPUT,
    Exit.CRASHED: Failure.CRASHED,
    Exit.KILLED: Failure.CRASHED,
    Exit.OUTPUT_LIMIT: Failure.CRASHED,
    Exit.TIMEOUT: Failure.TIMEOUT,
    Exit.OUT_OF_MEMORY: Failure.OUT_OF_MEMORY,
}


class Outcome(StrEnum):
    """How a trial counts. Derived, never stored."""

    CORRECT = "correct"
    """The judge found the answer equal to the reference."""
    WRONG = "wrong"
    """The judge found it different."""
    NO_ANSWER = "no_answer"
    """The reply ended without an answer that a rule finds, such as one in a box."""
    NO_CODE = "no_code"
    """A program was asked for, and the last reply held none."""
    UNSAFE = "unsafe"
    """The screen refused the last program, which was not run."""
    CRASHED = "crashed"
    """The last program ended with an exception."""
    TIMEOUT = "timeout"
    """The last program took more than `sandbox.seconds`."""
    OUT_OF_MEMORY = "out_of_memory"
    """The last program took more than `sandbox.memory_mb`."""
    NO_OUTPUT = "no_output"
    """The last program printed nothing."""
    TRUNCATED = "truncated"
    """The last reply was cut at `sampling.max_tokens`, or the server cut the prompt."""
    JUDGE_INVALID = "judge_invalid"
    """There is an answer without a usable verdict. Shown as `undecided`; unscored."""
    ERROR = "error"
    """Ours: a server, the sandbox or the judge failed. Tried again on resume; unscored."""

    @property
    def scored(self) -> bool:
        """Tell whether the trial counts for accuracy. Errors and unjudged answers do not."""
        return self not in (Outcome.ERROR, Outcome.JUDGE_INVALID)


class Trial(Record):
    """One independent try of a model at one problem in one mode, from prompt to verdict."""

    problem_id: Text
    model: Text
    mode: Text
    repeat: int = Field(ge=0)
    """0, 1, 2, … Repeats of a problem are independent: the n of Pass@k."""
    seed: int
    turns: tuple[Turn, ...] = ()
    verdict: Annotated[Verdict | None, BeforeValidator(without_surrogates)] = None
    error: Text | None = None
    """Our failure, not the model's. Such trials run again on resume and are never scored."""
    started: float = 0.0
    """Unix time."""
    seconds: float = 0.0
    """Wall time from the first request to the verdict, waiting included."""

    @property
    def answer(self) -> str | None:
        """Return the answer that is judged: the last turn's."""
        return self.turns[-1].answer if self.turns else None

    @property
    def detail(self) -> Detail | None:
        """Say more of the outcome where the last turn's thoughts or cap explain it."""
        return self.turns[-1].detail if self.turns and self.error is None else None

    @property
    def outcome(self) -> Outcome:
        """Say how the trial counts."""
        last = self.turns[-1] if self.turns else None
        verdict = self.verdict
        return outcome_of(
            error=self.error is not None or last is None,
            failure=last.failure if last else None,
            correct=verdict.correct if verdict is not None and verdict.valid else None,
        )


def outcome_of(*, error: bool, failure: Failure | None, correct: bool | None) -> Outcome:
    """Say how a trial counts; `correct` is None where no usable verdict was given."""
    if error:
        return Outcome.ERROR
    if failure is not None:
        return Outcome(failure.value)
    if correct is None:
        return Outcome.JUDGE_INVALID
    return Outcome.CORRECT if correct else Outcome.WRONG


def digest(value: object) -> str:
    """Return 16 hex digits of the SHA-256 of a JSON value, the same on every machine."""
    return digest_of_text(json_text(value))


def json_text(value: object) -> str:
    """Return a value as the one JSON text that `digest` takes it for."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest_of_text(text: str) -> str:
    """Return the digest of a value that is JSON already."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
