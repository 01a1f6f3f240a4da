"""Build the messages that modes send, and read the worked examples that may precede a problem.

The wording is this project's own, since the source papers do not print theirs.
"""

import importlib.resources
from collections.abc import Sequence
from functools import cache

import yaml

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
