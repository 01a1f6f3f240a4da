"""Build the messages that modes send, and read the worked examples that may precede a problem.

The wording is this project's own, since the source papers do not print theirs.
"""

import importlib.resources
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import yaml

from solver.prompts import Prompt
from solver.records import Message, Record

REPEATED = """\
You have sent this same reply {times} times, and it did not help. Do it in another way this time."""


class Example(Record):
    """A worked example shown before the problem."""

    question: str
    reasoning: str
    program: str
    output: str
    """What the program prints."""


@cache
def worked_examples() -> tuple[Example, ...]:
    """Return the worked examples, in order. None of them is in a problem set."""
    text = importlib.resources.files("solver.modes").joinpath("examples.yaml").read_text("utf-8")
    return tuple(Example.model_validate(row) for row in yaml.safe_load(text))


def texts_of(prompt: Prompt | None, texts: Mapping[str, str]) -> dict[str, str | None]:
    """Return the texts of a mode, those that the prompt gives in place of its own."""
    return {**texts, **(prompt.texts if prompt else {})}


def opened(
    prompt: Prompt | None,
    texts: Mapping[str, str],
    question: str,
    shots: Iterable[tuple[str, Sequence[Message]]] = (),
    *,
    limits: Mapping[str, object] | None = None,
) -> tuple[Message, ...]:
    """Return the first messages for a problem: the system message, worked examples, the question.

    `shots` are the mode's own worked examples, questions and what follows them, which those of a
    prompt replace; `limits` fill the system message.
    """
    found = texts_of(prompt, texts)
    asking = str(found["question"])
    if prompt is not None and prompt.shots:
        shots = [(shot.question, (assistant(shot.reply),)) for shot in prompt.shots]
    first = [system(found["system"], **(limits or {}))] if found["system"] else []
    worked = [(user(asking, question=asked), *after) for asked, after in shots]
    return (*first, *(each for shot in worked for each in shot), user(asking, question=question))


def user(template: str, **values: object) -> Message:
    """Return a user message, its template filled."""
    return Message(role="user", text=fill(template, **values))


def system(template: str, **values: object) -> Message:
    """Return a system message, its template filled."""
    return Message(role="system", text=fill(template, **values))


def assistant(text: str) -> Message:
    """Return a message of the model, with the text unchanged."""
    return Message(role="assistant", text=text)


def after_reply(chat: Sequence[Message], reply: str, next_message: Message) -> tuple[Message, ...]:
    """Return a chat continued by a reply and the user's next message.

    An empty reply is left out, since some servers refuse one. The next message then joins the
    user's last, since some chat templates refuse two in a row.
    """
    if reply.strip():
        return (*chat, assistant(reply), next_message)
    *before, last = chat
    return (*before, Message(role=last.role, text=f"{last.text}\n\n{next_message.text}"))


def unlike_before(message: Message, times: int) -> Message:
    """Return the message that follows a reply which the model has sent so many times.

    Without a change the request would repeat an earlier one, and at temperature 0 the reply too.
    """
    if times < 2:
        return message
    repeated = fill(REPEATED, times=times)
    return message.model_copy(update={"text": f"{message.text}\n\n{repeated}"})


def fill(template: str, **values: object) -> str:
    """Put values into `{name}` places in one pass, so that braces in a value are left alone."""
    pieces = template.split("{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, brace, rest = piece.partition("}")
        key, _, form = name.partition(":")
        filled.append(format(values[key], form) + rest if brace and key in values else "{" + piece)
    return "".join(filled)
