"""What the parts of a manifest are that readers rely on; all else in it is only shown."""

import json
import sqlite3
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_Count = Annotated[int, Field(ge=0, le=10**12)]
_Facts = dict[str, Any]


class _Part(BaseModel):
    """A part that may lack what has a default, and may hold more."""

    model_config = ConfigDict(extra="ignore", strict=True)


class _Model(_Part):
    name: str
    sampling: _Facts = {}
    options: _Facts = {}


class _Config(_Part):
    model: list[str | _Model] = []
    mode: list[str] = []
    repeats: Annotated[int, Field(ge=0, le=10**6)] = 1
    sampling: _Facts = {}


class _Identity(_Part):
    model: str | list[str | _Model] = []


class _ModelFacts(_Part):
    num_ctx: _Count | None = None
    context: _Count | None = None


class _Judge(_Part):
    changed: _Facts = {}


class _FirstJudge(_Part):
    config: _Facts | None = None


class _Until(_Part):
    problems: _Count
    of: _Count
    points: Annotated[float, Field(ge=0, le=1)]


class _Probe(_Part):
    control: list[str] = []
    after: str | None = None


class _Shard(_Part):
    trials: _Count = 0


class _Merged(_Part):
    stamp: str | None = None
    reply_ends: dict[str, _Count] = {}


class _Manifest(_Part):
    config: _Config | None = None
    identity: _Identity | None = None
    models: dict[str, _ModelFacts] = {}
    judge: _Judge | None = None
    first_judge: _FirstJudge | None = None
    until: _Until | None = None
    probe: _Probe | None = None
    cannot: dict[str, dict[str, str]] | None = None
    reply_ends: dict[str, _Count] = {}
    sandbox: _Facts = {}
    problems: _Facts = {}
    prompts: _Facts = {}
    versions: _Facts = {}
    can: _Facts = {}
    loaded: _Facts = {}
    warnings: list[Any] = []
    trials: _Count = 0
    stamp: str | None = None
    shard: _Shard | None = None
    shards: dict[str, _Merged] = {}


def read_manifest(database: sqlite3.Connection, file: str = "main") -> dict[str, Any]:
    """Return the manifest in a file, unchecked."""
    rows = database.execute(f"SELECT key, value FROM {file}.manifest")
    return {key: json.loads(value) for key, value in rows}


def check_manifest(facts: dict[str, Any]) -> None:
    """Raise ValueError where a part is not what readers take it for; the first that is wrong."""
    try:
        _Manifest.model_validate(facts)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place:.80} of the manifest: {first['msg']}") from None
