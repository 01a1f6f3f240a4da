"""Exceptions for the user's mistakes and the model endpoint's failures.

    Exception
    ├── ConfigError          the user's: one line, exit code 2
    ├── StoreError           the disk's: the run's file cannot be written any more; one line, 2
    ├── ModelError           ours: the endpoint failed, so nothing was learned about the model
    ├── sandbox.SandboxError ours: the sandbox failed, so nothing was learned about the program
    └── judge.JudgeError     ours: the judge gave no usable verdict

Failures of the model under test (no code, a crash, a wrong answer) are values, never exceptions.
"""

import sys
from enum import Enum
from pathlib import Path


class ConfigError(Exception):
    """A mistake in a config, an argument or a data file: what, where, what to do, in one line."""


class Scope(Enum):
    """How much a failure of an endpoint decides."""

    REQUEST = "request"
    """This request alone: asking again may help."""
    PROMPT = "prompt"
    """This prompt: it would be refused again, but others may be answered."""
    UNKNOWN = "unknown"
    """It is not known. Before the first reply of an endpoint it means the whole run."""
    ADDRESS = "address"
    """Something else answered. Before the first reply the address is wrong, later it may pass."""
    RUN = "run"
    """All requests of the run, until the user acts: a refused key, no credit, no model."""


class StoreError(Exception):
    """A run's file cannot be written any more: the disk is full, or the folder is gone."""

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone
        """Nothing can be stored there again, so waiting for requests in flight keeps nothing."""


class ModelError(Exception):
    """A model endpoint failed. The trial records it, runs again on resume, and is never scored."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retryable: bool = True,
        retry_after: float | None = None,
        scope: Scope | None = None,
    ) -> None:
        super().__init__(message)
        if scope is None and not retryable:
            scope = Scope.RUN if status in (401, 402, 403, 404) else Scope.UNKNOWN
        self.scope = scope or Scope.REQUEST
        """What else will fail; by default told from `retryable` and the status."""
        self.status = status
        """HTTP status, where there was one."""
        self.retry_after = retry_after
        """Seconds the server asked us to wait."""

    @property
    def retryable(self) -> bool:
        """Tell whether asking again may help."""
        return self.scope is Scope.REQUEST


def reason_of(failure: OSError) -> str:
    """Say why a file or a folder could not be written or made."""
    if isinstance(failure, FileExistsError):
        return "there is a file, and a folder is needed"
    return str(failure.strerror or failure)


def require_file(path: Path) -> None:
    """Raise ConfigError where something else has a file's name: a pipe, for which one waits."""
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path}: cannot be read or written: it is no file; remove it")


def require_unix(command: str) -> None:
    """Raise ConfigError on Windows, whose processes and signals these commands cannot use."""
    if sys.platform == "win32":
        raise ConfigError(
            f"`{command}` needs Linux or macOS: on Windows use WSL (`wsl --install`, then the same"
            " command there); show, compare, report and view work here"
        )
