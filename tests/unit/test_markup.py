"""Formulas are set, programs coloured, and no text becomes markup of its own making."""

import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver import markup
from solver.markup import (
    answer_html,
    code_html,
    formula_html,
    formulas,
    line_html,
    math_html,
    text_html,
)
from solver.markup.markdown import reply_html
from tests.pages import HOSTILE

EVERY = [answer_html, code_html, formula_html, math_html, reply_html, text_html]
MARKDOWN = (
    "p", "strong", "em", "br", "hr", "ol", "ul", "li", "blockquote", "table", "thead", "tbody",
    "tr", "th", "td",
)  # fmt: skip


class Reader(HTMLParser):
    """What a browser would make of a piece of markup."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.names, self.text = set(), set(), ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.names.update(name for name, _ in attrs)

    def handle_data(self, data):
        self.text += data


def is_harmless(html):
    seen = Reader(str(html))
    ours = {"span", "code", *MARKDOWN}
    return all(tag in ours or formulas.ELEMENTS.fullmatch(tag) for tag in seen.tags) and all(
        name in ("class", "title", "start") or name in formulas.ATTRIBUTES for name in seen.names
    )


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("render", EVERY)
def test_no_text_becomes_markup(render, text):
    assert is_harmless(render(text))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([*HOSTILE, "$", "\\[", "\\]", "{", "}", "\\frac", "```", "\n", "<", "&"])
    )
)
@pytest.mark.parametrize("render", EVERY)
def test_no_mixture_of_texts_becomes_markup_or_raises(render, parts):
    assert is_harmless(render("".join(parts)))


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=r"\{}^_&$abfrcsqtleghintx12()[]|.'<> ", max_size=60))
def test_no_formula_raises(text):
    assert is_harmless(formula_html(text))


@pytest.mark.parametrize("render", EVERY)
@pytest.mark.parametrize(
    "part", ["x", "$x$ ", "(", "{", "\\over ", "```\n", "\x1b", "<", "'", "\\["]
)
def test_a_megabyte_is_cut_and_done_soon(render, part):
    start = time.process_time()
    html = render(part * (1_000_000 // len(part)))
    assert time.process_time() - start < 5
    assert len(html) < 4_000_000
    assert "characters are left out here" in html


@pytest.mark.parametrize("render", EVERY)
def test_control_characters_are_written_out(render):
    html = render("a\x1b[31m\x00\u202eb\ud800")
    assert r"a\u001b[31m\u0000\u202eb\ud800" in Reader(str(html)).text
    str(html).encode()


def test_what_is_cut_keeps_its_beginning_and_its_end():
    html = text_html("begin" + "x" * 1_000_000 + "the end")
    assert html.startswith("begin")
    assert html.endswith("the end")
    assert "980,012 characters are left out here" in html


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        (r"half: $\frac12$", "mfrac"),
        (r"half: \(\frac{1}{2}\)", "mfrac"),
        (r"\[ \sqrt{2} \]", "msqrt"),
        (r"$$x^2$$", "msup"),
        ("$ x_1 $", "msub"),
        (r"\begin{align*} x &= 1 \\ y &= 2 \end{align*}", "mtable"),
        (r"$\boxed{7}$", "menclose"),
    ],
)
def test_a_formula_is_set(text, tag):
    assert tag in Reader(str(math_html(text))).tags


@pytest.mark.parametrize(
    "text",
    ["costs $5 and $6", "only $5", r"costs \$5", "a $ b $ c", "$$", "$ $", r"\[ open", "$a\n\nb$"],
)
def test_prose_is_left_alone(text):
    seen = Reader(str(math_html(text)))
    assert seen.tags == set()
    assert seen.text == text.replace(r"\$", "$")


def test_a_formula_that_cannot_be_set_is_shown_as_it_was_written():
    assert Reader(str(math_html(r"so $\frac{1$ holds"))).text == r"so $\frac{1$ holds"


def test_a_formula_nested_too_deep_is_shown_as_it_was_written():
    deep = "{" * 100 + "x" + "}" * 100
    assert Reader(str(formula_html(deep))).text == deep


def test_a_text_of_formulas_alone_is_set_up_to_a_bound():
    html = str(math_html("".join(f"${n}x$ " for n in range(2_500))))
    assert 0 < html.count("<math") < markup.SETTING_LIMIT / 4
    assert "$2499x$" in html


@pytest.mark.parametrize(
    ("latex", "spaces"), [(r"\cos x", 1), (r"2\log_3 n", 2), (r"\sin(x)", 0), (r"a\cdot\ln x", 1)]
)
def test_a_function_stands_apart_from_its_argument(latex, spaces):
    assert str(formula_html(latex)).count("<mspace") == spaces


def test_an_element_larger_than_the_page_loses_its_size():
    assert 'width="' not in str(formula_html(r"\hspace{9999em}x"))


def test_a_bare_answer_is_set_as_a_formula():
    assert "mfrac" in Reader(str(answer_html(r"\frac{1}{2}"))).tags
    assert Reader(str(answer_html("12 apples"))).tags == set()


def test_a_program_keeps_its_text_line_by_line():
    program = "def f(x):\n\n    return '<b>' # done\nprint(f(1))\n"
    html = str(code_html(program))
    assert Reader(html).text == program.rstrip("\n")
    assert html.count('<span class="line">') == 4
    assert '<span class="k">def</span>' in html


def test_a_fence_that_is_never_closed_holds_the_rest():
    html = str(reply_html("look:\n```python\nprint(1)\nprint(2)"))
    assert html.startswith('<p>look:</p>\n<code class="block">')
    assert html.count('<span class="line">') == 2


def test_dollars_in_a_program_are_not_formulas():
    assert "math" not in Reader(str(reply_html("```\nprint('$x^2$')\n```"))).tags


def test_a_reply_s_markdown_is_drawn():
    html = str(reply_html("# So\n\n1. **a**\n2. `b`\n\n|x|y|\n|-|-:|\n|$1^2$|3|\n\nline\nnext"))
    assert "<p><strong>So</strong></p>" in html
    assert "<li><strong>a</strong></li>" in html
    assert "<code>b</code>" in html
    assert "<td><span" in html
    assert "line<br />\nnext" in html
    assert "style" not in html


def test_markdown_changes_nothing_in_a_formula_or_a_program():
    html = str(reply_html("$a_1 * b_2 * c_3$ and\n```\n*x* _y_ <b>\n```\n*z*"))
    assert html.count("<em>") == 1
    assert "*x* _y_ <b>" in Reader(html).text
    assert html.count("<msub>") == 3


def test_a_backslash_of_a_reply_stays():
    assert "\\boxed" in Reader(str(reply_html("so \\boxed 4 and \\*"))).text


def test_a_question_in_a_list_is_one_line_and_ends_outside_a_formula():
    html = str(line_html("Let\n$$x^2$$ and \\[y\\] be " + "long " * 22 + "$z_1 + z_2 + z_3 + z_4$"))
    assert 'class="formula"' in html
    assert 'display="block"' not in html
    assert "$" not in Reader(html).text
    assert Reader(html).text.endswith("…")
