"""Read `details_TASK_DATE.parquet` of lighteval; its metrics are per document."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from judge.logs.files import json_object
from judge.logs.records import LogError, Logged, Step, Theirs, a_list, a_mapping, a_share, a_text
from judge.reading.thoughts import without_thoughts

_NAME = re.compile(r"details_(?P<task>.+)_(?P<date>\d{4}-\d{2}-\d{2}T[\d.:-]+)$")
_NEEDED = {"doc", "metric", "model_response"}
_FOLDERS_UP = 4
"""How far above the details the folder of results may lie."""


def read(path: Path) -> Iterator[Logged]:
    """Yield every reply in the file. Raises LogError, also without pyarrow."""
    try:
        from pyarrow import ArrowException  # optional, and slow to import
        from pyarrow.parquet import ParquetFile
    except ImportError as missing:
        raise LogError(
            f"{path}: reading Parquet needs pyarrow: pip install 'solver-bench[parquet]'"
        ) from missing
    named = _NAME.match(path.stem)
    model = _model(path, named["date"]) if named else ""
    try:
        with ParquetFile(path) as file:
            if not set(file.schema_arrow.names) >= _NEEDED:
                raise LogError(f"{path}: no details of lighteval: it needs {', '.join(_NEEDED)}")
            number = 0
            for batch in file.iter_batches(batch_size=256, columns=sorted(_NEEDED)):
                for row in batch.to_pylist():
                    number += 1
                    yield from _row(row, f"{path}, row {number}", model)
    except (OSError, ArrowException) as failure:
        raise LogError(f"{path}: cannot be read: {failure}") from failure


def _row(row: dict[str, Any], place: str, model: str) -> Iterator[Logged]:
    doc, response = a_mapping(row["doc"]), a_mapping(row["model_response"])
    golds = doc.get("gold_index")
    golds = golds if isinstance(golds, list) else [golds]
    choices, replies = a_list(doc.get("choices")), a_list(response.get("text"))
    references = tuple(
        choices[gold]
        for gold in golds
        if isinstance(gold, int) and 0 <= gold < len(choices) and isinstance(choices[gold], str)
    )
    question, task = a_text(doc.get("query")), a_text(doc.get("task_name")).partition("|")[0]
    if not question or not references or not all(isinstance(reply, str) for reply in replies):
        raise LogError(f"{place}: needs a query, a gold answer and replies in words")
    if "GENERATIVE" not in (methods := a_list(doc.get("sampling_methods"))) and methods:
        raise LogError(f"{place}: no text was generated for it ({', '.join(map(str, methods))})")
    tokens, thoughts = a_list(response.get("output_tokens")), a_list(response.get("reasonings"))
    for repeat, reply in enumerate(replies):
        divided = without_thoughts(reply)
        apart = a_text(thoughts[repeat]) if repeat < len(thoughts) else ""
        step = Step(
            divided.reply,
            divided.thoughts or apart,
            (("user", question),),
            output_tokens=len(a_list(tokens[repeat])) if repeat < len(tokens) else 0,
            input_tokens=len(a_list(response.get("input_tokens"))),
        )
        yield Logged(
            place=place,
            tool="lighteval",
            task=task,
            id=f"{task}/{a_text(doc.get('id'))}",
            question=question,
            bare=False,
            references=references,
            steps=(step,),
            repeat=repeat,
            model=model,
            theirs=tuple(_theirs(row["metric"], whole=len(replies) > 1)),
            lost=frozenset({"sign of the cap"} if model else {"sign of the cap", "model's name"}),
        )


def _theirs(metrics: Any, *, whole: bool) -> Iterator[Theirs]:
    for name, said in a_mapping(metrics).items():
        value = a_share(said)
        if value is not None:
            yield Theirs(name, value, None, whole)


def _model(path: Path, date: str) -> str:
    """Return the model's name from the file of results of the same moment; empty without one."""
    for folder in path.resolve().parents[:_FOLDERS_UP]:
        for found in sorted(folder.glob(f"results/**/results_{date}.json")):
            general = a_mapping(json_object(found).get("config_general"))
            return a_text(general.get("model_name"))
    return ""
