"""Read the config of `solver probe`: that of a run, and which probes and controls it has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from solver.config import listed_names
from solver.config_file import read_config
from solver.errors import ConfigError
from solver.modes.prefix import Options as Prefix
from solver.problems.calculation import Options as Calculation
from solver.records import Record


class Probes(Record):
    """What is asked of the problems."""

    prefix: Prefix | None = None
    """Show the beginning of each question, and read how the model goes on; None for not at all."""
    bare: bool = False
    """Ask for the answer at once, without reasoning, on originals and variants."""
    variants: str | None = None
    """A file of `solver vary`: each variant is asked what its original is."""
    wordings: int = Field(default=1, ge=1)
    """Ask each mode in so many wordings."""
    likelihood: Literal[False] = False
    """Not measured: the mean likelihood of a text is no sign of memory (arXiv 2604.19561)."""

    @field_validator("prefix", mode="before")
    @classmethod
    def _all_of_it(cls, value: Any) -> Any:
        return {} if value is True else None if value is False else value


class Control(Record):
    """Text that the model cannot have seen, which gives the floors."""

    problems: tuple[str, ...] = ()
    """Sets: starter~SEED, calculation, a file, or a set published after the model's cutoff."""
    after: str | None = Field(default=None, pattern=r"^\d{4}(-\d\d(-\d\d)?)?$")
    """Problems published then or later cannot be in the model's training data."""

    @field_validator("problems", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return listed_names(value)


class Plan(Record):
    """The keys that a probe's config has beyond those of a run."""

    probes: Probes = Probes()
    control: Control | None = None
    """Text that the model cannot have seen: the floor of each sign of memory."""
    calculation: Calculation | None = None
    """Generated arithmetic, asked as a set of its own."""

    @field_validator("control", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"problems": value} if isinstance(value, str) else value


@dataclass(frozen=True)
class ProbeConfig:
    """A probe's config, read and divided."""

    plan: Plan
    content: dict[str, Any]
    """The keys of the run that the plan amounts to."""


def read_plan(path: Path, overrides: Mapping[str, Any]) -> ProbeConfig:
    """Read a probe's config. Raises ConfigError in one line that names the file."""
    content = {**read_config(path), **overrides}
    own = {key: content.pop(key) for key in Plan.model_fields if key in content}
    try:
        plan = Plan.model_validate({key: value for key, value in own.items() if value is not None})
    except ValidationError as invalid:
        wrong = " · ".join(_explained(invalid))
        raise ConfigError(f"{path}: {wrong}") from invalid
    probes = plan.probes
    modes = list(listed_names(content.get("mode", ())))
    modes += ["bare"] * (probes.bare and "bare" not in modes)
    modes += ["prefix"] * (probes.prefix is not None)
    if not modes:
        raise ConfigError(
            f"{path}: nothing to probe; give probes: {{prefix: {{}}, bare: true}}, or a mode"
        )
    content["mode"] = modes
    if probes.prefix is not None:
        content["prefix"] = probes.prefix.model_dump(mode="json")
    if probes.wordings > 1:
        content["wordings"] = probes.wordings
    return ProbeConfig(plan, content)


def _explained(invalid: ValidationError) -> list[str]:
    lines = []
    for mistake in invalid.errors():
        where = re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, mistake["loc"])))
        what = "unknown key" if mistake["type"] == "extra_forbidden" else mistake["msg"]
        if where == "probes.likelihood":
            what = "is not measured, since it is no sign of memory; remove it"
        lines.append(f"{where}: {what[:1].lower()}{what[1:]}")
    return lines
