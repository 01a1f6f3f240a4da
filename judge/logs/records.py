"""What is read of a reply in another tool's log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class LogError(Exception):
    """A file that is no log, or no whole one: one line with the file, the place and what to do."""


@dataclass(frozen=True, slots=True)
class Theirs:
    """What a scorer of the log's tool said."""

    name: str
    """The scorer, in the tool's own words: `exact_match,strict-match`, `math`, `correct`."""
    value: float
    """1 is right and 0 wrong; between them lies a share of several replies, or partial credit."""
    reading: str | None = None
    """The answer that it read in the reply, where the log says it."""
    whole: bool = False
    """It is about all replies to a question together, so it says nothing of a single one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One reply of the model, with the program that it gave to a tool, if any."""

    text: str
    """The reply without its thoughts."""
    thoughts: str = ""
    prompt: tuple[tuple[str, str], ...] = ()
    """The messages that no earlier step holds, each as (role, text)."""
    input_tokens: int = 0
    output_tokens: int = 0
    thought_tokens: int | None = None
    seconds: float = 0.0
    capped: bool = False
    ended: str = ""
    """How the reply ended, where it was neither finished nor cut at the cap."""
    program: str | None = None
    output: str = ""
    """What the program printed, or why it was not run."""
    failure: str = ""
    """`crashed`, `timeout` or `refused`, where the program failed."""
    answers: bool = False
    """The program's output is the answer: no reply to it follows."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One independent reply to one question, or the conversation that took its place."""

    place: str
    """File and line, for messages."""
    tool: str
    """`lm-eval`, `inspect`, `lighteval`, `opencompass`, `nemo-skills` or `jsonl`."""
    task: str
    id: str
    question: str
    bare: bool
    """`question` is the question alone; else the prompt, with the instruction."""
    references: tuple[str, ...]
    """Any of them is right."""
    steps: tuple[Step, ...]
    """Empty where an error kept the model from replying."""
    repeat: int = 0
    model: str = ""
    """Empty where the log does not name it."""
    theirs: tuple[Theirs, ...] = ()
    stated: str | None = None
    """The answer, where the log holds it apart from the reply; empty for no answer."""
    error: str | None = None
    """Why the tool itself failed on this question."""
    domain: str = ""
    level: Any = None
    lost: frozenset[str] = frozenset()
    """What this log does not tell: `tokens`, `sign of the cap`, `thoughts`, `model's name`."""
    kept: Mapping[str, Any] = field(default_factory=dict)
    """What an export of solver's kept of its own trial."""


def a_mapping(value: Any) -> dict[str, Any]:
    """Return a mapping, or an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def a_list(value: Any) -> list[Any]:
    """Return a list, or an empty one for any other value."""
    return value if isinstance(value, list) else []


def a_text(value: Any) -> str:
    """Return a text; a number as it is written, and an empty text for any other value."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def a_count(value: Any) -> int:
    """Return a whole number from 0, or 0 for any other value."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def a_duration(value: Any) -> float:
    """Return seconds, or 0 for what is no such number."""
    known = isinstance(value, int | float) and 0 <= value < float("inf")
    return float(value) if known else 0.0


def a_share(value: Any) -> float | None:
    """Return a score from 0 to 1; None for what is no such number."""
    if isinstance(value, bool | int | float) and 0 <= value <= 1:
        return float(value)
    return None


def content_of(content: Any) -> str:
    """Return the text of a message's content, a text or a list of parts."""
    parts = [content] if isinstance(content, str) else a_list(content)
    texts = [part if isinstance(part, str) else a_mapping(part).get("text") for part in parts]
    return "".join(text for text in texts if isinstance(text, str))
