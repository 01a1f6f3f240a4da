"""Keep a model's thoughts apart from its reply, in whichever form a server returns them.

They come in a field next to the content, in a list of chunks, or between tags in the text. Some
servers return none and only count them, and some do not even count them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from judge.reading.thoughts import without_thoughts
from solver.errors import ConfigError
from solver.models._answers import positive
from solver.numbers import within
from solver.records import Reply

_FIELDS = ("thinking", "reasoning_content", "reasoning")
"""What servers call the field next to the content."""
_CHUNKS = ("text", "output_text")
"""What servers call a chunk of the reply itself."""


def read_message(message: Any) -> tuple[str, str]:
    """Return the text and the thoughts of a chat message or of a piece of one, tags not yet read.

    Two servers' names for the same thoughts may stand in one message: the first one counts.
    """
    chunks = list(_chunks(_get(message, "content")))
    text = "".join(words for kind, words in chunks if kind == "text")
    thoughts = "".join(words for kind, words in chunks if kind == "thoughts")
    fields = ("".join(words for _, words in _chunks(_get(message, name))) for name in _FIELDS)
    return text, next(filter(None, fields), "") + thoughts


def keep_apart(reply: Reply, *, total: object = None, opened: bool = False) -> Reply:
    """Move the thoughts out of the text of a reply as a server gave it, and count their tokens.

    `total` are the tokens of prompt, thoughts and text together, where the server tells: some leave
    the thoughts out of the reply's own tokens. `opened` tells that the prompt ended within
    thoughts, so that a text in which they never end is nothing else.
    """
    if reply.thoughts_counted is not None:
        return reply  # it has been through here
    opening = "<think>\n" if opened and not reply.thoughts else ""
    divided = without_thoughts(opening + reply.text)
    text = reply.text if divided.reply == reply.text else divided.reply.strip()
    thoughts = "\n".join(filter(None, (reply.thoughts.strip(), divided.thoughts.strip())))
    written = reply.output_tokens
    whole = within(positive(total) or 0)
    hidden = whole - reply.input_tokens - written if reply.input_tokens else 0
    if hidden > 0:
        written += hidden
    tokens, how = _count(reply, text, thoughts, written, hidden)
    return reply.model_copy(
        update={
            "text": text,
            "thoughts": thoughts,
            "output_tokens": written,
            "thought_tokens": tokens,
            "thoughts_counted": how,
        }
    )


def _count(
    reply: Reply, text: str, thoughts: str, written: int, hidden: int
) -> tuple[int | None, Literal["reported", "counted", "estimated"] | None]:
    """Return the tokens of the thoughts, and how they are known."""
    if reply.thought_tokens:
        return reply.thought_tokens, "reported"
    if hidden > 0:
        return hidden, "counted"
    if not thoughts or not written:
        return None, None
    if not text.strip():
        return written, "counted"
    return round(written * len(thoughts) / (len(thoughts) + len(text))), "estimated"


def _chunks(content: Any) -> Iterator[tuple[Literal["text", "thoughts"], str]]:
    """Yield the texts of a content: one string, or chunks that may hold chunks of their own."""
    if isinstance(content, str):
        yield "text", content
        return
    for chunk in content if isinstance(content, list | tuple) else ():
        kind = _get(chunk, "type")
        if isinstance(chunk, str):
            yield "text", chunk
        elif kind in _CHUNKS:
            yield "text", str(_get(chunk, "text") or "")
        elif kind in _FIELDS:
            inside = _get(chunk, kind) or _get(chunk, "text")
            yield "thoughts", "".join(words for _, words in _chunks(inside))


def _get(holder: Any, name: str) -> Any:
    """Return a field of a mapping or an object; None where it has none."""
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


_OPENED = re.compile(r"(?:<think(?:ing)?>|\[THINK\])\s*$")
_CLOSED = re.compile(r"(?:</think(?:ing)?>|\[/THINK\])\s*$")
_OPENS = re.compile(r"\s*(?:<think(?:ing)?>|\[THINK\]|<\|channel\|>\s*analysis)")


def opens_thoughts(prompt: str) -> bool | None:
    """Tell whether a rendered chat ends within thoughts (True) or after empty ones (False)."""
    if _OPENED.search(prompt):
        return True
    return False if _CLOSED.search(prompt) else None


def begins_with_thoughts(text: str) -> bool:
    """Tell whether the first words of a reply open its thoughts."""
    return _OPENS.match(text) is not None


def refuse_thoughts(name: str, prompt: str = "", *, thinks: bool = False) -> None:
    """Raise ConfigError where a reply would begin with thoughts, or `prompt` ends within them.

    A reply is continued from its first token on, and what is watched in it is its program.
    """
    if thinks or opens_thoughts(prompt):
        raise ConfigError(
            f"model {name!r}: thinks before it replies, and regeneration watches a reply from its"
            " first token; set the model's thinking: off, or leave regeneration out"
        )
