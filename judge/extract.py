r"""Find the answer in a model's reply or in what its program printed.

The result names the rule that found the answer, and keeps "no answer" apart from "an answer that is
incomplete". A program inside a reply is skipped: it is neither run nor read.

Texts may be hostile. Each rule passes once over fences, lines or braces, so time is linear in the
length of the text; only the end of a very long text is read.
"""

import re
from dataclasses import dataclass

from judge.reading.fences import OUTPUT, PROGRAM, WORDS, parts_of
from judge.reading.thoughts import without_thoughts

NONE = "none"
UNREADABLE = "unreadable"

_READ = 200_000
"""Characters that are read from the end of a text."""
_LONGEST = 1_000
"""Longest answer outside a box, in characters."""


@dataclass(frozen=True)
class Extracted:
    """An answer, or why there is none."""

    answer: str | None
    rule: str
    """Which rule fired: "boxed", "boxes" (several side by side), "declared", "output",
    "conclusion", "whole"; for a program's output also "last_line", "last_lines", "labelled".
    Without an answer: "none", or "unreadable" where the answer is incomplete."""


def extract_answer(reply: str) -> Extracted:
    r"""Find the final answer in a model's reply.

    Tried in this order: the last complete `\boxed` (boxes side by side count as one answer), a
    declared answer ("The final answer is …", "Answer: …", "#### …"), the last output block a tool
    wrote into the reply, a concluding sentence, the whole of a one-line reply. The thoughts of a
    reasoning model are left out: a reply that ends within them has no answer.
    """
    parts = parts_of(_clean(without_thoughts(reply).reply))
    boxed, broken_box = _last_boxes("\n".join(text for kind, text in parts if kind != PROGRAM))
    if boxed is not None:
        return boxed
    last_output = max((i for i, (kind, _) in enumerate(parts) if kind == OUTPUT), default=-1)
    words = "\n".join(text for kind, text in parts[last_output + 1 :] if kind == WORDS)
    declared, broken_line = _last_declared(words)
    if declared is not None:
        return Extracted(declared, "declared")
    if broken_line or _has_open_box(words):
        return Extracted(None, UNREADABLE)
    if last_output >= 0:
        printed = extract_output(parts[last_output][1])
        return printed if printed.answer is None else Extracted(printed.answer, "output")
    if broken_box:
        return Extracted(None, UNREADABLE)
    for rule, find in (("conclusion", _conclusion), ("whole", _whole)):
        answer = find(words)
        if answer:
            return Extracted(answer, rule)
    return Extracted(None, NONE)


def extract_output(stdout: str) -> Extracted:
    r"""Find the answer in what a program printed.

    A complete `\boxed` or a declared answer on any line comes first. Otherwise the last line that
    is not blank is the answer, without a label in words ("Number of ways: 12"); an equation stays
    whole. Earlier lines belong to it only where it closes brackets that they opened, as in a
    printed matrix. An error message is no answer.
    """
    lines = _after_errors(_clean(stdout))
    if not lines:
        return Extracted(None, NONE)
    text = "\n".join(lines)
    boxed, broken_box = _last_boxes(text)
    if boxed is not None:
        return boxed
    declared, broken_line = _last_declared(text)
    if declared is not None:
        return Extracted(declared, "declared")
    if broken_box or broken_line:
        return Extracted(None, UNREADABLE)
    return _last_line(lines)


# --- boxes -------------------------------------------------------------------------------------

# A program that printed "\boxed" without escaping the backslash printed a backspace and "oxed".
_BOX_OPENS = r"(?:\\f?boxed|\\fbox|\\framebox|\x08oxed)\s{0,9}\{"
_BOX_OR_BRACE = re.compile(rf"{_BOX_OPENS}|\\.|[{{}}]", re.DOTALL)
_WHOLE_BOX = re.compile(rf"\s*{_BOX_OPENS}")
_BARE_BOX = re.compile(r"\\boxed[ \t]{1,9}([^\s${}\\]{1,40})")
_JOINT = re.compile(
    r"(?:[\s$,;&]|\\[()\[\],;! \\]|\\q?quad|\\(?:text|mbox|textrm)\{\s*(?:and|or)\s*\}|and|or)*"
)
_LONGEST_JOINT = 60
_MOST_JOINED = 20


