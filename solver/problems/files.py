"""Read problems from JSONL, CSV and Parquet files.

Data sets name their fields differently, so each field may have several names (`_ALIASES`). A row
that is malformed or ambiguous is an error with file and line; it is never repaired or skipped.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solver.errors import ConfigError
from solver.install import pip_install
from solver.records import Problem


@dataclass(frozen=True)
class Row:
    """A problem and the line it starts on (in Parquet, which has no lines, the row)."""

    problem: Problem
    line: int


def read_rows(path: Path) -> list[Row]:
    """Read all problems of a file, in order.

    Raises ConfigError that names the first bad line and lists the others.
    """
    if path.suffix not in _READERS:
        raise ConfigError(f"{path}: problems are read from {', '.join(_READERS)} files")
    rows: list[Row] = []
    mistakes: dict[int, str] = {}
    for line, fields in _READERS[path.suffix](path):
        try:
            rows.append(Row(_problem(fields, default_id=f"{path.stem}/{line}"), line))
        except _UnusableError as unusable:
            mistakes[line] = str(unusable)
    mistakes |= _repeated(rows)
    if mistakes:
        first, *others = sorted(mistakes)
        raise ConfigError(f"{path}:{first}: {mistakes[first]}{_and_more(others)}")
    if not rows:
        raise ConfigError(f"{path}: no problems in it")
    return rows


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file in hex. Raises ConfigError where it cannot be read."""
    return hashlib.sha256(_bytes(path)).hexdigest()


def domain_name(text: str) -> str:
    """Return a domain in snake case: `Counting & Probability` as `counting_and_probability`."""
    return re.sub(r"\W+", "_", text.lower().replace("&", " and ")).strip("_")


def last_boxed(text: str) -> str | None:
    r"""Return the contents of the last `\boxed{…}` in a solution, where MATH puts the answer.

    `\fbox{…}` counts as well. None where there is no box, or its brace never closes.
    """
    boxes = list(re.finditer(r"\\(?:boxed|fbox)\s*", text))
    if not boxes or text[boxes[-1].end() : boxes[-1].end() + 1] != "{":
        return None
    start = boxes[-1].end() + 1
    depth = 1
    for token in re.finditer(r"\\.|[{}]", text[start:], re.DOTALL):  # \{ is a printed brace
        depth += {"{": 1, "}": -1}.get(token.group(), 0)
        if depth == 0:
            return text[start : start + token.start()].strip()
    return None


class _UnusableError(Exception):
    """A row that is not a problem: what is wrong with it, and what to do."""


_Located = Iterator[tuple[int, dict[str, Any] | _UnusableError]]
"""Line numbers, each with the fields of its row or with the reason why there are none."""


def _jsonl(path: Path) -> _Located:
    """Read the objects of a JSONL file."""
    # Not splitlines(): it would also split at U+2028 and similar inside JSON strings.
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as failure:
            yield number, _UnusableError(f"not JSON: {failure}; one object a line is expected")
            continue
        if isinstance(fields, dict):
            yield number, fields
        else:
            kind = type(fields).__name__
            yield number, _UnusableError(f"a JSON {kind}; one object a line is expected")


