"""Read plain JSONL: a question, a reference and a reply on each line.

More keys are read where they are there: id, repeat, model, task, domain, level, and `correct`, the
verdict of whoever wrote the file. Without an id, lines with the same question are repeats of it.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from judge.logs.files import json_lines
from judge.logs.records import LogError, Logged, Step, Theirs, a_count, a_share, a_text
from judge.reading.thoughts import without_thoughts

_NAMES = {
    "question": ("question", "problem", "prompt"),
    "reference": ("reference", "gold", "target", "answer"),
    "reply": ("reply", "response", "completion", "output"),
}


_LOST = frozenset({"tokens", "sign of the cap"})


def is_one(row: dict[str, Any]) -> bool:
    """Tell whether a line is one of these files'."""
    return all(any(name in row for name in names) for names in _NAMES.values())


def read(path: Path) -> Iterator[Logged]:
    """Yield every reply in the file. Raises LogError."""
    ids: dict[str, str] = {}
    repeats = Counter[tuple[str, str, str]]()
    for number, row in json_lines(path):
        place = f"{path}, line {number}"
        found = {
            what: next((row[name] for name in names if name in row), None)
            for what, names in _NAMES.items()
        }
        given = found["reference"]
        references = tuple(filter(None, map(a_text, given if isinstance(given, list) else [given])))
        question, reply = a_text(found["question"]), found["reply"]
        if not question or not references or not isinstance(reply, str):
            raise LogError(f"{place}: needs the texts question, reference and reply")
        divided, said = without_thoughts(reply), a_share(row.get("correct"))
        thoughts = divided.thoughts or a_text(row.get("thoughts"))
        model, task = a_text(row.get("model")), a_text(row.get("task")) or path.stem
        name = a_text(row.get("id")) or ids.setdefault(question, f"{path.stem}/{number}")
        arm = (name, model, task)
        yield Logged(
            place=place,
            tool="jsonl",
            task=task,
            id=name,
            question=question,
            bare=True,
            references=references,
            steps=(Step(divided.reply, thoughts, (("user", question),)),),
            repeat=a_count(row["repeat"]) if "repeat" in row else repeats[arm],
            model=model,
            theirs=() if said is None else (Theirs("correct", said),),
            domain=a_text(row.get("domain")),
            level=row.get("level"),
            lost=frozenset(
                {"tokens", "sign of the cap"}
                if model
                else {"tokens", "sign of the cap", "model's name"}
            ),
        )
        repeats[arm] += 1