def _last_boxes(text: str) -> tuple[Extracted | None, bool]:
    """Return the last complete box and those side by side with it, else whether one is broken."""
    boxes, broken = _complete_boxes(text)
    if not boxes:
        bare = _BARE_BOX.findall(text)
        return (Extracted(bare[-1], "boxed"), False) if bare else (None, broken)
    first_start, _, last = boxes[-1]
    answers, joints = [last], ""
    for start, end, content in reversed(boxes[:-1]):
        joint = text[end:first_start]
        if len(joint) > _LONGEST_JOINT or not _JOINT.fullmatch(joint):
            break
        first_start = start
        if content not in answers:
            answers.insert(0, content)
            joints += joint
    if len(answers) == 1:
        return Extracted(last, "boxed"), False
    separator = " or " if re.search(r"\bor\b", joints) else ", "
    return Extracted(separator.join(answers), "boxes"), False


def _complete_boxes(text: str) -> tuple[list[tuple[int, int, str]], bool]:
    """Find the last complete outermost boxes, and tell whether any box is empty or open."""
    open_braces: list[tuple[int, int] | None] = []  # a box's start and its content's, or a brace
    spans: list[tuple[int, int, int]] = []
    for token in _BOX_OR_BRACE.finditer(text):
        word = token.group()
        if word == "{":
            open_braces.append(None)
        elif word == "}":
            opened = open_braces.pop() if open_braces else None
            if opened is not None:
                while spans and spans[-1][0] > opened[0]:
                    spans.pop()
                spans.append((*opened, token.end()))
        elif word.endswith("{") and word != "\\{":
            open_braces.append((token.start(), token.end()))
    boxes: list[tuple[int, int, str]] = []
    for start, content_start, end in reversed(spans):
        content = _unboxed(text[content_start : end - 1]).strip()
        if _says_something(content) and not content.startswith("\\phantom"):
            boxes.insert(0, (start, end, _tidy(content)))
        if len(boxes) == _MOST_JOINED:
            break
    return boxes, bool(spans) or any(opened is not None for opened in open_braces)


def _has_open_box(text: str) -> bool:
    """Tell whether the last box of a text is never closed."""
    openings = [opening.end() for opening in re.finditer(_BOX_OPENS, text)]
    return bool(openings) and not _closes_a_brace(text[openings[-1] :])


def _unboxed(content: str) -> str:
    """Remove boxes that are nested directly inside each other."""
    for _ in range(10):
        opening = _WHOLE_BOX.match(content)
        stripped = content.rstrip()
        if opening is None or not stripped.endswith("}"):
            break
        inner = stripped[opening.end() : -1]
        if _closes_a_brace(inner):
            break
        content = inner
    return content


def _closes_a_brace(text: str) -> bool:
    """Tell whether a text closes a brace that it did not open."""
    depth = 0
    for token in _BOX_OR_BRACE.finditer(text):
        word = token.group()
        depth += word.endswith("{") and word != "\\{"
        depth -= word == "}"
        if depth < 0:
            return True
    return False


# --- declared answers --------------------------------------------------------------------------