def _csv(path: Path) -> _Located:
    """Read the rows of a CSV file, each at the line where it starts."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    line = 1
    try:
        header = next(reader, [])
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) == len(header) > 0:
                yield line, dict(zip(header, cells, strict=True))
            elif cells:
                yield line, _UnusableError(f"{len(cells)} columns, the header has {len(header)}")
            line = reader.line_num + 1
    except csv.Error as failure:
        yield line, _UnusableError(f"not CSV: {failure}")


def _parquet(path: Path) -> _Located:
    """Read the rows of a Parquet file. Raises ConfigError without pyarrow."""
    try:
        from pyarrow import ArrowException  # optional, and slow to import
        from pyarrow.parquet import read_table
    except ImportError as missing:
        raise ConfigError(
            f"{path}: reading Parquet needs pyarrow: {pip_install('hub')}"
        ) from missing
    try:
        rows = read_table(path).to_pylist()
    except (OSError, ArrowException) as failure:
        raise ConfigError(f"{path}: cannot be read: {failure}") from failure
    yield from enumerate(rows, start=1)


_READERS = {".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}

_ALIASES = {
    "id": ("id", "unique_id", "problem_idx"),
    "question": ("question", "problem"),
    "answer": ("answer", "expected_answer", "final_answer"),
    "solution": ("solution",),
    "domain": ("domain", "subject", "type"),
    "level": ("level",),
}


def _problem(fields: dict[str, Any] | _UnusableError, *, default_id: str) -> Problem:
    """Build a problem from the fields of a row. Raises _UnusableError."""
    if isinstance(fields, _UnusableError):
        raise fields
    lowered = {name.lower(): value for name, value in fields.items()}
    known = {
        field: next((lowered[alias] for alias in aliases if _given(lowered.get(alias))), None)
        for field, aliases in _ALIASES.items()
    }
    question = _words("question", known["question"])
    if not question:
        raise _UnusableError("no question: give 'question' or 'problem'")
    answer = _answer(known["answer"], known["solution"])
    return Problem(
        id=_words("id", known["id"]).removesuffix(".json") or default_id,  # MATH's ids are files
        question=question,
        answer=answer,
        domain=domain_name(_words("domain", known["domain"])) or "unknown",
        level=_level(known["level"]),
    )


def _answer(answer: Any, solution: Any) -> str:
    """Return the final answer of a row.

    That is the answer as given; of an answer of GSM8K, what follows `####`; without an answer, what
    the solution boxes last.
    """
    words = _words("answer", answer)
    if "####" in words:
        final = words.rpartition("####")[2].strip()
        # GSM8K writes 2,125 for 2125.
        words = final.replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+", final) else final
    words = words or last_boxed(_words("solution", solution)) or ""
    if not words:
        raise _UnusableError(r"no answer: give 'answer', or a 'solution' with \boxed{…}")
    return words


def _level(value: Any) -> int:
    """Read a level: 3, "3" and "Level 3" are 3; nothing and "Level ?" are 0."""
    match = re.fullmatch(
        r"(?:level\s*)?([1-5]|0|\?|)(?:\.0)?", str(_or_empty(value)).strip().lower()
    )
    if match is None or isinstance(value, bool):
        raise _UnusableError(f"level {value!r} should be a number from 1 to 5, or 'Level 3'")
    return int(match[1]) if match[1].isdigit() else 0


def _words(field: str, value: Any) -> str:
    """Return a field as stripped text; whole numbers lose their decimal point, 27.0 is `27`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise _UnusableError(f"{field} {value!r:.60} should be text or a number")
    words = str(_or_empty(value)).replace("\r\n", "\n").strip()
    if any("\ud800" <= character <= "\udfff" for character in words):
        raise _UnusableError(f"{field} holds half of a surrogate pair, which no encoding can write")
    return words


def _given(value: Any) -> bool:
    """Tell whether a field has a value."""
    return value is not None and value != ""


def _or_empty(value: Any) -> Any:
    """Return a value, or an empty text for None."""
    return "" if value is None else value


def _repeated(rows: Iterable[Row]) -> dict[int, str]:
    """Return a message for each line that repeats the id or question of an earlier line."""
    ids: dict[str, int] = {}
    questions: dict[str, int] = {}
    mistakes: dict[int, str] = {}
    for row in rows:
        question = " ".join(row.problem.question.split())
        if (line := questions.setdefault(question, row.line)) != row.line:
            mistakes[row.line] = f"repeats the question of line {line}: remove one of them"
        if (line := ids.setdefault(row.problem.id, row.line)) != row.line:
            mistakes[row.line] = f"id {row.problem.id!r} is also that of line {line}"
    return mistakes


def _and_more(lines: list[int]) -> str:
    """Say how many more lines are bad, and which."""
    if not lines:
        return ""
    shown = ", ".join(map(str, lines[:4])) + (", …" if len(lines) > 4 else "")
    return f" (and {len(lines)} more, on {'line' if len(lines) == 1 else 'lines'} {shown})"


def _text(path: Path) -> str:
    """Read a file as UTF-8, with or without a byte order mark. Raises ConfigError."""
    content = _bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 ({failure.reason})") from failure


def _bytes(path: Path) -> bytes:
    """Read a file. Raises ConfigError."""
    try:
        return path.read_bytes()
    except FileNotFoundError as missing:
        raise ConfigError(f"{path}: no such file") from missing
    except OSError as failure:
        raise ConfigError(f"{path}: cannot be read: {failure.strerror}") from failure
