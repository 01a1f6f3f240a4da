"""Text of unknown origin as HTML: formulas as MathML, programs coloured, all else escaped.

Every function is bounded in length, nesting and so in time, and gives harmless markup for any
string. Shared by the viewer and the report; pages add `CODE_CSS` for the colours of programs.
"""

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from solver.text import plain

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from pygments.formatters.html import HtmlFormatter
    from pygments.lexer import Lexer

TEXT_LIMIT = 20_000
"""Characters of one text that are shown: its beginning and its end."""
FORMULA_LIMIT = 1_000
"""Characters of one formula that is set; a longer one is shown as its source."""
SETTING_LIMIT = 8_000
"""Characters of formulas that are set in one text; those that follow are shown as their source."""
DEPTH_LIMIT = 25
"""Braces and environments inside one another in one formula."""
COLOUR_LIMIT = 8_000
"""Characters of one program that is coloured; a longer one is shown plain."""

CODE_CSS = """
:root {
  --code-keyword: #8a2a6b; --code-string: #1f6a3a; --code-number: #0a5aa0;
  --code-comment: #66707a; --code-name: #5a3fb0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --code-keyword: #eb93cb; --code-string: #86cf9a; --code-number: #7ab8f5;
    --code-comment: #929ca6; --code-name: #b7a5f7;
  }
}
.k, .kc, .kd, .kn, .kp, .kr, .kt, .ow { color: var(--code-keyword); }
.s, .s1, .s2, .sa, .sb, .sc, .sd, .se, .sh, .si, .sr, .ss, .sx { color: var(--code-string); }
.m, .mb, .mf, .mh, .mi, .mo, .il { color: var(--code-number); }
.c, .c1, .ch, .cm, .cs { color: var(--code-comment); font-style: italic; }
.nb, .nc, .nd, .ne, .nf, .fm { color: var(--code-name); }
"""


def math_html(text: str) -> Markup:
    r"""Prose with its formulas set: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and environments."""
    return _joined(Markup("").join(map(_piece, _formulas(part))) for part in _shown(text))


def reply_html(text: str) -> Markup:
    """A model's reply: prose with formulas, and fenced code coloured."""
    return _joined(Markup("").join(_fenced(part)) for part in _shown(text))


def answer_html(text: str) -> Markup:
    r"""An answer: mostly a bare formula such as `\frac{1}{2}`, without dollar signs."""
    if any(sign in text for sign in ("\\", "^", "_")) and "$" not in text:
        return formula_html(text.strip())
    return math_html(text)


def code_html(code: str) -> Markup:
    """A Python program, coloured; every line a `<span class="line">`."""
    return _joined(_coloured(part) for part in _shown(code))


def text_html(text: str) -> Markup:
    """Plain text, as printed by a program: escaped and cut, with nothing set."""
    return _joined(escape(part) for part in _shown(text))


def formula_html(latex: str, *, display: bool = False, source: str = "") -> Markup:
    """One formula as MathML, or its source where it cannot be set.

    `source` is what the text said, delimiters included; by default the formula itself.
    """
    source = source or latex
    if len(source) > 2 * FORMULA_LIMIT:
        return Markup('<code class="tex">{}</code>').format(text_html(source))
    return _formula(latex, display, plain(source))


@lru_cache(maxsize=2_000)
def _formula(latex: str, display: bool, source: str) -> Markup:
    tree = None if _risky(latex) else _parsed(plain(latex), display)
    if tree is not None:
        try:
            mathml = "".join(_serialised(tree, [NODE_LIMIT], 0))
        except _NotMathML:
            pass
        else:
            kind = "formula display" if display else "formula"
            return Markup('<span class="{}" title="{}">{}</span>').format(
                kind, source, Markup(mathml)
            )
    return Markup('<code class="tex">{}</code>').format(source)


# -- cutting -------------------------------------------------------------------------------------


class _Cut(str):
    """What stands in place of the part that was left out."""

    __slots__ = ()


def _shown(text: str) -> list[str]:
    """The text made harmless, cut to its beginning and its end where it is long."""
    if len(text) <= TEXT_LIMIT:
        return [plain(text)]
    kept = TEXT_LIMIT * 3 // 4, TEXT_LIMIT // 4
    left_out = _Cut(f"{len(text) - sum(kept):,} characters are left out here")
    return [plain(text[: kept[0]]), left_out, plain(text[-kept[1] :])]


def _joined(parts: Iterator[Markup]) -> Markup:
    return Markup("").join(parts)


def _cut(note: str) -> Markup:
    return Markup('<span class="cut">… {} …</span>').format(str(note))


# -- prose ---------------------------------------------------------------------------------------

