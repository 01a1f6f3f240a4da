"""Repair the text of a formula: lost or doubled backslashes, wrappers, Unicode variants.

Programs and JSON strings cause this damage. The meaning of the formula does not change.
"""

import re

from judge.reading.printed import as_mathematics
from judge.reading.tree import Unreadable
from judge.reading.units import parse_unit
from judge.reading.words import PHRASES, TABLES
from judge.reading.wrappers import MAX_CHARS, TAIL, strip_remarks, strip_wording, unwrap

_EATEN_LETTER = {"\t": r"\t", "\f": r"\f", "\b": r"\b", "\r": r"\r", "\x0b": r"\v", "\n": r"\n"}
_LOST_F = re.compile(r"(?<![A-Za-z\\])rac(?=\{)")
_SPACING = re.compile(r"\\(?:left|right|quad|qquad|displaystyle)(?![A-Za-z])|\\[,;:! ]|[$~]")
_FONT = re.compile(r"\\(?:text|mathrm|mathbf|mbox|textbf)\{([^{}\\]*)\}")
_SPACE = re.compile(r"\s+(?!\w)|(?<!\w)\s+")
_REPEATED = re.compile(r"(\d\.\d*?)(\d)\2\2+(?:\.\.\.|\\l?dots)|"
                       r"(\d\.\d*?)(\d{2,6})\4+(?:\.\.\.|\\l?dots)")  # fmt: skip
_PERIOD = re.compile(r"(?<![\w.])(\d{1,20}\.\d{0,20})\((\d{1,20})\)(?!\w)")
"""A repeating decimal as it is written in Russian: 0.(3)."""
_STACKED = re.compile(r"(?:[^\n=]{1,40}=[^\n=]{1,200}(?:\n\s*|$)){2,9}")
"""Named values on lines of their own."""
_SYSTEM_BRACE = re.compile(r"\\left\s*\\\{\s*(?=\\begin)")
_ABBREVIATION = re.compile(r"\b(sq|cu|ft|in|hr|min|sec|mi|lb|oz|yd)\.(?=[\s}]|$)")
_OLD_FONT = re.compile(r"^\{?\\?(?:bf|it|rm)(?=\{|\s*\()")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]")
_RAISED, _LOWERED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "₀₁₂₃₄₅₆₇₈₉"
_SUPERSCRIPT, _SUBSCRIPT = re.compile(f"[{_RAISED}]+"), re.compile(f"[{_LOWERED}]+")
_PLAIN_DIGITS = str.maketrans(_RAISED + _LOWERED, "0123456789-+n0123456789")
_FULL_WIDTH = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_UNICODE = str.maketrans(
    _FULL_WIDTH
    | {sign: plain for plain, signs in TABLES["variants"].items() for sign in signs}
    | TABLES["unicode"]
)

_OHM = re.compile(r"(?<=\d)(?:\\[ ,;]|[\s~])*([kMmG]?)\s*(?:\\Omega|Ω)\s*$")
_CROSS = re.compile(r"\\(?:vec|overrightarrow|mathbf)\s*\{?\s*[A-Za-z]{1,3}\s*\}?\s*\\times\b")
_SIUNITX = re.compile(r"\\(SI|si|qty|unit|num|ang)\s*\{([^{}]*)\}(?:\s*\{([^{}]*)\})?")
_TIMES_TEN = re.compile(r"(?<=\d)\s*x\s*(?=10\s*(?:\^|\*\*))")
_PARALLEL = re.compile(r"(?<=[A-Z]{2})\s*(?://|\\parallel|∥)\s*(?=[A-Z]{2})")
_PERMUTATIONS = re.compile(r"(?<![A-Za-z\\])[AP]_\{?(\d+)\}?\^\{?(\d+)\}?")
_DOUBLED = re.compile(r"\\\\(?=[A-Za-z{}%$,;:!])")
_DOLLAR_MONEY = re.compile(r"(?<!\\)\$(?=\s*[\d.])")
_BRACED_WORD = re.compile(r"(?<=[\d\s)])\{\s*([A-Za-z]+(?: [A-Za-z]+)*)\s*\}")
_SPACED_COMMA = re.compile(r",\s*\\!\s*|\{,\}|\\,(?=\d{3}(?!\d))")
_DOT_BEFORE_BRACKET = re.compile(r"(?<=[}\w])\.\s*(?=[)\]]$)")


