"""Keep which trials are with which node, so that each is stored once and none is lost."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from solver.run.tasks import Task

LEASES = 2
"""A node holds at most so many leases: what it works on, and as many again to go on with while its
report is under way."""
LEASE_SECONDS = 0.1
"""A lease is the trials that a node works on at the same time, or what it ends in this time, if
that is more, so that quick trials do not wait for the next report."""
RATE_SECONDS = 1.0
"""Over about so long the rate of a node is averaged: trials that end together are no rate."""


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
    model: str = ""
    """Of the trial that was given last."""
    ended: Counter[str] = field(default_factory=Counter)
    """Trials that a node ended since it was last told how long that took."""
    rates: dict[str, float] = field(default_factory=dict)
    """Trials of this model that a node ends a second."""

    def next(self) -> Task | None:
        """Return the next trial, without taking it; None where there is none."""
        if not self.returned:
            self.returned.extend(task for task in [next(self.source, None)] if task)
        return self.returned[0] if self.returned else None

    def lease(self, node: str, nodes: int) -> list[Task]:
        """Give one of so many nodes what it has room for, but no more than its part of the rest.

        A trial of another model waits until the node has ended those of the model before it.
        """
        held = self.held.setdefault(node, {})
        if (first := self.next()) is not None and first.model != self.model:
            self.model = first.model
            self.rates.clear()
        part = max(1, -(-self.left // max(nodes, 1)))
        lease = max(self.at_once, round(self.rates.get(node, 0.0) * LEASE_SECONDS))
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

    def took(self, node: str, seconds: float) -> None:
        """Note how long a node took for the trials that it has ended since the last time."""
        rate, ended = self.rates.get(node, 0.0), self.ended.pop(node, 0)
        self.rates[node] = rate + (ended / seconds - rate) * min(1.0, seconds / RATE_SECONDS)


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

    def lease(self, node: str, nodes: int) -> list[Task]:
        """Return further trials for a node, one of so many that work."""
        return [task for share in self._shares for task in share.lease(node, nodes)]

    def took(self, node: str, seconds: float) -> None:
        """Note the time between two reports of a node, in which it ended what has been told."""
        if seconds > 0:
            for share in self._shares:
                share.took(node, seconds)

    def holds(self, node: str, key: str) -> bool:
        """Tell whether a trial is with this node; what others say of it is late, and dropped."""
        return any(key in share.held.get(node, ()) for share in self._shares)

    def end(self, node: str, key: str) -> Task:
        """Forget a trial that a node holds and has ended, and return it."""
        share = next(share for share in self._shares if key in share.held.get(node, ()))
        share.ended[node] += 1
        return share.held[node].pop(key)

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
