"""Read `output.jsonl` and `output-rsN.jsonl` of NeMo-Skills: a file for each seed.

The log does not name the model. The greedy file counts as a task apart from the seeds.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from judge.logs.files import json_lines
from judge.logs.records import LogError, Logged, Step, Theirs, a_count, a_duration, a_share, a_text
from judge.reading.thoughts import without_thoughts

_SEED = re.compile(r"-rs(\d+)$")
_LOST = frozenset({"sign of the cap", "model's name"})


def is_one(row: dict[str, Any]) -> bool:
    """Tell whether a line is one of these logs'."""
    return "generation" in row and "expected_answer" in row


def read(path: Path) -> Iterator[Logged]:
    """Yield every reply in the file. Raises LogError."""
    seed = _SEED.search(path.stem)
    folder = path.resolve().parent.name
    task = folder if seed else f"{folder} {path.stem}"
    for number, row in json_lines(path):
        place = f"{path}, line {number}"
        question, reference = a_text(row.get("problem")), a_text(row.get("expected_answer"))
        reply = row.get("generation")
        if not isinstance(reply, str) or not question or not reference:
            raise LogError(f"{place}: needs the texts problem, expected_answer and generation")
        divided = without_thoughts(reply)
        step = Step(
            divided.reply,
            divided.thoughts,
            (("user", question),),
            output_tokens=a_count(row.get("num_generated_tokens")),
            seconds=a_duration(row.get("generation_time")),
        )
        yield Logged(
            place=place,
            tool="nemo-skills",
            task=task,
            id=a_text(row.get("id")) or f"{path.stem}/{number}",
            question=question,
            bare=True,
            references=(reference,),
            steps=(step,),
            repeat=int(seed[1]) if seed else 0,
            theirs=tuple(_theirs(row)),
            domain=a_text(row.get("subset_for_metrics")) or a_text(row.get("subject")),
            level=row.get("level"),
            lost=_LOST,
        )


def _theirs(row: dict[str, Any]) -> Iterator[Theirs]:
    reading = a_text(row.get("predicted_answer")) or None
    for name in ("symbolic_correct", "is_correct"):
        value = a_share(row.get(name))
        if value is not None:
            yield Theirs(name, value, reading)
    said = re.search(r"Judge?ment:\s*(yes|no)\b", a_text(row.get("judgement")), re.IGNORECASE)
    if said:
        yield Theirs("judgement", float(said[1].lower() == "yes"), reading)
