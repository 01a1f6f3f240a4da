"""One warm fork server as the pool sees it, whatever kind of box it lives in."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.channel import Channel, NotStarted
from sandbox.execution import Limits
from sandbox.zygote.settings import CONTENTION_FACTOR

START_SECONDS = 120
"""How long a fork server may take to import its libraries; on a busy machine 10 s were seen."""

_PATIENCE_SECONDS = 45
"""Beyond the longest a program may take: walls up to 30 s, clean-up 5 s, a machine under load."""


@dataclass(eq=False)
class Worker:
    """One box with a fork server inside. Every method blocks, and is called from a thread."""

    number: int
    channel: Channel
    destroy: Callable[[], None]
    """Ends the box for certain and waits until it is gone. Safe to call twice."""
    programs: int = 0
    """How many programs it has run."""
    worn: bool = False
    """It must not run another: memory ran out, or a program left something behind."""

    def warm_up(self) -> None:
        """Wait until the fork server has its libraries. Raises WorkerLost."""
        self.channel.listen(START_SECONDS)

    def run(self, program: str, limits: Limits) -> tuple[dict[str, Any], bytes]:
        """Run one program in a fresh process. Raises WorkerLost."""
        return self._ask("run", program, limits)

    def step(self, program: str, limits: Limits) -> tuple[dict[str, Any], bytes]:
        """Run one more program of a session. Raises WorkerLost."""
        return self._ask("step", program, limits)

    def end_session(self) -> None:
        """End the session's process and empty the box. Raises WorkerLost."""
        facts, _ = self.channel.ask({"do": "end"}, b"", _PATIENCE_SECONDS)
        self.worn = self.worn or not facts["clean"]

    def _ask(self, what: str, program: str, limits: Limits) -> tuple[dict[str, Any], bytes]:
        self.programs += 1
        head = {"do": what, "limits": allowance(limits)}
        body = program.encode("utf-8", "replace")
        patience = CONTENTION_FACTOR * limits.seconds + _PATIENCE_SECONDS
        facts, output = self.channel.ask(head, body, patience)
        self.worn = self.worn or not facts["clean"] or bool(facts["oom_kills"])
        if facts["broken"]:
            self.worn = True
            words = output.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise NotStarted(f"a program could not be started: {facts['broken']}: {words}")
        return facts, output


def allowance(limits: Limits) -> dict[str, Any]:
    """Spell the limits out as the fork server reads them."""
    spelt = asdict(limits)
    del spelt["cpus"]
    if limits.cpu_seconds is None:
        spelt["cpu_seconds"] = limits.seconds + 1
    return spelt
