"""Read logs of inspect_ai: `.eval`, a zip file compressed with zstandard, and `.json`.

A conversation becomes one step for each message of the assistant. Where it called a tool with code,
that is the step's program, and the tool's message its output.
"""

import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from judge.logs.files import json_object
from judge.logs.records import (
    LogError,
    Logged,
    Step,
    Theirs,
    a_count,
    a_duration,
    a_list,
    a_mapping,
    a_share,
    a_text,
    content_of,
)
from judge.reading.thoughts import Divided, without_thoughts

_VERSION = 2
_TRACEBACK = re.compile(r"^Traceback \(most recent call last\):", re.MULTILINE)
_CAPS = ("max_tokens", "model_length")
_CODE = ("code", "cmd", "command", "program")
"""Arguments of a tool that hold a program."""
_FAILURES = {"timeout": "timeout", "permission": "refused", "approval": "refused"}
_GRADES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
OURS = "solver"
"""The key of a sample's metadata under which an export of solver's keeps the trial."""


def is_one(content: Mapping[str, Any]) -> bool:
    """Tell whether a JSON file's object is one of these logs."""
    return isinstance(content.get("eval"), dict) and "version" in content


def read_eval(path: Path) -> Iterator[Logged]:
    """Yield every reply of an `.eval` file. Raises LogError, also without zipfile-zstd."""
    try:
        import zipfile_zstd  # noqa: F401 (lets zipfile read zstandard; inspect_ai brings it)
    except ImportError as missing:
        raise LogError(
            f"{path}: reading .eval needs zipfile-zstd: pip install 'solver-bench[inspect]',"
            " or write it as JSON: inspect log convert --to json"
        ) from missing
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "header.json" not in names:
                raise LogError(
                    f"{path}: not finished: it has no header.json (is it still running?)"
                )
            header = a_mapping(json.loads(archive.read("header.json")))
            for name in names:
                if name.startswith("samples/"):
                    sample = a_mapping(json.loads(archive.read(name)))
                    yield _sample(sample, header, f"{path}, {name}")
    except (OSError, zipfile.BadZipFile, ValueError, RuntimeError) as failure:
        reason = getattr(failure, "strerror", None) or failure
        raise LogError(f"{path}: cannot be read: {reason}") from failure


def read_json(path: Path, content: dict[str, Any] | None = None) -> Iterator[Logged]:
    """Yield every reply of a `.json` log. Raises LogError."""
    whole = json_object(path) if content is None else content
    for number, sample in enumerate(a_list(whole.get("samples")), start=1):
        yield _sample(a_mapping(sample), whole, f"{path}, sample {number}")


def _sample(sample: dict[str, Any], log: dict[str, Any], place: str) -> Logged:
    if log.get("version") != _VERSION:
        raise LogError(f"{place}: log format {log.get('version')}; only {_VERSION} can be read")
    made = a_mapping(log.get("eval"))
    task, name, target = a_text(made.get("task")), sample.get("id"), sample.get("target")
    asked = sample.get("input")
    if isinstance(asked, list):
        users = [m for m in map(a_mapping, asked) if m.get("role") == "user"]
        asked = content_of(users[-1].get("content")) if users else ""
    references = tuple(filter(None, map(a_text, target if isinstance(target, list) else [target])))
    if not a_text(asked).strip() or not references:
        raise LogError(f"{place}: no {'target' if a_text(asked).strip() else 'input'} in it")
    metadata, error = a_mapping(sample.get("metadata")), a_mapping(sample.get("error"))
    kept = a_mapping(metadata.get(OURS))
    if kept:
        kept = {**a_mapping(a_mapping(made.get("metadata")).get(OURS)), **kept}
    steps = () if error and not kept else tuple(steps_of(sample, ours=bool(kept)))
    if steps and not any(step.output_tokens for step in steps):
        steps = (*steps[:-1], _with_usage(steps[-1], sample))
    if not steps and not error:
        error = {"message": "the log holds no reply"}
    used = any(step.output_tokens for step in steps) or not steps
    return Logged(
        place=place,
        tool="inspect",
        task=task,
        id=name if isinstance(name, str) else f"{task}/{name}",
        question=a_text(asked),
        bare=bool(kept),
        references=references,
        steps=steps,
        repeat=max(a_count(sample.get("epoch")) - 1, 0),
        model=a_text(made.get("model")),
        theirs=() if error else tuple(_theirs(a_mapping(sample.get("scores")))),
        error=a_text(error.get("message")) or "unknown" if error else None,
        domain=a_text(metadata.get("domain")) or a_text(metadata.get("subject")),
        level=metadata.get("level"),
        lost=frozenset() if used else frozenset({"tokens"}),
        kept=kept,
    )


