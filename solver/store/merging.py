"""Merge the trials of one file of a run into another, so that doing it twice changes nothing.

A trial is taken as a whole, from the file that got further with it: its turns are never mixed. All
tables with a column `key` are taken alike, so that one that is added later is merged too.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from solver.errors import ConfigError
from solver.store.alike import differences, joined, unlike
from solver.store.manifest import check_manifest, read_manifest
from solver.store.opening import damage, open_to_read
from solver.store.schema import check_types, columns_of, make_tables, tables

_OF_TRIALS = [table for table in tables() if "key" in columns_of(table) and table != "manifest"]
"""The tables whose rows belong to a trial."""

_PROGRESS = """
    coalesce((SELECT error IS NULL FROM {file}.trials WHERE key = k.key), 0),
    (SELECT count(*) FROM {file}.turns WHERE key = k.key),
    (SELECT coalesce(max(number) + 1, 0) FROM {file}.replies WHERE key = k.key),
    coalesce((SELECT started FROM {file}.trials WHERE key = k.key), 0)
"""
"""How far a file got with a trial; a later end counts more than an earlier one."""


def new_database(path: Path) -> sqlite3.Connection:
    """Return a connection to a new file of a run, of which nothing is lost if it is lost."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    make_tables(database)
    return database


def merge_shard(database: sqlite3.Connection, name: str, path: Path) -> None:
    """Add the trials of the shard `name`, whose file is at `path`, to the file of `database`.

    Raises ConfigError, with the difference, where it is a shard of another run.
    """
    with closing(open_to_read(path, mode="ro")) as other:
        check_types(path, other)
    require_alike(database, path)
    with attached(database, path):
        take_trials(database)
        take_problems(database)
        take_sessions(database)
        _take_manifest(database, name)


def require_alike(database: sqlite3.Connection, path: Path) -> None:
    """Raise ConfigError, with the difference, where a file holds another run than `database`."""
    with damage(path), closing(open_to_read(path, mode="ro")) as other:
        ours, theirs = read_manifest(database), read_manifest(other)
        check_manifest(ours)
        check_manifest(theirs)
        known, new = (
            {id: hash for id, hash in each.execute("SELECT id, hash FROM problems")}
            for each in (database, other)
        )
    different = list(unlike(ours, theirs)) if ours else []
    changed = [id for id in known.keys() & new.keys() if known[id] != new[id]]
    different += [f"problem {id} has another text" for id in sorted(changed)]
    if different:
        raise ConfigError(
            f"{path}: of another run than the other shards: {joined(different)}; give --name for a"
            " new run, or move this shard's folder away"
        )


