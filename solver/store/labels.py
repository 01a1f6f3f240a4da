"""Keep what a person says of a run's answers: a file of lines beside the run, only appended to."""

import os
from pathlib import Path

from pydantic import ValidationError

from solver.errors import ConfigError, reason_of, require_file
from solver.records import Record

LABELS = "labels.jsonl"


class Label(Record):
    """What a person says of one trial."""

    key: str
    """The trial's."""
    right: bool | None
    """None where the person cannot tell."""
    labelled: float
    """Unix time."""


def read_labels(folder: Path) -> dict[str, bool | None]:
    """Return what was last said of each labelled trial, by key.

    Raises ConfigError where the file cannot be read or a line is not a label.
    """
    path = folder / LABELS
    found: dict[str, bool | None] = {}
    try:
        require_file(path)
        lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    except (OSError, UnicodeDecodeError) as failure:
        raise ConfigError(f"{path}: cannot be read: {failure}") from failure
    for number, line in enumerate(lines, start=1):
        if line:
            try:
                label = Label.model_validate_json(line)
            except ValidationError as invalid:
                raise ConfigError(
                    f"{path}: line {number} is not a label; delete that line"
                ) from invalid
            found[label.key] = label.right
    return found


def add_label(folder: Path, label: Label) -> None:
    """Append a label, which replaces an earlier one of the same trial.

    Raises ConfigError where it cannot be written.
    """
    path = folder / LABELS
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(label.model_dump_json() + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as failure:
        raise ConfigError(
            f"{path}: cannot be written: {reason_of(failure)}; earlier labels are kept"
        ) from failure
