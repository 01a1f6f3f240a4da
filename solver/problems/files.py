"""Read problems from JSONL, CSV and Parquet files.

Data sets name their fields differently, so each field may have several names (`_ALIASES`). A row
that is malformed or ambiguous is an error with file and line; it is never repaired or skipped.
"""

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any

from solver.errors import ConfigError
from solver.install import pip_install
from solver.records import Problem
from solver.text import one_line

MOST_BYTES = 512 * 2**20
"""The most that a file may hold, unpacked. All of MATH is 10 MiB."""


@dataclass(frozen=True)
class Row:
    """A problem and the line it starts on (in Parquet, which has no lines, the row)."""

    problem: Problem
    line: int


def read_rows(path: Path) -> list[Row]:
    """Read all problems of a file, in order.

    Raises ConfigError that names the first bad line and lists the others.
    """
    rows, mistakes = _rows(path, _read(path), {})
    if mistakes:
        first, *others = sorted(mistakes)
        raise ConfigError(f"{path}:{first}: {mistakes[first]}{_and_more(others)}")
    return rows


def read_published(
    path: Path, fields: Mapping[str, str | None] | None = None
) -> tuple[list[Row], dict[int, str]]:
    """Read a file as its publisher left it, with rows that are no problems or repeat one.

    `fields` are the names of its columns where they differ from `_ALIASES`. Returns the usable
    rows, and by line what is wrong with each other one.
    """
    found = ((line, _flat(row)) for line, row in _read(path))
    rows, mistakes = _rows(path, found, fields or {})
    return [row for row in rows if row.line not in mistakes], mistakes


def _read(path: Path) -> "_Located":
    """Return the rows of a file. Raises ConfigError."""
    if path.suffix not in _READERS:
        raise ConfigError(f"{path}: problems are read from {', '.join(_READERS)} files")
    return _READERS[path.suffix](path)


def _flat(row: "dict[str, Any] | UnusableError") -> "dict[str, Any] | UnusableError":
    """Write lists in a row as text: several answers in a row, of several domains the first.

    A path such as `Mathematics -> Algebra -> Intermediate Algebra` is a domain, Algebra.
    """
    if isinstance(row, UnusableError):
        return row
    flat = dict(row)
    for name, value in row.items():
        if isinstance(value, list):
            domain = name.lower() in ("domain", "problem_type", "subfield", "category")
            flat[name] = str(value[0]) if domain and value else ", ".join(map(str, value))
        if isinstance(flat[name], str) and name.lower() == "domain":
            flat[name] = flat[name].split(" -> ")[:2][-1]
    return flat


def _rows(
    path: Path, located: "_Located", fields: Mapping[str, str | None]
) -> tuple[list[Row], dict[int, str]]:
    """Return the problems of a file, and what is wrong with some rows, by line."""
    aliases = _ALIASES | {field: (name,) if name else () for field, name in fields.items()}
    rows: list[Row] = []
    mistakes: dict[int, str] = {}
    for line, found in located:
        try:
            problem = _problem(found, aliases, default_id=f"{path.stem}/{line}")
            rows.append(Row(problem, line))
        except UnusableError as unusable:
            mistakes[line] = str(unusable)
    mistakes |= _repeated(rows)
    if not rows and not mistakes:
        raise ConfigError(f"{path}: no problems in it")
    return rows, mistakes


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


class UnusableError(Exception):
    """A row that is not a problem: what is wrong with it, and what to do."""


_Located = Iterator[tuple[int, dict[str, Any] | UnusableError]]
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
            yield number, UnusableError(f"not JSON: {failure}; one object a line is expected")
            continue
        if isinstance(fields, dict):
            yield number, fields
        else:
            kind = type(fields).__name__
            yield number, UnusableError(f"a JSON {kind}; one object a line is expected")


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
                yield line, UnusableError(f"{len(cells)} columns, the header has {len(header)}")
            line = reader.line_num + 1
    except csv.Error as failure:
        yield line, UnusableError(f"not CSV: {failure}")


def _parquet(path: Path) -> _Located:
    """Read the rows of a Parquet file. Raises ConfigError without pyarrow."""
    try:
        from pyarrow import ArrowException  # optional, and slow to import
        from pyarrow.parquet import ParquetFile
    except ImportError as missing:
        raise ConfigError(
            f"{path}: reading Parquet needs pyarrow: {pip_install('hub')}"
        ) from missing
    try:
        file = ParquetFile(path)
        groups = range(file.metadata.num_row_groups)
        if sum(file.metadata.row_group(n).total_byte_size for n in groups) > MOST_BYTES:
            raise ConfigError(f"{path}: holds more than {MOST_BYTES // 2**20} MiB; split it")
        rows = file.read().to_pylist()
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
    "set": ("set",),
    "variant_of": ("variant_of",),
    "published": ("published",),
}


