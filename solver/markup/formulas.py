"""Convert LaTeX formulas to MathML that has only the elements and attributes listed here.

Length and nesting are limited, so that no formula takes long.
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

FORMULA_LIMIT = 1_000
"""The most characters of a formula that is typeset; a longer one is shown as its source."""
DEPTH_LIMIT = 25
"""The most nested braces and environments in a formula."""
NODE_LIMIT = 4_000
"""The most elements of a typeset formula."""


@lru_cache(maxsize=2_000)
def mathml(latex: str, *, display: bool) -> Markup | None:
    """Return a formula as MathML, or None where it cannot be parsed or could take too long."""
    tree = None if _risky(latex) else _parsed(plain(latex), display)
    if tree is None:
        return None
    try:
        return Markup("".join(_serialised(tree, [NODE_LIMIT], 0)))
    except _NotMathML:
        return None


_OPENERS = re.compile(r"(?<!\\)[{}]|\\left(?![a-z])|\\right(?![a-z])|\\begin\b|\\end\b")
_INFIX = re.compile(r"\\(?:over|atop|above|choose|of)")
_MACROS = re.compile(r"\\(?:new|renew|provide)?(?:command|environment)|\\(?:def|let)(?![a-z])")


def _risky(latex: str) -> bool:
    """Tell whether a formula is unbalanced, too long, too deeply nested, or defines macros."""
    if len(latex) > FORMULA_LIMIT or _MACROS.search(latex):
        return True
    if len(_INFIX.findall(latex)) > DEPTH_LIMIT:
        return True  # each takes everything before it as an operand, so they nest
    depth = deepest = 0
    for found in _OPENERS.finditer(latex):
        depth += 1 if found.group() in ("{", r"\left", r"\begin") else -1
        deepest = max(deepest, depth)
    return depth != 0 or deepest > DEPTH_LIMIT


def _parsed(latex: str, display: bool) -> "Element | None":
    """Parse a formula into a tree of unchecked elements; None where that fails."""
    from latex2mathml import converter, exceptions

    known_failures = (
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
        # not raised on purpose, but seen on text that is not LaTeX:
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
    except known_failures:
        return None


class _NotMathML(Exception):
    """The tree has an element that is not allowed, or too many elements."""


ELEMENTS = re.compile(
    "math|menclose|mfrac|mi|mmultiscripts|mn|mo|mover|mpadded|mphantom|mprescripts|mroot|mrow"
    "|mspace|msqrt|mstyle|msub|msubsup|msup|mtable|mtd|mtext|mtr|munder|munderover|none"
)
_LENGTH = r"[+-]?\d{0,2}(?:\.\d{1,4})?(?:em|ex|mu|pt|px|%)?"
ATTRIBUTES = {
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
"""The allowed values of each attribute: no links, styles or colours, and only small lengths."""


def _serialised(element: "Element", left: list[int], depth: int) -> Iterator[str]:
    r"""Write the tree as markup with allowed names only, and with all text escaped.

    `left` holds the number of elements that are still allowed. latex2mathml's own writer cannot be
    used, since it does not escape the contents of `\text`.
    """
    left[0] -= 1
    if not ELEMENTS.fullmatch(element.tag) or left[0] < 0 or depth > 8 * DEPTH_LIMIT:
        raise _NotMathML
    attributes = "".join(
        f' {name}="{value}"'
        for name, value in element.attrib.items()
        if name in ATTRIBUTES and ATTRIBUTES[name].fullmatch(value)
    )
    yield f"<{element.tag}{attributes}>"
    # symbols are character references in the tree's text, so they are decoded before escaping
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
    """Tell whether a thin space belongs between two elements: in `cos x`, but not in `cos(x)`."""
    return (_is_function(first) or _is_function(second)) and not (
        _is_operator(first) or _is_operator(second)
    )


def _is_function(element: "Element") -> bool:
    """Tell whether an element is a function's name, with or without an index or exponent."""
    name = element
    while name.tag in ("msub", "msup", "msubsup", "munder") and len(name):
        name = name[0]
    return name.tag == "mi" and re.fullmatch("[A-Za-z]{2,}", name.text or "") is not None


def _is_operator(element: "Element") -> bool:
    """Tell whether an element is an operator or a space."""
    return element.tag in ("mo", "mspace")