def _with_usage(last: Step, sample: dict[str, Any]) -> Step:
    """Give the tokens of the whole sample to its last step, where no event tells them apart."""
    used = [a_mapping(usage) for usage in a_mapping(sample.get("model_usage")).values()]
    return replace(
        last,
        input_tokens=sum(a_count(usage.get("input_tokens")) for usage in used),
        output_tokens=sum(a_count(usage.get("output_tokens")) for usage in used),
    )


def _theirs(scores: dict[str, Any]) -> Iterator[Theirs]:
    for name, score in scores.items():
        said = a_mapping(score)
        value = said.get("value")
        found = _GRADES.get(value) if isinstance(value, str) else a_share(value)
        if found is not None:
            yield Theirs(name, found, a_text(said.get("answer")) or None)


# --- conversations -----------------------------------------------------------------------------


def steps_of(sample: dict[str, Any], *, ours: bool) -> Iterator[Step]:
    """Yield one step for each message of the assistant.

    What an export of `ours` wrote is without thoughts already.
    """
    attachments = a_mapping(sample.get("attachments"))
    messages = [a_mapping(message) for message in a_list(sample.get("messages"))]
    events = _model_events(sample)
    prompt: list[tuple[str, str]] = []
    for number, message in enumerate(messages):
        role = a_text(message.get("role"))
        if role == "assistant":
            later = messages[number + 1 :]
            yield _step(message, tuple(prompt), events, later, attachments, ours=ours)
            prompt = []
        elif role != "tool":
            prompt.append((role, _whole(content_of(message.get("content")), attachments)))


def _step(
    message: dict[str, Any],
    prompt: tuple[tuple[str, str], ...],
    events: Mapping[str, dict[str, Any]],
    later: Sequence[dict[str, Any]],
    attachments: Mapping[str, Any],
    *,
    ours: bool,
) -> Step:
    content = message.get("content")
    said = _whole(content_of(content), attachments)
    divided = Divided(said, "", True) if ours else without_thoughts(said)
    thoughts = "\n".join(
        _whole(a_text(part.get("reasoning")), attachments)
        for part in map(a_mapping, a_list(content))
        if part.get("type") == "reasoning"
    )
    tools = list(takewhile(lambda each: each.get("role") == "tool", later))
    program, answered = _program(message, tools, attachments)
    event = events.get(a_text(message.get("id")), {})
    output = a_mapping(event.get("output"))
    usage = a_mapping(output.get("usage"))
    stop = a_text(a_mapping(next(iter(a_list(output.get("choices"))), {})).get("stop_reason"))
    thought = usage.get("reasoning_tokens")
    return Step(
        text=divided.reply,
        thoughts="\n".join(filter(None, (thoughts, divided.thoughts))),
        prompt=prompt,
        input_tokens=a_count(usage.get("input_tokens")),
        output_tokens=a_count(usage.get("output_tokens")),
        thought_tokens=a_count(thought) or None,
        seconds=a_duration(event.get("working_time")),
        capped=stop in _CAPS,
        ended=stop if stop in ("content_filter", "unknown") else "",
        program=program,
        output=_whole(content_of(answered.get("content")), attachments),
        failure=_failure(answered, _whole(content_of(answered.get("content")), attachments)),
        answers=len(later) == len(tools) or later[len(tools)].get("role") != "assistant",
    )


def _program(
    message: dict[str, Any], tools: Sequence[dict[str, Any]], attachments: Mapping[str, Any]
) -> tuple[str | None, dict[str, Any]]:
    """Return the program that a message gave to a tool, and the tool's answer among `tools`.

    Only these, which follow the message, are looked through: a server may use its ids again.
    """
    answers = {a_text(tool.get("tool_call_id")): tool for tool in tools}
    for call in map(a_mapping, a_list(message.get("tool_calls"))):
        arguments = a_mapping(call.get("arguments"))
        code = next((arguments[name] for name in _CODE if name in arguments), None)
        if isinstance(code, str):
            return _whole(code, attachments), answers.get(a_text(call.get("id")), {})
    return None, {}


def _failure(answered: dict[str, Any], output: str) -> str:
    """Say how a program failed. A crash shows only as a traceback in the tool's message."""
    if not answered:
        return "refused"
    if error := a_mapping(answered.get("error")):
        return _FAILURES.get(a_text(error.get("type")), "crashed")
    return "crashed" if _TRACEBACK.search(output) else ""


def _model_events(sample: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the events that made a message of the assistant, by the message's id."""
    found = {}
    for event in map(a_mapping, a_list(sample.get("events"))):
        if event.get("event") == "model":
            choices = a_list(a_mapping(event.get("output")).get("choices"))
            message = a_mapping(a_mapping(next(iter(choices), {})).get("message"))
            found[a_text(message.get("id"))] = event
    return found


def _whole(text: str, attachments: Mapping[str, Any]) -> str:
    """Return a text; where it stands apart among the attachments, from there."""
    if text.startswith("attachment://"):
        return a_text(attachments.get(text.removeprefix("attachment://"))) or text
    return text
