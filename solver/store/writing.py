"""Write a run's file: its manifest and its problems, and its trials as they end."""

import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from judge import Verdict
from judge.logs.records import Theirs
from solver.errors import ConfigError, StoreError
from solver.records import Problem, Record, Reply, Trial, Turn
from solver.secrets import without_secrets
from solver.store.facts import Imported
from solver.store.lock import FILE as LOCK_FILE
from solver.store.lock import Lock, hold
from solver.store.merging import attached, merge_shard, require_alike, take_sessions, take_trials
from solver.store.reading import VERDICT, Reader
from solver.store.reserve import Reserve
from solver.store.schema import FILE, check_types, checked, make_tables
from solver.store.shards import require_merged
from solver.surrogates import without_surrogates

CHECKPOINT_EVERY = 30.0
"""Seconds after which the end of a trial is a moment for a checkpoint."""

_Write = tuple[str, Sequence[tuple[Any, ...]]]
"""A statement, and the rows it is executed for."""


class Store(Reader):
    """The trials of one run, to read and to write."""

    def __init__(
        self, folder: Path, database: sqlite3.Connection, lock: Lock | None = None
    ) -> None:
        super().__init__(folder, database)
        self._path = folder / FILE
        self._opened = identity(self._path)
        self._lock = lock
        self._checkpointed = self._began = time.monotonic()
        self._reserve = Reserve(folder)
        self._together: list[_Write] | None = None
        self._last: tuple[str, int] | None = None

    @classmethod
    def create_or_open(cls, folder: Path) -> Self:
        """Open the run in `folder` for writing, or start one there.

        Raises ConfigError where the folder cannot be written, another process holds the run, or
        shards of it are not merged.
        """
        require_merged(folder)
        return cls.open_to_merge(folder)

    @classmethod
    def open_to_merge(cls, folder: Path) -> Self:
        """Do the same whether shards are merged or not."""
        path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = hold(folder)
            database = sqlite3.connect(path, isolation_level=None, timeout=5)
            database.row_factory = sqlite3.Row
            _require_whole(path, database, lock)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            make_tables(database)
            store = cls(folder, checked(path, database), lock)
            check_types(path, database)
            store.checkpoint()
            store._reserve.take()
        except (OSError, sqlite3.Error) as failure:
            raise ConfigError(f"{path}: cannot be written: {failure}") from failure
        return store

    def merge(self, name: str, path: Path) -> None:
        """Add the trials of the shard `name`, whose file is at `path`; twice is the same as once.

        Raises ConfigError, with the difference, where it is a shard of another run, and StoreError
        where the disk fails.
        """
        with self._storing(path):
            merge_shard(self._database, name, path)

    def take(self, path: Path, wanted: Callable[[str], bool]) -> None:
        """Take over trials of `wanted` keys with which another shard got further."""
        with self._storing(path), attached(self._database, path):
            take_trials(self._database, wanted)

    def take_back(self, path: Path) -> None:
        """Take what an earlier or later file of the same shard holds and this one lacks."""
        with self._storing(path), attached(self._database, path):
            take_trials(self._database)
            take_sessions(self._database)

    def require_alike(self, path: Path) -> None:
        """Raise ConfigError, with the difference, where another file is of another run."""
        require_alike(self._database, path)

    def leave_no_log(self) -> None:
        """Let the file need no log beside it, so that other machines can read it at once."""
        with suppress(sqlite3.Error):  # another process reads it now
            self._database.execute("PRAGMA journal_mode = DELETE")

    @contextmanager
    def _storing(self, path: Path) -> Iterator[None]:
        """Turn a failure of the disk into a StoreError; let the lock name a turn that is there."""
        try:
            yield
            found = self._database.execute("SELECT key, number FROM turns LIMIT 1").fetchone()
        except sqlite3.Error as failure:
            raise StoreError(
                f"{path}: cannot be taken into {self._path}: {failure}; the same command goes on"
            ) from failure
        if self._lock is not None and found:
            self._lock.note(*found)

    def checkpoint(self) -> None:
        """Bring all that is stored from the log beside the file into the file itself.

        So a file that is copied alone, or loses its log, holds all but the last half minute.
        """
        with suppress(sqlite3.Error):  # the next write says what is wrong with the disk
            self._database.execute("PRAGMA wal_checkpoint(PASSIVE)")
        self._checkpointed = time.monotonic()

    def close(self) -> None:
        """Close the file and release the lock."""
        if self._lock is not None:
            self._reserve.release()
        super().close()
        if self._lock is not None:
            self._lock.close()

    def write_manifest(self, **facts: Any) -> None:
        """Set facts of the manifest."""
        rows = [
            (key, without_secrets(without_surrogates(json.dumps(value, ensure_ascii=False))))
            for key, value in facts.items()
        ]
        self._write(("INSERT OR REPLACE INTO manifest VALUES (?, ?)", rows))

    def begin_session(self, **facts: Any) -> int:
        """Record a start of the command (a resumed run has several) and return its number."""
        row = (time.time(), without_surrogates(json.dumps(facts, ensure_ascii=False)))
        self._write(("INSERT INTO sessions (started, body) VALUES (?, ?)", [row]))
        self._began = time.monotonic()
        (number,) = self._database.execute("SELECT max(id) FROM sessions").fetchone()
        return int(number)

    def end_session(self, number: int) -> None:
        """Record that the command ended, by itself or by Ctrl-C; after a kill nobody does.

        The time since its start is measured, so that a clock that is set back changes nothing.
        """
        row = (time.monotonic() - self._began, number)
        self._write(("UPDATE sessions SET ended = started + ? WHERE id = ?", [row]))

    def add_problems(self, problems: Sequence[Problem]) -> None:
        """Store the questions, so that the run can be read without its data set."""
        rows = [
            (p.id, position, p.domain, p.level, p.hash, p.model_dump_json())
            for position, p in enumerate(problems)
        ]
        self._write(("INSERT OR REPLACE INTO problems VALUES (?, ?, ?, ?, ?, ?)", rows))

    def forget(self) -> None:
        """Forget config and problems, for a run of which nothing is stored."""
        self._write(("DELETE FROM manifest", [()]), ("DELETE FROM problems", [()]))

    def add_reply(self, key: str, number: int, reply: Reply) -> None:
        """Store the reply of a turn that has not ended: its program has yet to run."""
        row = (key, number, _packed(reply))
        self._write(("INSERT OR REPLACE INTO replies VALUES (?, ?, ?)", [row]))

    def add_turn(self, key: str, number: int, turn: Turn) -> None:
        """Store one turn of a trial that is still running, in place of its reply alone."""
        self._write(
            ("DELETE FROM replies WHERE key = ? AND number = ?", [(key, number)]),
            ("DELETE FROM thoughts WHERE key = ? AND number = ?", [(key, number)]),
            *_turn_writes([(key, number, turn)]),
            last=(key, number),
        )

    def add_trial(self, key: str, trial: Trial, *, judge: str) -> None:
        """Store the end of a trial, whose turns are stored already, and its verdict."""
        writes: list[_Write] = [(_TRIAL, [_trial_row(key, trial)])]
        if trial.verdict is not None:
            writes.append(_verdict_write(key, trial.verdict, judge))
        self._write(*writes)
        if time.monotonic() - self._checkpointed > CHECKPOINT_EVERY:
            self.checkpoint()

    def add_imported(self, trials: Sequence[Imported]) -> None:
        """Store whole trials that another tool measured, all in one transaction."""
        turns = [
            (one.key, number, turn) for one in trials for number, turn in enumerate(one.trial.turns)
        ]
        verdicts = [
            _verdict_write(one.key, one.trial.verdict, one.judge)
            for one in trials
            if one.trial.verdict is not None
        ]
        self._write(
            *_turn_writes(turns),
            (_TRIAL, [_trial_row(one.key, one.trial) for one in trials]),
            *verdicts,
            _other_verdicts_write([(one.key, said) for one in trials for said in one.theirs]),
        )

    def add_other_verdicts(self, said: Sequence[tuple[str, Theirs]]) -> None:
        """Store what another tool's scorers said, each with its trial's key."""
        self._write(_other_verdicts_write(said))

    def add_verdict(self, key: str, verdict: Verdict, *, judge: str) -> None:
        """Store another verdict on a trial: the last one counts, the earlier ones stay."""
        self._write(_verdict_write(key, verdict, judge))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Commit what is stored in the block at its end, all or nothing. Raises StoreError then."""
        self._together, self._last = [], None
        try:
            yield
            writes = self._together
        finally:
            self._together = None
        if writes:
            self._write(*writes, last=self._last)

    def _write(self, *writes: _Write, last: tuple[str, int] | None = None) -> None:
        """Commit all or nothing; the lock names the last turn among it, if there is one.

        Where the disk is full, space that was kept for this moment is given back, so that this and
        what is in flight can still be stored. Raises StoreError then too, and for any other failure
        of the disk or the folder.
        """
        if self._together is not None:
            self._together += writes
            self._last = last or self._last
            return
        if identity(self._path) != self._opened:
            raise StoreError(
                f"{self.folder}: the run's folder was moved or deleted while the run was going on;"
                " put it back, and the same command resumes",
                gone=True,
            )
        try:
            self._commit(writes)
        except sqlite3.Error as failure:
            full = failure.sqlite_errorcode == sqlite3.SQLITE_FULL
            if full and self._reserve.release():
                with suppress(sqlite3.Error):
                    self._commit(writes)
            raise StoreError(
                f"{self._path}: cannot be written: {failure}; when the disk"
                f" {'has space' if full else 'works'} again, the same command resumes"
            ) from failure
        if last is not None and self._lock is not None:
            self._lock.note(*last)

    def _commit(self, writes: Iterable[_Write]) -> None:
        """Take the write lock at once, so that a second writer fails early; write and commit."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            for statement, rows in writes:
                self._database.executemany(statement, rows)
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:  # some failures have rolled it back themselves
                self._database.execute("ROLLBACK")
            raise