_ENVIRONMENTS = "align|aligned|alignat|array|cases|equation|gather|[bpvBV]?matrix"
_OPENING = re.compile(rf"(?<!\\)(?:\$\$?|\\\(|\\\[|\\begin\{{(?:{_ENVIRONMENTS})\*?\}})")
_CLOSING = {"$$": "$$", r"\(": r"\)", r"\[": r"\]"}
_DOLLAR = re.compile(r"(?<!\\)\$")


def _formulas(text: str) -> Iterator[tuple[str, str]]:
    """The text in order as (formula, source) pairs; prose has an empty formula."""
    if isinstance(text, _Cut):
        yield "", text
        return
    done = place = spent = 0
    while spent < SETTING_LIMIT and (opened := _OPENING.search(text, place)):
        start, sign = opened.end(), opened.group()
        end, after = _closing(text, start, sign)
        formula = text[start:end]
        if end < 0 or not formula.strip() or (sign == "$" and _is_money(formula, text[after:])):
            place = start
            continue
        before, whole = text[done : opened.start()], text[opened.start() : after]
        done = place = after
        spent += len(whole)
        if _is_display(sign):  # it stands on lines of its own, so their ends are not shown
            before = before.removesuffix("\n")
            done += text.startswith("\n", after)
        yield "", before
        yield (whole if sign.startswith(r"\begin") else formula), whole
    yield "", text[done:]


def _closing(text: str, start: int, sign: str) -> tuple[int, int]:
    """Where a formula ends, and where the text goes on after it; -1 where it does not end."""
    limit = start + FORMULA_LIMIT
    if sign == "$":
        found = _DOLLAR.search(text, start, limit)
        return found.span() if found else (-1, -1)
    closing = _CLOSING.get(sign) or sign.replace("begin", "end", 1)
    end = text.find(closing, start, limit)
    return end, end + len(closing)


def _is_display(source: str) -> bool:
    """Whether a formula that begins like this stands on lines of its own."""
    return source.startswith(("$$", r"\[", r"\begin"))


def _is_money(formula: str, rest: str) -> bool:
    """`costs $5 and $6`, by pandoc's rule, unless something in there is plainly a formula."""
    if "\n\n" in formula:
        return True
    if any(sign in formula for sign in "\\^_="):
        return False
    return formula[0].isspace() or formula[-1].isspace() or rest[:1].isdigit()


def _piece(pair: tuple[str, str]) -> Markup:
    formula, source = pair
    if isinstance(source, _Cut):
        return _cut(source)
    if not formula:
        return escape(source.replace(r"\$", "$"))
    return formula_html(formula, display=_is_display(source), source=source)


_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n?", re.MULTILINE)


def _fenced(text: str) -> Iterator[Markup]:
    """Prose and code by turns; a fence that is never closed holds all the rest."""
    if isinstance(text, _Cut):
        yield _cut(text)
        return
    place, inside = 0, False
    for fence in [*_FENCE.finditer(text), None]:
        part = text[place : fence.start() if fence else len(text)]
        if inside:
            yield Markup('<code class="block">{}</code>').format(_coloured(part))
        else:
            yield from map(_piece, _formulas(part))
        place, inside = (fence.end(), not inside) if fence else (place, inside)


# -- programs ------------------------------------------------------------------------------------


def _coloured(code: str) -> Markup:
    if isinstance(code, _Cut):
        return _cut(code)
    coloured = _by_pygments(code) if len(code) <= COLOUR_LIMIT else str(escape(code))
    # Pygments closes its spans at the end of every line.
    lines = coloured.removesuffix("\n").split("\n")
    return Markup("\n".join(f'<span class="line">{line}</span>' for line in lines))


def _by_pygments(code: str) -> str:
    from pygments import highlight

    return highlight(code, *_pygments()) if code.strip() else code


@lru_cache
def _pygments() -> "tuple[Lexer, HtmlFormatter[str]]":
    """Its import takes a moment, so it waits for the first program."""
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexers.python import PythonLexer

    return PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)


# -- formulas ------------------------------------------------------------------------------------

NODE_LIMIT = 4_000
"""Elements of one set formula."""

_OPENERS = re.compile(r"(?<!\\)[{}]|\\left(?![a-z])|\\right(?![a-z])|\\begin\b|\\end\b")
_INFIX = re.compile(r"\\(?:over|atop|above|choose|of)")
_MACROS = re.compile(r"\\(?:new|renew|provide)?(?:command|environment)|\\(?:def|let)(?![a-z])")


def _risky(latex: str) -> bool:
    """Whether it is unbalanced, or could take long: too long, too deep, or with macros."""
    if len(latex) > FORMULA_LIMIT or _MACROS.search(latex):
        return True
    if len(_INFIX.findall(latex)) > DEPTH_LIMIT:
        return True  # each takes in all that stands before it
    depth = deepest = 0
    for found in _OPENERS.finditer(latex):
        depth += 1 if found.group() in ("{", r"\left", r"\begin") else -1
        deepest = max(deepest, depth)
    return depth != 0 or deepest > DEPTH_LIMIT


