"""Published scores of models on problem sets, and how they are found by a model's name.

Those that ship are in `published.csv`, each with its source. A file of one's own has the columns
`model`, `set`, `score` (in percent) and any of the others, and adds to them.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from solver.errors import ConfigError

COLUMNS = (
    "model", "set", "metric", "score", "shots", "prompt", "sampling", "judge", "date", "source",
)  # fmt: skip
"""Of a file of scores; all but model, set and score may be missing or empty."""

_SETS = {"mathtest": "math", "mathtest5000": "math", "hendrycksmath": "math"}
"""Names of sets in publications that are not ours but for case and punctuation."""


@dataclass(frozen=True)
class Score:
    """One published score, with what its source says of how it was measured; empty if nothing."""

    model: str
    set: str
    score: float
    """Between 0 and 1."""
    metric: str = ""
    shots: str = ""
    prompt: str = ""
    sampling: str = ""
    judge: str = ""
    date: str = ""
    source: str = ""

    @property
    def of_one_reply(self) -> bool:
        """Tell whether it is an accuracy of single replies, as opposed to a vote or best of k."""
        return not re.match(r"(cons|maj|pass)@(?!1\b)", self.metric.lower())


def published_scores(more: Path | None = None) -> list[Score]:
    """Return the scores that ship, and those of a CSV file.

    Raises ConfigError where the file cannot be read, or a line of it is no score.
    """
    text = files("solver.analysis").joinpath("published.csv").read_text("utf-8")
    found = list(_scores(text, "published.csv"))
    if more is not None:
        try:
            found += _scores(more.read_text(encoding="utf-8-sig"), str(more))
        except (OSError, UnicodeDecodeError, csv.Error) as failure:
            raise ConfigError(f"--scores {more}: cannot be read: {failure}") from failure
    return found


def scores_of(scores: Iterable[Score], model: str, set_name: str) -> list[Score]:
    """Return the scores of a model on a set, as a run names both; those of its base model, too."""
    wanted, where = model_words(model), set_word(set_name)
    return [s for s in scores if model_words(s.model) == wanted and set_word(s.set) == where]


def model_words(name: str) -> frozenset[str]:
    """Return the words that identify a model.

    Provider, owner, folder, file ending, quantisation and the words for a chat or base model are
    left out, so `local/models/qwen2.5-7b-instruct-q4_k_m.gguf`, `ollama/qwen2.5:7b` and
    `Qwen2.5-7B-Instruct` are one model.
    """
    last = name.lower().rstrip("/").split("/")[-1].removesuffix(".gguf")
    for pattern in _QUANTISED:
        last = re.sub(pattern, " ", last)
    words = re.split(r"[^a-z0-9.]+|(?<=[a-z])(?=\d)", last)  # llama3.1 is llama 3.1
    return frozenset(words) - _IGNORED


def is_base(name: str) -> bool:
    """Tell whether a name says that the model is a base model."""
    return re.search(r"\bbase\b", name.lower()) is not None


_QUANTISED = (
    r"\b(ud-)?i?q[2-8](_[a-z0-9]+)*\b", r"\b(fp|bf|f)(16|32|8)\b",
    r"\b(awq|gptq|int[48]|mlx|[48]bit)\b",
)  # fmt: skip
_IGNORED = frozenset(
    {"", "base", "chat", "gguf", "hf", "instruct", "it", "latest", "meta", "openai"}
)


def set_word(name: str) -> str:
    """Return the name of a set without case and punctuation."""
    word = re.sub(r"\(.*?\)|[^a-z0-9]+", "", name.lower())
    return _SETS.get(word, word)


def _scores(text: str, place: str) -> Iterator[Score]:
    reader = csv.DictReader(io.StringIO(text))
    names = {name: (name or "").strip().lower() for name in reader.fieldnames or ()}
    if lacking := [name for name in ("model", "set", "score") if name not in names.values()]:
        raise ConfigError(
            f"{place}: no column {lacking[0]!r}; a file of scores has {', '.join(COLUMNS)}"
        )
    for row in reader:
        fields = {
            names[name]: (value or "").strip() for name, value in row.items() if name in names
        }
        known = {name: value for name, value in fields.items() if name in COLUMNS}
        where = f"{place}:{reader.line_num}"
        try:
            score = float(known.pop("score"))
        except ValueError as no_number:
            raise ConfigError(
                f"{where}: score {fields['score']!r} should be percent"
            ) from no_number
        if not known["model"] or not known["set"] or not 0 <= score <= 100:
            raise ConfigError(f"{where}: needs a model, a set, and a score from 0 to 100 (percent)")
        yield Score(score=score / 100, **known)
