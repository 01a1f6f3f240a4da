"""ROUGE-L equals that of rouge-score 0.1.2, whose scores lie in rouge_scores.json."""

import json
from pathlib import Path

import pytest

from solver.stats.porter import stem
from solver.stats.rouge import rouge_l
from tests.unit.rouge_pairs import pairs

SCORES = json.loads((Path(__file__).parent / "rouge_scores.json").read_text("utf-8"))


def test_500_pairs_score_as_with_rouge_score():
    found = [rouge_l(*pair) for pair in pairs()]
    assert found == pytest.approx(SCORES, abs=1e-9)
    assert len(SCORES) == 500
    assert len(set(SCORES)) > 150


@pytest.mark.parametrize(
    ("word", "stemmed"),
    [
        ("running", "run"), ("ties", "tie"), ("flies", "fli"), ("agreed", "agre"), ("sky", "sky"),
        ("skies", "sky"), ("dying", "die"), ("hopping", "hop"), ("filing", "file"),
        ("relational", "relat"), ("conditional", "condit"), ("triangular", "triangular"),
        ("multiples", "multipl"), ("happy", "happi"), ("enjoy", "enjoy"), ("adjustment", "adjust"),
    ],
)  # fmt: skip
def test_words_are_stemmed_as_nltk_does(word, stemmed):
    assert stem(word) == stemmed


def test_a_text_without_words_scores_nothing():
    assert rouge_l("$$", "x") == rouge_l("x", "…") == 0


def test_signs_and_case_do_not_count():
    assert rouge_l("Compute $\\frac{1}{2}$.", "compute frac 1 2") == 1