def _parsed(latex: str, display: bool) -> "Element | None":
    """The formula as a tree of unchecked elements, or None where it is not understood."""
    from latex2mathml import converter, exceptions

    understood_failures = (
        exceptions.DenominatorNotFoundError,
        exceptions.DoubleSubscriptsError,
        exceptions.DoubleSuperscriptsError,
        exceptions.ExtraLeftOrMissingRightError,
        exceptions.InvalidAlignmentError,
        exceptions.InvalidStyleForGenfracError,
        exceptions.InvalidWidthError,
        exceptions.LimitsMustFollowMathOperatorError,
        exceptions.MissingEndError,
        exceptions.MissingSuperScriptOrSubscriptError,
        exceptions.NoAvailableTokensError,
        exceptions.NumeratorNotFoundError,
        # What it raises by accident on text that is not LaTeX:
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        RuntimeError,  # RecursionError, and StopIteration inside a generator
        StopIteration,
        TypeError,
        ValueError,
    )
    try:
        return converter.convert_to_element(latex, display="block" if display else "inline")
    except understood_failures:
        return None


class _NotMathML(Exception):
    """An element that a formula does not need, or too many of them."""


_ELEMENTS = re.compile(
    "math|menclose|mfrac|mi|mmultiscripts|mn|mo|mover|mpadded|mphantom|mprescripts|mroot|mrow"
    "|mspace|msqrt|mstyle|msub|msubsup|msup|mtable|mtd|mtext|mtr|munder|munderover|none"
)
_LENGTH = r"[+-]?\d{0,2}(?:\.\d{1,4})?(?:em|ex|mu|pt|px|%)?"
_ATTRIBUTES = {
    **dict.fromkeys(
        ("accent", "displaystyle", "fence", "largeop", "movablelimits", "separator", "stretchy"),
        re.compile("true|false"),
    ),
    **dict.fromkeys(
        ("depth", "height", "linethickness", "lspace", "maxsize", "minsize", "rspace", "voffset",
         "width"),
        re.compile(_LENGTH),
    ),
    "columnalign": re.compile(r"(?:(?:left|right|center) ?){1,30}"),
    "columnlines": re.compile(r"(?:(?:none|solid|dashed) ?){1,30}"),
    "display": re.compile("inline|block"),
    "form": re.compile("prefix|infix|postfix"),
    "mathvariant": re.compile("[a-z-]{1,30}"),
    "notation": re.compile("[a-z ]{1,60}"),
    "rowlines": re.compile(r"(?:(?:none|solid|dashed) ?){1,60}"),
    "scriptlevel": re.compile(r"[+-]?\d"),
}  # fmt: skip
"""What an attribute may say. No links, no styles, no colours, nothing larger than a line."""


def _serialised(element: "Element", left: list[int], depth: int) -> Iterator[str]:
    r"""The tree as text, every name from our lists and every text escaped.

    latex2mathml's own writer cannot be used: it puts the contents of `\text` out unescaped.
    """
    left[0] -= 1
    if not _ELEMENTS.fullmatch(element.tag) or left[0] < 0 or depth > 8 * DEPTH_LIMIT:
        raise _NotMathML
    attributes = "".join(
        f' {name}="{value}"'
        for name, value in element.attrib.items()
        if name in _ATTRIBUTES and _ATTRIBUTES[name].fullmatch(value)
    )
    yield f"<{element.tag}{attributes}>"
    # Symbols come as character references in plain text, so they are read before escaping.
    yield str(escape(plain(html.unescape(element.text or ""))))
    before: Element | None = None
    for child in element:
        if before is not None and element.tag in _ROWS and _stand_apart(before, child):
            yield '<mspace width="0.167em"></mspace>'
        yield from _serialised(child, left, depth + 1)
        before = child
    yield f"</{element.tag}>"


_ROWS = ("math", "mrow", "mstyle", "mtd")


def _stand_apart(first: "Element", second: "Element") -> bool:
    """Whether a thin space belongs between, as in `cos x` and `2 log n` but not in `cos(x)`."""
    return (_is_function(first) or _is_function(second)) and not (
        _is_operator(first) or _is_operator(second)
    )


def _is_function(element: "Element") -> bool:
    name = element
    while name.tag in ("msub", "msup", "msubsup", "munder") and len(name):
        name = name[0]
    return name.tag == "mi" and re.fullmatch("[A-Za-z]{2,}", name.text or "") is not None


def _is_operator(element: "Element") -> bool:
    return element.tag in ("mo", "mspace")
