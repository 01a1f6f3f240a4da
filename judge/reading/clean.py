"""Repair the text of a formula: lost or doubled backslashes, wrappers, Unicode variants.

Programs and JSON strings cause this damage. The meaning of the formula does not change.
"""

import re

from judge.reading.syntax import Unreadable

MAX_CHARS = 2_000

_EATEN = re.compile(
    r"\t(?=ext|imes|an\b|heta|frac|au\b|o\b)|\f(?=rac|box)|[\b](?=egin|inom|eta)"
    r"|\r(?=ight|angle|ho)|\x0b(?=ec|ert)|\n(?=eq\b|e\b|eg\b|u\b)"
)
_EATEN_LETTER = {"\t": r"\t", "\f": r"\f", "\b": r"\b", "\r": r"\r", "\x0b": r"\v", "\n": r"\n"}
_LOST_F = re.compile(r"(?<![A-Za-z\\])rac(?=\{)")
_SPACING = re.compile(r"\\(?:left|right|quad|qquad|displaystyle)(?![A-Za-z])|\\[,;:! ]|[$~]")
_FONT = re.compile(r"\\(?:text|mathrm|mathbf|mbox|textbf)\{([^{}\\]*)\}")
_SPACE = re.compile(r"\s+(?!\w)|(?<!\w)\s+")
_REPEATED = re.compile(r"(\d\.\d*?)(\d)\2\2+(?:\.\.\.|\\l?dots)|"
                       r"(\d\.\d*?)(\d{2,6})\4+(?:\.\.\.|\\l?dots)")  # fmt: skip
_SYSTEM_BRACE = re.compile(r"\\left\s*\\\{\s*(?=\\begin)")
_ABBREVIATION = re.compile(r"\b(sq|cu|ft|in|hr|min|sec|mi|lb|oz|yd)\.(?=[\s}]|$)")
_OLD_FONT = re.compile(r"^\{?\\?(?:bf|it|rm)(?=\{|\s*\()")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]")
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ]+")
_SUPERSCRIPT_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n")
_SUBSCRIPT = re.compile("[₀₁₂₃₄₅₆₇₈₉]+")
_SUBSCRIPT_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_UNICODE = str.maketrans({
    **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full width
    **dict.fromkeys("−–—‐‑‒", "-"),
    **dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f\u3000", " "),
    **dict.fromkeys("“”„«»", '"'),
    **dict.fromkeys("‘’′", "'"),
    **{"½": " 1/2", "⅓": " 1/3", "⅔": " 2/3", "¼": " 1/4", "¾": " 3/4", "⅛": " 1/8",
       "⁄": "/", "，": ",", "、": ",", "…": r"\ldots ", "⋯": r"\cdots "},
})  # fmt: skip

_DOUBLED = re.compile(r"\\\\(?=[A-Za-z{}%$,;:!])")
_DOUBLED_ROW = re.compile(
    r"(matrix\}|array\}\{\w+\})?\s*(?<!\\)\\{2,4}(?=(?:[dtc]?frac|sqrt|pi|text|cdot|infty)\b)"
)
_WRAPPERS = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("`", "`"), ('"', '"'),
             ("**", "**"), ("'", "'"))  # fmt: skip
_DOLLAR_MONEY = re.compile(r"(?<!\\)\$(?=\s*[\d.])")
_BRACED_WORD = re.compile(r"(?<=[\d\s)])\{\s*([A-Za-z]+(?: [A-Za-z]+)*)\s*\}")
_SPACED_COMMA = re.compile(r",\s*\\!\s*|\{,\}|\\,(?=\d{3}(?!\d))")
_LEAD = re.compile(
    r"^(?:(?:so|thus|hence|therefore|the|our|my|final|correct|exact|answer|result|solution|value)"
    r"\b[\s,]*)*\b(?:answer|result|solution|value)\s*(?:is|are|equals|=|:|was)\s*[:=]?\s*",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^(?:\\text|\\mathrm|\\textbf|\\mathbf|\*\*)?\{?[A-Za-z ]{4,}:\s*\}?(?:\*\*)?(?=.)"
)
_TAIL = re.compile(r"(?<=[\s\d)}\]$])[.,;](?:\s|\\[ ,;])*$|(?<=\w)\.\s*$")
_DOT_BEFORE_BRACKET = re.compile(r"(?<=[}\w])\.\s*(?=[)\]]$)")
_COMMENT = re.compile(r"(?<=[\d}$])\s+\((?:approx\.|rounded[^()]*|[A-Za-z ]{4,})\)\s*$")
_ABOUT = re.compile(r"^(?:approximately|approx\.?|about|roughly|nearly|around)\s+(?=[\d\\$])", re.I)