def _require_whole(path: Path, database: sqlite3.Connection, lock: Lock) -> None:
    """Raise ConfigError where the file lacks the last turn that was stored in it."""
    if lock.last is None:
        return
    made = database.execute("PRAGMA user_version").fetchone()[0]
    asked = "SELECT 1 FROM turns WHERE key = ? AND number = ?"
    if made and (not lock.same_boot or database.execute(asked, lock.last).fetchone()):
        return
    lock.close()
    database.close()
    raise ConfigError(
        f"{path}: does not hold all that was stored: it was emptied or replaced, or {FILE}-wal was"
        f" deleted; put it back, or delete {path.with_name(LOCK_FILE)} to go on with what is there"
    )


def identity(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of a file, or None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _thoughts_rows(key: str, number: int, turn: Turn) -> list[tuple[Any, ...]]:
    """Return the row of what lists show of a turn's thoughts, where it has any."""
    reply = turn.reply
    if not (reply.thoughts or reply.thought_tokens):
        return []
    alone, boxed = reply.only_thoughts, turn.boxed_in_thoughts
    return [(key, number, reply.thought_tokens or 0, alone, boxed, reply.capped)]


_TRIAL = "INSERT OR REPLACE INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


def _trial_row(key: str, trial: Trial) -> tuple[Any, ...]:
    """Build the row of `trials`."""
    return (
        key,
        trial.problem_id,
        trial.model,
        trial.mode,
        trial.repeat,
        trial.seed,
        trial.error,
        trial.started,
        trial.seconds,
    )


def _turn_writes(turns: Sequence[tuple[str, int, Turn]]) -> Iterator[_Write]:
    """Yield what stores turns, each given with its trial's key and its number."""
    rows = [_turn_row(*turn) for turn in turns]
    if rows:
        yield f"INSERT OR REPLACE INTO turns VALUES ({', '.join('?' * len(rows[0]))})", rows
    thoughts = [row for turn in turns for row in _thoughts_rows(*turn)]
    yield "INSERT INTO thoughts VALUES (?, ?, ?, ?, ?, ?)", thoughts


def _other_verdicts_write(said: Sequence[tuple[str, Theirs]]) -> _Write:
    """Return what adds rows to `other_verdicts`."""
    rows = [(key, each.name, each.value, each.reading, each.whole) for key, each in said]
    return "INSERT OR REPLACE INTO other_verdicts VALUES (?, ?, ?, ?, ?)", without_surrogates(rows)


def _verdict_write(key: str, verdict: Verdict, judge: str) -> _Write:
    """Return what adds a row to `verdicts`."""
    verdict = without_surrogates(verdict)
    row = (
        key,
        time.time(),
        judge,
        verdict.score,
        verdict.threshold,
        verdict.by,
        VERDICT.dump_json(verdict).decode(),
    )
    return (
        "INSERT INTO verdicts (key, made, judge, score, threshold, by, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [row],
    )


def _turn_row(key: str, number: int, turn: Turn) -> tuple[Any, ...]:
    """Build the row of `turns`: the columns that lists read, and the whole turn compressed."""
    refused = next((finding.rule for finding in turn.refusals), None)
    return (
        key,
        number,
        turn.answer,
        turn.runs_code,
        turn.program is not None,
        refused if turn.execution is None else None,
        str(turn.execution.exit) if turn.execution else None,
        turn.reply.capped,
        turn.reply.prompt_cut,
        turn.reply.requests,
        turn.reply.input_tokens,
        turn.reply.output_tokens,
        turn.reply.seconds,
        turn.execution.seconds if turn.execution else 0.0,
        _packed(turn),
    )


def _packed(record: Record) -> bytes:
    """Return a record as compressed JSON, without what has its default value."""
    return zlib.compress(record.model_dump_json(exclude_defaults=True).encode(), level=3)
