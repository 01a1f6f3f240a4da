"""The words of this package: what a program is allowed, and what became of it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Protocol


class Exit(StrEnum):
    """How a program ended. Each of these is the program's doing, never the sandbox's."""

    OK = "ok"
    CRASHED = "crashed"
    """It raised, or left with a status other than 0."""
    TIMEOUT = "timeout"
    """It used up its seconds, or its processor seconds, and was killed."""
    OUT_OF_MEMORY = "out_of_memory"
    OUTPUT_LIMIT = "output_limit"
    """It printed more than it may, and was killed; the beginning is kept."""
    KILLED = "killed"
    """A signal ended it: a crash inside a C library, its own kill(), or the loss of its worker."""


class Level(StrEnum):
    """What the screen wants done about a finding."""

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
    """One program's run. The facts are the kernel's; only the two texts are the program's."""

    exit: Exit
    stdout: str
    stderr: str
    """Tracebacks shortened to the program's own frames; invalid bytes replaced."""
    seconds: float
    """Wall clock, from the first line of the program to its end. Libraries are imported before."""
    cpu_seconds: float
    peak_memory_mb: float
    """Largest resident set of one process, the preloaded libraries (about 150 MB) included."""
    truncated: bool
    """Some output was dropped at the limit."""


@dataclass(frozen=True)
class Limits:
    """What one program may use. Everything is per program, whichever kind of box it runs in."""

    seconds: float = 10
    """Wall clock. Time in which a program stood in line for a processor that others had is added,
    up to three times these seconds in all, so that a busy machine makes no program a timeout."""
    cpu_seconds: float | None = None
    """Processor time of any one process. None: one more than `seconds`."""
    memory_mb: int = 1024
    """On top of what the preloaded libraries hold."""
    processes: int = 64
    """Processes and threads alive at once."""
    output_kb: int = 64
    """For stdout and stderr each."""
    file_mb: int = 16
    """Largest single file."""
    scratch_mb: int = 64
    """All files together."""
    open_files: int = 256
    cpus: float = 1.0
    """Cores a worker may use at once. Docker only."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise ValueError(f"{field.name}: {value!r} is too small, it must be above 0")


class SandboxError(Exception):
    """The sandbox itself failed, so nothing was learned about the program.

    The message is one line: what failed, and the mend.
    """


class Session(Protocol):
    """Programs that share one interpreter, so that names defined by one are there for the next."""

    async def run(self, program: str) -> Execution:
        """Run one more program. Raises SandboxError."""
        ...

    @property
    def restarts(self) -> int:
        """How often all names were lost, because a program had to be killed."""
        ...


class Sandbox(Protocol):
    """A box that runs programs nobody has read."""

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
        """Say what a result from this box rests on: kind, image, limits, what is not covered."""
        ...

    async def close(self) -> None:
        """End every worker. Nothing is left behind."""
        ...
