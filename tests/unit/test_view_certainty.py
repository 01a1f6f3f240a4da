"""A reply's uncertain tokens are marked, and its text stays what it was."""

import re

import pytest

from solver.records import Reply, Token
from solver.view.certainty import marked_html
from tests.viewed import Seen


def marks(html):
    """The marked tokens of a page: style, title, text."""
    return re.findall(r'<span class="(u[123])" title="([^"]*)">([^<]*)</span>', html)


def reply_of(*tokens):
    """A reply of these tokens, each with its log-probability."""
    known = tuple(Token(text=text, logprob=logprob) for text, logprob in tokens)
    return Reply(text="".join(text for text, _ in tokens), tokens=known)


def test_uncertain_tokens_are_marked_by_how_likely_they_were():
    html = marked_html(reply_of(("a", -0.01), ("b", -0.5), ("c", -1.2), ("d", -3.0)))
    assert marks(html) == [("u1", "61 %", "b"), ("u2", "30 %", "c"), ("u3", "5.0 %", "d")]
    assert html.startswith("a<")


@pytest.mark.parametrize("logprob", [float("-inf"), 0.0, 1e-9, -1e9])
def test_a_token_of_any_probability_is_shown(logprob):
    assert "token" in marked_html(reply_of(("token", logprob)))


def test_the_marked_reply_is_the_reply_to_the_letter():
    reply = reply_of(("\n", -2.0), ("  x\t<b>&amp;", -0.1), ("\n\n", -9.0), ("é😀 ", -0.7))
    assert "".join(Seen(f"<pre>{marked_html(reply)}</pre>").words) == reply.text


def test_tokens_that_are_not_the_reply_are_not_shown():
    reply = reply_of(("a", -2.0), ("b", -2.0)).model_copy(update={"text": "aXb"})
    assert marked_html(reply) == ""


def test_a_reply_of_a_megabyte_of_tokens_is_cut():
    html = marked_html(reply_of(*[("xxxx", -2.0)] * 250_000))
    assert len(html) < 1_000_000
    assert html.endswith("left out here …</span>")


def test_what_the_model_had_instead_is_said():
    token = Token(text="3", logprob=-1.5, alternatives=(("3", -1.5), ('"><b>', -1.0)))
    html = marked_html(Reply(text="3", tokens=(token,)))
    assert marks(html) == [("u2", "22 %; instead: &#39;&#34;&gt;&lt;b&gt;&#39; 37 %", "3")]