def _problem(
    fields: dict[str, Any] | UnusableError,
    names: Mapping[str, tuple[str, ...]],
    *,
    default_id: str,
) -> Problem:
    """Build a problem from the fields of a row. Raises UnusableError."""
    if isinstance(fields, UnusableError):
        raise fields
    lowered = {name.lower(): value for name, value in fields.items()}
    known = {
        field: next((lowered[alias] for alias in aliases if _given(lowered.get(alias))), None)
        for field, aliases in names.items()
    }
    question = _words("question", known["question"])
    if not question:
        raise UnusableError(f"no question: give 'question' or 'problem'{_near(names, fields)}")
    try:
        answer = _answer(known["answer"], known["solution"])
    except UnusableError as lacking:
        raise UnusableError(f"{lacking}{_near(names, fields)}") from lacking
    return Problem(
        id=_words("id", known["id"]).removesuffix(".json") or default_id,  # MATH's ids are files
        question=question,
        answer=answer,
        domain=domain_name(_words("domain", known["domain"])) or "unknown",
        level=level_of(known["level"]),
        set=_words("set", known["set"]),
        variant_of=_words("variant_of", known["variant_of"]),
        published=_date(known["published"]),
    )


def _near(names: Mapping[str, tuple[str, ...]], fields: Mapping[str, Any]) -> str:
    """Return the fields of a row that look like a known one misspelt, as the end of a message."""
    known = [alias for aliases in names.values() for alias in aliases]
    unknown = [name for name in fields if name.lower() not in known]
    near = [(name, close[0]) for name in unknown if (close := get_close_matches(name, known, 1))]
    return "".join(
        f"; is {one_line(name, 40)!r} meant to be {meant!r}?" for name, meant in near[:2]
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
        raise UnusableError(r"no answer: give 'answer', or a 'solution' with \boxed{…}")
    return words


def level_of(value: Any) -> int:
    """Read a level: 3, "3" and "Level 3" are 3; nothing and "Level ?" are 0."""
    match = re.fullmatch(
        r"(?:level\s*)?([1-5]|0|\?|)(?:\.0)?", str(_or_empty(value)).strip().lower()
    )
    if match is None or isinstance(value, bool):
        raise UnusableError(f"level {value!r} should be a number from 1 to 5, or 'Level 3'")
    return int(match[1]) if match[1].isdigit() else 0


def _date(value: Any) -> str:
    """Read when a problem was published: a year, a month or a day."""
    words = str(_or_empty(value)).strip()
    if not re.fullmatch(r"(\d{4}(-\d\d(-\d\d)?)?)?", words):
        raise UnusableError(f"published {value!r:.60} should be like 2025, 2025-02 or 2025-02-13")
    return words


def _words(field: str, value: Any) -> str:
    """Return a field as stripped text; whole numbers lose their decimal point, 27.0 is `27`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise UnusableError(f"{field} {value!r:.60} should be text or a number")
    words = str(_or_empty(value)).replace("\r\n", "\n").strip()
    if any("\ud800" <= character <= "\udfff" for character in words):
        raise UnusableError(f"{field} holds half of a surrogate pair, which no encoding can write")
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
        question = row.problem.words
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


def _meant(path: Path) -> str:
    """Return the file beside a missing one that may be meant, as the end of a message."""
    try:
        beside = [each.name for each in islice(path.parent.iterdir(), 1_000)]
    except OSError:
        return ""
    near = get_close_matches(path.name, beside, 1)
    return f"; did you mean {path.with_name(near[0])}?" if near else ""


def _bytes(path: Path) -> bytes:
    """Read a file. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(MOST_BYTES + 1) if size <= MOST_BYTES else b""
    except FileNotFoundError as missing:
        raise ConfigError(f"{path}: no such file{_meant(path)}") from missing
    except OSError as failure:
        raise ConfigError(f"{path}: cannot be read: {failure.strerror}") from failure
    if max(size, len(content)) > MOST_BYTES:  # a pipe or a device has no size
        raise ConfigError(f"{path}: has more than {MOST_BYTES // 2**20} MiB; split it")
    return content
