"""Properties that hold for every answer, tried on answers made up by hypothesis."""

import time
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from judge.compare import Relation, compare
from judge.reading.grammar import read
from judge.reading.show import show
from judge.reading.tree import Unreadable, depth, walk

QUICK = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))

PIECES = str.split(
    r"\frac { } ( ) [ ] \{ \} | ^ _ ! \sqrt \pm \begin{pmatrix} \end{pmatrix} & \\ = < \le \text{"
    r" \sum_{k=1}^ 10 9 3.5 e i x y n \infty \log_ \sin \cup % ^\circ , ; : $ \left \right . 1e99"
    r" + - * / ** mod or and Interval( Matrix([[ ∞ ½ ² √ \overline{ {x:1} cm dollars 0x1 \x '"
)
SOUP = st.lists(st.sampled_from(PIECES) | st.characters(), max_size=60).map("".join)


def trees(leaves: st.SearchStrategy) -> st.SearchStrategy:
    """Expressions as (LaTeX, Python) pairs that mean the same."""

    def binary(pairs):
        (a_tex, a_py), (b_tex, b_py), operator = pairs
        tex, py = {
            "+": ("{%s+%s}", "(%s+%s)"),
            "-": (r"\left(%s-\left(%s\right)\right)", "(%s-(%s))"),
            "*": (r"\left(%s\right)\cdot\left(%s\right)", "(%s)*(%s)"),
            "/": (r"\frac{%s}{%s}", "((%s)/(%s))"),
        }[operator]
        return tex % (a_tex, b_tex), py % (a_py, b_py)

    return st.recursive(
        leaves,
        lambda inner: st.tuples(inner, inner, st.sampled_from("+-*/")).map(binary),
        max_leaves=8,
    )


NUMBERS = st.integers(1, 40).map(lambda n: (str(n), str(n))) | st.sampled_from(
    [(r"\sqrt{3}", "sqrt(3)"), (r"\pi", "pi"), (r"2^{5}", "2**5"), (r"\frac12", "0.5")]
)
LETTERS = st.sampled_from(
    [("x", "x"), ("y^{2}", "y**2"), (r"\sin x", "sin(x)"), (r"\alpha", "alpha"), ("3", "3")]
)


@QUICK
@given(SOUP, SOUP)
def test_no_text_makes_compare_raise_or_run_long(reference, answer):
    start = time.process_time()  # of our own, however busy the machine is
    compare(reference, answer, symbolic=False)
    assert time.process_time() - start < 2


@QUICK
@given(SOUP)
def test_what_is_read_is_small_and_shown_in_one_line(text):
    try:
        node = read(text)
    except Unreadable:
        return
    assert depth(node) <= 100
    assert sum(1 for _ in walk(node)) <= 2_000
    assert isinstance(show(node), str)


@QUICK
@given(SOUP)
def test_every_text_is_equal_to_itself(text):
    assert compare(text, text).relation is Relation.EQUAL


@QUICK
@given(trees(NUMBERS))
def test_a_number_in_latex_equals_the_same_number_in_python(pair):
    tex, py = pair
    found = compare(tex, py, symbolic=False)
    assert found.relation is Relation.EQUAL or found.reason.startswith("no number")


@QUICK
@given(trees(LETTERS))
def test_an_expression_in_latex_equals_the_same_expression_in_python(pair):
    tex, py = pair
    found = compare(tex, py, symbolic=False)
    assert found.relation is not Relation.DIFFERENT


@QUICK
@given(trees(NUMBERS | LETTERS))
def test_an_expression_never_equals_itself_plus_one(pair):
    tex, py = pair
    assert compare(tex, f"({py})+1", symbolic=False).relation is not Relation.EQUAL


@QUICK
@given(st.fractions(max_denominator=10_000), st.fractions(max_denominator=10_000))
def test_fractions_are_equal_exactly_when_their_values_are(a, b):
    tex = rf"\frac{{{a.numerator}}}{{{a.denominator}}}"
    expected = Relation.EQUAL if a == b else Relation.DIFFERENT
    assert compare(tex, f"{b.numerator}/{b.denominator}").relation is expected


@QUICK
@given(st.fractions(min_value=-100, max_value=100, max_denominator=500), st.integers(1, 30))
def test_a_gap_is_seen_however_small(value, digits):
    other = value + Fraction(1, 10**digits)
    found = compare(str(value), str(other))
    assert found.relation is Relation.DIFFERENT


@QUICK
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=6), st.randoms())
def test_a_bare_list_has_no_order_and_a_tuple_has(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    bare, other = ", ".join(map(str, values)), ", ".join(map(str, shuffled))
    assert compare(bare, other).relation is Relation.EQUAL
    in_order = compare(f"({bare})", f"({other})").relation
    assert in_order is (Relation.EQUAL if values == shuffled else Relation.DIFFERENT)


@QUICK
@given(trees(NUMBERS | LETTERS), trees(NUMBERS | LETTERS))
def test_equality_is_symmetric_for_expressions(first, second):
    there = compare(first[0], second[1], symbolic=False).relation
    back = compare(second[1], first[0], symbolic=False).relation
    assert (there is Relation.EQUAL) == (back is Relation.EQUAL)
