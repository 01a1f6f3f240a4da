"""A worker: one box with a fork server inside, the same for every kind of box, and its launcher."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from sandbox.channel import Channel, NotStarted
from sandbox.execution import Limits

START_SECONDS = 120
"""How long a fork server may take to import its libraries; 10 s were measured on a busy machine."""

_CONTENTION_FACTOR = 3
"""Longest wall time under CPU contention, as a multiple of `seconds`."""
_EXTRA_SECONDS = 45
"""How long to wait for a result beyond the longest time of a program: up to 30 s to restrict the
process, 5 s to clean up, and the rest for a busy machine."""


@dataclass(eq=False)
class Worker:
    """One box with a fork server inside. Every method blocks and is called from a thread."""

    number: int
    channel: Channel
    destroy: Callable[[], None]
    """Kills the box and waits until it is gone. Safe to call twice."""
    programs: int = 0
    """How many programs it has run."""
    unfit: str = ""
    """Why it must not run another program; empty while it may."""

    def warm_up(self) -> None:
        """Wait until the fork server has imported its libraries. Raises WorkerLost."""
        self.channel.greet(START_SECONDS)

    def run(self, program: str, limits: Limits) -> tuple[dict[str, Any], bytes]:
        """Run one program in a fresh process. Raises WorkerLost."""
        return self._ask("run", program, limits)

    def step(self, program: str, limits: Limits) -> tuple[dict[str, Any], bytes]:
        """Run one more program of a session. Raises WorkerLost."""
        return self._ask("step", program, limits)

    def end_session(self) -> None:
        """End the session's process and empty the box. Raises WorkerLost."""
        facts, _ = self.channel.ask({"do": "end"}, b"", _EXTRA_SECONDS)
        self._note(facts)

    def _ask(self, what: str, program: str, limits: Limits) -> tuple[dict[str, Any], bytes]:
        self.programs += 1
        head: dict[str, Any] = {"do": what, "limits": allowance(limits)}
        body = program.encode("utf-8", "replace")
        patience = head["limits"]["wall_seconds"] + _EXTRA_SECONDS
        facts, output = self.channel.ask(head, body, patience)
        self._note(facts)
        if facts["broken"]:
            self.unfit = "it could not start a program"
            last_line = output.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise NotStarted(f"a program could not be started: {facts['broken']}: {last_line}")
        return facts, output

    def _note(self, facts: dict[str, Any]) -> None:
        """Mark the worker unfit if a report says that its box must not be used again."""
        if not facts["clean"]:
            self.unfit = facts.get("why") or "a program left something behind"
        elif facts.get("oom_kills"):
            self.unfit = "memory ran out"


class Launcher(Protocol):
    """Starts workers of one kind."""

    def prepare(self) -> None:
        """Find what is needed, once. Raises SandboxError."""
        ...

    def check(self) -> None:
        """Check that the engine, if there is one, answers. Raises SandboxError."""
        ...

    def launch(self, number: int) -> Worker:
        """Start one worker, not yet warm. Raises SandboxError."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return what the boxes consist of and what they do not cover."""
        ...


def allowance(limits: Limits) -> dict[str, Any]:
    """Return the limits as the fork server reads them, with every value filled in."""
    values = asdict(limits)
    del values["cpus"]
    if limits.cpu_seconds is None:
        values["cpu_seconds"] = limits.seconds + 1
    if limits.wall_seconds is None:
        values["wall_seconds"] = _CONTENTION_FACTOR * limits.seconds
    return values
