"""The section `serve` of a config: which model server to start for the run, and how."""

import re
import shlex
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from solver.records import Record
from solver.secrets import key_argument
from solver.serve.engines import ENGINES, EngineName

PLACEHOLDERS = ("host", "model", "port")
_PLACEHOLDER = re.compile(r"(?<!\{)\{([A-Za-z_]\w*)\}(?!\})")
"""A name in single braces, so that JSON and templates within a command stay as they are."""


class ServeOptions(Record):
    """A model server that the run starts on this machine, watches, and ends."""

    engine: EngineName | None = None
    """The server to start for the run. It answers for the models of its provider that have no
    address of their own: `openai/…` of vllm, sglang and llama-server, `ollama/…` of ollama. Unset
    starts none."""
    command: str | tuple[str, ...] | None = None
    """What to run in place of the engine's own command: a line, or a list of words, never through a
    shell. {model}, {host} and {port} are filled in. Keys belong into the environment, which the
    server gets; so does the choice of GPUs, e.g. CUDA_VISIBLE_DEVICES."""
    port: Literal["auto"] | Annotated[int, Field(ge=1, le=65535)] = "auto"
    """Where it listens on this machine; `auto` is a free port."""
    ready: str | None = None
    """The address that answers once requests can be sent, or its path; unset is the engine's own:
    /health, and /api/version of ollama."""
    ready_seconds: float = Field(default=3600.0, gt=0, allow_inf_nan=False)
    """How long it may take to answer: time to download and load the weights. A server that ends
    before is noticed at once."""
    restarts: int = Field(default=3, ge=0)
    """How often it is started again when it dies, in one command. Requests wait meanwhile; the next
    time, the run stores what it has and ends."""
    grace_seconds: float = Field(default=15.0, ge=0, allow_inf_nan=False)
    """Time to end by itself, at the end of the run, before it is killed with all its children."""

    @model_validator(mode="before")
    @classmethod
    def _by_engine(cls, value: Any) -> Any:
        return {"engine": value} if isinstance(value, str) else {} if value is None else value

    @field_validator("port", mode="before")
    @classmethod
    def _a_port(cls, value: Any) -> Any:
        text = str(value)
        if text != "auto" and not (text.isdecimal() and 0 < int(text) < 2**16):
            raise ValueError(f"{value!r} should be auto, or a port from 1 to 65535")
        return value if text == "auto" else int(text)

    @field_validator("command", mode="before")
    @classmethod
    def _words_or_line(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            value = tuple(str(w) if isinstance(w, int | float) else w for w in value)
        words = value if isinstance(value, tuple) else ("" if value is None else value,)
        if not all(isinstance(word, str) for word in words):
            raise ValueError(f"{value!r:.80} should be a line, or a list of words")
        return value

    @field_validator("command")
    @classmethod
    def _a_command(cls, value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        words = _words(value) if value is not None else ("",)
        if value is not None and not (words and words[0].strip()):
            raise ValueError("names no program")
        if named := key_argument(words):
            raise ValueError(
                f"holds a key ({named}), which would be stored with the run and shown by ps; leave"
                " it out, and set the server's own variable (VLLM_API_KEY, LLAMA_API_KEY, HF_TOKEN)"
            )
        for word in words:
            _check_placeholders(word)
        return value

    @field_validator("ready")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://", "/")):
            raise ValueError(f"{value!r} should be a path, such as /health, or begin with http://")
        _check_placeholders(value or "")
        try:
            whole = urlsplit(filled(value or "", {"host": "here", "port": "1", "model": "m"}))
            wrong = whole.scheme and (not whole.hostname or whole.port == 0)
        except ValueError:  # a port or a bracket that is none
            wrong = True
        if wrong:
            raise ValueError(f"{value!r}: its host or port is wrong")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.engine is None:
            fields = type(self).model_fields.items()
            if any(getattr(self, name) != field.default for name, field in fields):
                raise ValueError(f"engine is missing: one of {', '.join(ENGINES)}")
            return self
        known = self.port != "auto" or ENGINES[self.engine].finds_port
        if self.command is not None and not known and "{port}" not in " ".join(self.words):
            raise ValueError(
                "command has no {port}, so the server would not learn where to listen: write it in,"
                " as in --port {port}, or set serve.port to where it does listen"
            )
        return self

    @property
    def words(self) -> tuple[str, ...]:
        """Return the words of the command, the engine's own where none is given."""
        if self.command is not None:
            return _words(self.command)
        return ENGINES[self.engine].command if self.engine is not None else ()

    def measured(self) -> dict[str, Any]:
        """Return what must stay the same for a run to be resumed: the engine alone.

        The weights are what the server says of them; the command may change, which is told.
        """
        return {"serve": {"engine": self.engine}} if self.engine is not None else {}


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its placeholders filled in; those without a value stay."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def _words(command: str | tuple[str, ...]) -> tuple[str, ...]:
    """Split a command as a shell would, without running one. Raises ValueError."""
    try:
        return tuple(shlex.split(command)) if isinstance(command, str) else command
    except ValueError as unclosed:
        raise ValueError(f"{unclosed}: check the quotes") from None


def _check_placeholders(text: str) -> None:
    """Raise ValueError for a placeholder that does not exist."""
    for name in _PLACEHOLDER.findall(text):
        if name not in PLACEHOLDERS:
            close = get_close_matches(name, PLACEHOLDERS, n=1, cutoff=0.5)
            hint = f", did you mean {{{close[0]}}}?" if close else ";"
            known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
            raise ValueError(f"unknown placeholder {{{name}}}{hint} there are {known}")
