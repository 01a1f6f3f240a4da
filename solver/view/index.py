"""A run's trials without their texts, held in memory so that any filter answers at once.

100,000 trials take about a second to read, once; afterwards only what changed is read. Outcomes
come from the functions that `Row` and `Trial` use. Texts are read from the file, a trial at a time.
"""

import os
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from threading import Event, Lock, Thread
from typing import NamedTuple

from sandbox import Exit
from solver.errors import ConfigError
from solver.records import Outcome, Problem, failure_of, outcome_of
from solver.stats.metrics import Estimate, accuracy
from solver.store import FILE, Store, checked

PATIENCE = 0.15
"""Seconds a page waits for an index that is being read for the first time."""
LONGEST_WANTED = 500
"""Characters of one part of a filter; a longer name is not offered."""
SHOWN_ANSWER = 200
"""Characters of an answer that lists show and the search looks at."""
_MOST_SINGLY = 2_000
"""Changed trials that are read one by one; more are read in one sweep."""

_FACTS = f"""
SELECT t.key, t.problem_id, t.model, t.mode, t.repeat, t.started, t.seconds,
       last.number + 1, substr(last.answer, 1, {SHOWN_ANSWER}),
       t.error IS NOT NULL OR last.number IS NULL, last.answer IS NOT NULL, last.runs_code,
       last.has_program, last.exit, last.capped, last.prompt_cut, v.score, v.threshold
FROM trials t
LEFT JOIN turns last
    ON last.key = t.key AND last.number = (SELECT max(number) FROM turns WHERE key = t.key)
LEFT JOIN verdicts v ON v.id = (SELECT max(id) FROM verdicts WHERE key = t.key)
"""


class Entry(NamedTuple):
    """One trial in a list."""

    key: str
    problem_id: str
    model: str
    mode: str
    repeat: int
    started: float
    """Unix time."""
    seconds: float
    attempts: int
    """Turns it took."""
    answer: str | None
    """Its beginning."""
    outcome: Outcome
    score: int | None

    @property
    def ended(self) -> float:
        """Unix time."""
        return self.started + self.seconds


