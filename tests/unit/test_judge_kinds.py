"""Pairs of the kinds that real replies, printed output and public bug reports brought up.

Every pair is compared in both orders: neither side is special in them.
"""

import pytest

from judge import Relation, compare

EQUAL = {
    "chains and named values": [
        ("17", "8+9=17"), (r"\frac14", r"\frac{2}{8}=\frac14"), ("12", r"3\cdot 4 = 12"),
        (r"2\sqrt3", "2*sqrt(3) = 3.46410161513775"), ("0.3", "P(A)=0.3"),
        (r"\frac25", r"P(X\ge 2)=\frac25"), (r"\frac16", r"P(A\mid B)=\frac16"),
        ("6", "E(X)=6"), ("9", "a+b=4+5=9"), ("7:32", "S_1:S=7:32"), ("1", "A:B=1"),
    ],
    "choice letters": [
        ("D", "(D) 15"), ("B", r"\textbf{(B)}\ \frac12"), ("C", "C) 3x"), ("A", "A. first"),
        ("B", r"(B) 3(1+r/10)^x = 7"), ("E", "(E) Hyperbola"), ("15", "(D) 15"),
        ("C", "the correct option is (C) Plane"), ("B, D", "BD"), ("A、C", "AC"),
        ("①③", "①、③"), (r"AB \parallel CD", "AB // CD"),
    ],
    "annotations": [
        ("1/4", "1/4 or 0.25"), ("5", "five (5)"), ("1/8", "1 in 8"), ("1/2", "half"),
        ("-7", "minus 7"), ("-7", "negative 7"), ("3", "3^{rd}"), ("2/5", "0.4 (2/5)"),
        ("36", "3 dozen"), ("2", "x = 2 (x = -3 is rejected)"), ("5", "5 (exact)"),
        ("25", "twenty-five"), ("2/3", "two thirds"),
    ],
    "labels": [
        ("Minimum: 4", "4"), ("Max: 4; Min: 2", "Min: 2; Max: 4"),
        (r"\max(3, 2)", r"\min\{3, 4\}"), (r"y = \ln x", r"y = \log x"), ("9", "~~8~~ 9"),
        (r"x = 1 ~~\text{or}~~ x = 2", "x = 1, 2"), (r"\ln y = x + C", "log(y) = x + C"),
    ],
    "printed": [
        ("3, 5", "[np.int64(3), np.int64(5)]"), ("1, 2", "[1. 2.]"), ("2.5", "mpf('2.5')"),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "[[1 2]\n [3 4]]"), ("7", "Decimal('7.0')"),
        ("x^2-1", "Poly(x**2 - 1, x, domain='ZZ')"), ("1, 2", "array([1, 2])"), ("4", "tensor(4)"),
        ("(-\\infty,-1)\\cup(4,\\infty)", "(x < -1) | (x > 4)"), ("x=1, y=2", "{y: 2, x: 1}"),
        ("1+2i", "mpc(real='1.0', imag='2.0')"), ("3", "{np.int32(3)}"), ("2", "np.float32(2.0)"),
    ],
    "units": [
        ("3 kW", "3000 W"), ("4 ms", "0.004 s"), ("7 nm", r"7 \times 10^{-9} \text{ m}"),
        (r"2\ \mu\text{m}", r"2\times10^{-6}\text{ m}"), ("1 MeV", "1000 keV"), ("6 m", "6m"),
        ("5 J", r"5\ \text{N}\cdot\text{m}"), ("36 km/h", "10 m/s"), ("8", "8 \\text{ erg s}^{-1}"),
        (r"\SI{3}{\kilo\meter}", "3000 m"), (r"\qty{5}{\second}", "5 s"), ("9", "9厘米"),
        ("12", "12个"), ("3 cm^2", "3平方厘米"), ("20000", "2万"), ("₹500", "500 rupees"),
        (r"30^\circ", r"\ang{30}"), (r"3 \times 10^5", "3 x 10^5"), ("5 t", "5t"), (r"\$5", r"5\$"),
        ("x=1,2", r"x=1\text{ 或 }x=2"),
        ("45 units", "45"),
    ],
    "wrappers": [
        ("7", "7\\]"), ("7", "7</answer>"), ("7", "7 ✅"), ("7", r"\textcolor{red}{7}"),
        ("7", r"7\text{.}"), ("7", "boxed{7}"), ("7", r"\\boxed{7}"), ("7", "7<|im_end|>"),
        ("7", "答案：7"), ("7", "Die Antwort lautet 7"), ("7", "La respuesta es 7."),
    ],
    "olympiad": [
        (r"x=\frac{\pi}{3}+2k\pi, k\in\mathbb{Z}", r"\frac{\pi}{3}+2\pi n, n\in\mathbb{Z}"),
        (r"\frac{\pi}{4}+k\pi, k\in\mathbb{Z}", r"-\frac{3\pi}{4}+m\pi, m\in\mathbb{Z}"),
        (r"\{2k+1 \mid k\in\mathbb{Z}\}", r"\{2m-1 \mid m\in\mathbb{Z}\}"),
        (r"n\equiv 1\pmod 4", r"n\equiv 5 \pmod{4}"), 
        (r"n\equiv 1,3\pmod 8", r"n \equiv 3, 1 (mod 8)"),
        (r"C_{8}^{3}", r"\binom83"), (r"{}_{8}C_{3}", "56"), ("7//2", "3"), ("(1;2]", "(1,2]"),
        (r"\vec{i}-\vec{j}", r"\mathbf{i}-\mathbf{j}"), ("7!!", "105"),
        (r"x^3+c", r"x^3+c, c\in\mathbb{R}"), (r"\sqrt[3]{x^5}", "x^{5/3}"),
        ("(-x)^n", "(-1)^n x^n"),
    ],
}  # fmt: skip

