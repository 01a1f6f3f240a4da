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
    empty = any(_PATTERNS[name].fullmatch(plain) for name in ("stock_phrases", "tautology"))
    if empty or _PATTERNS["points_elsewhere"].search(plain):
        return "no_answer", "a stock phrase instead of an answer"
    if _PATTERNS["sorry"].search(text):
        return "no_answer", "a refusal"
    if _PATTERNS["failure"].search(text):
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
    requests = _PHRASES["places"].items()
    asked = [n for words, n in requests if re.search(words, question, re.IGNORECASE)]
    if not asked:
        return _PATTERNS["rounding"].search(question) is not None
    decimals = re.search(r"\.(\d+)", answer)
    return (len(decimals[1]) if decimals else 0) >= int(asked[0])


_PHRASES = read_tables("judge.model", "phrases.toml")
_PATTERNS = {name: compiled(p) for name, p in _PHRASES.items() if isinstance(p, str)}
_ADDRESSES = {name: compiled(pattern) for name, pattern in _PHRASES["addresses"].items()}
_CODE = re.compile(r"```|\bprint\s*\(|^\s*(?:def \w+\(|import \w|from \w+ import)", re.MULTILINE)


def _restates(answer: str, question: str) -> bool:
    """Tell whether an answer repeats most of the problem. Short quotes may be a choice's text."""
    return len(answer) > 40 and len(answer) > 0.6 * len(question) and answer in question


def _plain(text: str) -> str:
    """Return the words of a text in lower case."""
    return " ".join(re.findall(r"[^\W_]+", text.lower().replace("'", "").replace("’", "")))
