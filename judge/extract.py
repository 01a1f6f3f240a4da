r"""Find the answer in a model's reply or in what its program printed.

The result names the rule that found the answer, and keeps "no answer" apart from "an answer that is
incomplete". A program inside a reply is skipped: it is neither run nor read.

Texts may be hostile. Each rule passes once over fences, lines or braces, so time is linear in the
length of the text; only the end of a very long text is read.
"""

import re

from judge.reading import boxes
from judge.reading.boxes import Extracted, says_something, tidy
from judge.reading.fences import OUTPUT, PROGRAM, WORDS, parts_of
from judge.reading.thoughts import without_thoughts
from judge.reading.words import ANSWER_MARKERS, PHRASES

__all__ = ["NONE", "UNREADABLE", "Extracted", "extract_answer", "extract_output"]

NONE = "none"
UNREADABLE = "unreadable"

_READ = 200_000
"""Characters that are read from the end of a text."""
_WORDS = re.compile(r"[\u3040-\u9fff]{2}|\S+")
_SENTENCE_OF = 4
"""Words from which a reply of one line may be a sentence that holds its answer."""
_LONGEST = 1_000
"""Longest answer outside a box, in characters."""


def extract_answer(reply: str, *, closing: bool = True) -> Extracted:
    r"""Find the final answer in a model's reply.

    Tried in this order: the last complete `\boxed` (boxes side by side count as one answer), a
    declared answer ("The final answer is …", "Answer: …", "#### …"), the last output block a tool
    wrote into the reply, values of letters on lines of their own, a concluding sentence, the whole
    of a one-line reply, and with `closing` the one value in a last sentence that nothing announces.
    The thoughts of a reasoning model are left out: a reply that ends within them has no answer.
    """
    parts = parts_of(_clean(without_thoughts(reply).reply))
    readable = "".join(part.text for part in parts if part.kind != PROGRAM)
    boxed, broken_box = boxes.last_boxes(readable)
    if boxed is not None:
        return boxed
    last_output = max((i for i, part in enumerate(parts) if part.kind == OUTPUT), default=-1)
    words = "".join(part.text for part in parts[last_output + 1 :] if part.kind == WORDS)
    declared, broken_line = _last_declared(words)
    if declared is not None:
        return Extracted(declared, "declared")
    if broken_line or boxes.has_open_box(words):
        return Extracted(None, UNREADABLE)
    if last_output >= 0:
        printed = extract_output(parts[last_output].text)
        if printed.answer is not None:
            return Extracted(printed.answer, "output")
    if broken_box:
        return Extracted(None, UNREADABLE)
    words = _MONEY.sub("", _ASIDE.sub("", words.rstrip()))
    if answer := _stacked(_last_block(words)) or _conclusion(words):
        return Extracted(answer, "conclusion")
    whole = _whole(words) if last_output < 0 else None
    short = whole and len(_WORDS.findall(words)) < _SENTENCE_OF
    if closing and not short and (answer := _closing(words)):
        return Extracted(answer, "closing")
    return Extracted(whole, "whole") if whole else Extracted(None, NONE)


def extract_output(stdout: str) -> Extracted:
    r"""Find the answer in what a program printed.

    A complete `\boxed` or a declared answer on any line comes first. Otherwise the last line that
    is not blank is the answer, without a label in words ("Number of ways: 12"); an equation stays
    whole. Earlier lines belong to it only where it closes brackets that they opened, as in a
    printed matrix, or where all lines are values of different letters (x = 3, y = 4). An error
    message is no answer.
    """
    lines = _after_errors(_clean(stdout))
    if not lines:
        return Extracted(None, NONE)
    text = "\n".join(lines)
    boxed, broken_box = boxes.last_boxes(text)
    if boxed is not None:
        return boxed
    declared, broken_line = _last_declared(text)
    if declared is not None:
        return Extracted(declared, "declared")
    if broken_box or broken_line:
        return Extracted(None, UNREADABLE)
    return _last_line(lines)


# --- declared answers --------------------------------------------------------------------------

