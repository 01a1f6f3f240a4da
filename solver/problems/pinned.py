"""What the sets known by name must contain: hashes of every question and answer, and no text.

MATH may not be redistributed, hashes of it may. They give each problem its id, domain and level
(the files in circulation often lack them) and catch a copy that was edited. They do not say that
an answer is right: a few of MATH's are only part of one, and are kept as published.
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
"""Of math945: 7 domains × 5 levels × 27, the shape of arXiv 2501.17084."""


@dataclass(frozen=True)
class Pinned:
    """One problem of a set known by name, without its text."""

    id: str
    domain: str
    level: int
    question_hash: str
    """See `text_hash`."""
    answer_hash: str


def text_hash(text: str) -> str:
    """16 hex digits of the SHA-256 of a text, blanks around it apart."""
    return sha256(text.strip().encode()).hexdigest()[:16]


def pinned_math() -> tuple[Pinned, ...]:
    """The 5,000 problems of the MATH test split."""
    return _table("math")


def pinned_gsm8k() -> tuple[Pinned, ...]:
    """The 1,319 problems of the GSM8K test split."""
    return _table("gsm8k")


def subset(pinned: Iterable[Pinned], name: str) -> tuple[Pinned, ...]:
    """Those of MATH's problems that `math500.json` or `math945.json` lists."""
    content = json.loads((_HERE / f"{name}.json").read_text(encoding="utf-8"))
    by_id = {entry.id: entry for entry in pinned}
    return tuple(by_id[id] for id in content["ids"])


def draw_math945() -> tuple[str, ...]:
    """The ids of math945, drawn anew: 27 of each domain and level, seed 2501."""
    drawn = {entry.id for entry in select(pinned_math(), per_cell=PER_CELL, seed=SEED)}
    return tuple(entry.id for entry in pinned_math() if entry.id in drawn)


def check(
    rows: Iterable[Row], pinned: Sequence[Pinned], *, name: str, place: str
) -> tuple[Problem, ...]:
    """The pinned problems, found among `rows` by their questions; further rows are left aside.

    Raises ConfigError, naming `place`, where one is missing or its answer is another.
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
    with gzip.open(_HERE / f"{name}_hashes.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        return tuple(
            Pinned(row["id"], row["domain"], int(row["level"]), row["question"], row["answer"])
            for row in csv.DictReader(lines)
        )
