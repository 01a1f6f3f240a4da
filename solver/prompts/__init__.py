"""Read prompts: the texts with which a mode asks, under a name or from a file.

A mode has its own texts. A prompt replaces some of them, may add worked examples, and says where
its facts come from. Those that ship are in the `.yaml` files here, one file for each mode. Sources
whose wording could not be quoted are written in our words, and say so.
"""

import importlib.resources
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, ValidationError

from solver.errors import ConfigError
from solver.records import Record
from solver.yaml_file import read_yaml

OURS = "ours"
"""The name of a mode's own texts."""

NEEDED = {"question": "question", "try_again": "why"}
"""Texts that must hold a place, such as `{question}`."""


def _line(value: Any) -> Any:
    """Drop the line break that YAML leaves at the end of a block."""
    return value.removesuffix("\n") if isinstance(value, str) else value


_Words = Annotated[str, BeforeValidator(_line)]


class Shot(Record):
    """A worked example: a question, and the reply that a good model would give."""

    question: _Words = Field(min_length=1)
    reply: _Words = Field(min_length=1)


class Prompt(Record):
    """The texts with which a mode asks, where they are not the mode's own."""

    name: str = ""
    """A shipped name, or that of the file."""
    mode: str
    """The mode it is written for."""
    about: str = ""
    """What it is, in a sentence."""
    source: str = ""
    """Where its facts come from, and what in it is ours."""
    texts: dict[str, _Words | None] = Field(default_factory=dict)
    """Texts that replace the mode's own, by their names. `system: null` sends no system message."""
    shots: tuple[Shot, ...] = ()
    """Worked examples, each sent as a question and a reply before the problem."""
    stop: tuple[str, ...] = ()
    """Texts at which a reply ends, for models that go on to invent the next question."""

    def measured(self) -> dict[str, Any]:
        """Return what is part of a trial's key: all that is sent."""
        return self.model_dump(mode="json", include={"texts", "shots", "stop"})

    def faults(self, known: Mapping[str, str]) -> Iterable[str]:
        """Yield what is wrong with its texts, given those of the mode."""
        for name, text in self.texts.items():
            if name not in known:
                yield f"unknown text {name!r}; texts: {', '.join(known)}"
            elif text is None and name != "system":
                yield f"{name}: only `system` may be null"
            elif name in NEEDED and f"{{{NEEDED[name]}}}" not in (text or ""):
                yield f"{name}: should hold {{{NEEDED[name]}}}"


@cache
def shipped_prompts(mode: str) -> Mapping[str, Prompt]:
    """Return the prompts that ship for a mode, by name."""
    path = importlib.resources.files("solver.prompts").joinpath(f"{mode}.yaml")
    if not path.is_file():
        return {}
    content = yaml.safe_load(path.read_text("utf-8"))
    return {
        name: Prompt.model_validate({"name": name, "mode": mode, **fields})
        for name, fields in content.items()
    }


def read_prompt(name: str, modes: Iterable[str]) -> Prompt | None:
    """Return the prompt that ships under a name for one of `modes`, or the one in that file.

    None for the mode's own texts. Raises ConfigError where there is no such prompt or file, or the
    file does not hold one.
    """
    if name == OURS:
        return None
    modes = tuple(modes)
    known = {found: prompt for mode in modes for found, prompt in shipped_prompts(mode).items()}
    if name in known:
        return known[name]
    path = Path(name)
    if not path.suffix:
        close = get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ConfigError(
            f"mode {modes[0]} has no prompt {name!r}; {hint}"
            f"choices: {', '.join((OURS, *known))}, or a .yaml file"
        )
    return _from_file(path, modes[0])


def _from_file(path: Path, mode: str) -> Prompt:
    """Read a prompt from a YAML file; without `mode`, it is for the mode that asks for it."""
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: should hold `texts:` with the mode's texts, such as question")
    try:
        return Prompt.model_validate({"name": path.stem, "mode": mode, **content})
    except ValidationError as invalid:
        wrong = invalid.errors()[0]
        where = ".".join(map(str, wrong["loc"]))
        raise ConfigError(f"{path}: {where}: {wrong['msg']}") from invalid
