"""Write a run as `.eval` logs of inspect_ai, one for each model and mode.

`inspect view` shows the trials, `inspect score` grades them again. A program is a call of the tool
`python`, its output a tool message; a program that was refused or failed is a tool error. A trial
without a usable verdict is unscored (NaN). Not written: events, and probabilities of tokens.
"""

import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox import Exit
from solver.bridges.exported import Arm, arms_of, kept_of, made_at, slug, task_name
from solver.errors import ConfigError, reason_of
from solver.records import Outcome, Problem, Trial, Turn, digest
from solver.store import Row, Store

SCORER = "solver_judge"
_VERSION = 2
_ERRORS = {Exit.TIMEOUT: "timeout", Exit.OUTPUT_LIMIT: "output_limit"}


def export_inspect(store: Store, output: Path | None = None) -> list[Path]:
    """Write the logs into a folder, by default `inspect` inside the run, and return their paths.

    Raises ConfigError where they cannot be written or no trial has ended.
    """
    problems = store.problems()
    folder = output or store.folder / "inspect"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(store, arm, problems, folder) for arm in arms_of(store, problems)]
    except OSError as failure:
        raise ConfigError(f"{folder}: cannot be written: {reason_of(failure)}") from failure


def _write(store: Store, arm: Arm, problems: dict[str, Problem], folder: Path) -> Path:
    """Write one log."""
    task = task_name(store, arm.mode)
    stamp = time.strftime("%Y-%m-%dT%H-%M-%S+00-00", time.gmtime(made_at(store)))
    name = digest([str(store.folder.resolve()), arm.model, arm.mode])
    path = folder / f"{stamp}_{slug(arm.model)}-{task}_{name}.eval"
    start = {"version": _VERSION, **_about(store, arm, problems, task)}
    summaries = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_journal/start.json", json.dumps(start))
        for row in arm.rows:
            sample = _sample(store.trial(row.key), row, problems[row.problem_id])
            inside = f"samples/{row.problem_id}_epoch_{row.repeat + 1}.json"
            archive.writestr(inside, json.dumps(sample))
            summaries.append(_summary(sample))
        archive.writestr("_journal/summaries/1.json", json.dumps(summaries))
        archive.writestr("summaries.json", json.dumps(summaries))
        archive.writestr("header.json", json.dumps(_header(store, arm, start)))
    return path


def _about(store: Store, arm: Arm, problems: dict[str, Problem], task: str) -> dict[str, Any]:
    """Return the sections `eval` and `plan`: what was measured, and how."""
    manifest = store.manifest()
    config = manifest.get("config", {})
    used = dict.fromkeys(row.problem_id for row in arm.rows)
    sampling = config.get("sampling", {})
    kept = {key: manifest[key] for key in ("judge", "sandbox", "versions") if key in manifest}
    return {
        "eval": {
            "eval_id": digest([task, arm.model, made_at(store)]),
            "run_id": digest([str(store.folder.resolve())]),
            "created": _moment(made_at(store)),
            "task": f"solver/{task}",
            "task_id": digest([task, arm.mode]),
            "task_version": 0,
            "dataset": {
                "name": str(manifest.get("problems", {}).get("name", "problems")),
                "samples": len(used),
                "sample_ids": list(used),
                "shuffled": False,
            },
            "model": arm.model,
            "model_generate_config": {},
            "model_args": {},
            "config": {"epochs": arm.repeats, "epochs_reducer": ["mean"]},
            "packages": {"solver": str(manifest.get("versions", {}).get("solver", ""))},
            "metadata": {"solver": kept},
        },
        "plan": {
            "name": "plan",
            "steps": [{"solver": f"solver/{arm.mode}", "params": {}, "params_passed": {}}],
            "config": {k: sampling[k] for k in ("max_tokens", "temperature") if k in sampling},
        },
    }


def _header(store: Store, arm: Arm, start: dict[str, Any]) -> dict[str, Any]:
    """Return the header: what `start` says, with results and usage."""
    sessions = store.sessions()
    ended = (sessions[-1]["ended"] if sessions else None) or made_at(store)
    metrics = {}
    if arm.accuracy is not None:
        metrics["accuracy"] = {"name": "accuracy", "value": arm.accuracy, "params": {}}
    scored = sum(row.outcome.scored for row in arm.rows)
    score = {"name": SCORER, "scorer": SCORER, "reducer": "mean", "params": {}, "metrics": metrics}
    counted = {"scored_samples": scored, "unscored_samples": len(arm.rows) - scored}
    usage = _usage(
        sum(row.input_tokens for row in arm.rows), sum(row.output_tokens for row in arm.rows)
    )
    return {
        **start,
        "status": "success",
        "results": {
            "total_samples": len(arm.rows),
            "completed_samples": sum(row.error is None for row in arm.rows),
            "scores": [{**score, **counted}],
        },
        "stats": {
            "started_at": _moment(made_at(store)),
            "completed_at": _moment(ended),
            "model_usage": {arm.model: usage},
        },
    }


