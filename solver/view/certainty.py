"""Mark the uncertain tokens of a reply. The text itself does not change."""

from math import exp

from markupsafe import Markup, escape

from solver.markup import TEXT_LIMIT
from solver.records import Reply, Token
from solver.text import plain

LEVELS = ((0.9, ""), (0.5, "u1"), (0.2, "u2"), (0.0, "u3"))
"""Pairs of a minimum token probability and its CSS class, the highest first."""


def marked_html(reply: Reply) -> Markup:
    """Return the reply, each uncertain token in a `<span>` whose title gives its probability.

    The result is empty where the tokens are unknown or do not make up the text. It is cut after
    `TEXT_LIMIT` characters.
    """
    if "".join(token.text for token in reply.tokens) != reply.text:
        return Markup("")
    parts: list[Markup] = []
    length = 0
    for token in reply.tokens:
        length += len(token.text)
        if length > TEXT_LIMIT:
            parts.append(Markup('<span class="cut">… the rest is left out here …</span>'))
            break
        parts.append(_marked(token))
    return Markup("").join(parts)


def _marked(token: Token) -> Markup:
    """Return one token; if it is uncertain, with its probability and its alternatives."""
    chance = exp(min(token.logprob, 0.0))
    style = next((style for least, style in LEVELS if chance >= least), LEVELS[-1][1])
    if not style:
        return escape(plain(token.text))
    others = [
        f"{_quoted(text)} {_percent(exp(min(logprob, 0.0)))}"
        for text, logprob in token.alternatives[:5]
        if text != token.text
    ]
    said = _percent(chance) + (f"; instead: {', '.join(others)}" if others else "")
    return Markup('<span class="{}" title="{}">{}</span>').format(style, said, plain(token.text))


def _percent(chance: float) -> str:
    """Format a probability in percent, with one decimal if it is below ten percent."""
    return f"{100 * chance:.{1 if chance < 0.1 else 0}f} %"


def _quoted(text: str) -> str:
    """Return the start of a token in quotes, with control characters replaced by visible ones."""
    return plain(repr(text[:40]))
