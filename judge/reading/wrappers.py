"""Strip what stands around an answer and is no part of it: delimiters, labels, remarks, leftovers.

A label or remark that changes the value ("negative: 5", "2 (or more)") stays, and makes the text
unreadable rather than wrong.
"""

import re
from functools import lru_cache

from judge.reading.thoughts import without_stops
from judge.reading.units import is_unit
from judge.reading.words import ALTERING, ANSWER_MARKERS, PART_WORDS, PHRASES

MAX_CHARS = 2_000
IN_FONT = re.compile(r"\\(?:text(?:bf|it|rm)?|math(?:rm|bf|it)|[mh]box)\s*\{\s*([^{}]*?)\s*\}")
"""Words or a name that a command puts in a font."""

_WRAPPERS = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("`", "`"), ('"', '"'),
             ("**", "**"), ("'", "'"), ("*", "*"), ("__", "__"), ("_", "_"))  # fmt: skip
_WRAPPING = frozenset(opening[0] for opening, _ in _WRAPPERS)
_LEAD = PHRASES["lead"]
_VARIABLE = re.compile(r"^([a-z])(?::| is| equals)\s+(?=[-\d\\])")
_LEAD_IN_TEXT = re.compile(r"^\\text(?:bf)?\s*\{\s*([^{}]{1,80})\}\s*(?=\S)")
_CHINESE_LEAD = re.compile(r"^(?:[一总]?共有?|即|为|是)(?=\d)")
_POINT = re.compile(r"^[ABDMOQ](?=\([^(),]{1,40},[^(),]{1,40}\)$)")
_MIXED = re.compile(rf"^(\d+) and (?:a|one) ({'|'.join(PART_WORDS)})$")
_PARTS = re.compile(rf"^(\d+)[ -]({'|'.join(PART_WORDS.keys() - {'quarter'})})s$")
_MARKER = re.compile(
    rf"^(?:[^\W\d_]{{1,12}}\s){{0,3}}?[^\W\d_]{{0,9}}?{ANSWER_MARKERS}\s*", re.IGNORECASE
)
TAIL = PHRASES["tail"]
_TAIL_ENDS = frozenset(" .,;:。}nexk■□∎")
"""The last characters of what `TAIL` strips."""
_ODDS = re.compile(r"^(\d+) (?:in|out of) (\d+)$")
_NAMED = re.compile(r"(?:^|(?<=[,;]))\s*([A-Z][a-z]{2,20}(?: [a-z]{1,20}){0,3})\s{0,9}:(?=\s)")
_UNIT_BEHIND = re.compile(r"(?<=[\d}$])\s+\((?:in )?([A-Za-z]+)\)\s*$")
_MARKS = "[\\s\u2600-\u27bf\u2b00-\u2bff\ufe0f\U0001f300-\U0001faff]+"
_EMOJI = re.compile(rf"^{_MARKS}|{_MARKS}$")
_TAGS = re.compile(r"^(?:<[A-Za-z_]{1,14}>\s*)+(?=[^\s<])|(?<=[^\s>])(?:\s*</[A-Za-z_]{1,14}>)+$")
_BOX = re.compile(r"^\\{0,4}boxed\s*(?=\{.*\}$)", re.DOTALL)


@lru_cache(maxsize=256)
def strip_wording(text: str) -> str:
    """Strip a lead such as "The answer is", leftovers, a final full stop, and what encloses all."""
    if len(text) > MAX_CHARS:
        return text
    if "~~" in text:
        text = PHRASES["struck_out"].sub("", text)
    for _ in range(3):
        before = text
        if text[:1] in "\\∴⇒=→-":
            text = PHRASES["therefore"].sub("", text)
        if text[:1] in "<[b\\$#" or text[-1:] in ")]$}>":
            text = _without_leftovers(text)
        if text[:1].isalpha():
            text = _CHINESE_LEAD.sub("", _MARKER.sub("", _LEAD.sub("", text)))
        elif text.startswith("\\text"):
            text = _LEAD_IN_TEXT.sub(
                lambda m: m[0] if _LEAD.sub("", f"{m[1]} ").strip() else "", text
            )
        if " " in text and (text[-1:].isalpha() or text[-2:-1].isalpha()):
            text = PHRASES["clause"].sub("", PHRASES["behind_answer"].sub("", text))
        if text[-1:] in _TAIL_ENDS:
            text = TAIL.sub("", text)
        text = unwrap(text.strip())
        if text == before:
            break
    return text