def clean(text: str) -> str:
    """Repair a text for the tokenizer. Raises `Unreadable` when it is too long."""
    if len(text) > MAX_CHARS:
        raise Unreadable(f"longer than {MAX_CHARS} characters")
    text = _EATEN.sub(lambda match: _EATEN_LETTER[match[0]], text)
    if not text.isascii():
        text = _plain_unicode(text)
    text = text.strip()
    if "\\\\" in text:
        text = _single_backslashes(text)
    text = _REPEATED.sub(_overline, _ABBREVIATION.sub(r"\1", _OLD_FONT.sub("", text)))
    text = _SYSTEM_BRACE.sub("", text)
    text = _LOST_F.sub(r"\\frac", text)
    text = _SPACED_COMMA.sub(lambda match: "" if match[0] == r"\," else ",", text)
    text = _unwrap(_LABEL.sub("", strip_wording(text)))
    if "$" in text:
        text = _dollars(text)
    text = _DOT_BEFORE_BRACKET.sub("", text)
    text = _BRACED_WORD.sub(r"\\text{\1}", text)
    return _ABOUT.sub("", _COMMENT.sub("", _TAIL.sub("", text))).strip()


def strip_wording(text: str) -> str:
    """Strip a lead such as "The answer is", a final full stop, and dollars or quotes around."""
    if len(text) > MAX_CHARS:
        return text
    for _ in range(3):
        before = text
        text = _unwrap(_TAIL.sub("", _LEAD.sub("", text)).strip())
        if text == before:
            break
    return text


def without_spacing(text: str) -> str:
    """Remove spacing and fonts, which have no meaning, to compare texts letter by letter."""
    text = _SPACING.sub(" ", _FONT.sub(r"\1", _INVISIBLE.sub("", text)))
    return _SPACE.sub("", text).replace("dfrac", "frac")


def matching_brace(text: str, start: int) -> int:
    """Return the index of the brace closing the one at `start`, or −1."""
    depth = 0
    index = start
    while index < len(text):
        char = text[index]
        if char == "\\":
            index += 1
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return index
        index += 1
    return -1


def _overline(match: re.Match[str]) -> str:
    """Write 0.1818... as digits under a bar."""
    return rf"{match[1] or match[3]}\overline{{{match[2] or match[4]}}}"


def _plain_unicode(text: str) -> str:
    text = _INVISIBLE.sub("", text).translate(_UNICODE)
    text = _SUPERSCRIPT.sub(lambda m: f"^({m[0].translate(_SUPERSCRIPT_DIGITS)})", text)
    return _SUBSCRIPT.sub(lambda m: f"_{m[0].translate(_SUBSCRIPT_DIGITS)}", text)


def _single_backslashes(text: str) -> str:
    if r"\begin" not in text:
        return _DOUBLED.sub(r"\\", text)
    if r"\\begin" in text:  # commands doubled; row breaks doubled too, or not
        return _DOUBLED.sub(r"\\", text.replace("\\\\\\\\", "\0")).replace("\0", "\\\\")
    # In a matrix \\frac is a row break and a command that lost its backslash.
    return _DOUBLED_ROW.sub(lambda m: f"{m[1]}\\" if m[1] else "\\\\\\", text)


def _unwrap(text: str) -> str:
    for _ in range(6):
        before = text
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


def _dollars(text: str) -> str:
    r"""Write dollars that mean money as `\$`, and drop those around mathematics."""
    bare = text.replace(r"\$", "")
    if bare.count("$") % 2:
        return _DOLLAR_MONEY.sub(r"\\$", text)
    return re.sub(r"(?<!\\)\$", " ", text)