_FOREIGN_MARKER = re.compile(ANSWER_MARKERS, re.IGNORECASE)
_HEADING = re.compile(r"^\W*(?:the\s+)?(?:final\s+)?answer\b", re.IGNORECASE)
_HASHES = re.compile(r"^\s*####\s*(?!\d+[.)]\s+[A-Za-z])([-+$\\(\[{\d.].{0,80}|[A-Za-z])\s*$")
_LINES_AFTER_MARKER = 6


def _last_declared(text: str) -> tuple[str | None, bool]:
    """Return the last declared answer, else whether a declaration has no answer after it."""
    tagged = _between_last(text, "<answer>", "</answer>")
    if tagged and says_something(tagged) and len(tagged) <= _LONGEST:
        return tidy(tagged), False
    lines = text.split("\n")
    broken = False
    for number in range(len(lines) - 1, -1, -1):
        rest = _announced(lines[number])
        if rest is None:
            continue
        following = lines[number + 1 : number + _LINES_AFTER_MARKER]
        announced = PHRASES["before_answer"].sub("", "\n".join([rest, *following]), count=1)
        answer = _stacked(announced.split("\n")) or _first_answer(announced)
        if answer:
            return answer, False
        broken = True
    return None, broken


def _announced(line: str) -> str | None:
    """Return what follows "answer is" or a similar phrase in a line; None without one."""
    hashes = _HASHES.match(line)  # as in GSM8K, unless it is a Markdown heading
    if hashes:
        return hashes.group(1)
    markers = [marker.end() for marker in PHRASES["announces_answer"].finditer(line)]
    if not markers and (foreign := [marker.end() for marker in _FOREIGN_MARKER.finditer(line)]):
        return line[foreign[-1] :] if says_something(line[foreign[-1] :]) else ""
    if markers:
        rest = line[markers[-1] :]
        return None if re.match(r"\s*(?:not|that|in the|the same)\b", rest, re.IGNORECASE) else rest
    heading = _HEADING.match(line)
    if heading is None:
        return None
    rest = line[heading.end() :].strip("*_ \t")
    starts_like_mathematics = re.match(r"[$\\\d(\[{+-]|[A-Za-z]$", rest)
    return rest if not rest or starts_like_mathematics or "FINAL ANSWER" in line else None


_SPAN = PHRASES["formula"]
_SENTENCE_ENDS = PHRASES["ends_sentence"]
_VERB = re.compile(r"\b(?:is|are|equals|be)\b(?=\s*\S)")


def _first_answer(text: str) -> str | None:
    """Return the answer at the start of a text: a formula with a unit, or a sentence."""
    text = text.lstrip('*_`>" \t\n')
    span = _SPAN.match(text)
    if span is not None:
        behind = _SENTENCE_ENDS.split(text[span.end() :], maxsplit=1)[0]
        joined = re.match(r"\s*(?:,|and|or)\s*\S", behind)
        unit = len(behind) <= 25 and len(behind.split()) <= 2 and "\\" not in behind
        answer = text[: span.end()] + behind if joined or unit else span.group()
    else:
        answer = _SENTENCE_ENDS.split(text, maxsplit=1)[0]
        verbs = [verb.end() for verb in _VERB.finditer(answer)]
        answer = answer[verbs[-1] :] if verbs else answer
    broken_box = re.search(boxes.BOX_OPENS, answer)  # complete boxes are found earlier
    if len(answer) > _LONGEST or broken_box or not says_something(answer):
        return None
    return tidy(answer.replace("$", " "))


def _between_last(text: str, opening: str, closing: str) -> str | None:
    """Return the text between the last pair of two tags."""
    end = text.rfind(closing)
    start = text.rfind(opening, 0, max(end, 0))
    return text[start + len(opening) : end] if start >= 0 else None


# --- conclusions and whole replies -------------------------------------------------------------

