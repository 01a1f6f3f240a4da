"""Compare answers in words, and recognise texts that are no answer."""

import re
from functools import lru_cache

from judge.reading import words as vocabulary
from judge.reading.clean import without_spacing
from judge.reading.units import parse_unit, singular
from judge.reading.words import CALLED, LISTS, PHRASES, TABLES
from judge.reading.wrappers import IN_FONT
from judge.relation import Finding, different, equal, undecided

_MARKUP = re.compile(r"\\[a-zA-Z]+\s*|[{}$\\\"'`*_]|\\[ ,;!]")
_PUNCTUATION = re.compile(r"[^\w\s/+-]+")
_WORD = re.compile(r"[A-Za-z]{2,}")
_SENTENCE_LETTERS = re.compile(r"[A-Za-z][A-Za-z ,.'’-]*")
_ARTICLES, _OPPOSITES = LISTS["articles"], LISTS["opposites"]
_FORMULAS: dict[str, str] = TABLES["formulas"]
_MEANINGS: dict[str, str] = {
    words: meaning for meaning, others in TABLES["synonyms"].items() for words in others
}
"""What words mean that are without articles and plural endings."""


def is_nothing(text: str) -> str:
    """Say why the text is no answer at all; empty when it may be one."""
    bare = "".join(text.split()).strip(".").lower()
    content = re.search(r"[^\W_]|\\(?:infty|emptyset|varnothing)|[∞∅π]", text)
    if content is None or bare in LISTS["nothing"]:
        return "no content"
    if PHRASES["machine"].search(text):
        return "a program's error message"
    if PHRASES["to_grader"].search(text):
        return "words to the grader"
    return ""


def is_hedge(text: str) -> bool:
    """Tell whether the text gives several alternatives or is unsure."""
    return bool(PHRASES["hedge"].search(text))


def plain_words(text: str) -> str:
    """Return the words of an answer without markup, case, punctuation and articles."""
    text = _PUNCTUATION.sub(" ", _MARKUP.sub(" ", IN_FONT.sub(r" \1 ", text)))
    words = [
        singular(word.lower())
        for index, word in enumerate(text.split())
        if word.lower() not in _ARTICLES or (word == "A" and index)  # point A, not "a point"
    ]
    joined = " ".join(words)
    return _MEANINGS.get(joined, joined)


def same_wording(left: str, right: str) -> bool:
    """Tell whether two texts have the same words, and no sign that `plain_words` drops differs."""
    left, right = (_BRACED.sub(r" \1 ", IN_FONT.sub(r" \1 ", text)) for text in (left, right))
    if _ONLY_WORDS.fullmatch(left) and _ONLY_WORDS.fullmatch(right):
        return plain_words(left) == plain_words(right)
    return _signs_and_words(left) == _signs_and_words(right)


_BRACED = re.compile(r"(?<![\\^_A-Za-z}])\{([A-Za-z ]{2,})\}")
_ONLY_WORDS = PHRASES["only_words"]
_SIGN_OR_WORD = re.compile(r"\\[a-zA-Z]+|\d+(?:[.,]\d+)*|[^\W\d_]+|\\[^\s,;:!]|[^\s\w$~]|_")


def _signs_and_words(text: str) -> list[str]:
    """Return everything in a text that may have a meaning: words, numbers, commands, signs."""
    found = _SIGN_OR_WORD.findall(without_spacing(text).rstrip(". "))
    return [part.lower() if len(part) > 1 and part.isalpha() else part for part in found]


@lru_cache(maxsize=8_192)
def is_words(text: str) -> bool:
    """Tell whether a text is words rather than mathematics."""
    unmarked = IN_FONT.sub(lambda match: match[1], text).strip(" {}$\"'`.")
    if _CHINESE.fullmatch(unmarked):
        return True
    if _FORMULA.search(unmarked) or unmarked.lower() in _LETTER_NAMES:
        return False
    if not CALLED.isdisjoint(_WORD.findall(unmarked)):
        return False
    if not _SENTENCE_LETTERS.fullmatch(unmarked) and len(_WORD.findall(unmarked)) < 4:
        return False
    words = _WORD.findall(_MARKUP.sub(" ", unmarked))
    return sum(map(len, words)) > len(re.sub(r"\s", "", unmarked)) * 0.6 and (
        len(words) > 2 or any(len(word) > 3 for word in words) or unmarked.lower() in _SHORT
    )


