"""How answers are read: one normal form for many spellings."""

import pytest

from judge.reading.build import base_named
from judge.reading.grammar import read
from judge.reading.show import show
from judge.reading.tree import Unreadable
from judge.reading.units import parse_unit

FORMS = [
    (r"\dfrac{1}{2}", "1/2"),
    (r"\frac12", "1/2"),
    (r"\frac1234", "(1/2)*34"),
    ("1/2x", "1/2*x"),
    ("-x^2", "-x^2"),
    ("2**3**2", "2^3^2"),
    (r"\sqrt2", "2^(1/2)"),
    (r"\sqrt[3]{x}", "root(x, 3)"),
    (r"\sin^2 x\cos y", "sin(x)^2*cos(y)"),
    (r"\sin 2x", "sin(2*x)"),
    (r"\sin^{-1} a", "asin(a)"),
    (r"\log_2 8", "log(8)/log(2)"),
    ("ln(x)/2", "log(x)/2"),
    ("||x||y||", "abs(abs(x)*abs(y))"),
    (r"\left|x\right|+|y|", "abs(x) + abs(y)"),
    ("a|x|", "a*abs(x)"),
    (r"3\frac12", "7/2"),
    ("3 1/2", "7/2"),
    (r"3\frac{x}{2}", "3*(x/2)"),
    ("12,345", "12345"),
    (r"12,\!345", "12345"),
    ("(1,234)", "(1, 234)"),
    ("x_{12}", "x_12"),
    (r"v_{\max}", "v_max"),
    ("204_5", "204 base 5"),
    (r"204_{\text{five}}", "204 base 5"),
    (r"5\text{ cm}^2", "5 cm ^ 2"),
    ("60^\\circ 30'", "degree(60 + 1/2)"),
    (r"[0,1)\cup\{2\}", "[0, 1) ∪ {2}"),
    (r"\{x \mid x>2\}", "{x | x > 2}"),
    ("1 < x <= 2", "1 < x <= 2"),
    ("x=1 or x=2", "x = 1 or x = 2"),
    ("3:4:5", "3:4:5"),
    ("4:30 pm", "4:30 pm"),
    ("f(x)=x", "f(x) = x"),
    ("p(x)=x", "p(x) = x"),
    ("x(x+1)", "x*(x + 1)"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "[[1, 2], [3, 4]]"),
    (r"\begin{vmatrix}a&b\\c&d\end{vmatrix}", "a*d - b*c"),
    ("Interval.open(0, oo)", "(0, oo)"),
    ("{x: 1, y: 2}", "x = 1, y = 2"),
    ("5!", "factorial(5)"),
    (r"\text{east}", "east"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "form"), FORMS)
def test_a_text_is_read_as_its_normal_form(text, form):
    assert show(read(text)) == form


@pytest.mark.parametrize(
    "text", ["", "(1,", "1 2", "x.y", r"\unknown", "sin", "1+*2", "{", r"\frac{1}", "@", "a?b@c"]
)
def test_what_is_not_in_the_grammar_is_unreadable(text):
    with pytest.raises(Unreadable):
        read(text)


@pytest.mark.parametrize(
    ("text", "dimension", "size"),
    [
        ("cm", (("length", 1),), "1/100"),
        ("square feet", (("length", 2),), "145161/1562500"),
        ("cm^2", (("length", 2),), "1/10000"),
        ("km/h", (("length", 1), ("time", -1)), "5/18"),
        ("miles per hour", (("length", 1), ("time", -1)), "1397/3125"),
        ("liters", (("length", 3),), "1/1000"),
        ("square units", (), "1"),
        ("students", (("#student", 1),), "1"),
        ("cents", (("dollar", 1),), "1/100"),
    ],
)
def test_a_unit_is_a_dimension_and_a_size(text, dimension, size):
    unit = parse_unit(text)
    assert unit is not None
    assert (unit.dimension, str(unit.size)) == (dimension, size)


@pytest.mark.parametrize("sign", ["\N{SUPERSCRIPT TWO}", "\N{CIRCLED DIGIT TWO}"])
def test_a_sign_that_is_only_like_a_digit_is_no_base_and_no_power(sign):
    assert base_named(sign) == 0
    parse_unit(f"m {sign}")


def test_a_sentence_is_no_unit():
    assert parse_unit("of the ways in which one can go from here to there and back") is None
