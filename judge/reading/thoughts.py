"""Divide what a reasoning model wrote into its thoughts and its reply.

Servers that do not parse thoughts leave them in the text: between tags, with or without the opening
one (a chat template may have written it), or in the channels of the harmony format. A tag that a
reply only mentions, in words or in code, is not a tag. Not covered: thoughts without any mark.
"""

import re
from typing import NamedTuple

from judge.reading.words import PHRASES


class Divided(NamedTuple):
    """A text without its thoughts, the thoughts, and whether these came to an end."""

    reply: str
    thoughts: str
    closed: bool
    """False where the text ends within thoughts, so that there may be no reply at all."""


_OPENING, _CLOSING = PHRASES["opens_thoughts"], PHRASES["closes_thoughts"]
_STOP = PHRASES["stop_token"]
_STOPS_BEFORE = re.compile(rf"^(?:\s*{_STOP.pattern})+(?:assistant\b|model\b)?")
_STOP_BEHIND = re.compile(rf"{_STOP.pattern}\s*$")
_FENCE_CLOSES = re.compile(r"^```[ \t]*$", re.MULTILINE)
_MOST_STOPS = 20
_BARE_CHANNELS = re.compile(r"\s*analysis(?=[^\sa-z])(.*)", re.DOTALL)
"""Harmony channels whose special tokens a server removed: "analysisWe need ...assistantfinal12"."""


def without_thoughts(text: str) -> Divided:
    """Divide a text into the reply and the thoughts, and drop stop tokens around the reply."""
    divided = _by_channels(text) or _by_tags(text)
    return divided._replace(reply=without_stops(divided.reply))


def without_stops(reply: str) -> str:
    """Drop stop tokens at both ends, and a further turn that a model wrote after the first."""
    if "<" not in reply and "[" not in reply:
        return reply
    reply = _STOPS_BEFORE.sub("", PHRASES["next_turn"].sub("", reply))
    for _ in range(_MOST_STOPS):
        stop = _STOP_BEHIND.search(reply, max(0, len(reply) - 60))
        if stop is None:
            break
        reply = reply[: stop.start()]
    return reply


def _by_channels(text: str) -> Divided | None:
    """Divide a text in the harmony format; None for any other text."""
    headers = [h for h in PHRASES["channel"].finditer(text) if not _mentioned(text, *h.span())]
    if not headers:
        bare = _BARE_CHANNELS.match(text)
        if bare is None:
            return None
        thoughts, final, reply = bare[1].rpartition("assistantfinal")
        return Divided(reply, thoughts, True) if final else Divided("", bare[1], False)
    ends = [*(header.start() for header in headers[1:]), len(text)]
    messages = [(h[1], text[h.end() : end]) for h, end in zip(headers, ends, strict=True)]
    replies = [message for channel, message in messages if channel == "final"]
    others = [text[: headers[0].start()], *(m for channel, m in messages if channel != "final")]
    thoughts = "\n".join(filter(None, (without_stops(other).strip() for other in others)))
    return Divided("\n".join(map(without_stops, replies)), thoughts, bool(replies))


def _by_tags(text: str) -> Divided:
    """Divide a text at its tags: first those in pairs, then a closing tag without its opening."""
    kept, thoughts, at = list[str](), list[str](), 0
    while opening := _next(_OPENING, text, at, starts_line=True):
        kept.append(text[at : opening.start()])
        closing = _closing(text, opening.end())
        if closing is None and opening[0].startswith("```"):
            closing = _FENCE_CLOSES.search(text, opening.end())
        if closing is None:
            thoughts.append(text[opening.end() :])
            return Divided("".join(kept), _joined(thoughts), closed=False)
        thoughts.append(text[opening.end() : closing.start()])
        at = closing.end()
    reply = "".join([*kept, text[at:]])
    for closing in reversed(list(_CLOSING.finditer(reply))):
        if _mentioned(reply, *closing.span()) or _in_program(reply, 0, *closing.span()):
            continue
        before, behind = reply[: closing.start()], reply[closing.end() :]
        if thoughts and not without_stops(behind).strip():
            reply = before  # a second closing tag, behind the reply
        else:
            thoughts.append(before)
            reply = behind
        break
    return Divided(reply, _joined(thoughts), closed=True)


def _joined(thoughts: list[str]) -> str:
    return "\n".join(filter(None, map(str.strip, thoughts)))


def _next(tag: re.Pattern[str], text: str, at: int, *, starts_line: bool) -> re.Match[str] | None:
    """Return the next tag that is more than a mention; an opening one starts a line or part."""
    for found in tag.finditer(text, at):
        before = text[max(at, found.start() - 80) : found.start()].rpartition("\n")[2]
        if starts_line and before.strip() and not _STOP_BEHIND.search(before):
            continue
        if starts_line and _in_program(text, at, *found.span()):
            continue
        if not _mentioned(text, *found.span()):
            return found
    return None


def _closing(text: str, at: int) -> re.Match[str] | None:
    """Return the tag that closes thoughts: one within a program only where there is no other."""
    first = found = _next(_CLOSING, text, at, starts_line=False)
    while found and _in_program(text, at, *found.span()):
        found = _next(_CLOSING, text, found.end(), starts_line=False)
    return found or first


_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[ \t]*([\w+#.-]*)[ \t]*$", re.MULTILINE)
_ENDS_PART = re.compile(r"[ \t]*(?:\n[ \t]*\n|\n?[ \t]*$)")
_NEAR = 4000
"""Characters around a tag in which a fence is looked for."""


def _in_program(text: str, at: int, start: int, end: int) -> bool:
    """Tell whether a tag stands in a fenced block that opens after `at` and is closed behind it.

    A tag alone on its line with a blank line behind it ends thoughts that left a fence open.
    """
    opened = False
    for language in _FENCE.findall(text, max(at, start - _NEAR), start):
        opened = bool(language) or not opened
    closed = _FENCE.search(text, end, end + _NEAR) if opened else None
    if closed is None or closed[1]:
        return False
    alone = not text[max(0, start - 80) : start].rpartition("\n")[2].strip()
    return not (alone and _ENDS_PART.match(text, end))


_MENTIONS = re.compile(r"[\w,;(][ \t]+$")


def _mentioned(text: str, start: int, end: int) -> bool:
    """Tell whether a tag stands within quotes or backticks, or as a word amid other words."""
    before = text[max(0, start - 400) : start].rpartition("\n")[2].replace("```", "")
    following = text[end : end + 400].partition("\n")[0].replace("```", "")
    quotes = re.findall(r"(?<!\w)'|[\"`]", before)
    if following[:1] in set("\"'`") or any(quotes.count(quote) % 2 for quote in quotes):
        return True
    return bool(_MENTIONS.search(before) and following.strip())
