"""The types of this package: what a program may use, how it ended, and what a sandbox can do."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Protocol


class Exit(StrEnum):
    """How a program ended. The program caused each of these, never the sandbox."""

    OK = "ok"
    CRASHED = "crashed"
    """It raised an exception, or exited with a status other than 0."""
    TIMEOUT = "timeout"
    """It used up its wall time or its CPU time and was killed."""
    OUT_OF_MEMORY = "out_of_memory"
    OUTPUT_LIMIT = "output_limit"
    """It printed more than allowed and was killed; the beginning is kept."""
    KILLED = "killed"
    """A signal ended it: a crash in a C library, its own kill(), or the loss of its worker."""


class Level(StrEnum):
    """What a finding of the screen means for the program."""

    REFUSE = "refuse"
    WARN = "warn"
    ALLOW = "allow"


@dataclass(frozen=True)
class Finding:
    """One thing the screen noticed in a program's text, before anything ran."""

    level: Level
    rule: str
    line: int
    reason: str


@dataclass(frozen=True)
class Execution:
    """One program's run. Only stdout and stderr come from the program, the rest from the kernel."""

    exit: Exit
    stdout: str
    stderr: str
    """Tracebacks shortened to the program's own frames; invalid bytes replaced."""
    seconds: float
    """Wall time from the first line of the program to its end, without importing libraries."""
    cpu_seconds: float
    peak_memory_mb: float
    """Largest resident set of one process, including the preloaded libraries (about 150 MB)."""
    truncated: bool
    """Whether output beyond the limit was dropped."""


@dataclass(frozen=True)
class Limits:
    """What one program may use, in every kind of box."""

    seconds: float = 10
    """Wall time. Time in which the program waits for a processor or the disk does not count, so
    that a busy machine does not cause timeouts, up to `wall_seconds`."""
    wall_seconds: float | None = None
    """Wall time after which a program is always stopped, however busy the machine is. None means
    three times `seconds`; one that is not above `seconds` makes `seconds` plain wall time."""
    cpu_seconds: float | None = None
    """CPU time of each process, from the program's first line; in a session, of each program. None
    means `seconds` plus one."""
    memory_mb: int = 1024
    """Memory in addition to that of the preloaded libraries."""
    processes: int = 64
    """Processes and threads alive at the same time."""
    output_kb: int = 64
    """The most output to stdout, and the same to stderr."""
    file_mb: int = 16
    """Size of the largest file."""
    scratch_mb: int = 64
    """Size of all files together."""
    open_files: int = 256
    cpus: float = 1.0
    """Cores that a worker may use at the same time. Docker only."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise ValueError(f"{field.name}: {value!r} is too small, it must be above 0")


class SandboxError(Exception):
    """The sandbox itself failed, so nothing is known about the program.

    The message is one line: what failed, and how to fix it.
    """


class SandboxClosed(SandboxError):
    """The sandbox was closed before the program had run, or the process is ending."""

    def __init__(self, message: str = "the sandbox was closed") -> None:
        super().__init__(message)


class Session(Protocol):
    """Programs that share one interpreter, so that each can use names defined by earlier ones."""

    async def run(self, program: str) -> Execution:
        """Run one more program. Raises SandboxError."""
        ...

    @property
    def restarts(self) -> int:
        """Count how often all names were lost because a program had to be killed."""
        ...


class Sandbox(Protocol):
    """Runs untrusted programs."""

    kind: str
    """`docker`, `docker-strict`, `native` or `reduced`."""
    workers: int
    """Programs that can run at the same time."""

    async def run(self, program: str) -> Execution:
        """Run one program in a fresh process. Raises SandboxError."""
        ...

    def session(self) -> AbstractAsyncContextManager[Session]:
        """Hold one worker for several programs that share their state. Raises SandboxError."""
        ...

    async def describe(self) -> dict[str, Any]:
        """Return what results depend on: kind, image, limits, and what is not covered."""
        ...

    async def close(self) -> None:
        """End every worker and remove everything that was started."""
        ...
