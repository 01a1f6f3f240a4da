"""Keep which trials are with which node, so that each is stored once and none is lost."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from solver.run.tasks import Task

LEASES = 2
"""A node holds at most so many leases: the trials that it works on at the same time, and as many
again to go on with while its report is under way."""
LEASE_SECONDS = 0.1
"""A lease is no less than what a node ends in this time, so that quick trials do not wait for the
next report."""


@dataclass
class Share:
    """The trials of models that share an endpoint, which a node does one model after the other."""

    source: Iterator[Task]
    at_once: int
    """The trials that a node works on at the same time."""
    left: int
    """How many no node has been given yet."""
    returned: deque[Task] = field(default_factory=deque)
    """Given to a node that did not end them."""
    held: dict[str, dict[str, Task]] = field(default_factory=dict)
    """By node, then by key."""

    def next(self) -> Task | None:
        """Return the next trial, without taking it; None where there is none."""
        if not self.returned:
            self.returned.extend(task for task in [next(self.source, None)] if task)
        return self.returned[0] if self.returned else None

    def lease(self, node: str, nodes: int, rate: float) -> list[Task]:
        """Give a node as many trials as it has room for, but no more than its part of the rest.

        It is one of so many, and ends about `rate` trials a second. A trial of another model waits
        until the node has ended those of the model before it.
        """
        held = self.held.setdefault(node, {})
        part = max(1, -(-self.left // max(nodes, 1)))
        lease = max(self.at_once, round(rate * LEASE_SECONDS))
        room = min(LEASES * lease - len(held), part)
        taken: list[Task] = []
        while len(taken) < room and (task := self.next()) is not None:
            if any(other.model != task.model for other in held.values()):
                break
            self.returned.popleft()
            held[task.key] = task
            taken.append(task)
        self.left -= len(taken)
        return taken


class Leases:
    """All trials that are left of a run, and who holds which.

    It remembers the trials that are held, and those alone: at most `LEASES` leases a node.
    """

    def __init__(self, shares: Sequence[Share]) -> None:
        self._shares = shares

    @property
    def done(self) -> bool:
        """Tell whether every trial has ended."""
        return all(share.next() is None and not any(share.held.values()) for share in self._shares)

    def lease(self, node: str, nodes: int, rate: float = 0.0) -> list[Task]:
        """Return further trials for a node, one of so many that work, by the rate of its ends."""
        return [task for share in self._shares for task in share.lease(node, nodes, rate)]

    def holds(self, node: str, key: str) -> bool:
        """Tell whether a trial is with this node; what others say of it is late, and dropped."""
        return any(key in share.held.get(node, ()) for share in self._shares)

    def end(self, node: str, key: str) -> Task:
        """Forget a trial that a node holds and has ended, and return it."""
        return next(
            share.held[node].pop(key) for share in self._shares if key in share.held.get(node, ())
        )

    def give_back(self, node: str) -> int:
        """Take from a node all that it holds, for others; return how many that were."""
        count = 0
        for share in self._shares:
            held = share.held.pop(node, {})
            share.returned.extendleft(reversed(held.values()))
            share.left += len(held)
            count += len(held)
        return count

    def held(self, node: str) -> int:
        """Count the trials that are with a node."""
        return sum(len(share.held.get(node, ())) for share in self._shares)
