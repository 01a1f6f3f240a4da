"""Find the runs in a folder, and tell the state of each."""

import sqlite3
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from judge import Verdict
from judge.logs.records import Theirs
from solver.analysis.comparable import scoring
from solver.analysis.contamination import contamination_of
from solver.errors import ConfigError
from solver.records import Problem, Trial
from solver.store import FILE, Reader, damage, is_run, state_of
from solver.view.connection import connect
from solver.view.filters import Standings
from solver.view.index import Index
from solver.view.snapshot import Snapshot

MOST_OPEN = 12
"""The most runs whose trials are kept in memory, and shown in the list of runs."""
_MOST_ENTRIES = 400_000
"""The most trials of them together, with the last run in any case; 100,000 take some 50 MB."""


@dataclass(frozen=True)
class About:
    """The description and state of a run, for which its trials need not be read."""

    name: str
    state: str
    """`running`, `finished`, `stopped`, or why it cannot be read."""
    readable: bool = True
    done: int = 0
    """Trials that ended, errors included."""
    planned: int = 0
    started: float = 0.0
    """Unix time of the last start of the command."""
    models: Sequence[str] = ()
    modes: Sequence[str] = ()
    problems: str = ""
    warnings: Sequence[str] = ()

    @property
    def running(self) -> bool:
        """Tell whether a process is writing the run now."""
        return self.state == "running"


@dataclass(frozen=True)
class StoredTrial:
    """One trial with its problem and all its verdicts."""

    run: str
    key: str
    trial: Trial
    problem: Problem
    verdicts: Sequence[tuple[str, Verdict]]
    """All verdicts with their judges, the oldest first. The last one counts."""
    said: Sequence[Theirs] = ()
    """What the scorers of the tool said that the trial was imported from."""


class Library:
    """The runs in a folder, or the one run whose folder it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._indices: OrderedDict[str, Index] = OrderedDict()
        self._lock = Lock()
        self._standings: dict[str, tuple[Snapshot | None, Standings]] = {}

    def names(self) -> list[str]:
        """Return the names of the runs. Raises ConfigError where there is no such folder."""
        return list(self._folders())

    def folder_of(self, name: str) -> Path | None:
        """Return a run's folder, or None. Only names of listed runs are accepted, never paths."""
        return self._folders().get(name)

    def index(self, name: str) -> Index | None:
        """Return the run's index, and start to read it if needed; None for an unknown run."""
        folder = self.folder_of(name)
        if folder is None:
            return None
        with self._lock:
            if name not in self._indices or self._indices[name].is_stale():
                self._indices[name] = Index(folder)
            self._indices.move_to_end(name)
            while len(self._indices) > MOST_OPEN or self._held() > _MOST_ENTRIES:
                self._indices.popitem(last=False)
            return self._indices[name]

    def _held(self) -> int:
        """Count the trials in memory, if they are those of more than one run."""
        counts = [index.size for index in self._indices.values()]
        return sum(counts) if len(counts) > 1 else 0

    def about(self, name: str) -> About:
        """Return the description and state of a listed run."""
        folder = self._folders()[name]
        try:
            with closing(connect(folder)) as database:
                store = Reader(folder, database)
                manifest, sessions, done = store.manifest(), store.sessions(), store.ended()
        except (ConfigError, sqlite3.Error) as failure:
            return About(name, f"cannot be read: {failure}", readable=False)
        planned = _number(manifest.get("trials"))
        config = _mapping(manifest.get("config"))
        return About(
            name=name,
            state=state_of(folder, sessions, done, planned),
            done=done,
            planned=planned,
            started=sessions[-1]["started"] if sessions else 0.0,
            models=[str(_mapping(each).get("name", each)) for each in _listed(config, "model")],
            modes=[str(mode) for mode in _listed(config, "mode")],
            problems=str(config.get("problems", "")),
            warnings=[*map(str, _listed(manifest, "warnings")), *_scored(manifest, folder)],
        )

    def manifest(self, name: str) -> dict[str, Any]:
        """Return the whole manifest of a listed run."""
        folder = self._folders()[name]
        with closing(connect(folder)) as database:
            return Reader(folder, database).manifest()

    def standings(self, name: str) -> Standings:
        """Return what signs of memory say of each problem of a listed run that was probed."""
        index = self.index(name)
        snapshot = index.snapshot() if index else None
        read, known = self._standings.get(name, (None, {}))
        if read is None or read is not snapshot:
            folder = self._folders()[name]
            with closing(connect(folder)) as database:
                found = contamination_of(Reader(folder, database))
            lines = found.recited if found else ()
            known = {(line.problem_id, line.model, line.mode): line.standing for line in lines}
            self._standings[name] = (snapshot, known)
        return known

    def find(self, name: str, key: str) -> StoredTrial | None:
        """Return a trial of a listed run; None where it does not exist or has not ended."""
        folder = self._folders()[name]
        with closing(connect(folder)) as database:
            store = Reader(folder, database)
            asked = database.execute(
                "SELECT p.body FROM trials t JOIN problems p ON p.id = t.problem_id"
                " WHERE t.key = ?",
                (key,),
            ).fetchone()
            if asked is None:
                return None
            with damage(folder / FILE):
                problem = Problem.model_validate_json(asked["body"])
            said = [theirs for _, theirs in store.other_verdicts(key)]
            return StoredTrial(name, key, store.trial(key), problem, store.verdicts(key), said)

    def _folders(self) -> dict[str, Path]:
        """Return the folder of each run by its name."""
        if is_run(self.folder):
            return {self.folder.resolve().name or "run": self.folder}
        try:
            inside = sorted(self.folder.iterdir(), key=lambda path: path.name)
        except OSError as failure:
            raise ConfigError(f"{self.folder}: no folder of runs: {failure.strerror}") from failure
        return {path.name: path for path in inside if is_run(path)}


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return the value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def _listed(mapping: Mapping[str, Any], name: str) -> Sequence[Any]:
    """Return a value of a mapping as a list; a single value becomes a list of one."""
    value = mapping.get(name, [])
    return value if isinstance(value, list) else [value]


def _number(value: Any) -> int:
    """Return the value if it is a whole number, else 0."""
    return value if isinstance(value, int) else 0


def _scored(manifest: Mapping[str, Any], folder: Path) -> list[str]:
    """Say where a run is scored in another way than by default; nothing of a broken manifest."""
    try:
        return list(scoring(manifest, folder))
    except (AttributeError, KeyError, TypeError, ValueError):
        return []
