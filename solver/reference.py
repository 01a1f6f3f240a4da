"""Write the reference of a config's keys, from fields and docstrings, and that of outcomes."""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from solver.config import Config, ModelOptions, config_type
from solver.contamination.plan import Plan
from solver.models import PROVIDERS, provider_of
from solver.records import Outcome, Record

WIDTH = 98

EXAMPLES: dict[str, Any] = {
    "model": "ollama/llama3.1:8b",
    "model.name": "openai/gpt-4o-mini",
    "model.options": {"parallel": 4},
    "model.sampling": {"temperature": 0.6},
    "model.thinking": "high",
    "providers": {"ollama": {"num_ctx": 16384}},
    "problems": "math500",
    "problems_file": "copies/math500.jsonl",
    "domains": ["algebra", "geometry"],
    "levels": [4, 5],
    "mode": "code,cot",
    "judge.options": {"timeout": 60},
    "judge.policy": {"missing_unit": "refuse"},
    "sampling.stop": ["\n\n\n"],
    "sampling.min_p": 0.05,
    "sampling.repeat_penalty": 1.05,
    "sampling.presence_penalty": 0.5,
    "sampling.frequency_penalty": 0.5,
    "serve.engine": "ollama",
    "serve.command": "ollama serve",
    "serve.port": 8000,
    "serve.ready": "/v1/models",
    "code.regenerate.controls": ["guided"],
    "prefix.samples": 16,
    "probes.prefix": {"ratios": [0.6]},
    "probes.variants": "variants.jsonl",
    "control": {"problems": "starter~7"},
    "calculation": {"steps": [1, 5]},
    "providers.ollama.hosts": ["http://gpu1:11434"],
    "providers.ollama.keep_alive": "30m",
    "providers.ollama.think": True,
    "providers.ollama.chat_template": "qwen.jinja",
    "providers.openai.base_url": "http://localhost:8000/v1",
    "providers.openai.omit": ["seed"],
    "providers.openai.reasoning_effort": "low",
    "providers.openai.extra_body": {"top_a": 0.2},
    "providers.openai.chat_template": "qwen.jinja",
    "providers.scripted.replies": ["so \\boxed{4}"],
    "providers.scripted.scripts": [{"when": "3 + 3", "replies": ["so \\boxed{6}"]}],
    "providers.scripted.file": "replies.jsonl",
}
"""Examples of keys whose type and default do not show what a value looks like."""

HEAD = (
    "`solver config` prints this; `solver config sampling` prints one part. A config is a YAML file"
    " of these keys; only `model` must be there. `--set KEY=VALUE` changes one for one command. The"
    " configs in this folder go by their names, as in `solver run quickstart`, and `solver init`"
    " copies one for you to change."
)
OUTCOMES = (
    "How a trial ends, in tables, filters and exports. The accuracy of scored trials leaves out"
    " those that are unscored: `judge_invalid` and `error`."
)


def reference(part: str = "", width: int = WIDTH) -> str:
    """Return the reference as Markdown: of all keys, or of those that begin with `part`.

    Entries are wrapped to `width` characters.
    """
    entries = list(_entries())
    if part:
        entries = [entry for entry in entries if entry[1].startswith(part)]
    texts = [] if part else ["# Every key of a config\n", f"{_filled(HEAD, width)}\n"]
    section = None
    for title, key, field, meaning in entries:
        if title != section:
            section = title
            texts.append(f"\n## {title}\n")
        texts.append(_entry(key, field, meaning, width))
    if not part or part == "outcomes":
        texts.append(_outcomes(width))
    return "\n".join(texts)


def example(key: str, field: FieldInfo) -> Any:
    """Return a value that the key may have, other than its default where one comes to mind."""
    if key in EXAMPLES:
        return EXAMPLES[key]
    kinds = _kinds(field.annotation)
    default = field.get_default(call_default_factory=True)
    for kind in kinds:
        if get_origin(kind) is Literal:
            return next((choice for choice in get_args(kind) if choice != default), default)
    if default is not None:
        return default
    least = next((m.ge for m in field.metadata if hasattr(m, "ge")), 1)
    return 0.9 if float in kinds else max(least, 4)


def docstrings(record: type[BaseModel]) -> dict[str, str]:
    """Return what stands below each field of a record, on one line."""
    found: dict[str, str] = {}
    for owner in reversed(record.__mro__):
        if not issubclass(owner, Record) or owner is Record or "<locals>" in owner.__qualname__:
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
        except (OSError, TypeError):  # made while running: its fields are those of its base
            continue
        found |= _documented(tree.body[0])
    return found