_CHINESE = re.compile(r"[\u3400-\u9fff，。、 ]+")
_FORMULA = re.compile(r"[=^<>]|\*\*|\d\s*-\s*\w|\w\s*[+*/]\s*\w|[)\w][-+*/]\(|\)[-+*/]\w")
_LETTER_NAMES = {"infinity", "infty", "inf", *map(str.lower, vocabulary.GREEK)}
_SHORT = LISTS["short_words"] | vocabulary.NUMBER_WORDS.keys()


def words_as_mathematics(text: str) -> str:
    """Return the formula for words such as "no solution" or "seven", empty for others."""
    words = plain_words(text)
    parts = re.split(r"[\s-]+", words)
    if known := _FORMULAS.get(words, "") or _number_in(parts):
        return known
    number, noun = _number_in(parts[:-1]) if parts[1:] else "", parts[-1]
    counts = number and noun not in LISTS["pronouns"] and parse_unit(noun) is not None
    return rf"{number} \text{{{noun}}}" if counts else ""


def _number_in(words: list[str]) -> str:
    """Return the number that words name, such as twenty five or minus two third; else nothing."""
    if words[0] in ("minus", "negative") and len(words) > 1:
        number = _number_in(words[1:])
        return f"-{number}" if number else ""
    if words[0] in LISTS["no_change"] and len(words) > 1:
        return _number_in(words[1:])
    for between in ("in", "out"):  # one in eight, one out of eight
        if between in words:
            at = words.index(between)
            sides = words[:at], words[at + 1 :]
            above, below = (_number_in(side) if side else "" for side in sides)
            return f"{above}/{below}" if above.isdigit() and below.isdigit() else ""
    if words[-1] in vocabulary.PART_WORDS and words[-2:-1] == ["and"]:  # one and a half
        whole = _number_in(words[:-2])
        return f"({whole}+1/{vocabulary.PART_WORDS[words[-1]]})" if whole.isdigit() else ""
    if words[-1] in vocabulary.PART_WORDS:
        above = _number_in(words[:-1]) if len(words) > 1 else "1"
        return f"{above}/{vocabulary.PART_WORDS[words[-1]]}" if above.isdigit() else ""
    total, group = 0, 0
    for word in words:
        if word in vocabulary.SCALES and word.isascii():
            scale, group = vocabulary.SCALES[word], group or 1
            total, group = (total, group * scale) if scale == 100 else (total + group * scale, 0)
        elif word in vocabulary.NUMBER_WORDS and _follows(vocabulary.NUMBER_WORDS[word], group):
            group += vocabulary.NUMBER_WORDS[word]
        elif word != "and" or not total + group:
            return ""
    return str(total + group)


def means_no_solution(text: str) -> bool:
    """Tell whether a text says that nothing is a solution, in words or as the empty set."""
    return plain_words(text) == "no solution" or text.strip("$ ") in LISTS["empty_sets"]


def _follows(number: int, group: int) -> bool:
    """Tell whether a number word may follow others: one after twenty, any after a hundred."""
    return group % 100 == 0 or (group % 10 == 0 and group % 100 > 10 and 0 < number < 10)


def compare_words(reference: str, answer: str) -> Finding:
    """Compare two answers of which at least the reference is words."""
    if same_wording(reference, answer):
        return equal("text", "the same words")
    left, right = plain_words(reference), plain_words(answer)
    if left.replace(" ", "") == right.replace(" ", ""):
        if left == right or not (reference + answer).replace(" ", "").isalpha():
            return undecided("text", "the same words, but not the same signs")
        return equal("text", "the same letters")
    if left.isascii() != right.isascii():
        return undecided("text", "words in different languages")
    left_words, right_words = set(left.split()), set(right.split())
    if bool(left_words & _OPPOSITES) != bool(right_words & _OPPOSITES):
        return different("text", "one of them denies")
    if len(left_words) > 2 or len(right_words) > 2 or left_words & right_words:
        return undecided("text", "other words, perhaps the same meaning")
    return different("text", "other words")
