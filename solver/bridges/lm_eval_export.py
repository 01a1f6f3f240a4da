"""Write a run as logs of lm-evaluation-harness: samples for each model and mode, and results.

The samples hold a trial's last reply; where it is a program, its answer stands in the filter
`solver`. Earlier attempts and their outputs are not written.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from judge.logs.lm_eval import OURS
from solver.bridges.exported import (
    Arm,
    arms_of,
    kept_of,
    last_conversation,
    made_at,
    slug,
    task_name,
)
from solver.errors import ConfigError, reason_of
from solver.records import Outcome, Problem, Trial
from solver.store import Store

METRIC = "correct"


def export_lm_eval(store: Store, output: Path | None = None) -> list[Path]:
    """Write the logs into a folder, by default `lm-eval` inside the run, and return their paths.

    Raises ConfigError where they cannot be written or no trial has ended.
    """
    problems, folder = store.problems(), output or store.folder / "lm-eval"
    moment = made_at(store)
    stamp = (
        time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime(moment)) + f".{int(moment % 1 * 1e6):06d}"
    )
    arms = arms_of(store, problems)
    paths = []
    try:
        for model in dict.fromkeys(arm.model for arm in arms):
            inside = folder / slug(model.replace("/", "__"))
            inside.mkdir(parents=True, exist_ok=True)
            of_model = {
                f"solver_{task_name(store, arm.mode)}": arm for arm in arms if arm.model == model
            }
            for task, arm in of_model.items():
                path = inside / f"samples_{task}_{stamp}.jsonl"
                with path.open("w", encoding="utf-8") as file:
                    for line in _lines(store, arm, problems):
                        file.write(json.dumps(line, ensure_ascii=False) + "\n")
                paths.append(path)
            results = inside / f"results_{stamp}.json"
            content = _results(store, of_model, model, moment)
            results.write_text(json.dumps(content, indent=2), encoding="utf-8")
            paths.append(results)
    except OSError as failure:
        raise ConfigError(f"{folder}: cannot be written: {reason_of(failure)}") from failure
    return paths


def _lines(store: Store, arm: Arm, problems: dict[str, Problem]) -> Iterator[dict[str, Any]]:
    """Yield a line for each problem, with the last reply of each of its repeats."""
    sampling = store.manifest().get("config", {}).get("sampling", {})
    groups = groupby(arm.rows, key=lambda row: row.problem_id)
    for number, (problem_id, rows) in enumerate(groups):
        problem = problems[problem_id]
        trials = [store.trial(row.key) for row in rows]
        doc = problem.model_dump(mode="json")
        prompt = json.dumps(_prompt(trials), ensure_ascii=False)
        scored = [trial.outcome is Outcome.CORRECT for trial in trials if trial.outcome.scored]
        yield {
            "doc_id": number,
            "doc": doc,
            "target": problem.answer,
            "arguments": {"gen_args_0": {"arg_0": [prompt], "arg_1": _settings(sampling)}},
            "resps": [[t.turns[-1].reply.text if t.turns else "" for t in trials]],
            "filtered_resps": [[trial.answer or "" for trial in trials]],
            "filter": OURS,
            "metrics": [METRIC],
            "doc_hash": _hash(json.dumps(doc, indent=2, ensure_ascii=False)),
            "prompt_hash": _hash(prompt),
            "target_hash": _hash(problem.answer),
            METRIC: sum(scored) / len(scored) if scored else None,
            OURS: [kept_of(trial, trial.turns[-1:], thoughts=True) for trial in trials],
        }


def _prompt(trials: Sequence[Trial]) -> list[dict[str, str]]:
    """Return the messages before the last reply of the first trial that has one."""
    trial = next((trial for trial in trials if trial.turns), None)
    messages: list[dict[str, str]] = []
    turns = last_conversation(trial) if trial else ()
    for turn in turns:
        messages += [{"role": one.role, "content": one.text} for one in turn.prompt]
        if turn is not turns[-1]:
            messages.append({"role": "assistant", "content": turn.reply.text})
    return messages


def _settings(sampling: dict[str, Any]) -> dict[str, Any]:
    temperature = sampling.get("temperature", 0.0)
    return {
        "until": list(sampling.get("stop") or ()),
        "max_gen_toks": sampling.get("max_tokens"),
        "do_sample": temperature > 0,
        "temperature": temperature,
    }


def _results(store: Store, arms: dict[str, Arm], model: str, moment: float) -> dict[str, Any]:
    """Return the file of results, which names the model."""
    manifest = store.manifest()
    n = {task: len({row.problem_id for row in arm.rows}) for task, arm in arms.items()}
    kept = {key: manifest[key] for key in ("judge", "versions") if key in manifest}
    return {
        "results": {
            task: {
                "alias": task,
                f"{METRIC},{OURS}": arm.accuracy,
                f"{METRIC}_stderr,{OURS}": "N/A",
                "sample_len": n[task],
            }
            for task, arm in arms.items()
        },
        "configs": {
            task: {
                "task": task,
                "repeats": arm.repeats,
                "output_type": "generate_until",
            }
            for task, arm in arms.items()
        },
        "versions": dict.fromkeys(arms, 1),
        "n-shot": dict.fromkeys(arms, 0),
        "higher_is_better": {task: {METRIC: True} for task in arms},
        "n-samples": {task: {"original": n[task], "effective": n[task]} for task in arms},
        "config": {"model": "solver", "model_args": {}, "limit": None, OURS: kept},
        "model_source": "solver",
        "model_name": model,
        "model_name_sanitized": slug(model.replace("/", "__")),
        "date": moment,
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