def strip_remarks(text: str) -> str:
    """Strip a label before and a remark behind an answer; a label of each value becomes a name."""
    if not text.isascii():
        text = _EMOJI.sub("", text)
    if text.endswith(")"):
        text = _UNIT_BEHIND.sub(lambda m: rf" \text{{{m[1]}}}" if is_unit(m[1]) else m[0], text)
        text = PHRASES["remark"].sub("", text)
    if text[:1].isalpha():
        text = PHRASES["about"].sub("", text)
        text = _POINT.sub("", _VARIABLE.sub(r"\1=", text))
    text = _MIXED.sub(lambda m: f"({m[1]}+1/{PART_WORDS[m[2]]})", _ODDS.sub(r"\1/\2", text))
    text = _PARTS.sub(lambda m: f"{m[1]}/{PART_WORDS[m[2]]}", text)
    if ":" not in text and "=" not in text:
        return text
    if len(named := _NAMED.findall(text)) > 1 and len(set(named)) == len(named):
        return _NAMED.sub(r"\\text{\1}=", text)
    return PHRASES["label"].sub(lambda m: m[0] if _alters(m[1] or m[2]) else "", text)


def _alters(label: str) -> bool:
    """Tell whether a label changes the value that follows."""
    words = label.lower().split()
    return len(words) <= 3 and not ALTERING.isdisjoint(words)


def _without_leftovers(text: str) -> str:
    """Strip stop tokens, tags, marks and colours, and a delimiter that lost its other half."""
    if "box" in text or "color" in text:
        text = _BOX.sub(r"\\boxed", PHRASES["colour"].sub("", text))
    if "<" in text or "[" in text:
        text = _TAGS.sub("", without_stops(text)).strip()
    if text[:1] == "#":
        text = re.sub(r"^#{1,6}\s+", "", text)
    for opening, closing in ((r"\[", r"\]"), (r"\(", r"\)"), ("$$", "$$")):
        if text.endswith(closing) and text.count(opening) == (opening == closing):
            text = text[: -len(closing)].rstrip()
        elif text.startswith(opening) and closing not in text:
            text = text[len(opening) :].lstrip()
    return text


def matching_brace(text: str, start: int) -> int:
    """Return the index of the brace closing the one at `start`, or −1."""
    depth = 0
    for found in _BRACE_OR_ESCAPED.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return found.start()
    return -1


_BRACE_OR_ESCAPED = re.compile(r"\\.|[{}]", re.DOTALL)


def unwrap(text: str) -> str:
    """Strip delimiters of formulas, quotes, and boxes that enclose the whole text."""
    for _ in range(6):
        before = text
        if text[:1] not in _WRAPPING:
            break
        for opening, closing in _WRAPPERS:
            inner = text[len(opening) : -len(closing)]
            if (
                text.startswith(opening)
                and text.endswith(closing)
                and len(text) > len(opening) + len(closing)
                and opening not in inner
                and not inner.endswith("\\")
            ):
                text = inner.strip()
        if text.startswith((r"\boxed{", r"\fbox{", r"\text{", r"\mbox{")):
            start = text.index("{")
            inner = text[start + 1 : -1]
            if matching_brace(text, start) == len(text) - 1 and (
                not text.startswith((r"\text", r"\mbox")) or re.search(r"\d", inner)
            ):
                text = inner.strip()
        if text == before:
            break
    return text
