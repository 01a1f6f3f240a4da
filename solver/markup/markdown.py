"""Convert a model's reply to HTML: its Markdown, formulas and programs, and nothing that acts.

Links, images and HTML of the reply stay text. Headings become bold lines, since the page has
headings of its own.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from solver import markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n?", re.MULTILINE)
_PLACE = re.compile("\ue000([0-9]{1,6})\ue001")
"""Where a formula goes: two characters of private use, which are taken out of the reply."""
_LEFT_OUT = ("link", "image", "autolink", "html_block", "html_inline", "reference", "entity",
             "escape", "code", "fence")  # fmt: skip
"""Rules that are off: `code` takes an indented line for a program, and fences are found before."""


def reply_html(text: str) -> Markup:
    """Return a reply with its Markdown drawn, formulas typeset and fenced code coloured."""
    return markup.joined(Markup("").join(_fenced(part)) for part in markup.shown(text))


def _fenced(text: str) -> Iterator[Markup]:
    """Yield prose and code in turn; a code fence that is not closed holds all the rest."""
    if isinstance(text, markup.Cut):
        yield markup.cut(text)
        return
    place, inside = 0, False
    for fence in [*_FENCE.finditer(text), None]:
        part = text[place : fence.start() if fence else len(text)]
        if inside:
            yield Markup('<code class="block">{}</code>').format(markup.coloured(part))
        elif part.strip():
            yield _prose(part)
        place, inside = (fence.end(), not inside) if fence else (place, inside)


def _prose(text: str) -> Markup:
    """Return prose: formulas are put aside while Markdown is read, which would change them."""
    pieces: list[Markup] = []
    marked = ""
    for formula, source in markup.split_formulas(re.sub("[\ue000\ue001]", "\ufffd", text)):
        if formula:
            marked += f"\ue000{len(pieces)}\ue001"
            pieces.append(markup.piece((formula, source)))
        else:
            marked += source
    drawn = _markdown().render(marked)
    return Markup(_PLACE.sub(lambda found: str(pieces[int(found[1])]), drawn))


@lru_cache
def _markdown() -> "MarkdownIt":
    """Build the reader of Markdown when it is first needed, because that takes a moment."""
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False, "breaks": True})
    made.enable("table").disable(list(_LEFT_OUT))
    for name in ("td", "th"):
        made.add_render_rule(f"{name}_open", _without_attributes)
    made.add_render_rule("heading_open", _heading)
    made.add_render_rule("heading_close", _heading)
    return made


def _without_attributes(
    self: Any, tokens: "Sequence[Token]", number: int, options: Any, env: Any
) -> str:
    """Return a cell's tag without its alignment, a style that the page's policy forbids."""
    return f"<{tokens[number].tag}>"


def _heading(self: Any, tokens: "Sequence[Token]", number: int, options: Any, env: Any) -> str:
    """Return a heading as a bold line."""
    return "<p><strong>" if tokens[number].nesting == 1 else "</strong></p>\n"