@contextmanager
def attached(database: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Let statements read a file as `other`; all they write is committed together, or nothing."""
    database.execute("ATTACH ? AS other", (str(path),))
    try:
        database.execute("BEGIN IMMEDIATE")
        try:
            yield
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise
    finally:
        database.execute("DETACH other")


def take_trials(database: sqlite3.Connection, wanted: Callable[[str], bool] | None = None) -> None:
    """Take the trials with which the other file got further; of `wanted` keys, or of all."""
    database.create_function("wanted", 1, wanted, deterministic=True)
    asked = "wanted(k.key)" if wanted else "true"
    keys = " UNION ".join(f"SELECT key FROM other.{table}" for table in _OF_TRIALS)
    there = " OR ".join(
        f"EXISTS (SELECT 1 FROM main.{table} WHERE key = k.key)" for table in _OF_TRIALS
    )
    ours, theirs = (_PROGRESS.format(file=file) for file in ("main", "other"))
    database.execute("CREATE TEMP TABLE taken (key TEXT PRIMARY KEY) WITHOUT ROWID")
    database.execute(
        f"INSERT INTO temp.taken SELECT k.key FROM ({keys}) k WHERE {asked} AND (NOT ({there}) OR"
        " (NOT EXISTS (SELECT 1 FROM main.trials WHERE key = k.key AND error IS NULL)"
        f" AND ({theirs}) > ({ours})))"
    )
    (last,) = database.execute("SELECT coalesce(max(id), 0) FROM main.verdicts").fetchone()
    for table in _OF_TRIALS:
        database.execute(f"DELETE FROM main.{table} WHERE key IN (SELECT key FROM temp.taken)")
        _add_rows(database, table, "o.key IN (SELECT key FROM temp.taken)")
        if columns_of(table)[0] == "id":
            _add_later_rows(database, table, asked.replace("k.key", "o.key"))
    _order_verdicts(database, last)
    database.execute("DROP TABLE temp.taken")


def take_problems(database: sqlite3.Connection) -> None:
    """Take the problems that are new, and all places where the other file has more problems."""
    (here,), (there,) = (
        database.execute(f"SELECT count(*) FROM {file}.problems").fetchone()
        for file in ("main", "other")
    )
    how = "REPLACE" if there > here else "IGNORE"
    database.execute(f"INSERT OR {how} INTO main.problems SELECT * FROM other.problems")


def take_sessions(database: sqlite3.Connection) -> None:
    """Take the starts of the command, in their order; one that has ended since replaces itself."""
    rows: dict[tuple[float, str], float | None] = {}
    for file in ("main", "other"):
        for started, ended, body in database.execute(
            f"SELECT started, ended, body FROM {file}.sessions ORDER BY id"
        ):
            rows[started, body] = ended if ended is not None else rows.get((started, body))
    database.execute("DELETE FROM main.sessions")
    database.executemany(
        "INSERT INTO main.sessions (started, ended, body) VALUES (?, ?, ?)",
        [(started, ended, body) for (started, body), ended in sorted(rows.items())],
    )


def _add_rows(database: sqlite3.Connection, table: str, where: str) -> None:
    """Add rows of the other file's table, in their order where they are numbered."""
    columns = columns_of(table)
    numbered = columns[0] == "id"
    order, names = " ORDER BY o.id" * numbered, ", ".join(columns[numbered:])
    database.execute(
        f"INSERT INTO main.{table} ({names}) SELECT {names} FROM other.{table} o"
        f" WHERE {where}{order}"
    )


def _add_later_rows(database: sqlite3.Connection, table: str, asked: str) -> None:
    """Add numbered rows that a trial of both files got after it was taken, such as a verdict."""
    same = " AND ".join(f"m.{column} IS o.{column}" for column in columns_of(table)[1:])
    _add_rows(
        database,
        table,
        f"{asked} AND o.key NOT IN (SELECT key FROM temp.taken) AND EXISTS"
        " (SELECT 1 FROM main.trials a JOIN other.trials b ON b.key = a.key"
        " AND b.started = a.started WHERE a.key = o.key)"
        f" AND NOT EXISTS (SELECT 1 FROM main.{table} m WHERE {same})",
    )


def _order_verdicts(database: sqlite3.Connection, last: int) -> None:
    """Order the verdicts of a trial by time where one after `last` was made before another.

    The one with the highest number counts.
    """
    names = ", ".join(columns_of("verdicts")[1:])
    database.execute(
        f"CREATE TEMP TABLE again AS SELECT {names} FROM main.verdicts WHERE key IN"
        " (SELECT n.key FROM main.verdicts n JOIN main.verdicts o ON o.key = n.key"
        "  AND o.id <= ? AND o.made > n.made WHERE n.id > ?) ORDER BY made, id",
        (last, last),
    )
    database.execute("DELETE FROM main.verdicts WHERE key IN (SELECT key FROM temp.again)")
    database.execute(
        f"INSERT INTO main.verdicts ({names}) SELECT {names} FROM temp.again ORDER BY rowid"
    )
    database.execute("DROP TABLE temp.again")


def _take_manifest(database: sqlite3.Connection, name: str) -> None:
    """Take what the other file's manifest adds, and note that its shard is merged."""
    facts = combined(read_manifest(database, "main"), read_manifest(database, "other"), name)
    database.executemany(
        "INSERT OR REPLACE INTO main.manifest VALUES (?, ?)",
        [(key, json.dumps(value, ensure_ascii=False)) for key, value in facts.items()],
    )


def combined(ours: dict[str, Any], theirs: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the manifest of a run that has merged the shard `name`, whose manifest is `theirs`."""
    whole = theirs.get("shard", {}).get("trials", theirs.get("trials", 0))
    facts = {**theirs, **ours}
    facts.pop("shard", None)
    stamp = theirs.get("stamp")
    facts.pop("stamp", None)
    if whole > ours.get("trials", 0):
        facts["trials"] = whole
        facts |= {
            key: theirs[key] for key in ("config", "problems", "until", "unread") if key in theirs
        }
        if "first_judge" in ours:
            judge = ours.get("config", {}).get("judge")
            facts["config"] = {**theirs.get("config", {}), "judge": judge}
    for key in ("prompts", "models", "loaded", "can", "decoding", "cannot"):
        if key in facts:
            facts[key] = {**theirs.get(key, {}), **ours.get(key, {})}
    warnings = [*ours.get("warnings", []), *theirs.get("warnings", []), *_elsewhere(ours, theirs)]
    facts["warnings"] = list(dict.fromkeys(warnings))
    merged = ours.get("shards", {})
    ends = Counter(ours.get("reply_ends", {}))
    ends.subtract(merged.get(name, {}).get("reply_ends", {}))
    ends.update(theirs.get("reply_ends", {}))
    facts["reply_ends"] = dict(+ends)
    facts["shards"] = {
        **merged, name: {"stamp": stamp, "reply_ends": theirs.get("reply_ends", {})}
    }  # fmt: skip
    return facts


def _elsewhere(ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    """Yield what differs between two workers and could change a result."""
    if not ours or not theirs:
        return
    kinds = [str(each.get("sandbox", {}).get("kind")) for each in (ours, theirs)]
    if kinds[0] != kinds[1]:
        yield f"shards ran programs in different sandboxes: {kinds[0]}, {kinds[1]}"
    before, now = ({**each.get("versions", {}), "platform": ""} for each in (ours, theirs))
    if different := list(differences(before, now)):
        yield f"shards ran with different versions: {joined(different)}"
