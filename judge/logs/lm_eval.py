"""Read `samples_TASK_DATE.jsonl` of lm-evaluation-harness, made with `--log_samples`.

There is one line for each document and filter. The replies are the same in all lines of a document,
so each of its replies is yielded once a line, with that line's metrics. Thoughts, tokens and how a
reply ended are not in these logs.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from judge.logs.files import json_lines, json_object
from judge.logs.records import (
    LogError,
    Logged,
    Step,
    Theirs,
    a_list,
    a_mapping,
    a_share,
    a_text,
    content_of,
)
from judge.reading.thoughts import Divided, without_thoughts

_NAME = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d{2}-\d{2}T[\d.:-]+)$")
_LOST = frozenset({"tokens", "sign of the cap", "thoughts"})
OURS = "solver"
"""The filter, and the key of a line, by which an export of solver's keeps answers and outcomes."""


def is_one(row: dict[str, Any]) -> bool:
    """Tell whether a line is one of these logs'."""
    return "resps" in row and "doc" in row


def read(path: Path) -> Iterator[Logged]:
    """Yield every reply in the file. Raises LogError."""
    named = _NAME.match(path.stem)
    task = named["task"] if named else path.stem
    results = _results(path, named["date"]) if named else {}
    model = a_text(results.get("model_name"))
    settings = a_mapping(a_mapping(results.get("config")).get(OURS))
    for number, row in json_lines(path):
        place = f"{path}, line {number}"
        if not is_one(row):
            raise LogError(f"{place}: no line of an lm-eval log: it needs doc and resps")
        yield from _line(row, place, task, model, settings)


def _line(
    row: dict[str, Any], place: str, task: str, model: str, settings: dict[str, Any]
) -> Iterator[Logged]:
    replies = _replies(row, place)
    doc = a_mapping(row["doc"])
    question = a_text(doc.get("problem")) or a_text(doc.get("question"))
    prompt = _prompt(row.get("arguments"))
    asked = question or "\n".join(text for role, text in prompt if role == "user")
    reference = a_text(row.get("target"))
    if not asked or not reference.strip():
        raise LogError(f"{place}: no {'target' if asked else 'question'} in it")
    name = a_text(doc.get("id")) or a_text(doc.get("unique_id"))
    stated = _stated(row, len(replies))
    of_trials = a_list(row.get(OURS))
    for repeat, reply in enumerate(replies):
        kept = a_mapping(of_trials[repeat]) if repeat < len(of_trials) else {}
        divided = Divided(reply, "", True) if kept else without_thoughts(reply)
        yield Logged(
            place=place,
            tool="lm-eval",
            task=task,
            id=name or f"{task}/{row.get('doc_id')}",
            question=asked,
            bare=bool(question),
            references=(reference,),
            steps=(Step(divided.reply, divided.thoughts, prompt),),
            repeat=repeat,
            model=model,
            theirs=tuple(_theirs(row, repeat, len(replies))),
            stated=stated[repeat] if stated else None,
            domain=next((a_text(doc[k]) for k in ("domain", "subject", "type") if k in doc), ""),
            level=doc.get("level"),
            lost=_LOST if model else _LOST | {"model's name"},
            kept={**settings, **kept} if kept else {},
        )


def _replies(row: dict[str, Any], place: str) -> list[str]:
    """Return the replies of a document. Raises LogError where its choices were only weighed."""
    outer = a_list(row["resps"])
    replies = a_list(outer[0]) if len(outer) == 1 else []
    if not replies or not all(isinstance(reply, str) for reply in replies):
        raise LogError(
            f"{place}: no text was generated for it (multiple choice?); only tasks of the type"
            " generate_until hold replies to judge"
        )
    return replies


def _prompt(arguments: Any) -> tuple[tuple[str, str], ...]:
    """Return the prompt: a text, or a chat as JSON in a list of one."""
    first = a_mapping(arguments).get("gen_args_0")
    sent = a_mapping(first).get("arg_0")
    if isinstance(sent, list) and len(sent) == 1 and isinstance(sent[0], str):
        try:
            chat = json.loads(sent[0])
        except (ValueError, RecursionError):
            chat = None
        if isinstance(chat, list):
            messages = [a_mapping(message) for message in chat]
            return tuple((a_text(m.get("role")), content_of(m.get("content"))) for m in messages)
        sent = sent[0]
    return (("user", sent),) if isinstance(sent, str) else ()


def _theirs(row: dict[str, Any], repeat: int, replies: int) -> Iterator[Theirs]:
    read = a_list(row.get("filtered_resps"))
    if len(read) == 1 and isinstance(read[0], list):
        read = read[0]
    reading = read[repeat] if len(read) == replies else None
    for metric in filter(None, map(a_text, a_list(row.get("metrics")))):
        value = a_share(row.get(metric))
        if value is not None:
            name = f"{metric},{row.get('filter', 'none')}"
            yield Theirs(name, value, a_text(reading) or None, whole=replies > 1)


def _stated(row: dict[str, Any], replies: int) -> Sequence[str]:
    """Return the answers that an export of solver's holds apart from the replies."""
    read = a_list(row.get("filtered_resps"))
    if row.get("filter") != OURS or len(read) != 1 or len(a_list(read[0])) != replies:
        return ()
    return [a_text(answer) for answer in read[0]]


def _results(path: Path, date: str) -> dict[str, Any]:
    """Return the file of results beside the samples, which names the model; empty without one."""
    results = path.with_name(f"results_{date}.json")
    return json_object(results) if results.is_file() else {}