NOT_EQUAL = {
    "traps": [
        ("2", "2 (or more)"), ("2", "2 (negative)"), ("5", "negative: 5"), ("3", "3 dozen"),
        ("10", "half of: 10"), ("4", "more than: 4"), ("8", "5+3=7"), ("7", "5+3=7"),
        ("5", "x = 2+2 = 5"), ("B", "(A) 12"), ("12", "(A) 13"), ("3", "3 or 5"),
        ("1/4", "1/4 (0.5)"),
        ("5 mA", "5 A"), ("5 MW", "5 mW"), ("(2,3)", "{x: 3, y: 2}"), ("5! ✅", "5"), ("5", "5!"),
        ("45 \\text{ units}^2", "45 \\text{ units}^3"), ("0.3", "P(A)=0.4"), ("12", "half of 12"),
    ],
    "another label": [
        ("9", "~~9~~"), ("min f = 4", "max f = 4"), (r"\max f = 4", r"\min f = 4"),
        ("Minimum: 4", "Maximum: 4"), ("最小值: 4", "最大值: 4"), ("Highest: 4", "4 (lowest)"),
        ("Largest value: 4", "Smallest value: 4"), ("Upper bound: 4", "Lower bound: 4"),
        (r"\ln x = 2", r"\log x = 2"), (r"\ln x = \frac{1}{2}", "log x = 1/2"),
    ],
    "only words are the same": [
        (r"n\equiv1\pmod4", r"n\not\equiv1\pmod4"), ("(-1;2]", "(-1,2)"),
        ("x>3 或 x<1", "x<3 或 x>1"),
        (r"\sqrt3\text{米}", r"3\text{米}"), (r"AB \perp CD", r"AB \parallel CD"),
        (r"f \text{ grows on } (0,1)", r"f \text{ grows on } [0,1)"), (r"\nabla f", r"\Delta f"),
        (r"n\equiv1\pmod4", r"n\equiv1\pmod5"), ("team A wins", "team B wins"),
        (r"x^2 \text{ if } x>0, -x \text{ if } x<0", r"x^2 \text{ if } x<0, -x \text{ if } x>0"),
        (r"\lceil n/2 \rceil", r"\lceil n/3 \rceil"), ("9^{1010}-1", "9^{1010}-2"),
    ],
    "olympiad": [
        (r"x=\frac{\pi}{4}+k\pi, k\in\mathbb{Z}", r"x=\frac{\pi}{4}+2k\pi, k\in\mathbb{Z}"),
        (r"\{2k \mid k\in\mathbb{Z}\}", r"\{2k \mid k\in\mathbb{N}\}"), (r"(m-1)!!", "(m-1)!"),
        (r"1,2,\ldots,n", r"1,3,\ldots,n"), ("①③", "①②"),
        ("甲、乙", "甲、丙"), ("①③", "①③③"), (r"AB \parallel CD", "AB // CE"), ("₹500", "$500"),
        (r"C_8^3", r"C_8^2"), ("A, C", "AD"),
    ],
}  # fmt: skip


def _pairs(kinds):
    return [
        pytest.param(*pair, id=f"{kind}: {pair[0]} | {pair[1]}"[:70])
        for kind, pairs in kinds.items()
        for pair in pairs
    ]


@pytest.mark.parametrize(("left", "right"), _pairs(EQUAL))
def test_the_same_answer_is_equal_in_either_order(left, right):
    assert [compare(left, right).relation, compare(right, left).relation] == [Relation.EQUAL] * 2


@pytest.mark.parametrize(("left", "right"), _pairs(NOT_EQUAL))
def test_another_answer_is_equal_in_neither_order(left, right):
    assert Relation.EQUAL not in (compare(left, right).relation, compare(right, left).relation)


@pytest.mark.parametrize("empty", ["[]", "{}", "set()", "EmptySet", r"\emptyset", "no solutions"])
def test_an_empty_container_says_that_there_is_no_solution(empty):
    assert compare("no solution", empty).relation is Relation.EQUAL
    assert compare("0", empty).relation is not Relation.EQUAL


@pytest.mark.parametrize(("reference", "answer"), [("①③", "③①"), ("甲、乙", "乙、甲")])
def test_signs_of_a_list_in_another_order_are_left_open_both_ways(reference, answer):
    assert compare(reference, answer).relation is Relation.UNDECIDED
    assert compare(answer, reference).relation is Relation.UNDECIDED
