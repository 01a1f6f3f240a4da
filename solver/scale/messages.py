"""What a node of a cluster and the driver of a run say to each other."""

from dataclasses import dataclass, field
from typing import Any

from solver.records import Reply, Trial, Turn


class NodeLost(Exception):
    """A node's worker is gone, or cannot be reached: what it held goes to others."""


@dataclass(frozen=True)
class Place:
    """A machine of the cluster on which a worker can be started."""

    id: str
    name: str
    """What people call it."""


@dataclass(frozen=True)
class About:
    """The software of a node, compared before anything else is done there."""

    versions: dict[str, str]
    """Versions of all packages that could change a result, and a hash of the program's files."""


@dataclass(frozen=True)
class Group:
    """Models that share an endpoint, so that a node works on one of them at a time."""

    models: tuple[str, ...]
    at_once: int
    """The trials that a node works on at the same time."""


@dataclass(frozen=True)
class Opened:
    """What a node has built: the parts of a run."""

    facts: dict[str, Any]
    cannot: dict[str, dict[str, str]]
    warnings: list[str]
    judge: str
    """What is stored with each verdict of its judge."""
    judges_later: bool
    """Its judge's model shares a server with a model under test."""
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Counts:
    """The requests of a node since it was opened."""

    answered: int = 0
    failed: int = 0
    waiting: int = 0
    """Requests sleeping between two attempts."""
    last_trouble: str = ""
    output_tokens: int = 0
    model_seconds: float = 0.0
    seconds: float = 0.0
    """Since it was opened."""
    idle: float = 0.0
    """The share, from 0 to 1, of its endpoints' slots that held no request, on average."""


Written = Reply | Turn | Trial
"""A reply that arrived, a turn that ended in its place, or the end of a trial."""


@dataclass(frozen=True)
class Event:
    """One thing for the store, from a trial that a node holds."""

    key: str
    number: int
    """The turn's, from 0; of the end of a trial, how many it has."""
    what: Written


@dataclass(frozen=True)
class Report:
    """What a node has done since its last report."""

    events: tuple[Event, ...] = ()
    counts: Counts = field(default_factory=Counts)
    loaded: dict[str, Any] = field(default_factory=dict)
    """What servers said of models that have been loaded since, by model."""
    notes: tuple[str, ...] = ()
    """Warnings of loaded models, since."""
    troubles: tuple[str, ...] = ()
    """Lines for the run's log."""
    ended_by: str | None = None
    """Why this node cannot go on."""
    drained: bool = False
    """No trial is being worked on, and none will be any more."""
