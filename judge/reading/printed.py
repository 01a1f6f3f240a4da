"""Write what Python, numpy, mpmath and sympy print as the mathematics that it stands for."""

import re

from judge.reading.words import PHRASES

_COMPLEX = re.compile(r"\bmpc\(real='([^']*)', imag='([^']*)'\)")
_OPTION = re.compile(r",\s*(?:dtype|device|requires_grad|shape)\s*=\s*[\w.'()]+")
_POLYNOMIAL = re.compile(r"\bPoly\((.*?)(?:, [A-Za-z]\w*)+, domain='[^']*'\)")
_SPACED_ARRAY = re.compile(r"\[[\[\]\s\d.eEj+-]*\d[.j]?\s+[\[\d-][\[\]\s\d.eEj+-]*\]")
_EMPTY = re.compile(r"\[\]|\{\}|\(\)|set\(\)|EmptySet(?:\(\))?|S\.EmptySet|frozenset\(\)")


def as_mathematics(text: str) -> str:
    """Rewrite the types around printed numbers, and arrays whose numbers only spaces separate."""
    text = re.sub(r"\bnp\.(True|False)_", r"\1", text)
    if "(" in text:
        text = _POLYNOMIAL.sub(r"(\1)", PHRASES["printed_number"].sub(r"\2", text))
        text = _COMPLEX.sub(r"(\1+\2*i)", text)
        if found := PHRASES["printed_container"].fullmatch(text):
            text = _OPTION.sub("", found[1])
    if text.startswith("{"):
        text = re.sub(r"(['\"])(\w+)\1(?=\s*:)", r"\2", text)
    if text.startswith("[") and _SPACED_ARRAY.fullmatch(text):
        text = re.sub(r"(?<=[\d.j\]])\s+(?=[\[\d.+-])", ", ", text)
    return text


def is_empty_container(text: str) -> bool:
    """Tell whether a program printed a list or set without elements."""
    return _EMPTY.fullmatch(text.strip(" $")) is not None
