"""No reference passes for the original with a sign, digit, bracket or relation changed."""

import pytest

from judge import Relation, compare
from tests.bench.judge_corrupted import accepted, corruptions

REFERENCES = [
    "42", "-7", "3.25", "1,200", r"\frac{3}{8}", r"2\sqrt{3}", "x^2+3x-1", "(2, 5)", "[1, 4)",
    r"(-\infty, 2] \cup (3, 7)", r"x \le 4",
    "x > 3 或 x < 1", r"n \equiv 3 \pmod{8}", "5!", "(n-1)!!",
    r"\binom{10}{3}", r"3\text{米}", "5 kW", r"12 \text{ cm}^2", "A", r"\text{(B)}", "204_5",
    "sufficient but not necessary", r"f(x) = 2x + 1", r"x=\frac{\pi}{6}+2k\pi, k\in\mathbb{Z}",
    r"1, 3, \ldots, 2n-1", r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", "7:32", "4:30 p.m.",
    r"9^{1010}-1", r"45 \text{ units}^2", r"x^2 \text{ if } x > 0", r"\lceil n/2 \rceil",
    r"AB \perp CD", "The price per bottle is 10 yuan, and the price per brush is 15 yuan.",
]  # fmt: skip


@pytest.mark.parametrize("reference", REFERENCES)
def test_no_corrupted_reference_is_accepted_in_either_order(reference):
    assert list(corruptions(reference))
    assert [row for row in accepted(reference) if row[2] is Relation.EQUAL] == []


@pytest.mark.parametrize("reference", REFERENCES)
def test_each_reference_is_an_answer_to_itself(reference):
    assert compare(reference, f"${reference}$.").relation is Relation.EQUAL