@dataclass(frozen=True)
class Wanted:
    """A filter, each part as the address says it; an empty part lets everything through."""

    problem: str = ""
    """A problem's whole id: what a list of flipped problems links to."""
    domain: str = ""
    level: str = ""
    model: str = ""
    mode: str = ""
    outcome: str = ""
    score: str = ""
    """A number, or `none` where no usable verdict was given."""
    attempts: str = ""
    q: str = ""
    """Words looked for in the problem's id, question and reference, and in the answer."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Wanted":
        """The filter that an address holds; other parts of the address are not its business."""
        return cls(**{part.name: query.get(part.name, "")[:LONGEST_WANTED] for part in fields(cls)})

    def query(self) -> dict[str, str]:
        """The parts that are set, for an address."""
        return {name: value for name, value in vars(self).items() if value}


@dataclass(frozen=True)
class Snapshot:
    """What a run held at one moment."""

    entries: Sequence[Entry]
    """By problem in the order of the run, then model, mode and repeat."""
    problems: Mapping[str, Problem]

    def wanted(self, wanted: Wanted, *, latest: bool = False) -> list[Entry]:
        """The entries that pass a filter, in order, or the last to end first."""
        found = list(self.entries)
        for passes in self._tests(wanted):
            found = list(filter(passes, found))
        return sorted(found, key=lambda entry: -entry.ended) if latest else found

    def prepared(self) -> "Snapshot":
        """The same, with all that pages need counted already."""
        for _ in (self.by_key, self.choices, self.accuracies, self.outcomes, self.of_problem):
            pass
        return self

    @cached_property
    def by_key(self) -> Mapping[str, Entry]:
        """Entries by the key of their trial."""
        return {entry.key: entry for entry in self.entries}

    @cached_property
    def choices(self) -> Mapping[str, Sequence[str]]:
        """The values each part of a filter can take in this run, but for the search."""
        problems = [self.problems[name] for name in {entry.problem_id for entry in self.entries}]
        outcomes = {entry.outcome for entry in self.entries}
        scores = {entry.score for entry in self.entries}
        return {
            "domain": _offered(problem.domain for problem in problems),
            "level": [str(level) for level in sorted({problem.level for problem in problems})],
            "model": _offered(entry.model for entry in self.entries),
            "mode": _offered(entry.mode for entry in self.entries),
            "outcome": [str(outcome) for outcome in Outcome if outcome in outcomes],
            "score": [
                *(str(score) for score in range(5, 0, -1) if score in scores),
                *["none"] * (None in scores),
            ],
            "repeat": [str(n) for n in sorted({entry.repeat for entry in self.entries})],
            "attempts": [str(n) for n in sorted({entry.attempts for entry in self.entries})],
        }

    @cached_property
    def accuracies(self) -> Mapping[tuple[str, str], Estimate]:
        """Of the scored trials, by model and mode."""
        arms: dict[tuple[str, str], dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
        for entry in self.entries:
            if entry.outcome.scored:
                right = entry.outcome is Outcome.CORRECT
                arms[entry.model, entry.mode][entry.problem_id].append(right)
        return {arm: accuracy(arms[arm]) for arm in sorted(arms)}

    @cached_property
    def outcomes(self) -> Counter[Outcome]:
        """How the trials ended."""
        return Counter(entry.outcome for entry in self.entries)

    @cached_property
    def of_problem(self) -> Mapping[str, Sequence[Entry]]:
        """Every problem's entries."""
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            found[entry.problem_id].append(entry)
        return found

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        return {
            name: f"{name}\n{problem.question}\n{problem.answer}".casefold()
            for name, problem in self.problems.items()
        }

    def _tests(self, wanted: Wanted) -> Iterable[Callable[[Entry], bool]]:
        if wanted.problem:
            yield lambda entry: entry.problem_id == wanted.problem
        if wanted.domain or wanted.level:
            chosen = {
                name
                for name, problem in self.problems.items()
                if wanted.domain in ("", problem.domain)
                and wanted.level in ("", str(problem.level))
            }
            yield lambda entry: entry.problem_id in chosen
        if wanted.model:
            yield lambda entry: entry.model == wanted.model
        if wanted.mode:
            yield lambda entry: entry.mode == wanted.mode
        if wanted.outcome:
            yield lambda entry: entry.outcome == wanted.outcome
        if wanted.score:
            yield lambda entry: (str(entry.score) if entry.score else "none") == wanted.score
        if wanted.attempts:
            yield lambda entry: str(entry.attempts) == wanted.attempts
        if needle := wanted.q.strip().casefold():
            named = {name for name, text in self._texts.items() if needle in text}
            yield (
                lambda entry: (
                    entry.problem_id in named
                    or (entry.answer is not None and needle in entry.answer.casefold())
                )
            )


def _offered(names: Iterable[str]) -> Sequence[str]:
    return sorted(name for name in set(names) if len(name) <= LONGEST_WANTED)