_LINES_OF_CONCLUSION = 6
_NAMED = r"(?:\$[^$\n=]{1,40}=[^$\n=]{1,200}\$|\b[A-Za-z] ?= ?-?\d[\d./]{0,20}\b)"
_PERHAPS = re.compile(r"\b(?:(?:could|might|may) be|perhaps|maybe)\b")
_JOIN = r"(?:,\s*(?:and|or)?|\s+(?:and|or))\s*"
_FORMULA = r"\$[^$\n]{1,40}\$"
_SEVERAL = re.compile(
    rf"(?:{_NAMED}{_JOIN}){{1,9}}{_NAMED}|(?<=are )(?:{_FORMULA}{_JOIN}){{1,9}}{_FORMULA}"
)
"""Values side by side: $a = 3$ and $b = 5$, or are $3$ and $5$."""
_MONEY = re.compile(r"\$(?=\d[\d,.]* ?[-+*/×=][^$\n]{0,40}\$\d)|(?<=[-+*/×=] )\$(?=\d)")
"""The sign of a dollar in a calculation, which encloses no formula: $35 + $5 = $40."""


def _conclusion(words: str) -> str | None:
    """Return the last formula or number of the sentence that concludes a reply."""
    lines = [line for line in words.splitlines() if line.strip()][-_LINES_OF_CONCLUSION:]
    ending = "\n".join(lines)[-2 * _LONGEST :]
    cues = [cue.start() for cue in PHRASES["concludes"].finditer(ending)]
    if not cues:
        return None
    sentence = ending[cues[-1] :]
    if sentence.lower().startswith("is "):
        sentence = ending
    if _PERHAPS.search(sentence):
        return None
    spans = _formulas(sentence)
    if (several := _SEVERAL.search(sentence)) and (not spans or spans[-1] in several[0]):
        return tidy(several[0].replace("$", " "))
    if spans and re.search(r"[\d\\]", spans[-1]):
        chain = spans[-1].split("=")
        return tidy(chain[-1] if len(chain) > 2 else spans[-1])
    verbs = [verb.end() for verb in _VERB.finditer(sentence)]
    rest = _SENTENCE_ENDS.split(sentence[verbs[-1] :].strip(), maxsplit=1)[0] if verbs else ""
    return tidy(rest) if any(map(str.isdigit, rest)) and len(rest.split()) <= 4 else None


def _formulas(sentence: str) -> list[str]:
    """Return the formulas of a sentence without their delimiters."""
    return [next(filter(None, span.groups())) for span in _SPAN.finditer(sentence)]


_NAMED_LINE = PHRASES["named_line"]
_JOINS_LINES = frozenset(("", "and", "or"))


def _last_block(words: str) -> list[str]:
    """Return the last lines of a text that are values of names, or join them."""
    lines = [line.strip() for line in words.strip().split("\n")[-2 * _LINES_OF_CONCLUSION :]]
    others = [
        number
        for number, line in enumerate(lines)
        if line not in _JOINS_LINES and not _NAMED_LINE.fullmatch(line)
    ]
    return lines[others[-1] + 1 :] if others else lines


def _stacked(lines: list[str]) -> str | None:
    """Return the values of several names, each on a line of its own, as one answer: x = 3, y = 4.

    Several values of one name count only in a list, or with "and" or "or" between the lines: else
    they are the steps of a calculation.
    """
    values, listed = list[str](), False
    for line in map(str.strip, lines):
        found = _NAMED_LINE.fullmatch(line.replace("**", ""))
        if found is None and line not in _JOINS_LINES:
            break
        listed = listed or (bool(line) if found is None else bool(found[1]))
        values += [found[2]] if found else []
    names = {value.partition("=")[0].strip() for value in values}
    if len(values) > 1 and (len(names) == len(values) or (listed and len(names) == 1)):
        return (", " if len(names) > 1 else " or ").join(values)
    return None


def _whole(words: str) -> str | None:
    """Return a reply that consists of an answer only: a few words or one formula."""
    text = words.strip()
    span = _SPAN.fullmatch(text)
    few_words = "\n" not in text and len(text) <= 200 and len(text.split()) <= 6
    if not (span or few_words) or _NO_ANSWER.search(text) or not says_something(text):
        return None
    return tidy(text)


_NO_ANSWER = re.compile(r"^(?:I|We|Let|Sorry)\b|\\boxed\s*\W*$|\?$")
_UNSURE = PHRASES["is_unsure"]


