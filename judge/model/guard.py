"""Reject texts that are no answers, without asking a model.

These are empty texts, stock phrases, error messages and texts that address the grader. Not covered:
attacks in words that no pattern here matches. The rubric, the JSON input and the veto of the rules
are the next defences.
"""

import re
import unicodedata

from judge.model.rubric import LONGEST_ANSWER, without_hidden
from judge.reading.words import compiled, read_tables

Refusal = tuple[str, str]
"""The relation and the reason."""


def refusal(question: str, reference: str, answer: str) -> Refusal | None:
    """Return why this answer needs no model, or None."""
    if is_empty(answer):
        return "no_answer", "the answer says nothing"
    text = " ".join(unicodedata.normalize("NFKC", without_hidden(answer)).split())
    if len(text) > LONGEST_ANSWER:
        return "no_answer", f"longer than {LONGEST_ANSWER} characters, so no final answer"
    plain = _plain(text)
    empty = _STOCK_PHRASES.fullmatch(plain) or _TAUTOLOGY.fullmatch(plain)
    if empty or _POINTS_ELSEWHERE.search(plain):
        return "no_answer", "a stock phrase instead of an answer"
    if _SORRY.search(text):
        return "no_answer", "a refusal"
    if _FAILURE.search(text):
        return "no_answer", "an error message"
    if _CODE.search(answer):
        return "no_answer", "a program instead of an answer"
    if _restates(plain, _plain(question)):
        return "no_answer", "the problem restated"
    for name, pattern in _ADDRESSES.items():
        if pattern.search(text) and not pattern.search(reference):
            return "addresses_grader", f"suspicious: {name}"
    return None


def is_empty(answer: str) -> bool:
    """Tell whether an answer has no letter, no digit and no sign for a value (∞, ∅)."""
    return re.search(r"[^\W_]|[∞∅]", answer) is None


def rounding_settles(question: str, answer: str) -> bool:
    """Tell whether the problem asks for rounding and the answer is precise enough for it."""
    places = _requested_places(question)
    if places is None:
        return _ROUNDING.search(question) is not None
    decimals = re.search(r"\.(\d+)", answer)
    return (len(decimals.group(1)) if decimals else 0) >= places


_PHRASES = read_tables("judge.model", "phrases.toml")

_STOCK_PHRASES = compiled(_PHRASES["stock_phrases"])
_TAUTOLOGY = compiled(_PHRASES["tautology"])
_POINTS_ELSEWHERE = compiled(_PHRASES["points_elsewhere"])
_SORRY = compiled(_PHRASES["sorry"])
_FAILURE = compiled(_PHRASES["failure"])
_ROUNDING = compiled(_PHRASES["rounding"])
_ADDRESSES = {name: compiled(pattern) for name, pattern in _PHRASES["addresses"].items()}
_CODE = re.compile(r"```|\bprint\s*\(|^\s*(?:def \w+\(|import \w|from \w+ import)", re.MULTILINE)


def _requested_places(question: str) -> int | None:
    places = _PHRASES["places"].items()
    return next((n for words, n in places if re.search(words, question, re.IGNORECASE)), None)


def _restates(answer: str, question: str) -> bool:
    """Tell whether an answer repeats most of the problem. Short quotes may be a choice's text."""
    return len(answer) > 40 and len(answer) > 0.6 * len(question) and answer in question


def _plain(text: str) -> str:
    """Return the words of a text in lower case."""
    return " ".join(re.findall(r"[^\W_]+", text.lower().replace("'", "").replace("’", "")))
