"""Keep a run's trials, without their texts, in memory, and up to date while the run goes on.

Reading 100,000 trials takes about a second; afterwards only changes are read. Outcomes are computed
by the same functions as those of `Row` and `Trial`.
"""

import gc
import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Event, Lock, Thread

from judge.logs.records import Theirs
from sandbox import Exit
from solver.analysis.other_judge import said_by_trial
from solver.collector import no_garbage_collection
from solver.errors import ConfigError
from solver.records import Outcome, Problem, failure_of, outcome_of
from solver.store import FILE, Reader, check_types, damage, file_to_read
from solver.view.connection import connect
from solver.view.entry import Entry
from solver.view.snapshot import Snapshot

PATIENCE = 0.15
"""Seconds that a page waits for a reading of a run; then it shows what was read before."""
SHOWN_ANSWER = 200
"""The most characters of an answer, and of a reason, that are shown in lists and searched."""
_MOST_SINGLY = 2_000
"""The most changed trials that are read one by one; if more have changed, all are read again."""

_FACTS = f"""
SELECT t.key, t.problem_id, t.model, t.mode, t.repeat, t.started, t.seconds,
       last.number + 1, substr(last.answer, 1, {SHOWN_ANSWER}),
       t.error IS NOT NULL OR last.number IS NULL, last.answer IS NOT NULL, last.runs_code,
       last.has_program, last.exit, last.capped, last.prompt_cut, v.score, v.threshold,
       substr(json_extract(v.body, '$.reason'), 1, {SHOWN_ANSWER}),
       (SELECT sum(model_seconds) FROM turns WHERE key = t.key)
FROM trials t
LEFT JOIN turns last
    ON last.key = t.key AND last.number = (SELECT max(number) FROM turns WHERE key = t.key)
LEFT JOIN verdicts v ON v.id = (SELECT max(id) FROM verdicts WHERE key = t.key)
"""


class Index:
    """One run's snapshot, kept up to date while another process writes the run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._ready = Event()
        self._snapshot: Snapshot | None = None
        self._failure: Exception | None = None
        self._reader = _EntryReader(folder)
        self._next_look = 0.0
        self._file = _identity(folder)
        Thread(target=self._first, daemon=True).start()

    def snapshot(self, *, patience: float = PATIENCE) -> Snapshot | None:
        """Return the run as it is now, or was when a reading was last done within `patience`.

        None before the first one is done. Raises ConfigError where the run cannot be read.
        """
        if not self._ready.wait(patience):
            return None
        if self._failure is None:
            self._look_again(patience)
        if self._failure is not None:
            raise self._failure
        return self._snapshot

    @property
    def size(self) -> int:
        """Count the trials in memory."""
        return len(self._snapshot.entries) if self._snapshot else 0

    def is_stale(self) -> bool:
        """Tell whether the run could not be read, or its file was replaced since."""
        return self._failure is not None or self._file != _identity(self.folder)

    def _first(self) -> None:
        """Read the run for the first time, in a thread of its own."""
        with self._lock:
            try:
                with damage(self.folder / FILE), no_garbage_collection():
                    self._snapshot = self._reader.read().prepared()
                gc.freeze()  # else the collector would search all trials again and again
            except ConfigError as failure:
                self._failure = failure
        self._ready.set()

    def _look_again(self, patience: float) -> None:
        """Read what has changed in a thread of its own, and wait for it at most so long.

        At most a twentieth of the time is spent on this.
        """
        if time.monotonic() < self._next_look or not self._lock.acquire(blocking=False):
            return
        reading = Thread(target=self._again, daemon=True)
        reading.start()
        reading.join(patience)

    def _again(self) -> None:
        """Read what has changed, and release the lock."""
        try:
            start = time.monotonic()
            with damage(self.folder / FILE):
                self._snapshot = self._reader.read().prepared()
            now = time.monotonic()
            self._next_look = now + max(0.5, 20 * (now - start))
        except ConfigError as failure:
            self._failure = failure
        finally:
            self._lock.release()


class _EntryReader:
    """Reads a run's facts, and afterwards only those that changed. For one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._database: sqlite3.Connection | None = None
        self._folder = folder
        self._version: int | None = None
        self._last_verdict = 0
        self._entries: dict[str, Entry] = {}
        self._snapshot = Snapshot((), {})
        self._said: dict[str, tuple[Theirs, ...]] = {}
        self._outcomes: dict[tuple[object, ...], Outcome] = {}

    def read(self) -> Snapshot:
        """Return the run as it is now."""
        if self._database is None:
            database = connect(self._folder)
            check_types(self._folder / FILE, database)
            self._database = database
        (version,) = self._database.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return self._snapshot
        self._database.execute("BEGIN")  # so that all reads see the same state of the run
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
        """Return the keys of trials that ended, reran or were judged again since the last call."""
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
        """Read the changed trials."""
        if not self._entries:  # an import is whole when it appears, and its scorers are asked once
            said = said_by_trial(Reader(self._folder, database))
            self._said = {key: tuple(found) for key, found in said.items()}
        if len(changed) > _MOST_SINGLY:
            rows: Iterable[sqlite3.Row] = database.execute(_FACTS)
        else:
            single = _FACTS + " WHERE t.key = ?"
            rows = (row for key in changed for row in database.execute(single, (key,)))
        for row in rows:
            counted = (row[7] or 0, row[8], self._outcome(row[9:18]))
            others = self._said.get(row[0], ())
            entry = Entry._make((*row[:7], *counted, row[16], row[18], row[19] or 0.0, others))
            self._entries[entry.key] = entry

    def _outcome(self, facts: tuple[object, ...]) -> Outcome:
        """Return the outcome, cached: there are many trials but few combinations of facts."""
        if facts not in self._outcomes:
            self._outcomes[facts] = _outcome(*facts)
        return self._outcomes[facts]

    def _problems(self, database: sqlite3.Connection) -> Mapping[str, Problem]:
        """Return the problems by id; read them again only if their number has changed."""
        (count,) = database.execute("SELECT count(*) FROM problems").fetchone()
        if count == len(self._snapshot.problems):
            return self._snapshot.problems
        return Reader(self._folder, database).problems()


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
    """Compute a trial's outcome from the columns of `_FACTS`, as `Row` does."""
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


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return the device and inode of a run's file, or None where there is none."""
    try:
        found = file_to_read(folder).stat()
    except (OSError, ConfigError):
        return None
    return found.st_dev, found.st_ino
