"""A reply with the tokens marked that the model was not sure of. Its text stays as it was."""

from math import exp

from markupsafe import Markup, escape

from solver.records import Reply, Token
from solver.text import plain
from solver.view.markup import TEXT_LIMIT

LEVELS = ((0.9, ""), (0.5, "u1"), (0.2, "u2"), (0.0, "u3"))
"""From which probability on a token has which style; each takes in what the one before leaves."""


def marked_html(reply: Reply) -> Markup:
    """The reply, each uncertain token of it in a `<span>` that says its probability.

    Empty where the tokens are not known, or are not the whole text. Cut after `TEXT_LIMIT`
    characters.
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
    return f"{100 * chance:.{1 if chance < 0.1 else 0}f} %"


def _quoted(text: str) -> str:
    return plain(repr(text[:40]))
