"""Check the named sets against hashes of their questions and answers.

MATH may not be redistributed, but hashes of it may. The tables of hashes give each problem its id,
domain and level, which many copies lack, and detect a copy that was edited. They do not prove that
an answer is right: a few of MATH's answers are incomplete, and are kept as published.
"""

import csv
import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from solver.errors import ConfigError
from solver.problems.files import Row
from solver.problems.selection import SEED, select
from solver.records import Problem

_HERE = Path(__file__).parent

PER_CELL = 27
"""Problems of each domain and level in math945: 7 × 5 × 27, as in arXiv 2501.17084."""


@dataclass(frozen=True)
class Pinned:
    """One problem of a named set, without its text."""

    id: str
    domain: str
    level: int
    question_hash: str
    """See `text_hash`."""
    answer_hash: str
    set: str = ""


def text_hash(text: str) -> str:
    """Return 16 hex digits of the SHA-256 of a stripped text."""
    return sha256(text.strip().encode()).hexdigest()[:16]


def pinned_math() -> tuple[Pinned, ...]:
    """Return the 5,000 problems of the MATH test split."""
    return _table("math")


def pinned_gsm8k() -> tuple[Pinned, ...]:
    """Return the 1,319 problems of the GSM8K test split."""
    return _table("gsm8k")


def pinned_set(name: str) -> tuple[Pinned, ...]:
    """Return the problems of a set whose hashes ship with this package."""
    match name:
        case "math":
            return pinned_math()
        case "math500_l5":
            return tuple(p for p in subset(pinned_math(), "math500") if p.level == 5)
        case "math500" | "math945":
            return subset(pinned_math(), name)
        case _:
            return _table(name)


def subset(pinned: Iterable[Pinned], name: str) -> tuple[Pinned, ...]:
    """Return the problems of MATH that `math500.json` or `math945.json` lists."""
    content = json.loads((_HERE / f"{name}.json").read_text(encoding="utf-8"))
    by_id = {entry.id: entry for entry in pinned}
    return tuple(by_id[id] for id in content["ids"])


def draw_math945() -> tuple[str, ...]:
    """Draw math945 again, 27 of each domain and level with seed 2501, and return the ids."""
    drawn = {entry.id for entry in select(pinned_math(), per_cell=PER_CELL, seed=SEED)}
    return tuple(entry.id for entry in pinned_math() if entry.id in drawn)


def check(
    rows: Iterable[Row], pinned: Sequence[Pinned], *, name: str, place: str
) -> tuple[Problem, ...]:
    """Find the pinned problems among `rows` by their questions; other rows are ignored.

    Raises ConfigError, naming `place`, where one is missing or has another answer.
    """
    found = {text_hash(row.problem.question): row for row in rows}
    missing = [entry.id for entry in pinned if entry.question_hash not in found]
    if missing:
        raise ConfigError(
            f"{place}: not the pinned {name}: {len(missing)} of its {len(pinned)} questions are not"
            f" there or differ, the first {missing[0]}"
        )
    problems = []
    for entry in pinned:
        row = found[entry.question_hash]
        if text_hash(row.problem.answer) != entry.answer_hash:
            raise ConfigError(
                f"{place}:{row.line}: not the pinned {name}: the answer to {entry.id} differs,"
                f" it is {row.problem.answer!r:.60} here"
            )
        placed = {"id": entry.id, "domain": entry.domain, "level": entry.level}
        problems.append(row.problem.model_copy(update=placed))
    return tuple(problems)


def _table(name: str) -> tuple[Pinned, ...]:
    """Read a table of hashes that ships with this package."""
    with gzip.open(_HERE / f"{name}_hashes.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        return tuple(
            Pinned(row["id"], row["domain"], int(row["level"]), row["question"], row["answer"])
            for row in csv.DictReader(lines)
        )