class Index:
    """One run's snapshot, kept up to date as another process writes the run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._ready = Event()
        self._snapshot: Snapshot | None = None
        self._failure: Exception | None = None
        self._reader = _Reader(folder)
        self._next_look = 0.0
        self._file = _identity(folder)
        Thread(target=self._first, daemon=True).start()

    def snapshot(self, *, patience: float = PATIENCE) -> Snapshot | None:
        """The run as it is; None while it is read for the first time and that takes longer.

        Raises ConfigError or sqlite3.Error where the run cannot be read.
        """
        if not self._ready.wait(patience):
            return None
        if self._failure is not None:
            raise self._failure
        self._look_again()
        return self._snapshot

    def is_stale(self) -> bool:
        """Whether the run could not be read, or another file lies in its place by now."""
        return self._failure is not None or self._file != _identity(self.folder)

    def _first(self) -> None:
        with self._lock:
            try:
                self._snapshot = self._reader.read().prepared()
            except (ConfigError, sqlite3.Error, ValueError) as failure:
                self._failure = failure
        self._ready.set()

    def _look_again(self) -> None:
        """Read what changed, though never for more than a twentieth of the time."""
        if time.monotonic() < self._next_look or not self._lock.acquire(blocking=False):
            return
        try:
            start = time.monotonic()
            self._snapshot = self._reader.read().prepared()
            now = time.monotonic()
            self._next_look = now + max(0.5, 20 * (now - start))
        finally:
            self._lock.release()


class _Reader:
    """Reads a run's facts, and afterwards only those that changed. For one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._database: sqlite3.Connection | None = None
        self._folder = folder
        self._version: int | None = None
        self._last_verdict = 0
        self._entries: dict[str, Entry] = {}
        self._snapshot = Snapshot((), {})
        self._outcomes: dict[tuple[object, ...], Outcome] = {}

    def read(self) -> Snapshot:
        """The run as it is now."""
        if self._database is None:
            self._database = connect(self._folder)
        (version,) = self._database.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return self._snapshot
        self._database.execute("BEGIN")  # one moment of the run, whatever is written meanwhile
        try:
            changed = self._changed(self._database)
            if changed:
                self._update(self._database, changed)
            problems = self._problems(self._database)
        finally:
            self._database.execute("COMMIT")
        self._version = version
        position = {name: place for place, name in enumerate(problems)}
        known = [entry for entry in self._entries.values() if entry.problem_id in position]
        known.sort(key=lambda e: (position[e.problem_id], e.model, e.mode, e.repeat))
        self._snapshot = Snapshot(known, problems)
        return self._snapshot

    def _changed(self, database: sqlite3.Connection) -> set[str]:
        """Keys of trials that ended, ran again or were judged again since the last look."""
        (last,) = database.execute("SELECT coalesce(max(id), 0) FROM verdicts").fetchone()
        judged = database.execute("SELECT key FROM verdicts WHERE id > ?", (self._last_verdict,))
        changed = {key for (key,) in judged} if self._entries else set()
        self._last_verdict = last
        for key, started in database.execute("SELECT key, started FROM trials"):
            entry = self._entries.get(key)
            if entry is None or entry.started != started:
                changed.add(key)
        return changed

    def _update(self, database: sqlite3.Connection, changed: set[str]) -> None:
        if len(changed) > _MOST_SINGLY:
            rows: Iterable[sqlite3.Row] = database.execute(_FACTS)
        else:
            single = _FACTS + " WHERE t.key = ?"
            rows = (row for key in changed for row in database.execute(single, (key,)))
        for row in rows:
            entry = Entry._make((*row[:7], row[7] or 0, row[8], self._outcome(row[9:]), row[16]))
            self._entries[entry.key] = entry

    def _outcome(self, facts: tuple[object, ...]) -> Outcome:
        """Worked out once for every combination of facts: there are few, and trials are many."""
        if facts not in self._outcomes:
            self._outcomes[facts] = _outcome(*facts)
        return self._outcomes[facts]

    def _problems(self, database: sqlite3.Connection) -> Mapping[str, Problem]:
        (count,) = database.execute("SELECT count(*) FROM problems").fetchone()
        if count == len(self._snapshot.problems):
            return self._snapshot.problems
        return Store(self._folder, database).problems()


def _outcome(
    error: object,
    answered: object,
    runs_code: object,
    has_program: object,
    exit: object,
    capped: object,
    prompt_cut: object,
    score: object,
    threshold: object,
) -> Outcome:
    """As `Row` derives it, from the same facts."""
    failure = None
    if not error:
        failure = failure_of(
            answered=bool(answered),
            runs_code=bool(runs_code),
            has_program=bool(has_program),
            exit=Exit(str(exit)) if exit else None,
            capped=bool(capped),
            prompt_cut=bool(prompt_cut),
        )
    correct = None
    if isinstance(score, int) and isinstance(threshold, int):
        correct = score >= threshold
    return outcome_of(error=bool(error), failure=failure, correct=correct)


def _decoded(text: bytes) -> str:
    return text.decode(errors="replace")


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = (folder / FILE).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def connect(folder: Path) -> sqlite3.Connection:
    """A connection that can only read.

    Raises ConfigError where the folder holds no run.
    """
    path = (folder / FILE).resolve()
    if not path.is_file():
        raise ConfigError(f"{folder}: no run there (no {FILE})")
    # Where we may not write and nobody else writes, SQLite must be told that no log is needed.
    is_still = not os.access(path.parent, os.W_OK) and not path.with_name(f"{FILE}-wal").exists()
    database = sqlite3.connect(
        f"{path.as_uri()}?mode=ro{'&immutable=1' if is_still else ''}",
        uri=True,
        isolation_level=None,
        timeout=5,
        check_same_thread=False,
    )
    database.row_factory = sqlite3.Row
    database.text_factory = _decoded
    try:
        return checked(path, database)
    except ConfigError:
        database.close()
        raise
