"""ROUGE-L as the package `rouge-score` computes it with stemming, which arXiv 2507.10532 used.

A text becomes words of letters a-z and digits, in lower case; LaTeX signs and punctuation are
dropped. Words of more than three characters are stemmed by Porter's algorithm with the changes that
NLTK makes to it. So two texts can have ROUGE-L 1 and differ.
"""

import re
from collections.abc import Sequence

from solver.stats.porter import stem

_OTHER = re.compile(r"[^a-z0-9]+")


def rouge_l(target: str, prediction: str) -> float:
    """Compute ROUGE-L, the F-measure of the longest common subsequence of words, from 0 to 1.

    It is 0 where one of the texts has no word. https://aclanthology.org/W04-1013
    """
    wanted, found = words(target), words(prediction)
    if not wanted or not found:
        return 0.0
    common = _longest_common(wanted, found)
    precision, recall = common / len(found), common / len(wanted)
    return 2 * precision * recall / (precision + recall) if common else 0.0


def words(text: str) -> list[str]:
    """Return the stemmed words of a text."""
    return [stem(word) if len(word) > 3 else word for word in _OTHER.split(text.lower()) if word]


def _longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for place, against in enumerate(other, start=1):
            above = row[place]
            row[place] = diagonal + 1 if word == against else max(above, row[place - 1])
            diagonal = above
    return row[-1]
