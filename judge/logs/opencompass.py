"""Read OpenCompass: `predictions/MODEL/SET.json`, and `results/MODEL/SET.json` with its verdicts.

A set that was evaluated in parts, `SET_0.json` and `SET_1.json`, counts from 0 in each part.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from judge.logs.files import json_object
from judge.logs.records import (
    LogError,
    Logged,
    Step,
    Theirs,
    a_count,
    a_list,
    a_mapping,
    a_share,
    a_text,
    content_of,
)
from judge.reading.thoughts import without_thoughts

_PART = re.compile(r"(.+)_(\d+)$")
_ROLES = {"HUMAN": "user", "BOT": "assistant", "SYSTEM": "system"}


def is_one(content: dict[str, Any]) -> bool:
    """Tell whether a file's object is one of these logs'."""
    return bool(_numbered(content) or _numbered(a_mapping(content.get("details"))))


def read(path: Path, content: dict[str, Any]) -> Iterator[Logged]:
    """Yield every reply in the file. Raises LogError."""
    rows = _numbered(content) or _numbered(a_mapping(content.get("details")))
    name, before = _set_of(path)
    for number, row in rows.items():
        place = f"{path}, entry {number}"
        prompt = _prompt(row.get("origin_prompt", row.get("prompt")))
        asked = "\n".join(text for role, text in prompt if role == "user")
        gold = row.get("gold", row.get("references"))
        references = tuple(filter(None, map(a_text, gold if isinstance(gold, list) else [gold])))
        replies = row.get("prediction", row.get("origin_prediction"))
        replies = replies if isinstance(replies, list) else [replies]
        if not asked or not references or not all(isinstance(one, str) for one in replies):
            raise LogError(f"{place}: needs a prompt, a gold answer and a prediction in words")
        for repeat, reply in enumerate(replies):
            divided = without_thoughts(reply)
            tokens = a_count(row.get("res_length")) if len(replies) == 1 else 0
            yield Logged(
                place=place,
                tool="opencompass",
                task=name,
                id=f"{name}/{before + int(number)}",
                question=asked,
                bare=False,
                references=references,
                steps=(Step(divided.reply, divided.thoughts, prompt, output_tokens=tokens),),
                repeat=repeat,
                model=path.resolve().parent.name,
                theirs=tuple(_theirs(row, whole=len(replies) > 1)),
                lost=frozenset({"sign of the cap"} if tokens else {"sign of the cap", "tokens"}),
            )


def _numbered(rows: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the entries of a file, by their numbers."""
    found = {key: row for key, row in rows.items() if key.isdecimal() and isinstance(row, dict)}
    replies = {"prediction", "origin_prediction"}
    return found if all(replies & row.keys() for row in found.values()) else {}


def _set_of(path: Path) -> tuple[str, int]:
    """Return the set's name, and how many entries the parts before this one hold."""
    part = _PART.match(path.stem)
    if part is None or not path.with_name(f"{part[1]}_0.json").is_file():
        return path.stem, 0
    earlier = [path.with_name(f"{part[1]}_{number}.json") for number in range(int(part[2]))]
    if missing := [other.name for other in earlier if not other.is_file()]:
        raise LogError(f"{path}: part {missing[0]} is missing, so its entries cannot be numbered")
    return part[1], sum(len(_numbered(json_object(other))) for other in earlier)


def _prompt(sent: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(sent, str):
        return (("user", sent),)
    messages = map(a_mapping, a_list(sent))
    return tuple(
        (_ROLES.get(a_text(message.get("role")), "user"), content_of(message.get("prompt")))
        for message in messages
    )


def _theirs(row: dict[str, Any], *, whole: bool) -> Iterator[Theirs]:
    said = row.get("correct")
    value = a_share(said[0] if isinstance(said, list) and len(said) == 1 else said)
    if value is not None:
        yield Theirs("correct", value, a_text(row.get("predictions")) or None, whole)