def clean(text: str) -> str:
    """Repair a text for the tokenizer. Raises `Unreadable` when it is too long."""
    if len(text) > MAX_CHARS:
        raise Unreadable(f"longer than {MAX_CHARS} characters")
    if "   " in text:  # patterns with several optional spaces would try every division of a run
        text = re.sub(r" {3,}", "  ", text)
    if not text.isprintable():
        text = PHRASES["eaten"].sub(lambda match: _EATEN_LETTER[match[0]], text)
    if not text.isascii():
        text = _plain_unicode(text)
    if _CROSS.search(text):
        raise Unreadable("a cross product")
    text = as_mathematics(text.strip())
    if "\n" in text and _STACKED.fullmatch(text):
        text = re.sub(r"[ \t,;]*\n\s*", ", ", text)
    if "\\\\" in text:
        text = _single_backslashes(text)
    text = _OLD_FONT.sub("", text)
    if "." in text:
        text = _REPEATED.sub(_overline, _ABBREVIATION.sub(r"\1", text))
        text = _PERIOD.sub(r"\1\\overline{\2}", text)
    if "," in text:
        text = _SPACED_COMMA.sub(lambda match: "" if match[0] == r"\," else ",", text)
    if "{" in text:
        text = _SIUNITX.sub(_siunitx, _SYSTEM_BRACE.sub("", _LOST_F.sub(r"\\frac", text)))
    if "C" in text or "choose" in text:
        text = PHRASES["choose"].sub(_binomial, text)
    if "x" in text:
        text = _TIMES_TEN.sub(r" \\times ", text)
    if "_" in text and "^" in text:
        text = _PERMUTATIONS.sub(r"\\frac{\1!}{(\1-\2)!}", text)
    if "/" in text or "^" in text:
        text = PHRASES["units_behind"].sub(_marked_unit, text)
    if "Omega" in text or "Ω" in text:
        text = _OHM.sub(r" \\text{\1Omega}", text)
    if "mu" in text or not text.isascii():
        text = PHRASES["micro"].sub(lambda m: r" \text{u" if m[1] is None else " u", text)
    text = unwrap(strip_remarks(strip_wording(text)))
    if "in" in text or "∈" in text:
        text = PHRASES["index"].sub(r", \1\\in\\mathbb{\2}", text)
    if "$" in text:
        text = _dollars(text)
    if "{" in text:
        text = _BRACED_WORD.sub(r"\\text{\1}", text)
    if text[-1:] in ".,;)] ":
        text = strip_remarks(TAIL.sub("", _DOT_BEFORE_BRACKET.sub("", text)))
    return text.strip()


def without_spacing(text: str) -> str:
    """Remove spacing and fonts, which have no meaning, to compare texts letter by letter."""
    text = _SPACING.sub(" ", _FONT.sub(r"\1", _INVISIBLE.sub("", text)))
    text = _PARALLEL.sub("∥", text)
    return _SPACE.sub("", text).replace("dfrac", "frac")


def _overline(match: re.Match[str]) -> str:
    """Write 0.1818... as digits under a bar."""
    return rf"{match[1] or match[3]}\overline{{{match[2] or match[4]}}}"


def _binomial(match: re.Match[str]) -> str:
    above, below = filter(None, match.groups())
    return rf"\binom{{{above}}}{{{below}}}"


def _marked_unit(match: re.Match[str]) -> str:
    """Mark units as such where all of them are known and one has a power or is a divisor."""
    plain = re.sub(r"/\s*\(([^()]*)\)", lambda m: "/" + "/".join(m[1].split()), match[1])
    plain = " ".join(re.sub(r"[{}·*]", " ", plain).split())
    unit = parse_unit(plain)
    known = unit is not None and unit.measures and re.search(r"[/^]", plain)
    return rf" \text{{{plain}}}" if known else match[0]


def _siunitx(match: re.Match[str]) -> str:
    r"""Write \SI{5}{\kilo\meter\per\second} as 5 and words: kilometer per second."""
    number, unit = match[2], match[3] or ""
    if match[1] == "ang":
        return match[0] if ";" in number else rf"{number}^\circ"
    if match[1] in ("si", "unit"):
        number, unit = "", number
    unit = re.sub(r"\\(kilo|milli|centi|micro|nano|mega|giga|deci|pico)\s*\\", r" \1", unit)
    return rf"{number} \text{{{unit.replace(chr(92), ' ').strip()}}}" if unit else number


def _plain_unicode(text: str) -> str:
    text = _INVISIBLE.sub("", text).translate(_UNICODE)
    text = _SUPERSCRIPT.sub(lambda m: f"^({m[0].translate(_PLAIN_DIGITS)})", text)
    return _SUBSCRIPT.sub(lambda m: f"_{m[0].translate(_PLAIN_DIGITS)}", text)


def _single_backslashes(text: str) -> str:
    if r"\begin" not in text:
        return _DOUBLED.sub(r"\\", text)
    if r"\\begin" in text:  # commands doubled; row breaks doubled too, or not
        return _DOUBLED.sub(r"\\", text.replace("\\\\\\\\", "\0")).replace("\0", "\\\\")
    # In a matrix \\frac is a row break and a command that lost its backslash.
    return PHRASES["doubled_row"].sub(lambda m: f"{m[1]}\\" if m[1] else "\\\\\\", text)


def _dollars(text: str) -> str:
    r"""Write dollars that mean money as `\$`, and drop those around mathematics."""
    bare = text.replace(r"\$", "")
    if bare.count("$") % 2:
        return _DOLLAR_MONEY.sub(r"\\$", text)
    return re.sub(r"(?<!\\)\$", " ", text)
