"""Write a run's results for a model's repository on the hub: `.eval_results/*.yaml`.

The hub shows what these files say on the model's page and beside the data set. A value is the
accuracy in percent, of scored trials; the settings stand in the notes.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from solver.bridges.exported import Arm, arms_of, made_at, slug
from solver.errors import ConfigError, reason_of
from solver.store import Store

_DATASETS = {
    "math": ("EleutherAI/hendrycks_math", "math"),
    "math945": ("EleutherAI/hendrycks_math", "math945"),
    "math500": ("HuggingFaceH4/MATH-500", "math_500"),
    "gsm8k": ("openai/gsm8k", "gsm8k"),
}
"""The hub's id and task of each set that lies there."""


def export_eval_results(
    store: Store, output: Path | None = None, *, source: str | None = None
) -> list[Path]:
    """Write a file for each model and mode into a folder, by default `eval-results` in the run.

    `source` is an address where the run can be read. Raises ConfigError for a problem set that does
    not lie on the hub, for an arm without a scored trial, and where a file cannot be written.
    """
    name = str(store.manifest().get("problems", {}).get("name", ""))
    if name not in _DATASETS:
        raise ConfigError(
            f"{store.folder}: the hub knows no data set {name!r}; results can be written of"
            f" {', '.join(_DATASETS)}"
        )
    folder = output or store.folder / "eval-results"
    arms, paths = arms_of(store, store.problems()), []
    try:
        for arm in arms:
            path = folder / slug(arm.model.replace("/", "__")) / ".eval_results"
            path.mkdir(parents=True, exist_ok=True)
            path /= f"{name}_{slug(arm.mode)}.yaml"
            entry = _entry(store, arm, name, source)
            text = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True)
            path.write_text(text, encoding="utf-8")
            paths.append(path)
    except OSError as failure:
        raise ConfigError(f"{folder}: cannot be written: {reason_of(failure)}") from failure
    return paths


def _entry(store: Store, arm: Arm, name: str, source: str | None) -> dict[str, Any]:
    if arm.accuracy is None:
        raise ConfigError(f"{store.folder}: {arm.model} · {arm.mode} has no scored trial")
    dataset, task = _DATASETS[name]
    return {
        "dataset": {"id": dataset, "task_id": task},
        "value": round(100 * arm.accuracy, 2),
        "date": time.strftime("%Y-%m-%d", time.gmtime(made_at(store))),
        **({"source": {"url": source, "name": "solver"}} if source else {}),
        "notes": ", ".join(_notes(store, arm)),
    }


def _notes(store: Store, arm: Arm) -> Iterator[str]:
    """Yield the settings that decide the value."""
    manifest = store.manifest()
    sampling = manifest.get("config", {}).get("sampling", {})
    judge = manifest.get("judge", {})
    problems = len({row.problem_id for row in arm.rows})
    yield f"solver {manifest.get('versions', {}).get('solver', '')}".strip()
    yield f"mode {arm.mode}"
    yield f"{problems} problems × {arm.repeats} repeats"
    if unscored := sum(not row.outcome.scored for row in arm.rows):
        yield f"{unscored} of {len(arm.rows)} trials not scored"
    for key in ("temperature", "max_tokens"):
        if key in sampling:
            yield f"{key} {sampling[key]}"
    yield f"judge {judge.get('model') or 'rules alone'}, rules {judge.get('rules', 'unknown')}"
