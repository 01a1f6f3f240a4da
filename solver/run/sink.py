"""What the main loop writes to: the run's file, or on a node of a cluster what is sent there."""

from typing import Any, Protocol

from solver.records import Reply, Trial, Turn


class Sink(Protocol):
    """Keeps what trials give, as they give it. `solver.store.Store` is one."""

    def add_reply(self, key: str, number: int, reply: Reply) -> None:
        """Keep the reply of a turn that has not ended: its program has yet to run."""
        ...

    def add_turn(self, key: str, number: int, turn: Turn) -> None:
        """Keep one turn of a trial that is still running, in place of its reply alone."""
        ...

    def add_trial(self, key: str, trial: Trial, *, judge: str) -> None:
        """Keep the end of a trial, whose turns are kept already, and its verdict."""
        ...

    def manifest(self) -> dict[str, Any]:
        """Return the facts of the run that are known so far."""
        ...

    def write_manifest(self, **facts: Any) -> None:
        """Set facts of the run."""
        ...
