"""One SQLite file a run: append trials, resume, read back.

A turn is written as it ends, and a trial in one transaction with its verdict, so `kill -9` loses
only the requests in flight. Lists read the light columns; prompts, replies and programs lie
compressed in `turns.body`, read one trial at a time. Outcomes are derived, never stored.
"""

import fcntl
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self, TextIO

from pydantic import TypeAdapter

from judge import Verdict
from sandbox import Exit
from solver.errors import ConfigError
from solver.records import Failure, Outcome, Problem, Trial, Turn, failure_of, outcome_of

FILE = "run.sqlite"
_VERSION = 1

_SCHEMA = """
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE problems (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL, domain TEXT NOT NULL, level INTEGER NOT NULL,
    hash TEXT NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE trials (
    key TEXT PRIMARY KEY, problem_id TEXT NOT NULL, model TEXT NOT NULL, mode TEXT NOT NULL,
    repeat INTEGER NOT NULL, seed INTEGER NOT NULL, error TEXT, started REAL NOT NULL,
    seconds REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE turns (
    key TEXT NOT NULL, number INTEGER NOT NULL,
    answer TEXT, runs_code INTEGER NOT NULL, has_program INTEGER NOT NULL, refused TEXT,
    exit TEXT, capped INTEGER NOT NULL, prompt_cut INTEGER NOT NULL,
    requests INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
    model_seconds REAL NOT NULL, sandbox_seconds REAL NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (key, number)
) WITHOUT ROWID;
CREATE TABLE verdicts (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, made REAL NOT NULL, judge TEXT NOT NULL,
    score INTEGER, threshold INTEGER NOT NULL, by TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX verdicts_by_key ON verdicts (key, id);
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY, started REAL NOT NULL, ended REAL, body TEXT NOT NULL
);
"""

_ROWS = """
SELECT t.key, t.problem_id, t.model, t.mode, t.repeat, t.error, t.seconds,
       n.turns, n.requests, n.input_tokens, n.output_tokens, n.model_seconds, n.sandbox_seconds,
       n.capped, n.prompt_cut, n.programs, n.refused,
       last.answer, last.runs_code, last.has_program, last.exit, last.capped AS last_capped,
       last.prompt_cut AS last_cut, v.body AS verdict, v.judge
FROM trials t
LEFT JOIN (
    SELECT key, count(*) AS turns, sum(requests) AS requests, sum(input_tokens) AS input_tokens,
           sum(output_tokens) AS output_tokens, sum(model_seconds) AS model_seconds,
           sum(sandbox_seconds) AS sandbox_seconds, sum(capped) AS capped,
           sum(prompt_cut) AS prompt_cut, sum(has_program) AS programs,
           sum(refused IS NOT NULL) AS refused, max(number) AS last
    FROM turns GROUP BY key
) n ON n.key = t.key
LEFT JOIN turns last ON last.key = t.key AND last.number = n.last
LEFT JOIN verdicts v ON v.id = (SELECT max(id) FROM verdicts WHERE key = t.key)
"""

_TURN_FACTS = """
SELECT key, number, answer IS NOT NULL AS answered, runs_code, has_program, refused, exit, capped,
       prompt_cut, input_tokens, output_tokens
FROM turns ORDER BY key, number
"""

_VERDICT: TypeAdapter[Verdict] = TypeAdapter(Verdict)


@dataclass(frozen=True, slots=True)
class Row:
    """One stored trial without its texts: what tables are made of."""

    key: str
    problem_id: str
    model: str
    mode: str
    repeat: int
    error: str | None
    seconds: float
    turns: int
    requests: int
    input_tokens: int
    output_tokens: int
    model_seconds: float
    sandbox_seconds: float
    capped: int
    """Replies that reached the cap."""
    prompt_cut: int
    """Prompts that the server cut."""
    programs: int
    """Programs written."""
    refused: int
    """Programs the screen refused."""
    answer: str | None
    failure: Failure | None
    """Why the last turn gave no answer."""
    verdict: Verdict | None
    judge: str | None
    """Who gave that verdict."""
    outcome: Outcome = field(init=False)
    """How the trial counts: derived here once, because every table asks for it."""

    def __post_init__(self) -> None:
        valid = self.verdict is not None and self.verdict.valid
        outcome = outcome_of(
            error=self.error is not None or not self.turns,
            failure=self.failure,
            correct=self.verdict.correct if self.verdict is not None and valid else None,
        )
        object.__setattr__(self, "outcome", outcome)

    @property
    def correct(self) -> bool:
        """Whether the trial was judged right."""
        return self.outcome is Outcome.CORRECT


