"""Porter's stemmer with the changes that NLTK makes to it: `running` and `runs` become `run`.

M. F. Porter, An algorithm for suffix stripping, Program 14(3), 1980. Written for `rouge`, which
must agree with `rouge-score`, and that stems by NLTK's version.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise

_Condition = Callable[[str], bool]
_Rule = tuple[str, str, _Condition]
"""A suffix, what replaces it, and a condition on what is before it."""

_IRREGULAR = {
    **dict.fromkeys(("sky", "skies"), "sky"),
    **{"dying": "die", "lying": "lie", "tying": "tie", "news": "news", "howe": "howe"},
    **dict.fromkeys(("innings", "inning"), "inning"),
    **dict.fromkeys(("outings", "outing"), "outing"),
    **dict.fromkeys(("cannings", "canning"), "canning"),
    **{"proceed": "proceed", "exceed": "exceed", "succeed": "succeed"},
}


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Return the stem of a word in lower case."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 2:
        return word
    for step in (_plural, _past, _final_y, _double_suffix, _single_suffix, _long_suffix, _final_e):
        word = step(word)
    return word


def _vowel(word: str, place: int) -> bool:
    """Tell whether a letter is a vowel: a, e, i, o, u, or a y after a consonant."""
    if word[place] == "y":
        return place > 0 and not _vowel(word, place - 1)
    return word[place] in "aeiou"


def _measure(start: str) -> int:
    """Count how often a consonant follows a vowel."""
    kinds = [_vowel(start, place) for place in range(len(start))]
    return sum(before and not after for before, after in pairwise(kinds))


def _some(start: str) -> bool:
    return _measure(start) > 0


def _several(start: str) -> bool:
    return _measure(start) > 1


def _always(start: str) -> bool:
    return True


def _has_vowel(start: str) -> bool:
    return any(_vowel(start, place) for place in range(len(start)))


def _short_end(word: str) -> bool:
    """Tell whether a word ends consonant, vowel, consonant (not w, x, y), or is vowel, consonant.

    The second is NLTK's.
    """
    kinds = [_vowel(word, place) for place in range(len(word))]
    if len(word) >= 3 and kinds[-3:] == [False, True, False]:
        return word[-1] not in "wxy"
    return kinds == [True, False]


def _replaced(word: str, rules: Iterable[_Rule]) -> str:
    """Apply the first rule whose suffix the word has, if its condition holds."""
    for suffix, instead, condition in rules:
        if word.endswith(suffix):
            start = word.removesuffix(suffix)
            return start + instead if condition(start) else word
    return word


def _plural(word: str) -> str:
    if word.endswith("ies") and len(word) == 4:
        return word[:-1]
    endings = (("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", ""))
    return _replaced(word, [(suffix, instead, _always) for suffix, instead in endings])


def _past(word: str) -> str:
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _some(word[:-3]) else word
    start = next((word.removesuffix(s) for s in ("ed", "ing") if word.endswith(s)), "")
    if not start or not _has_vowel(start):
        return word
    if start.endswith(("at", "bl", "iz")):
        return start + "e"
    if len(start) > 1 and start[-1] == start[-2] and not _vowel(start, len(start) - 1):
        return start if start[-1] in "lsz" else start[:-1]
    return start + "e" if _measure(start) == 1 and _short_end(start) else start


def _final_y(word: str) -> str:
    start = word[:-1]
    after_consonant = len(start) > 1 and not _vowel(start, len(start) - 1)
    return start + "i" if word.endswith("y") and after_consonant else word


def _double_suffix(word: str) -> str:
    if word.endswith("alli") and _some(word.removesuffix("alli")):
        return _double_suffix(word.removesuffix("li"))
    if word.endswith("logi") and not word.endswith(tuple(suffix for suffix, _ in _DOUBLE)):
        return word[:-1] if _some(word[:-3]) else word
    return _replaced(word, [(suffix, instead, _some) for suffix, instead in _DOUBLE])


def _single_suffix(word: str) -> str:
    return _replaced(word, [(suffix, instead, _some) for suffix, instead in _SINGLE])


def _long_suffix(word: str) -> str:
    rules: list[_Rule] = [(suffix, "", _several) for suffix in _LONG_BEFORE_ION]
    rules.append(("ion", "", lambda start: _several(start) and start[-1] in "st"))
    rules += [(suffix, "", _several) for suffix in _LONG_AFTER_ION]
    return _replaced(word, rules)


def _final_e(word: str) -> str:
    if word.endswith("e"):
        start = word[:-1]
        if _several(start) or (_measure(start) == 1 and not _short_end(start)):
            word = start
    return word[:-1] if word.endswith("ll") and _several(word[:-1]) else word


_DOUBLE = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"),
    ("bli", "ble"), ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"),
    ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"),
    ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"),
    ("fulli", "ful"),
)  # fmt: skip
_SINGLE = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"),
    ("ful", ""), ("ness", ""),
)  # fmt: skip
_LONG_BEFORE_ION = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent",
)  # fmt: skip
_LONG_AFTER_ION = ("ou", "ism", "ate", "iti", "ous", "ive", "ize")
