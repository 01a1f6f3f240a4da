r"""Find the boxes in a text, the last complete one in particular, and tidy what they hold."""

import re
from dataclasses import dataclass

from judge.reading.words import PHRASES
from judge.reading.wrappers import matching_brace


@dataclass(frozen=True)
class Extracted:
    """An answer, or why there is none."""

    answer: str | None
    rule: str
    """Which rule fired: "boxed", "boxes" (several side by side), "declared", "output",
    "conclusion", "closing", "whole"; for a program's output also "last_line", "last_lines",
    "labelled". Without an answer: "none", or "unreadable" where the answer is incomplete."""

    @property
    def boxed(self) -> bool:
        """Tell whether the answer stood in a box, or in several."""
        return self.rule in ("boxed", "boxes")


# A program that printed "\boxed" without escaping the backslash printed a backspace and "oxed".
BOX_OPENS = r"(?:\\{1,4}f?boxed|\\fbox|\\framebox|\x08oxed|(?<![\w\\])boxed)\s{0,9}\{"
_BOX_OR_BRACE = re.compile(rf"{BOX_OPENS}|\\.|[{{}}]", re.DOTALL)
_WHOLE_BOX = re.compile(rf"\s*{BOX_OPENS}")
_BARE_BOX = re.compile(r"\\boxed[ \t]{1,9}(?=[^\s${}\\]{0,39}[^\W_])([^\s${}\\]{1,40})")
_APPROXIMATE = PHRASES["approximate"]
"""What says that a box repeats the answer as a rounded decimal: at its start, or before it."""
_LONGEST_JOINT = 60
_MOST_JOINED = 20


def last_boxes(text: str) -> tuple[Extracted | None, bool]:
    """Return the last complete box and those side by side with it, else whether one is broken."""
    boxes, broken = _complete_boxes(text)
    if not boxes:
        bare = _BARE_BOX.findall(text)
        return (Extracted(bare[-1], "boxed"), False) if bare else (None, broken)
    if len(boxes) > 1 and (
        _APPROXIMATE.search(boxes[-1][2]) or _APPROXIMATE.search(text[boxes[-2][1] : boxes[-1][0]])
    ):
        boxes.pop()
    first_start, _, last = boxes[-1]
    answers, joints = [last], ""
    for start, end, content in reversed(boxes[:-1]):
        joint = text[end:first_start]
        if len(joint) > _LONGEST_JOINT or not PHRASES["joint"].fullmatch(joint):
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
        if says_something(content) and not content.startswith("\\phantom"):
            boxes.insert(0, (start, end, tidy(content)))
        if len(boxes) == _MOST_JOINED:
            break
    return boxes, bool(spans) or any(opened is not None for opened in open_braces)


def has_open_box(text: str) -> bool:
    """Tell whether the last box of a text is never closed."""
    openings = [opening.end() for opening in re.finditer(BOX_OPENS, text)]
    return bool(openings) and matching_brace(text, openings[-1] - 1) < 0


def _unboxed(content: str) -> str:
    """Remove boxes that are nested directly inside each other."""
    for _ in range(10):
        opening = _WHOLE_BOX.match(content)
        stripped = content.rstrip()
        if opening is None or not stripped.endswith("}"):
            break
        if 0 <= matching_brace(stripped, opening.end() - 1) < len(stripped) - 1:
            break
        content = stripped[opening.end() : -1]
    return content


_SAYS = re.compile(r"[^\W_]|[∞∅]|\[\s{0,9}\]|\{\s{0,9}\\?\}")  # [] and {} are answers too
_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"), ("**", "**"), ("`", "`"))


def says_something(text: str) -> bool:
    """Tell whether a text has content: a letter, a digit, an empty collection."""
    return _SAYS.search(text) is not None


def tidy(answer: str) -> str:
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
            if answer.endswith(closing) and answer.count(opening) == (opening == closing):
                answer = answer[: -len(closing)].rstrip()  # it lost its other half
            elif wrapped and len(answer) > len(opening + closing) and opening not in inner:
                answer = inner.strip()
        if answer == before:
            break
    return answer