def _closing(words: str) -> str | None:
    """Return the one value in the sentence that ends a reply, where nothing announces it."""
    ending = words.rstrip()[-2 * _LONGEST :].rpartition("\n")[2]
    sentence = re.split(r"(?<=[.!])\s+(?=[A-Z$\\*])", ending)[-1].strip()
    if _UNSURE.search(sentence) or sentence.endswith((":", ",", "-")) or len(sentence) > 300:
        return None
    values = _formulas(sentence) or list(map("".join, PHRASES["bare_value"].findall(sentence)))
    found = list(filter(says_something, values))
    if not found or (
        len({value.strip() for value in found}) > 1
        and (_ALTERNATIVES.search(sentence) or not _ends_with(sentence, found[-1], words))
    ):
        return None
    return tidy(found[-1].rpartition("=")[2] if found[-1].count("=") > 1 else found[-1])


_ASIDE = re.compile(r"\n\s{0,9}\([^()\n]{1,300}\)\.?$")
_NOUN = re.compile(r"[a-z]{2,}(?: [a-z]{2,})?")
"""What a value counts, behind it: = 11 marbles."""
_ALTERNATIVES = re.compile(r"\b(?:or|and)\b")


def _ends_with(sentence: str, value: str, words: str) -> bool:
    """Tell whether a sentence ends with a value; one that is the whole reply, with "= value"."""
    before, found, behind = sentence.rpartition(value.strip())
    said = re.search(r"(?:=|\bis|\bare|\bequals)$", before.rstrip("$ "))
    behind = behind.strip(".!$)]\\* ")
    ends = not behind or (said is not None and _NOUN.fullmatch(behind) is not None)
    return bool(found) and ends and (sentence != words.strip() or said is not None)


# --- printed lines -----------------------------------------------------------------------------

_CHATTER = re.compile(r"(?:all )?(?:done|finished|completed?|end|success\w*)\W*", re.IGNORECASE)
_LABEL = re.compile(r"^[^\W\d_][\w \t'’()/,-]{2,80}?(?:[:?]|->|=>|→)[ \t]+(?=\S)")
_TALLEST = 50
"""Most lines of a printed matrix."""


def _last_line(lines: list[str]) -> Extracted:
    last = lines[-1].strip()
    rule = "last_line"
    if all(map(_NAMED_LINE.fullmatch, map(str.strip, lines))) and (several := _stacked(lines)):
        return Extracted(several, "last_lines")
    if _unopened(last):
        block = _closed_block(lines)
        if block is None:
            return Extracted(None, UNREADABLE)
        last, rule = block, "last_lines"
    if len(last) > _LONGEST:
        return Extracted(last, rule)  # too long to look for a label
    label = _LABEL.match(last) or PHRASES["printed_sentence"].match(last)
    if label and says_something(last[label.end() :]):
        last, rule = last[label.end() :], "labelled"
    return Extracted(tidy(last) if rule == "labelled" else last, rule)


def _closed_block(lines: list[str]) -> str | None:
    """Return the fewest last lines that open every bracket they close."""
    heights = range(2, min(len(lines), _TALLEST) + 1)
    blocks = ("\n".join(map(str.strip, lines[-height:])) for height in heights)
    return next((block for block in blocks if not _unopened(block)), None)


def _unopened(text: str) -> bool:
    """Tell whether a bracket closes that was not opened. Kinds may differ, as in `[0, 1)`."""
    depth = 0
    for character in text[-_READ:]:
        depth += character in "([{"
        depth -= character in ")]}"
        if depth < 0:
            return True
    return False


def _after_errors(text: str) -> list[str]:
    """Return the lines after the last error message, without blank ones."""
    lines = [line.rstrip() for line in text.split("\n") if says_something(line)]
    while len(lines) > 1 and _CHATTER.fullmatch(lines[-1].strip()):
        lines.pop()
    errors = [number for number, line in enumerate(lines) if PHRASES["error_line"].match(line)]
    return lines[errors[-1] + 1 :] if errors else lines


# --- shared ------------------------------------------------------------------------------------

_CONTROL = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]|[\x00-\x07\x0b\x0c\x0e-\x1f\x7f]")


def _clean(text: str) -> str:
    """Return the end of a text, without terminal control codes, with plain line ends."""
    return _CONTROL.sub("", text[-_READ:].replace("\r\n", "\n").replace("\r", "\n"))
