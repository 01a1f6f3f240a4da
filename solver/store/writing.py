"""Write a run's file: its manifest and its problems, and its trials as they end."""

import json
import sqlite3
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TextIO

from judge import Verdict
from sandbox import Level
from solver.errors import ConfigError
from solver.records import Problem, Record, Reply, Trial, Turn, without_surrogates
from solver.store.lock import hold
from solver.store.reading import VERDICT, Reader
from solver.store.schema import FILE, checked, make_tables


class Store(Reader):
    """The trials of one run, to read and to write."""

    def __init__(
        self, folder: Path, database: sqlite3.Connection, lock: TextIO | None = None
    ) -> None:
        super().__init__(folder, database)
        self._lock = lock

    @classmethod
    def create_or_open(cls, folder: Path) -> Self:
        """Open the run in `folder` for writing, or start one there.

        Raises ConfigError where the folder cannot be written or another process holds the run.
        """
        path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = hold(folder)
            database = sqlite3.connect(path, isolation_level=None, timeout=5)
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            make_tables(database)
        except (OSError, sqlite3.Error) as failure:
            raise ConfigError(f"{path}: cannot be written: {failure}") from failure
        return cls(folder, checked(path, database), lock)

    def close(self) -> None:
        """Close the file and release the lock."""
        super().close()
        if self._lock is not None:
            self._lock.close()

    def write_manifest(self, **facts: Any) -> None:
        """Set facts of the manifest."""
        rows = [
            without_surrogates((key, json.dumps(value, ensure_ascii=False)))
            for key, value in facts.items()
        ]
        with self._transaction():
            self._database.executemany("INSERT OR REPLACE INTO manifest VALUES (?, ?)", rows)

    def begin_session(self, **facts: Any) -> int:
        """Record a start of the command (a resumed run has several) and return its number."""
        with self._transaction():
            cursor = self._database.execute(
                "INSERT INTO sessions (started, body) VALUES (?, ?)",
                (time.time(), without_surrogates(json.dumps(facts, ensure_ascii=False))),
            )
        return int(cursor.lastrowid or 0)

    def end_session(self, number: int) -> None:
        """Record that the command ended, by itself or by Ctrl-C; after a kill nobody does."""
        with self._transaction():
            self._database.execute(
                "UPDATE sessions SET ended = ? WHERE id = ?", (time.time(), number)
            )

    def add_problems(self, problems: Sequence[Problem]) -> None:
        """Store the questions, so that the run can be read without its data set."""
        rows = [
            (p.id, position, p.domain, p.level, p.hash, p.model_dump_json())
            for position, p in enumerate(problems)
        ]
        with self._transaction():
            self._database.executemany(
                "INSERT OR REPLACE INTO problems VALUES (?, ?, ?, ?, ?, ?)", rows
            )

    def forget(self) -> None:
        """Forget config and problems, for a run of which nothing is stored."""
        with self._transaction():
            self._database.execute("DELETE FROM manifest")
            self._database.execute("DELETE FROM problems")

    def add_reply(self, key: str, number: int, reply: Reply) -> None:
        """Store the reply of a turn that has not ended: its program has yet to run."""
        with self._transaction():
            self._database.execute(
                "INSERT OR REPLACE INTO replies VALUES (?, ?, ?)", (key, number, _packed(reply))
            )

    def add_turn(self, key: str, number: int, turn: Turn) -> None:
        """Store one turn of a trial that is still running, in place of its reply alone."""
        with self._transaction():
            self._database.execute(
                "DELETE FROM replies WHERE key = ? AND number = ?", (key, number)
            )
            self._database.execute(
                f"INSERT OR REPLACE INTO turns VALUES ({', '.join('?' * 15)})",
                _turn_row(key, number, turn),
            )
            self._write_thoughts(key, number, turn)

    def add_trial(self, key: str, trial: Trial, *, judge: str) -> None:
        """Store the end of a trial, whose turns are stored already, and its verdict."""
        with self._transaction():
            self._database.execute(
                "INSERT OR REPLACE INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    key,
                    trial.problem_id,
                    trial.model,
                    trial.mode,
                    trial.repeat,
                    trial.seed,
                    trial.error,
                    trial.started,
                    trial.seconds,
                ),
            )
            if trial.verdict is not None:
                self._insert_verdict(key, trial.verdict, judge)

    def add_verdict(self, key: str, verdict: Verdict, *, judge: str) -> None:
        """Store another verdict on a trial: the last one counts, the earlier ones stay."""
        with self._transaction():
            self._insert_verdict(key, verdict, judge)

    def _write_thoughts(self, key: str, number: int, turn: Turn) -> None:
        """Write what lists show of a turn's thoughts, within a transaction."""
        reply = turn.reply
        place = (key, number)
        self._database.execute("DELETE FROM thoughts WHERE key = ? AND number = ?", place)
        if reply.thoughts or reply.thought_tokens:
            alone, boxed = reply.only_thoughts, turn.boxed_in_thoughts
            self._database.execute(
                "INSERT INTO thoughts VALUES (?, ?, ?, ?, ?, ?)",
                (*place, reply.thought_tokens or 0, alone, boxed, reply.capped),
            )

    def _insert_verdict(self, key: str, verdict: Verdict, judge: str) -> None:
        """Add a row to `verdicts`, within a transaction."""
        verdict = without_surrogates(verdict)
        self._database.execute(
            "INSERT INTO verdicts (key, made, judge, score, threshold, by, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                key,
                time.time(),
                judge,
                verdict.score,
                verdict.threshold,
                verdict.by,
                VERDICT.dump_json(verdict).decode(),
            ),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit all or nothing. Take the write lock at once, so a second writer fails early."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


def _turn_row(key: str, number: int, turn: Turn) -> tuple[Any, ...]:
    """Build the row of `turns`: the columns that lists read, and the whole turn compressed."""
    refused = next(
        (finding.rule for finding in turn.findings if finding.level is Level.REFUSE), None
    )
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
