"""A run's trials as a Parquet file of its light columns, for DuckDB, Polars or pandas.

It is made of the arrays that tables come from, a part at a time, so that a million trials take
seconds. Texts that many trials share are stored once (as a dictionary). Left out are the reference
and the judge's reason, which `solver export --format parquet` has.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from solver.records import Problem
from solver.store import Store, Trials
from solver.store.columns import BY, DETAILS, OUTCOMES, Array

if TYPE_CHECKING:
    import pyarrow

AT_ONCE = 100_000
"""Trials of a part."""
_RENAMED = {"capped": "cap_hits", "prompt_cut": "prompts_cut", "cut_thinking": "cut_in_thoughts"}
"""What other formats call a count."""


def write_light(store: Store, path: Path) -> None:
    """Write a row for each trial. Raises ImportError where pyarrow is missing, and OSError."""
    from pyarrow import parquet

    trials, problems = store.trials(), store.problems()
    asked = [problems[name] for name in trials.problems]
    with parquet.ParquetWriter(path, _table(trials[:0], asked).schema) as file:
        for start in range(0, len(trials), AT_ONCE):
            file.write_table(_table(trials[start : start + AT_ONCE], asked))


def _table(trials: Trials, asked: Sequence[Problem]) -> "pyarrow.Table":
    """Return the columns of some trials; `asked` are the problems in the order of their numbers."""
    import pyarrow as pa

    def shared(codes: Array, texts: Sequence[str]) -> pa.Array:
        """Make a column of texts from their places; a place below 0 is none."""
        codes = codes.astype(np.int32)
        places = pa.array(codes, mask=codes < 0)
        return pa.DictionaryArray.from_arrays(places, pa.array(texts, type=pa.string()))

    def of_problem(text: Callable[[Problem], str]) -> pa.Array:
        numbers: dict[str, int] = {}
        places = [numbers.setdefault(text(each), len(numbers)) for each in asked]
        return shared(np.array(places, dtype=np.int32)[trials.problem], list(numbers))

    levels = np.array([problem.level for problem in asked], dtype=np.int8)
    score = trials.score.astype(np.int8)
    counts = {
        _RENAMED.get(name, name): pa.array(
            values.astype(np.float64 if values.dtype.kind == "f" else np.int64)
        )
        for name, values in trials.numbers.items()
    }
    return pa.table(
        {
            "problem_id": shared(trials.problem, trials.problems),
            "domain": of_problem(lambda problem: problem.domain),
            "level": pa.array(levels[trials.problem]),
            "set": of_problem(lambda problem: problem.set),
            "published": of_problem(lambda problem: problem.published),
            "model": shared(trials.arm, [model for model, _ in trials.arms]),
            "mode": shared(trials.arm, [mode for _, mode in trials.arms]),
            "repeat": pa.array(trials.repeat.astype(np.int32)),
            "outcome": shared(trials.outcome, list(map(str, OUTCOMES))),
            "detail": shared(trials.detail.astype(np.int32) - 1, list(map(str, DETAILS[1:]))),
            "answer": shared(trials.answer, trials.answers),
            "score": pa.array(score, mask=score < 0),
            "judged_by": shared(trials.by.astype(np.int32) - 1, BY[1:]),
            **counts,
            "error": shared(trials.error, trials.errors),
        }
    )
