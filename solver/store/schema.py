"""The tables of a run's file, and the check that a file is one of ours."""

import re
import sqlite3
from pathlib import Path

from solver.errors import ConfigError

FILE = "run.sqlite"
_VERSION = 1

_TABLES = """
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

_ADDED = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (key, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS thoughts (
    key TEXT NOT NULL, number INTEGER NOT NULL, tokens INTEGER NOT NULL, alone INTEGER NOT NULL,
    boxed INTEGER NOT NULL, capped INTEGER NOT NULL, PRIMARY KEY (key, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS other_verdicts (
    key TEXT NOT NULL, name TEXT NOT NULL, value REAL NOT NULL, reading TEXT,
    whole INTEGER NOT NULL, PRIMARY KEY (key, name)
) WITHOUT ROWID;
"""
"""What earlier versions did not write and do not miss. `replies` holds those that arrived and whose
turn has not ended yet, `thoughts` one row for each turn with thoughts, `other_verdicts` what the
scorers of another tool said of an imported trial."""

NO_THOUGHTS = "(SELECT 0 AS key, 0 AS number, 0 AS tokens, 0 AS alone, 0 AS boxed, 0 AS capped)"
"""Stands for that table where an earlier version wrote the run; it matches no trial."""


def make_tables(database: sqlite3.Connection) -> None:
    """Create the tables that the file does not have yet."""
    if not database.execute("PRAGMA user_version").fetchone()[0]:
        database.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;")
    database.executescript(_ADDED)


def with_thoughts(query: str, database: sqlite3.Connection) -> str:
    """Return a query with the table of thoughts put in for `{thoughts}`."""
    return query.replace("{thoughts}", "thoughts" if has(database, "thoughts") else NO_THOUGHTS)


def has(database: sqlite3.Connection, table: str) -> bool:
    """Tell whether the file has a table, which an earlier version may not have made."""
    found = database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,))
    return found.fetchone() is not None


def checked(path: Path, database: sqlite3.Connection) -> sqlite3.Connection:
    """Return the database, if it is one of ours.

    Raises ConfigError where the file is another's, damaged, or of another version.
    """
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        database.execute("SELECT count(*) FROM manifest").fetchone()
    except sqlite3.Error as failure:
        raise ConfigError(f"{path}: not a run of solver: {failure}") from failure
    if version != _VERSION:
        raise ConfigError(f"{path}: format {version}, but this version of solver reads {_VERSION}")
    for kind, name, made in database.execute("SELECT type, name, sql FROM sqlite_master"):
        # a view or a virtual table under our name, or a trigger, would act when it is read
        if kind in ("view", "trigger") or (name in _MADE_BY and _words(made) != _MADE_BY[name]):
            raise ConfigError(f"{path}: not a run of solver: {kind} {name!r} is not ours")
    return database


def check_types(path: Path, database: sqlite3.Connection) -> None:
    """Raise ConfigError where a column of a table holds what `Store` never writes there.

    SQLite keeps a text in a column of numbers, and bytes in one of texts. All readers rely on this
    check, which reads each row once: a fifth of a second for 100,000 trials.
    """
    for table, columns in _COLUMNS.items():
        if not has(database, table):
            continue
        wrong = " ".join(f"WHEN NOT ({holds}) THEN '{name}'" for name, holds in columns.items())
        each = f"SELECT CASE {wrong} END AS first_wrong FROM {table}"
        found = database.execute(f"SELECT first_wrong FROM ({each}) WHERE first_wrong NOTNULL")
        if (row := found.fetchone()) is not None:
            raise ConfigError(
                f"{path}: cannot be read, damaged or not written by solver:"
                f" {row[0]} of {table} has a value that it cannot have"
            )


def _words(statement: object) -> str:
    """Return a statement without what is only layout."""
    return "".join(str(statement).replace("IF NOT EXISTS", "").split()).rstrip(";")


_STATEMENTS = {
    statement.split("(")[0].split()[-1]: statement
    for statement in (_TABLES + _ADDED).split(";")
    if "CREATE TABLE" in statement
}
"""The statement that made each table, by its name."""


def tables() -> list[str]:
    """Return the names of all tables."""
    return list(_STATEMENTS)


def columns_of(table: str) -> list[str]:
    """Return the columns of a table, in order."""
    return list(_COLUMNS[table])


_MADE_BY = {table: _words(statement) for table, statement in _STATEMENTS.items()}
"""The same without layout."""

_LARGEST = 10**12
"""More than any count, time (seconds of 1970) or duration in a run's file."""


def _columns(statement: str) -> dict[str, str]:
    """Return for each column of a CREATE TABLE a condition that each of its values meets."""
    conditions = {}
    for name, kind, rest in re.findall(r"(\w+) (TEXT|INTEGER|REAL|BLOB)\b([^,]*)", statement):
        holds = f"typeof({name}) = '{kind.lower()}'"
        if kind in ("INTEGER", "REAL") and name not in ("seed", "value"):
            holds += f" AND {name} BETWEEN -{_LARGEST} AND {_LARGEST}"
        needed = "NOT NULL" in rest or "PRIMARY KEY" in rest
        conditions[name] = holds if needed else f"{name} IS NULL OR {holds}"
    return conditions


_COLUMNS = {table: _columns(statement) for table, statement in _STATEMENTS.items()}
"""The conditions of each table's columns."""