def _documented(class_: ast.stmt) -> dict[str, str]:
    """Return the text below each assignment in the body of a class."""
    body = class_.body if isinstance(class_, ast.ClassDef) else []
    found = {}
    for statement, after in pairwise(body):
        target: ast.expr | None = None
        if isinstance(statement, ast.AnnAssign):
            target = statement.target
        elif isinstance(statement, ast.Assign):
            target = statement.targets[0]
        if not isinstance(target, ast.Name) or not isinstance(after, ast.Expr):
            continue
        if isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            found[target.id] = " ".join(after.value.value.split())
    return found


def _entries() -> Iterator[tuple[str, str, FieldInfo, str]]:
    """Yield title of the part, key, field and meaning, in the order of the reference."""
    config = config_type(())
    sections = {name: _section(field) for name, field in config.model_fields.items()}
    alone = {name for name, record in sections.items() if record is None}
    yield from _fields("The run", "", config, only=alone)
    yield from _fields("`model`, written in full", "model", ModelOptions)
    for name, record in sections.items():
        if record is not None:
            where = "" if name in Config.model_fields else ", of that mode"
            yield from _fields(f"`{name}`{where}", name, record)
    for name in PROVIDERS:
        place = f"providers.{name}"
        yield from _fields(f"`{place}`", place, provider_of(name).options)
    yield from _fields("In a config of `solver probe` also", "", Plan)


def _fields(
    title: str, place: str, record: type[BaseModel], only: set[str] | None = None
) -> Iterator[tuple[str, str, FieldInfo, str]]:
    meanings = docstrings(record)
    for name, field in record.model_fields.items():
        key = f"{place}.{field.alias or name}" if place else name
        inner = _section(field)
        if only is not None and name not in only:
            continue
        if inner is not None:
            yield from _fields(title, key, inner)
        else:
            yield title, key, field, meanings.get(name, "")


def _section(field: FieldInfo) -> type[BaseModel] | None:
    """Return the record that a field is, or None where it is a value."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _entry(key: str, field: FieldInfo, meaning: str, width: int) -> str:
    needed = field.is_required()
    default = None if needed else field.get_default(call_default_factory=True)
    left = "must be given" if needed else f"default {_value(default)}"
    shown = json.dumps(example(key, field), ensure_ascii=False)
    said = f"{meaning.rstrip('.')}. " if meaning else ""
    text = f"- `{key}`: {_type(field)}; {left}. {said}Example: `{key}={shown}`"
    return _filled(text, width, "  ")


def _filled(text: str, width: int, indent: str = "") -> str:
    return textwrap.fill(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _outcomes(width: int) -> str:
    meanings = _documented(ast.parse(textwrap.dedent(inspect.getsource(Outcome))).body[0])
    lines = ["\n## Outcomes\n", f"{_filled(OUTCOMES, width)}\n"]
    for outcome in Outcome:
        text = f"- `{outcome}`: {meanings[outcome.name]}"
        lines.append(_filled(text, width, "  "))
    return "\n".join([*lines, ""])


def _value(value: Any) -> str:
    """Write a default as one would in YAML; what is unset has none."""
    if value is None or value in ((), {}):
        return "unset"
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _type(field: FieldInfo) -> str:
    """Say in words which values a field takes."""
    words = [_word(kind) for kind in _kinds(field.annotation) if kind is not NoneType]
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    limits = [
        f"{sign} {getattr(constraint, name):g}"
        for constraint in field.metadata
        for name, sign in signs.items()
        if hasattr(constraint, name)
    ]
    return " ".join([" or ".join(words), *([", ".join(limits)] if limits else [])])


def _kinds(annotation: Any) -> list[Any]:
    """List the alternatives of a type."""
    if get_origin(annotation) in (Union, UnionType):
        return [kind for part in get_args(annotation) for kind in _kinds(part)]
    return _kinds(get_args(annotation)[0]) if get_origin(annotation) is Annotated else [annotation]


def _word(kind: Any) -> str:
    origin = get_origin(kind)
    if origin is Literal:
        return "one of " + ", ".join(f"`{choice}`" for choice in get_args(kind))
    if origin is tuple:
        inner = " or ".join(dict.fromkeys(_word(part) for part in _kinds(get_args(kind)[0])))
        return f"a list of {inner}"
    if origin is dict or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return "a mapping"
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return names.get(kind, "any value")