@dataclass(frozen=True, slots=True)
class Refused:
    """One program that the screen kept from running."""

    key: str
    """The trial it was written in."""
    rule: str
    """The first rule that refused it."""
    program: str


class TurnFacts(NamedTuple):
    """One stored turn without its texts: a tuple, for a run has hundreds of thousands."""

    key: str
    """Of its trial."""
    number: int
    """From 0."""
    failure: Failure | None
    """Why it gave no answer."""
    exit: str | None
    """How its program ended; None where none ran."""
    refused: str | None
    """The first rule by which the screen refused the program."""
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Texts:
    """What one stored turn said: the reply, and its program's output where one ran."""

    key: str
    number: int
    reply: str
    stdout: str
    stderr: str


class Store:
    """The trials of one run, on disk."""

    def __init__(
        self, folder: Path, database: sqlite3.Connection, lock: TextIO | None = None
    ) -> None:
        self.folder = folder
        self._database = database
        self._lock = lock

    @classmethod
    def create_or_open(cls, folder: Path) -> Self:
        """Open the run in `folder` for writing, or begin one there.

        Raises ConfigError where the folder cannot be written or another process holds the run.
        """
        path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = _lock(folder)
            database = sqlite3.connect(path, isolation_level=None, timeout=5)
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            if not database.execute("PRAGMA user_version").fetchone()[0]:
                database.executescript(
                    f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;"
                )
        except (OSError, sqlite3.Error) as failure:
            raise ConfigError(f"{path}: cannot be written: {failure}") from failure
        return cls(folder, checked(path, database), lock)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a run to read it, also while another process writes it.

        Raises ConfigError where there is none.
        """
        path = folder / FILE if folder.is_dir() else folder
        if not path.is_file():
            raise ConfigError(f"{folder}: no run there (no {FILE}); `ls runs` shows what there is")
        database = sqlite3.connect(path, isolation_level=None, timeout=5)
        database.row_factory = sqlite3.Row
        return cls(path.parent, checked(path, database))

    def close(self) -> None:
        """Give the file back."""
        self._database.close()
        if self._lock is not None:
            self._lock.close()

    # -- the run ---------------------------------------------------------------------------------

    def manifest(self) -> dict[str, Any]:
        """What the run is: config, problems, model, sandbox, judge, versions."""
        rows = self._database.execute("SELECT key, value FROM manifest")
        return {row["key"]: json.loads(row["value"]) for row in rows}

    def write_manifest(self, **facts: Any) -> None:
        """Set facts of the manifest."""
        rows = [(key, json.dumps(value, ensure_ascii=False)) for key, value in facts.items()]
        with self._transaction():
            self._database.executemany("INSERT OR REPLACE INTO manifest VALUES (?, ?)", rows)

    def begin_session(self, **facts: Any) -> int:
        """One start of the command; a resumed run has several."""
        with self._transaction():
            cursor = self._database.execute(
                "INSERT INTO sessions (started, body) VALUES (?, ?)",
                (time.time(), json.dumps(facts)),
            )
        return int(cursor.lastrowid or 0)

    def end_session(self, number: int) -> None:
        """The command ended by itself, or by Ctrl-C."""
        with self._transaction():
            self._database.execute(
                "UPDATE sessions SET ended = ? WHERE id = ?", (time.time(), number)
            )

    def sessions(self) -> list[dict[str, Any]]:
        """Every start of the command: `started`, `ended` (Unix time; None after a kill), facts."""
        rows = self._database.execute("SELECT started, ended, body FROM sessions ORDER BY id")
        return [
            {"started": r["started"], "ended": r["ended"], **json.loads(r["body"])} for r in rows
        ]

    def add_problems(self, problems: Sequence[Problem]) -> None:
        """Remember the questions, so that the run can be read without its data set."""
        rows = [
            (p.id, position, p.domain, p.level, p.hash, p.model_dump_json())
            for position, p in enumerate(problems)
        ]
        with self._transaction():
            self._database.executemany(
                "INSERT OR REPLACE INTO problems VALUES (?, ?, ?, ?, ?, ?)", rows
            )

    def problems(self) -> dict[str, Problem]:
        """The problems of the run by id, in their order."""
        rows = self._database.execute("SELECT id, body FROM problems ORDER BY position")
        return {row["id"]: Problem.model_validate_json(row["body"]) for row in rows}

    # -- trials ----------------------------------------------------------------------------------

    def add_turn(self, key: str, number: int, turn: Turn) -> None:
        """Keep one turn of a trial that is still going on."""
        with self._transaction():
            self._database.execute(
                f"INSERT OR REPLACE INTO turns VALUES ({', '.join('?' * 15)})",
                _turn_row(key, number, turn),
            )

    def add_trial(self, key: str, trial: Trial, *, judge: str) -> None:
        """Keep the end of a trial, whose turns are stored already, and its verdict."""
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
        """Judge a stored trial again: the last verdict counts, the earlier ones stay."""
        with self._transaction():
            self._insert_verdict(key, verdict, judge)

    def finished(self) -> set[str]:
        """Keys of the trials that need not run again: all without an error of ours."""
        rows = self._database.execute("SELECT key FROM trials WHERE error IS NULL")
        return {row["key"] for row in rows}

    def unfinished(self) -> set[str]:
        """Keys that have turns worth resuming from, but no end without an error."""
        rows = self._database.execute(
            "SELECT DISTINCT key FROM turns WHERE key NOT IN"
            " (SELECT key FROM trials WHERE error IS NULL)"
        )
        return {row["key"] for row in rows}

    def turns(self, key: str) -> tuple[Turn, ...]:
        """The stored turns of a trial, whole."""
        rows = self._database.execute(
            "SELECT body FROM turns WHERE key = ? ORDER BY number", (key,)
        )
        return tuple(Turn.model_validate_json(zlib.decompress(row["body"])) for row in rows)

    def refused(self) -> Iterator[Refused]:
        """Every program the screen kept from running, with the first rule that refused it."""
        rows = self._database.execute(
            "SELECT key, refused, body FROM turns WHERE refused IS NOT NULL ORDER BY key, number"
        )
        for row in rows:
            turn = Turn.model_validate_json(zlib.decompress(row["body"]))
            yield Refused(row["key"], row["refused"], turn.program or "")

    def turn_facts(self) -> Iterator[TurnFacts]:
        """Every stored turn without its texts, trial by trial and in order."""
        for (
            key,
            number,
            answered,
            runs,
            program,
            refused,
            exit_,
            capped,
            cut,
            sent,
            got,
        ) in self._database.execute(_TURN_FACTS):
            failure = _failure(bool(answered), runs, program, exit_, capped, cut)
            yield TurnFacts(key, number, failure, exit_, refused, sent, got)

    def texts(self, places: Iterable[tuple[str, int]]) -> Iterator[Texts]:
        """What these turns said, each given as its trial's key and its number."""
        for key, number in places:
            row = self._database.execute(
                "SELECT body FROM turns WHERE key = ? AND number = ?", (key, number)
            ).fetchone()
            turn = json.loads(zlib.decompress(row["body"]).decode())
            ran = turn.get("execution") or {}
            yield Texts(
                key, number, turn["reply"]["text"], ran.get("stdout", ""), ran.get("stderr", "")
            )

    def verdicts(self, key: str) -> list[tuple[str, Verdict]]:
        """Every verdict ever given on a trial, oldest first, with the judge that gave it."""
        rows = self._database.execute(
            "SELECT judge, body FROM verdicts WHERE key = ? ORDER BY id", (key,)
        )
        return [(row["judge"], _VERDICT.validate_json(row["body"])) for row in rows]

    def trial(self, key: str) -> Trial:
        """One trial whole."""
        row = self._database.execute("SELECT * FROM trials WHERE key = ?", (key,)).fetchone()
        verdicts = self.verdicts(key)
        facts = {name: row[name] for name in row.keys() if name != "key"}  # noqa: SIM118  (a Row)
        return Trial(**facts, turns=self.turns(key), verdict=verdicts[-1][1] if verdicts else None)

    def rows(self, *, problem_id: str | None = None) -> Iterator[Row]:
        """Every stored trial without its texts, of one problem or of all, as they were started."""
        where, values = ("WHERE t.problem_id = ?", (problem_id,)) if problem_id else ("", ())
        for row in self._database.execute(f"{_ROWS} {where} ORDER BY t.started", values):
            yield _row(row)

    def _insert_verdict(self, key: str, verdict: Verdict, judge: str) -> None:
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
                _VERDICT.dump_json(verdict).decode(),
            ),
        )

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._database)


