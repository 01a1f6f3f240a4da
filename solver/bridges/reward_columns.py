"""Read what trainers pass to a reward function: references in columns, completions, prompts."""

import re
from collections.abc import Sequence
from typing import Any

from judge import extract_answer

Completion = str | Sequence[dict[str, Any]]
"""A text, or the messages of a conversation."""
COLUMNS = ("answer", "reference", "ground_truth", "solution")
"""Columns that may hold the references; of each row, the first that is not None is used."""


def references(columns: dict[str, Any], wanted: int) -> list[tuple[str, ...]]:
    """Return the references of each completion, from the first of COLUMNS that gives it any.

    Raises TypeError where no column holds references.
    """
    present = {name: columns[name] for name in COLUMNS if columns.get(name) is not None}
    if not present:
        raise TypeError(f"no reference answers: name a column of the data {', '.join(COLUMNS)}")
    for name, values in present.items():
        if isinstance(values, str) or len(values) != wanted:
            raise TypeError(f"{name}: should be a list of {wanted} references, one a completion")
    rows = zip(*present.values(), strict=True)
    return [next(filter(None, map(_accepted, row)), ()) for row in rows]


def _accepted(value: Any) -> tuple[str, ...]:
    """Return the references in one cell of a column: one, or a list of which any is right."""
    if isinstance(value, list | tuple | set):
        return tuple(reference for each in value for reference in _accepted(each))
    if hasattr(value, "tolist"):  # an array, as Parquet files give lists
        return _accepted(value.tolist())
    return () if value is None else (_reference(str(value)),)


def _reference(text: str) -> str:
    """Return the answer that a solution boxes or declares; a text without one is the answer."""
    found = extract_answer(text)
    declared = found.rule in ("boxed", "boxes", "declared")
    return found.answer if declared and found.answer is not None else text


def begun(prompts: Sequence[Any], completions: Sequence[Completion]) -> list[Completion]:
    """Put the tag before each completion that begins within thoughts: its prompt ends with it."""
    tags = [_OPEN.search(p) if isinstance(p, str) else None for p in prompts]
    return [
        f"{tag[0]}{completion}" if tag and isinstance(completion, str) else completion
        for tag, completion in zip(tags, completions, strict=True)
    ]


_OPEN = re.compile(r"(?:<think(?:ing)?>|\[THINK\])\s*$", re.IGNORECASE)
"""The tag by which a chat template opens the thoughts of the reply to come."""


def after(query: str, prompt: str) -> str:
    """Return what a text says after its prompt. Raises ValueError where it does not hold it."""
    before, found, said = query.partition(prompt)
    if not found or len(before) > _MOST_BEFORE:
        raise ValueError("a query does not begin with its prompt, so the reply is not known")
    return said


_MOST_BEFORE = 200
"""Characters before a prompt: the special tokens of a chat template."""


def text_of(completion: Any) -> str | None:
    """Return a completion's text; for a conversation, its last reply. None where there is none.

    A message alone counts as a conversation of one.
    """
    if isinstance(completion, dict):
        completion = [completion]
    if isinstance(completion, list | tuple):
        messages = [one for one in completion if isinstance(one, dict)]
        said = [one.get("content") for one in messages if one.get("role") == "assistant"]
        completion = said[-1] if said else None
        if isinstance(completion, list):
            parts = [part.get("text") for part in completion if isinstance(part, dict)]
            completion = "".join(part for part in parts if isinstance(part, str))
    return completion if isinstance(completion, str) else None