_MARKER = re.compile(
    r"\banswers?\b[*_]*\s{0,3}"
    r"(?:(?:to|for|of|in)\b[^.:=\n]{0,80}?)?"
    r"\s{0,3}(?:\b(?:(?:should|must|will|would|can only)\s{1,3}be|is|are|equals)\b|:|=|→|->)",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^\W*(?:the\s+)?(?:final\s+)?answer\b", re.IGNORECASE)
_HASHES = re.compile(r"^\s*####\s*(?!\d+[.)]\s+[A-Za-z])([-+$\\(\[{\d.].{0,80}|[A-Za-z])\s*$")
_FILLER = re.compile(
    r"^(?:\s|[:*_=]|->|→"
    r"|(?:simply|just|then|therefore|thus|hence|given by|equal to|indeed|is|be)\b)+",
    re.IGNORECASE,
)
_LINES_AFTER_MARKER = 6


def _last_declared(text: str) -> tuple[str | None, bool]:
    """Return the last declared answer, else whether a declaration has no answer after it."""
    tagged = _between_last(text, "<answer>", "</answer>")
    if tagged and _says_something(tagged) and len(tagged) <= _LONGEST:
        return _tidy(tagged), False
    lines = text.split("\n")
    broken = False
    for number in range(len(lines) - 1, -1, -1):
        rest = _announced(lines[number])
        if rest is None:
            continue
        following = lines[number + 1 : number + _LINES_AFTER_MARKER]
        answer = _first_answer(_FILLER.sub("", "\n".join([rest, *following]), count=1))
        if answer:
            return answer, False
        broken = True
    return None, broken


def _announced(line: str) -> str | None:
    """Return what follows "answer is" or a similar phrase in a line; None without one."""
    hashes = _HASHES.match(line)  # as in GSM8K, unless it is a Markdown heading
    if hashes:
        return hashes.group(1)
    markers = [marker.end() for marker in _MARKER.finditer(line)]
    if markers:
        rest = line[markers[-1] :]
        return None if re.match(r"\s*(?:not|that|in the|the same)\b", rest, re.IGNORECASE) else rest
    heading = _HEADING.match(line)
    if heading is None:
        return None
    rest = line[heading.end() :].strip("*_ \t")
    starts_like_mathematics = re.match(r"[$\\\d(\[{+-]|[A-Za-z]$", rest)
    return rest if not rest or starts_like_mathematics or "FINAL ANSWER" in line else None


_SPAN = re.compile(
    r"\$\$(.{1,1000}?)\$\$|\\\[(.{1,1000}?)\\\]|\\\((.{1,1000}?)\\\)|\$([^$\n]{1,1000})\$",
    re.DOTALL,
)
_SENTENCE_ENDS = re.compile(
    r"\n|(?<![ap]\.m)[.!?](?=\s+[A-Z$\\(*]|\s*$|\s*\n)"
    r"|,?\s(?:because|since|which|where|so that|as required)\b"
)
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
    broken_box = re.search(_BOX_OPENS, answer)  # complete boxes are found earlier
    if len(answer) > _LONGEST or broken_box or not _says_something(answer):
        return None
    return _tidy(answer.replace("$", " "))


def _between_last(text: str, opening: str, closing: str) -> str | None:
    """Return the text between the last pair of two tags."""
    end = text.rfind(closing)
    start = text.rfind(opening, 0, max(end, 0))
    return text[start + len(opening) : end] if start >= 0 else None


# --- conclusions and whole replies -------------------------------------------------------------

_CUE = re.compile(
    r"\b(?:therefore|thus|hence|so|consequently|in conclusion)\b"
    r"|\bwe (?:get|have|find|conclude|obtain)\b|\bis (?:our answer|the solution)\b",
    re.IGNORECASE,
)
_LINES_OF_CONCLUSION = 6


def _conclusion(words: str) -> str | None:
    """Return the last formula or number of the sentence that concludes a reply."""
    lines = [line for line in words.splitlines() if line.strip()][-_LINES_OF_CONCLUSION:]
    ending = "\n".join(lines)[-2 * _LONGEST :]
    cues = [cue.start() for cue in _CUE.finditer(ending)]
    if not cues:
        return None
    sentence = ending[cues[-1] :]
    if sentence.lower().startswith("is "):
        sentence = ending
    spans = [next(filter(None, span.groups())) for span in _SPAN.finditer(sentence)]
    if spans and re.search(r"[\d\\]", spans[-1]):
        chain = spans[-1].split("=")
        return _tidy(chain[-1] if len(chain) > 2 else spans[-1])
    verbs = [verb.end() for verb in _VERB.finditer(sentence)]
    rest = _SENTENCE_ENDS.split(sentence[verbs[-1] :].strip(), maxsplit=1)[0] if verbs else ""
    return _tidy(rest) if any(map(str.isdigit, rest)) and len(rest.split()) <= 4 else None


def _whole(words: str) -> str | None:
    """Return a reply that consists of an answer only: a few words or one formula."""
    text = words.strip()
    span = _SPAN.fullmatch(text)
    few_words = "\n" not in text and len(text) <= 200 and len(text.split()) <= 6
    return _tidy(text) if (span or few_words) and _says_something(text) else None


# --- printed lines -----------------------------------------------------------------------------

_ERROR = re.compile(
    r"^\s*(?:[\w.]*(?:Error|Exception|Interrupt|Exit)(?::|$)"
    r"|(?:An )?[Ee]rror\b[^:]{0,40}:\s*[A-Za-z'\"(])"
)
_LABEL = re.compile(r"^[^\W\d_][\w \t'’()/,-]{2,80}?:[ \t]+(?=\S)")
_SENTENCE = re.compile(r"^(?:[^\W\d_][\w'’-]*[ \t]+){2,20}?(?:is|are|equals)[: \t]+(?=\S)")
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_TALLEST = 50
"""Most lines of a printed matrix."""


def _last_line(lines: list[str]) -> Extracted:
    last = lines[-1].strip()
    rule = "last_line"
    if _unopened(last):
        block = _closed_block(lines)
        if block is None:
            return Extracted(None, UNREADABLE)
        last, rule = block, "last_lines"
    if len(last) > _LONGEST:
        return Extracted(last, rule)  # too long to look for a label
    label = _LABEL.match(last) or _SENTENCE.match(last)
    if label and _says_something(last[label.end() :]):
        last, rule = last[label.end() :], "labelled"
    return Extracted(_tidy(last) if rule == "labelled" else last, rule)


def _closed_block(lines: list[str]) -> str | None:
    """Return the fewest last lines that open every bracket they close."""
    for height in range(2, min(len(lines), _TALLEST) + 1):
        block = "\n".join(line.strip() for line in lines[-height:])
        if not _unopened(block):
            return block
    return None


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
    lines = [line.rstrip() for line in text.split("\n") if _says_something(line)]
    errors = [number for number, line in enumerate(lines) if _ERROR.match(line)]
    return lines[errors[-1] + 1 :] if errors else lines


# --- shared ------------------------------------------------------------------------------------

_CONTROL = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]|[\x00-\x07\x0b\x0c\x0e-\x1f\x7f]")
_SAYS = re.compile(r"[^\W_]|[∞∅]|\[\s{0,9}\]|\{\s{0,9}\\?\}")  # [] and {} are answers too
_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"), ("**", "**"), ("`", "`"))


def _clean(text: str) -> str:
    """Return the end of a text, without terminal control codes, with plain line ends."""
    return _CONTROL.sub("", text[-_READ:].replace("\r\n", "\n").replace("\r", "\n"))


def _says_something(text: str) -> bool:
    return _SAYS.search(text) is not None


def _tidy(answer: str) -> str:
    """Strip punctuation, emphasis and formula delimiters around an answer."""
    answer = answer.strip()
    for _ in range(4):
        before = answer
        answer = answer.strip('*_ \t\n"“”`')
        if not re.search(r"\b[ap]\.m\.$", answer):
            answer = answer.rstrip(".,;:!").rstrip()
        for opening, closing in _DELIMITERS:
            inner = answer[len(opening) : -len(closing)]
            wrapped = answer.startswith(opening) and answer.endswith(closing)
            if wrapped and len(answer) > len(opening + closing) and opening not in inner:
                answer = inner.strip()
        if answer == before:
            break
    return answer
