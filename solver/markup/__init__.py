"""Convert untrusted text to HTML: formulas to MathML, programs coloured, all else escaped.

Every function returns harmless markup for any string. Length and nesting are limited, so that none
takes long. Pages need `FORMULA_CSS`, and `CODE_CSS` for the colours of programs; both use variables
of the page, `--soft` and `--warn`.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from solver.markup.formulas import FORMULA_LIMIT, mathml
from solver.text import plain

if TYPE_CHECKING:
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexer import Lexer

TEXT_LIMIT = 20_000
"""The most characters of a text that are shown: three quarters at its beginning, the rest at its
end."""
LINE_LIMIT = 140
"""The most characters of a question in a list."""
SETTING_LIMIT = 8_000
"""The most characters of formulas that are typeset in one text; later ones stay as their source."""
COLOUR_LIMIT = 8_000
"""The most characters of a program that is coloured; a longer one is shown without colours."""

FORMULA_CSS = """
.tex { color: var(--soft); }
.formula.display { display: block; overflow: auto hidden; margin: .4rem 0; padding: .1rem 0; }
math {
  font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", "DejaVu Math TeX Gyre",
    "Noto Sans Math", math;
  font-size: 1.05em;
}
menclose[notation~="box"] {
  border: 1.5px solid currentColor; padding: .1em .25em; display: inline-block;
}
.cut { display: block; color: var(--warn); font-style: italic; margin: .4rem 0; }
"""
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
    r"""Typeset the formulas in prose: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and environments."""
    return joined(Markup("").join(map(piece, split_formulas(part))) for part in shown(text))


def line_html(text: str) -> Markup:
    """Return the start of a question on one line, with its formulas typeset."""
    line = " ".join(text[: 2 * LINE_LIMIT].split())
    for display, inline in (("$$", "$"), ("\\[", "\\("), ("\\]", "\\)")):
        line = line.replace(display, inline)
    if len(line) > LINE_LIMIT:
        line = line[:LINE_LIMIT]
        if line.count("$") % 2:  # not in the middle of a formula
            line = line.rpartition("$")[0]
        line += "…"
    return math_html(line)


def answer_html(text: str) -> Markup:
    r"""Return an answer, which is often a formula without dollar signs, such as `\frac{1}{2}`."""
    if any(sign in text for sign in ("\\", "^", "_")) and "$" not in text:
        return formula_html(text.strip())
    return math_html(text)


def code_html(code: str) -> Markup:
    """Return a coloured Python program, in which each line is a `<span class="line">`."""
    return joined(coloured(part) for part in shown(code))


def text_html(text: str) -> Markup:
    """Return plain text, such as a program's output: escaped and cut, without typesetting."""
    return joined(escape(part) for part in shown(text))


def formula_html(latex: str, *, display: bool = False, source: str = "") -> Markup:
    """Return one formula as MathML, or its source where it cannot be typeset.

    `source` is the formula with its delimiters, as in the text; by default the formula itself.
    """
    source = source or latex
    if len(source) > 2 * FORMULA_LIMIT:
        return Markup('<code class="tex">{}</code>').format(text_html(source))
    formula = mathml(latex, display=display)
    if formula is None:
        return Markup('<code class="tex">{}</code>').format(plain(source))
    kind = "formula display" if display else "formula"
    return Markup('<span class="{}" title="{}">{}</span>').format(kind, plain(source), formula)


# -- cutting -------------------------------------------------------------------------------------


class Cut(str):
    """The note that replaces the part that was left out."""

    __slots__ = ()


def shown(text: str) -> list[str]:
    """Return the text through `plain`; of a long one, the beginning, a `Cut`, and the end."""
    if len(text) <= TEXT_LIMIT:
        return [plain(text)]
    kept = TEXT_LIMIT * 3 // 4, TEXT_LIMIT // 4
    left_out = Cut(f"{len(text) - sum(kept):,} characters are left out here")
    return [plain(text[: kept[0]]), left_out, plain(text[-kept[1] :])]


def joined(parts: Iterator[Markup]) -> Markup:
    """Join pieces of markup."""
    return Markup("").join(parts)


def cut(note: str) -> Markup:
    """Return the note about a part that was left out."""
    return Markup('<span class="cut">… {} …</span>').format(str(note))


# -- prose ---------------------------------------------------------------------------------------

_ENVIRONMENTS = "align|aligned|alignat|array|cases|equation|gather|[bpvBV]?matrix"
_OPENING = re.compile(rf"(?<!\\)(?:\$\$?|\\\(|\\\[|\\begin\{{(?:{_ENVIRONMENTS})\*?\}})")
_CLOSING = {"$$": "$$", r"\(": r"\)", r"\[": r"\]"}
_DOLLAR = re.compile(r"(?<!\\)\$")


def split_formulas(text: str) -> Iterator[tuple[str, str]]:
    """Split a text into pairs of a formula and its source, in order; prose has no formula."""
    if isinstance(text, Cut):
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
        if _is_display(sign):  # drawn as a block of its own, so the line breaks around it go
            before = before.removesuffix("\n")
            done += text.startswith("\n", after)
        yield "", before
        yield (whole if sign.startswith(r"\begin") else formula), whole
    yield "", text[done:]


def _closing(text: str, start: int, sign: str) -> tuple[int, int]:
    """Return where a formula ends and where the text continues; the end is -1 if there is none."""
    limit = start + FORMULA_LIMIT
    if sign == "$":
        found = _DOLLAR.search(text, start, limit)
        return found.span() if found else (-1, -1)
    closing = _CLOSING.get(sign) or sign.replace("begin", "end", 1)
    end = text.find(closing, start, limit)
    return end, end + len(closing)


def _is_display(source: str) -> bool:
    """Tell whether a formula with this source is drawn on a line of its own."""
    return source.startswith(("$$", r"\[", r"\begin"))


def _is_money(formula: str, rest: str) -> bool:
    """Tell whether dollar signs mean money, as in `costs $5 and $6`.

    A character that only formulas have decides against it; otherwise Pandoc's rule decides.
    """
    if "\n\n" in formula:
        return True
    if any(sign in formula for sign in "\\^_="):
        return False
    return formula[0].isspace() or formula[-1].isspace() or rest[:1].isdigit()


def piece(pair: tuple[str, str]) -> Markup:
    """Return one pair of `split_formulas` as markup."""
    formula, source = pair
    if isinstance(source, Cut):
        return cut(source)
    if not formula:
        return escape(source.replace(r"\$", "$"))
    return formula_html(formula, display=_is_display(source), source=source)


# -- programs ------------------------------------------------------------------------------------


def coloured(code: str) -> Markup:
    """Return a program line by line, in colours unless it is too long."""
    if isinstance(code, Cut):
        return cut(code)
    coloured = _by_pygments(code) if len(code) <= COLOUR_LIMIT else str(escape(code))
    # Pygments closes its spans at the end of every line.
    lines = coloured.removesuffix("\n").split("\n")
    return Markup("\n".join(f'<span class="line">{line}</span>' for line in lines))


def _by_pygments(code: str) -> str:
    """Return a program coloured and escaped by Pygments."""
    from pygments import highlight

    return highlight(code, *_pygments()) if code.strip() else code


@lru_cache
def _pygments() -> "tuple[Lexer, HtmlFormatter[str]]":
    """Import Pygments when it is first needed, because that takes a moment."""
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexers.python import PythonLexer

    return PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)
