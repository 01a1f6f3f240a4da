r"""Tell by their labels that two equal values are not the same one: `max f = 4` and `min f = 4`.

A side without such a label, or with both, contradicts nothing.
"""

import re

from judge.reading.words import PHRASES, TABLES

_OPPOSITES = [tuple(map(re.compile, pair)) for pair in TABLES["opposite_labels"].values()]


def contradict(left: str, right: str) -> bool:
    """Tell whether each side has a label, and they name different things."""
    found = map(PHRASES["named_logarithm"].match, (left, right))
    logarithms = [logarithm and logarithm[1] for logarithm in found]
    if all(logarithms) and logarithms[0] != logarithms[1]:
        return True
    for pair in _OPPOSITES:
        first, second = ([bool(word.search(text)) for word in pair] for text in (left, right))
        if any(first) and any(second) and first == second[::-1] != second:
            return True
    return False
