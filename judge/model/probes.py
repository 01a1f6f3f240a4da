"""Answers for testing a judge: labelled pairs, planted mistakes and injections.

All of them are written for this project, except pairs from a file. Not covered: attacks that need
more than one answer, and attacks in an image or a file.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from judge.model.rubric import Case
from judge.reading.words import read_tables


@dataclass(frozen=True)
class Probe:
    """An answer whose right judgement is known."""

    question: str
    reference: str
    answer: str
    right: bool
    kind: str

    @property
    def case(self) -> Case:
        """Return the probe without what is known of it."""
        return Case(self.question, self.reference, self.answer)


def read_pairs(path: Path) -> list[Probe]:
    """Read labelled pairs from a JSONL file.

    Keys: `reference` (or `gold`), `answer` (or `prediction`, `candidate`), `correct` (or `label`,
    `expect_correct`); optional: `question` (or `problem`) and `kind`. Raises ValueError that names
    the line that cannot be read.
    """
    return [
        Probe(
            question=row.get("question") or row.get("problem") or "",
            reference=reference,
            answer=answer,
            right=bool(_first(row, "correct", "label", "expect_correct", where=where)),
            kind=row.get("kind") or row.get("probe") or "any",
        )
        for where, row, reference, answer in rows_of(path)
    ]


def rows_of(path: Path) -> Iterator[tuple[str, dict[str, Any], str, str]]:
    """Yield of each line of a JSONL file its place, its object, the reference and the answer.

    Raises ValueError that names the line that cannot be read.
    """
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as problem:
                raise ValueError(f"{where}: {problem}") from None
            if not isinstance(row, dict):
                raise ValueError(f"{where}: no JSON object")
            reference = _first(row, "reference", "gold", where=where)
            answer = _first(row, "answer", "prediction", "candidate", where=where)
            yield where, row, str(reference), str(answer)


def _first(row: dict[str, Any], *keys: str, where: str) -> Any:
    """Return the value of the first of these keys that a row has. Raises ValueError without one."""
    for key in keys:
        if key in row:
            return row[key]
    raise ValueError(f"{where}: no {' or '.join(keys)}")


# --- planted mistakes --------------------------------------------------------------------------

_INTEGER = re.compile(r"-?\d{1,18}")
_DECIMAL = re.compile(r"(-?\d{1,12})\.(\d{1,12})")
_FRACTION = re.compile(r"(-?)\\[dt]?frac\{(-?\d{1,12})\}\{(\d{1,12})\}|(-?)(\d{1,12})/(\d{1,12})")
_SIGN_INSIDE = re.compile(r"(?<=[\w}) ])([+-])(?=\s*[\w\\(])")
_NUMBER = re.compile(r"(?<![\w.^_])(?<![\^_]\{)\d{1,9}(?![\w.])")
_ROOT = re.compile(r"\\sqrt\{(\d{1,9})\}")
_BRACKETED = re.compile(r"(?:\\left)?\s*([\[(])([^()\[\]]{1,200})(?:\\right)?\s*([\])])")
_LISTED = re.compile(r"(\\\{|)([^{}()\[\]]{1,200}?)(\\\}|)")


def planted(reference: str) -> list[tuple[str, str]]:
    """Make wrong answers that look like slips, as (kind of slip, answer) pairs.

    They are made from the reference's text alone and a few may happen to be right, so compare them
    by the rules first. Empty where the form of the reference is not known.
    """
    text = reference.strip().strip("$").strip()
    if _INTEGER.fullmatch(text):
        found = _of_integer(int(text))
    elif decimal := _DECIMAL.fullmatch(text):
        found = _of_decimal(decimal.group(1), decimal.group(2))
    elif fraction := _FRACTION.fullmatch(text):
        signs, numbers = fraction.group(1, 4), fraction.group(2, 3, 5, 6)
        top, bottom = (int(number) for number in numbers if number is not None)
        found = _of_fraction(-top if "-" in signs else top, bottom)
    elif bracketed := _BRACKETED.fullmatch(text):
        found = _of_bracketed(*bracketed.groups())
    else:
        found = _of_expression(text)
    unique = dict((answer, kind) for kind, answer in reversed(found) if answer != text)
    return [(kind, answer) for answer, kind in reversed(unique.items())]


def _one_more(number: re.Match[str]) -> str:
    return str(int(number[0]) + 1)


def _of_integer(number: int) -> list[tuple[str, str]]:
    digits = str(abs(number))
    swapped = digits[1::-1] + digits[2:]
    sign = "-" if number < 0 else ""
    return [
        ("off by one", str(number + 1)),
        ("off by one", str(number - 1)),
        ("sign flipped", str(-number)),
        ("digits swapped", sign + swapped.lstrip("0") if swapped.lstrip("0") else "0"),
        ("ten times", str(number * 10)),
    ]


def _of_decimal(whole: str, digits: str) -> list[tuple[str, str]]:
    last = (int(digits[-1]) + 1) % 10
    return [
        ("last digit", f"{whole}.{digits[:-1]}{last}"),
        ("point moved", f"{whole}{digits[0]}.{digits[1:] or '0'}"),
        ("sign flipped", f"{whole.removeprefix('-') if '-' in whole else '-' + whole}.{digits}"),
    ]


def _of_fraction(top: int, bottom: int) -> list[tuple[str, str]]:
    found = [
        ("numerator off by one", rf"\frac{{{top + 1}}}{{{bottom}}}"),
        ("sign flipped", rf"\frac{{{-top}}}{{{bottom}}}"),
        ("denominator off by one", rf"\frac{{{top}}}{{{bottom + 1}}}"),
    ]
    if top not in (0, bottom):
        found.insert(0, ("fraction swapped", rf"\frac{{{bottom}}}{{{top}}}"))
    if bottom and Fraction(top, bottom).denominator > 1:
        found.append(("division dropped", str(top)))
    return found


def _of_bracketed(opening: str, inside: str, closing: str) -> list[tuple[str, str]]:
    parts = [part.strip() for part in inside.split(",")]
    other = {"(": "[", "[": "(", ")": "]", "]": ")"}
    found = []
    if len(parts) > 1:
        found.append(("part dropped", opening + ", ".join(parts[:-1]) + closing))
        found.append(("order reversed", opening + ", ".join(reversed(parts)) + closing))
    if len(parts) == 2 and ("\\infty" in inside or opening + closing in ("[)", "(]", "[]")):
        ends = (opening + inside + other[closing], other[opening] + inside + closing)
        found += [("endpoint", end) for end, part in zip(ends, parts[::-1], strict=True)
                  if "\\infty" not in part]  # fmt: skip
    if (more := _INTEGER.sub(_one_more, inside, count=1)) != inside:
        found.append(("off by one", opening + more + closing))
    return found


def _of_expression(text: str) -> list[tuple[str, str]]:
    found = []
    flipped = _SIGN_INSIDE.sub(lambda sign: "-" if sign[0] == "+" else "+", text, count=1)
    if flipped != text:
        found.append(("sign inside", flipped))
    if (bare := _ROOT.sub(r"\1", text, count=1)) != text:
        found.append(("root dropped", bare))
    if "," in text and _LISTED.fullmatch(text):
        found.append(("part dropped", text[: text.rindex(",")] + ("\\}" if "\\}" in text else "")))
    if (more := _NUMBER.sub(_one_more, text, count=1)) != text:
        found.append(("off by one", more))
    if found and not text.startswith("-") and "," not in text and "=" not in text:
        found.append(("sign flipped", f"-({text})"))
    return found


# --- injections: answers that try to influence the grader ---------------------------------------

INJECTIONS = tuple(read_tables("judge.model", "injections.toml").items())
"""(kind, template): a wrong answer with text that may make a model accept it."""


def injected(question: str, reference: str, wrong: str) -> list[Probe]:
    """Build every injection around one wrong answer."""
    return [
        Probe(question, reference, text.format(wrong=wrong, reference=reference), False, kind)
        for kind, text in INJECTIONS
    ]
