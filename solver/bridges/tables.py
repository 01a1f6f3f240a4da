"""A run's trials as one file: JSONL with all texts, CSV or Parquet with one row for each trial."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from judge.logs.records import Theirs
from solver.analysis.other_judge import change_among, said_by_trial, together
from solver.bridges.light import write_light
from solver.errors import ConfigError
from solver.install import pip_install
from solver.outputs import replacing
from solver.records import Outcome
from solver.store import Store
from solver.text import no_formula

FORMATS = ("jsonl", "csv", "parquet")


def export_run(
    store: Store,
    form: str,
    output: Path | None = None,
    *,
    no_formulas: bool = False,
    light: bool = False,
) -> Path:
    """Write the trials, by default next to the run's database, and return the path.

    CSV holds every text as it is. With `no_formulas`, one that a spreadsheet would run as a formula
    (a model may write `=HYPERLINK(…)` as its answer) has an apostrophe before it. With `light`,
    Parquet has what `solver.bridges.light` says. Raises ConfigError for another format with either,
    a missing pyarrow, or a file that cannot be written.
    """
    if no_formulas and form != "csv":
        raise ConfigError(f"--no-formulas is for --format csv, not {form}")
    if light and form != "parquet":
        raise ConfigError(f"--light is for --format parquet, not {form}")
    path = output or store.folder / f"trials.{form}"
    try:
        with replacing(path) as part:
            if form == "jsonl":
                with part.open("w", encoding="utf-8") as file:
                    for trial in _whole(store):
                        file.write(json.dumps(trial, ensure_ascii=False) + "\n")
            elif light:
                write_light(store, part)
            else:
                _write_table(store, form, part, no_formula if no_formulas else str)
    except ImportError as missing:
        raise ConfigError(f"--format parquet needs pyarrow: {pip_install('parquet')}") from missing
    return path


def _whole(store: Store) -> Iterator[dict[str, Any]]:
    """Yield each trial with all its texts, its question and its reference."""
    problems = store.problems()
    said = said_by_trial(store)
    for row in store.rows():
        trial = store.trial(row.key)
        problem = problems[row.problem_id]
        yield {
            **trial.model_dump(mode="json"),
            "outcome": trial.outcome,
            "detail": trial.detail,
            "answer": trial.answer,
            "question": problem.question,
            "reference": problem.answer,
            "domain": problem.domain,
            "level": problem.level,
            "set": problem.set,
            "published": problem.published,
            **({"other_verdicts": _plain(said[row.key])} if row.key in said else {}),
        }


def _plain(said: Sequence[Theirs]) -> list[dict[str, Any]]:
    return [asdict(theirs) for theirs in said]


def _of_others(said: Sequence[Theirs], outcome: Outcome) -> dict[str, str | None]:
    """Return the columns of an imported trial: what the tool's scorers say beside our judge."""
    return {
        "theirs": together(said),
        "changed_by_the_judge": change_among(said, outcome),
        "other_verdicts": json.dumps(_plain(said), ensure_ascii=False) if said else None,
    }


def _write_table(store: Store, form: str, path: Path, written: Callable[[str], str]) -> None:
    """Write one row for each trial, without long texts. Raises OSError, ImportError."""
    import pandas as pd  # takes half a second, and only this function needs it

    problems, said = store.problems(), said_by_trial(store)
    table = pd.DataFrame(
        {
            "problem_id": row.problem_id,
            "domain": problems[row.problem_id].domain,
            "level": problems[row.problem_id].level,
            "set": problems[row.problem_id].set,
            "published": problems[row.problem_id].published,
            "model": row.model,
            "mode": row.mode,
            "repeat": row.repeat,
            "outcome": str(row.outcome),
            "detail": row.detail and str(row.detail),
            "reference": problems[row.problem_id].answer,
            "answer": row.answer,
            "score": row.verdict.score if row.verdict else None,
            "judged_by": row.verdict.by if row.verdict else None,
            "reason": row.verdict.reason if row.verdict else None,
            "turns": row.turns,
            "programs": row.programs,
            "refused": row.refused,
            "requests": row.requests,
            "input_tokens": row.input_tokens,
            "output_tokens": row.output_tokens,
            "thought_tokens": row.thought_tokens,
            "cap_hits": row.capped,
            "prompts_cut": row.prompt_cut,
            "model_seconds": row.model_seconds,
            "sandbox_seconds": row.sandbox_seconds,
            "seconds": row.seconds,
            "error": row.error,
            **(_of_others(said.get(row.key, ()), row.outcome) if said else {}),
        }
        for row in store.rows()
    )
    if form == "csv":
        table = table.map(lambda value: written(value) if isinstance(value, str) else value)
        # texts are quoted, since a carriage return alone would else break a line in two
        table.to_csv(path, index=False, quoting=csv.QUOTE_NONNUMERIC)
        return
    table.to_parquet(path, index=False)
