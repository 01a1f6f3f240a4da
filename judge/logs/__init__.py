"""Read the replies in other tools' logs, and the answer of each.

`read_log` finds out which tool wrote a file: lm-eval (`samples_*.jsonl`), inspect_ai (`.eval`,
`.json`), lighteval (`details_*.parquet`), OpenCompass (predictions and results), NeMo-Skills
(`output*.jsonl`), or nobody (plain JSONL: question, reference, reply). Replies are yielded one by
one, so that a log of any size can be read; an `.eval` or `.json` file's header, and a whole `.json`
file, are held in memory.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from judge.extract import NONE, Extracted, extract_answer, extract_output
from judge.logs import inspect_log, lighteval, lm_eval, nemo_skills, opencompass, plain
from judge.logs.files import json_lines, json_object
from judge.logs.records import LogError, Logged, Step, Theirs

__all__ = ["LogError", "Logged", "Step", "Theirs", "answer_in", "answer_of", "read_log"]

_LINES = tuple((tool.is_one, tool.read) for tool in (lm_eval, nemo_skills, plain))
_KNOWN = (
    "known are lm-eval samples, inspect .eval and .json, lighteval details, OpenCompass predictions"
    " and results, NeMo-Skills output, and JSONL with question, reference and reply"
)


def read_log(path: Path) -> Iterator[Logged]:
    """Yield every reply in a log file. Raises LogError where it is none, or not a whole one."""
    match path.suffix:
        case ".eval":
            return inspect_log.read_eval(path)
        case ".parquet":
            return lighteval.read(path)
        case ".json":
            content = json_object(path)
            if inspect_log.is_one(content):
                return inspect_log.read_json(path, content)
            if opencompass.is_one(content):
                return opencompass.read(path, content)
        case ".jsonl":
            for _, row in json_lines(path):
                if reader := _reader_of(row):
                    return reader(path)
                break
    raise LogError(f"{path}: not a log that can be read; {_KNOWN}")


def is_log(path: Path) -> bool:
    """Tell whether `read_log` knows the file, by its ending or its first line. Raises LogError."""
    if path.suffix != ".jsonl":
        return path.suffix in (".eval", ".parquet", ".json")
    first = next((row for _, row in json_lines(path)), {})
    return _reader_of(first) is not None


def _reader_of(first: dict[str, Any]) -> Callable[[Path], Iterator[Logged]] | None:
    """Return what reads a JSONL file that begins with this object; None where nothing does."""
    return next((read for is_one, read in _LINES if is_one(first)), None)


def answer_of(logged: Logged) -> Extracted:
    """Find the answer that a logged reply gives; the one that stands apart in the log comes first.

    Else it is read as `answer_in` says.
    """
    if logged.stated is not None:
        return Extracted(logged.stated or None, "logged" if logged.stated else NONE)
    return answer_in(logged.steps)


def answer_in(steps: Sequence[Step]) -> Extracted:
    """Find the answer of a conversation, by the rules that runs of our own use.

    It is the output of the last program where no reply to it follows, else what the last reply
    says.
    """
    if not steps:
        return Extracted(None, NONE)
    last = steps[-1]
    if last.program is None or not last.answers:
        return extract_answer(last.text)
    return Extracted(None, NONE) if last.failure else extract_output(last.output)
