"""Read the lines and objects of a log file, and say where one is not whole."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from judge.logs.records import LogError


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each line's number, from 1, and its JSON object. Raises LogError.

    Lines end at a line feed alone: U+2028 and its like may stand inside a JSON string.
    """
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, _object(path, number, line)
    except (OSError, UnicodeDecodeError) as failure:
        reason = getattr(failure, "strerror", None) or failure
        raise LogError(f"{path}: cannot be read: {reason}") from failure


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as failure:
        cut = "" if line.endswith("\n") else "; the file breaks off here: copy it again"
        raise LogError(f"{path}, line {number}: not JSON: {failure}{cut}") from failure
    if not isinstance(found, dict):
        raise LogError(f"{path}, line {number}: not a JSON object")
    return found


def json_object(path: Path) -> dict[str, Any]:
    """Return the JSON object that a whole file holds. Raises LogError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as failure:
        raise LogError(f"{path}: cannot be read: {failure.strerror or failure}") from failure
    except (ValueError, RecursionError) as failure:
        raise LogError(f"{path}: not JSON: {failure}") from failure
    if not isinstance(found, dict):
        raise LogError(f"{path}: not a JSON object")
    return found