class _Transaction:
    """All or nothing. Takes the write lock at once, so a second writer fails before it begins."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._database.execute("COMMIT" if kind is None else "ROLLBACK")


def _lock(folder: Path) -> TextIO:
    """Hold the run for this process; the kernel lets go when the process ends, however it ends."""
    lock = (folder / "run.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as held:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise ConfigError(
            f"{folder}: another solver (process {holder}) is writing this run;"
            " wait for it, or use --name for another run"
        ) from held
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _turn_row(key: str, number: int, turn: Turn) -> tuple[Any, ...]:
    refused = next((finding.rule for finding in turn.findings if finding.level == "refuse"), None)
    body = zlib.compress(turn.model_dump_json(exclude_defaults=True).encode(), level=3)
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
        body,
    )


@lru_cache
def _failure(
    answered: bool, runs_code: int, has_program: int, exit: str | None, capped: int, cut: int
) -> Failure | None:
    """`failure_of` by columns. Thousands of turns share a few combinations of them."""
    return failure_of(
        answered=answered,
        runs_code=bool(runs_code),
        has_program=bool(has_program),
        exit=Exit(exit) if exit else None,
        capped=bool(capped),
        prompt_cut=bool(cut),
    )


def _row(row: sqlite3.Row) -> Row:
    failure = None
    if row["turns"]:
        failure = _failure(
            row["answer"] is not None,
            row["runs_code"],
            row["has_program"],
            row["exit"],
            row["last_capped"],
            row["last_cut"],
        )
    counts = {name: row[name] or 0 for name in _COUNTS}
    return Row(
        key=row["key"],
        problem_id=row["problem_id"],
        model=row["model"],
        mode=row["mode"],
        repeat=row["repeat"],
        error=row["error"],
        seconds=row["seconds"],
        **counts,
        answer=row["answer"],
        failure=failure,
        verdict=_VERDICT.validate_json(row["verdict"]) if row["verdict"] else None,
        judge=row["judge"],
    )


_COUNTS = (
    "turns",
    "requests",
    "input_tokens",
    "output_tokens",
    "model_seconds",
    "sandbox_seconds",
    "capped",
    "prompt_cut",
    "programs",
    "refused",
)


def checked(path: Path, database: sqlite3.Connection) -> sqlite3.Connection:
    """The database, if it is one of ours.

    Raises ConfigError where the file is another's, damaged, or of another version.
    """
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        database.execute("SELECT count(*) FROM manifest").fetchone()
    except sqlite3.Error as failure:
        raise ConfigError(f"{path}: not a run of solver: {failure}") from failure
    if version != _VERSION:
        raise ConfigError(f"{path}: format {version}, but this version of solver reads {_VERSION}")
    return database