def _sample(trial: Trial, row: Row, problem: Problem) -> dict[str, Any]:
    """Return one trial as a sample."""
    messages = list(messages_of(trial))
    spoken = [message for message in messages if message["role"] == "assistant"]
    usage = _usage(row.input_tokens, row.output_tokens)
    capped = bool(trial.turns) and trial.turns[-1].reply.capped
    stopped = "max_tokens" if capped else "stop"
    error = None
    if trial.error is not None:
        error = {"message": trial.error, "traceback": "", "traceback_ansi": ""}
    return {
        "id": problem.id,
        "epoch": trial.repeat + 1,
        "input": problem.question,
        "target": list(problem.references) if problem.other_answers else problem.answer,
        "messages": messages,
        "output": {
            "model": trial.model,
            "choices": [{"message": said, "stop_reason": stopped} for said in spoken[-1:]],
            "completion": trial.turns[-1].reply.text if trial.turns else "",
            "usage": usage,
        },
        "scores": {} if error else {SCORER: _score(trial)},
        "metadata": {
            "domain": problem.domain,
            "level": problem.level,
            "outcome": str(trial.outcome),
            "solver": kept_of(trial, trial.turns, thoughts=False),
        },
        "store": {},
        "events": [],
        "model_usage": {trial.model: usage},
        "total_time": trial.seconds,
        "working_time": trial.seconds,
        "uuid": digest([row.key]),
        "attachments": {},
        **({"error": error} if error else {}),
    }


def _score(trial: Trial) -> dict[str, Any]:
    """Return C, I, or NaN, which inspect leaves out of every metric."""
    verdict = trial.verdict
    value: str | float = "C" if trial.outcome is Outcome.CORRECT else "I"
    if not trial.outcome.scored:
        value = float("nan")
    return {
        "value": value,
        "answer": trial.answer,
        "explanation": verdict.reason if verdict else str(trial.outcome),
        "metadata": {
            "outcome": str(trial.outcome),
            "score": verdict.score if verdict else None,
            "by": verdict.by if verdict else None,
        },
    }


def messages_of(trial: Trial) -> Iterator[dict[str, Any]]:
    """Yield all messages of a trial; each program as a call of a tool."""
    for number, turn in enumerate(trial.turns):
        name = f"{trial.problem_id}#{trial.repeat}/{number}"
        for place, message in enumerate(turn.prompt):
            yield {"id": f"{name}/{place}", "role": message.role, "content": message.text}
        parts: list[dict[str, Any]] = [{"type": "text", "text": turn.reply.text}]
        if turn.reply.thoughts:
            parts.insert(0, {"type": "reasoning", "reasoning": turn.reply.thoughts})
        said = {"id": name, "role": "assistant", "source": "generate", "model": trial.model}
        content = parts if turn.reply.thoughts else turn.reply.text
        if turn.program is None:
            yield {**said, "content": content}
            continue
        call = {"id": f"run{number}", "function": "python", "type": "function"}
        yield {
            **said,
            "content": content,
            "tool_calls": [{**call, "arguments": {"code": turn.program}}],
        }
        yield {
            "id": f"{name}/run",
            "role": "tool",
            "tool_call_id": f"run{number}",
            "function": "python",
            **_ran(turn),
        }


def _ran(turn: Turn) -> dict[str, Any]:
    """Return what became of a program: its output, or the error of the tool."""
    done = turn.execution
    if done is None:
        why = "\n".join(f"line {each.line}: {each.reason}" for each in turn.refusals)
        return {"content": why, "error": {"type": "approval", "message": why or "not run"}}
    if done.exit is Exit.OK:
        return {"content": done.stdout}
    kind = _ERRORS.get(done.exit, "unknown")
    return {
        "content": done.stdout + done.stderr,
        "error": {"type": kind, "message": str(done.exit)},
    }


def _summary(sample: dict[str, Any]) -> dict[str, Any]:
    """Return the line of a sample in the list that `inspect view` opens with."""
    same = ("id", "epoch", "input", "target", "scores", "model_usage", "total_time", "working_time",
            "uuid")  # fmt: skip
    metadata = {key: value for key, value in sample["metadata"].items() if key != "solver"}
    error = {"error": sample["error"]["message"]} if "error" in sample else {}
    return {
        **{key: sample[key] for key in same},
        "metadata": metadata,
        "completed": True,
        "message_count": len(sample["messages"]),
        **error,
    }


def _usage(sent: int, got: int) -> dict[str, int]:
    return {"input_tokens": sent, "output_tokens": got, "total_tokens": sent + got}


def _moment(when: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(when))
