"""Read a run's file: its manifest, its problems, and its trials with or without their texts."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, wraps
from itertools import chain
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from pydantic import TypeAdapter

from judge import Verdict
from judge.logs.records import Theirs
from sandbox import Exit
from solver.collector import no_garbage_collection
from solver.errors import ConfigError
from solver.records import Failure, Problem, Reply, Trial, Turn, detail_of, failure_of, outcome_of
from solver.store.column_reading import read_trials
from solver.store.columns import Ranked, Trials
from solver.store.facts import Ends, Refused, Row, Texts
from solver.store.keys import Keys, finished_keys
from solver.store.manifest import check_manifest, read_manifest
from solver.store.opening import MOST_BYTES, damage, open_to_read, unpacked
from solver.store.schema import FILE, check_types, has, with_thoughts
from solver.store.shards import file_to_read

VERDICT: TypeAdapter[Verdict] = TypeAdapter(Verdict)
"""Verdicts as they are stored: JSON."""

_ROWS = """
SELECT t.key, t.problem_id, t.model, t.mode, t.repeat, t.error, t.seconds,
       n.turns, n.attempts, n.requests, n.input_tokens, n.output_tokens, n.model_seconds,
       n.sandbox_seconds,
       n.capped, n.prompt_cut, n.programs, n.refused,
       last.answer, last.runs_code, last.has_program, last.exit, last.capped AS last_capped,
       last.prompt_cut AS last_cut, v.body AS verdict, v.judge,
       h.thought_tokens, h.cut_thinking, end.alone, end.boxed
FROM trials t
LEFT JOIN (
    SELECT key, count(*) AS turns, sum(runs_code) AS attempts, sum(requests) AS requests,
           sum(input_tokens) AS input_tokens,
           sum(output_tokens) AS output_tokens, sum(model_seconds) AS model_seconds,
           sum(sandbox_seconds) AS sandbox_seconds, sum(capped) AS capped,
           sum(prompt_cut) AS prompt_cut, sum(has_program) AS programs,
           sum(refused IS NOT NULL) AS refused, max(number) AS last
    FROM turns GROUP BY key
) n ON n.key = t.key
LEFT JOIN turns last ON last.key = t.key AND last.number = n.last
LEFT JOIN (
    SELECT key, sum(tokens) AS thought_tokens, sum(alone AND capped) AS cut_thinking
    FROM {thoughts} GROUP BY key
) h ON h.key = t.key
LEFT JOIN {thoughts} end ON end.key = t.key AND end.number = n.last
LEFT JOIN verdicts v ON v.id = (SELECT max(id) FROM verdicts WHERE key = t.key)
"""

_ENDS = """
SELECT count(*), total(seconds), model, mode, failed, correct,
       answered, runs_code, has_program, exit, capped, prompt_cut
FROM (
    SELECT t.model, t.mode, t.error IS NOT NULL OR last.key IS NULL AS failed,
           v.score >= v.threshold AS correct, last.answer IS NOT NULL AS answered, last.runs_code,
           last.has_program, last.exit, last.capped, last.prompt_cut,
           (SELECT total(model_seconds) FROM turns WHERE key = t.key) AS seconds
    FROM trials t
    LEFT JOIN turns last ON last.key = t.key
      AND last.number = (SELECT max(number) FROM turns WHERE key = t.key)
    LEFT JOIN verdicts v ON v.id = (SELECT max(id) FROM verdicts WHERE key = t.key)
)
GROUP BY 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
"""

_COUNTS = (
    "turns",
    "attempts",
    "requests",
    "input_tokens",
    "output_tokens",
    "model_seconds",
    "sandbox_seconds",
    "capped",
    "prompt_cut",
    "programs",
    "refused",
    "thought_tokens",
    "cut_thinking",
)
"""Columns of `_ROWS` that are sums over turns, so NULL where a trial has none."""

_Arguments = ParamSpec("_Arguments")
_Found = TypeVar("_Found")


def _whole(
    read: Callable[Concatenate["Reader", _Arguments], _Found],
) -> Callable[Concatenate["Reader", _Arguments], _Found]:
    """Let a method raise ConfigError, with the file, where what it reads is damaged."""

    @wraps(read)
    def reading(self: "Reader", /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Found:
        with damage(self.folder / FILE):
            return read(self, *args, **kwargs)

    return reading


def _each(
    read: Callable[Concatenate["Reader", _Arguments], Iterator[_Found]],
) -> Callable[Concatenate["Reader", _Arguments], Iterator[_Found]]:
    """Do the same for a method that yields what it reads."""

    @wraps(read)
    def reading(
        self: "Reader", /, *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> Iterator[_Found]:
        with damage(self.folder / FILE):
            yield from read(self, *args, **kwargs)

    return reading


_YEAR_10000 = 253_402_300_800


def require_distinct(folders: Sequence[Path]) -> None:
    """Raise ConfigError where two paths are one run, which would be compared with itself."""
    seen: set[Path] = set()
    for folder in folders:
        if (real := folder.resolve()) in seen:
            raise ConfigError(f"{folder}: this run is given twice; name two different ones")
        seen.add(real)


class Reader:
    """The stored trials of one run, to read."""

    def __init__(self, folder: Path, database: sqlite3.Connection) -> None:
        self.folder = folder
        self._database = database

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a run to read it, also while another process writes it, and before a merge.

        Raises ConfigError where there is none.
        """
        if folder.name == FILE:
            folder = folder.parent
        path = file_to_read(folder, tell=True)
        database = open_to_read(path)
        try:
            with damage(path):
                check_types(path, database)
        except ConfigError:
            database.close()
            raise
        return cls(folder, database)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @_whole
    def manifest(self) -> dict[str, Any]:
        """Return what the run is: config, problems, model, sandbox, judge, versions."""
        facts = read_manifest(self._database)
        check_manifest(facts)
        return facts

    @_whole
    def sessions(self) -> list[dict[str, Any]]:
        """Return each start of the command: its facts, with `started` and `ended` as Unix times.

        `ended` is None after a kill, and while the command runs. It is never before `started`,
        although the machine's clock may have been set back in between.
        """
        rows = self._database.execute("SELECT started, ended, body FROM sessions ORDER BY id")
        found = []
        for row in rows:
            started = _moment(row["started"])
            ended = None if row["ended"] is None else max(started, _moment(row["ended"]))
            found.append({**json.loads(row["body"]), "started": started, "ended": ended})
        return found

    @_whole
    def problems(self) -> dict[str, Problem]:
        """Return the problems of the run by id, in their order."""
        rows = self._database.execute("SELECT id, body FROM problems ORDER BY position")
        found = {row["id"]: Problem.model_validate_json(row["body"]) for row in rows}
        for (name,) in self._database.execute("SELECT DISTINCT problem_id FROM trials"):
            if name not in found:
                raise ValueError(f"problem {name!r:.100} has trials, but is not there")
        return found

    @_whole
    @no_garbage_collection()
    def trials(self, ranked: Ranked | None = None) -> Trials:
        """Return all stored trials as arrays, by start time, or arm by arm as `ranked`."""
        return read_trials(self._database, ranked)

    @_whole
    def modes(self) -> list[str]:
        """Return the modes that trials are stored of."""
        return [mode for (mode,) in self._database.execute("SELECT DISTINCT mode FROM trials")]

    @_whole
    def is_empty(self) -> bool:
        """Tell whether no turn and no trial is stored."""
        found = self._database.execute("SELECT 1 FROM turns UNION SELECT 1 FROM trials LIMIT 1")
        return found.fetchone() is None

    @_whole
    def ended(self) -> int:
        """Count the trials that ended, those with an error of ours included."""
        (count,) = self._database.execute("SELECT count(*) FROM trials").fetchone()
        return int(count)

    @_whole
    def finished(self) -> Keys:
        """Return the keys of trials that need not run again: all without an error of ours."""
        return Keys(finished_keys(self._database))

    @_whole
    def unfinished(self) -> set[str]:
        """Return the keys of trials to resume: they have turns, and no end without an error."""
        rows = self._database.execute(
            "SELECT DISTINCT key FROM turns WHERE NOT EXISTS"
            " (SELECT 1 FROM trials WHERE trials.key = turns.key AND error IS NULL)"
        )
        return {row["key"] for row in rows}

    @_whole
    def begun(self) -> Keys:
        """Return the keys of trials that are finished or unfinished."""
        others = sorted(key.encode() for key in self.unfinished())
        return Keys(chain(finished_keys(self._database), [others]))

    @_whole
    def turns(self, key: str) -> tuple[Turn, ...]:
        """Return the stored turns of a trial, with their texts."""
        rows = self._database.execute(
            "SELECT body FROM turns WHERE key = ? ORDER BY number", (key,)
        )
        turns, left = [], MOST_BYTES
        for row in rows:
            text = unpacked(row["body"], left)
            left -= len(text)
            turns.append(Turn.model_validate_json(text))
        return tuple(turns)

    @_whole
    def reply(self, key: str, number: int) -> Reply | None:
        """Return the stored reply of a turn that has not ended, or None where there is none."""
        row = self._database.execute(
            "SELECT body FROM replies WHERE key = ? AND number = ?", (key, number)
        ).fetchone()
        return Reply.model_validate_json(unpacked(row["body"])) if row else None

    @_each
    def refused(self) -> Iterator[Refused]:
        """Yield each turn whose program the screen refused, with the first rule that did."""
        rows = self._database.execute(
            "SELECT key, refused, body FROM turns WHERE refused IS NOT NULL ORDER BY key, number"
        )
        for row in rows:
            turn = Turn.model_validate_json(unpacked(row["body"]))
            yield Refused(row["key"], row["refused"], turn)

    @_each
    def texts(self, places: Iterable[tuple[str, int]]) -> Iterator[Texts]:
        """Yield the texts of these turns, each given as its trial's key and its number."""
        for key, number in places:
            row = self._database.execute(
                "SELECT body FROM turns WHERE key = ? AND number = ?", (key, number)
            ).fetchone()
            turn = json.loads(unpacked(row["body"]).decode())
            ran = turn.get("execution") or {}
            found = turn["reply"]["text"], ran.get("stdout", ""), ran.get("stderr", "")
            if not all(isinstance(text, str) for text in found):
                raise ValueError(f"turn {number} of trial {key:.100} holds no texts")
            yield Texts(key, number, *found)

    @_whole
    def verdicts(self, key: str) -> list[tuple[str, Verdict]]:
        """Return all verdicts on a trial, oldest first, each with the judge that gave it."""
        rows = self._database.execute(
            "SELECT judge, body FROM verdicts WHERE key = ? ORDER BY id", (key,)
        )
        return [(row["judge"], VERDICT.validate_json(row["body"])) for row in rows]

    @_each
    def other_verdicts(self, key: str | None = None) -> Iterator[tuple[str, Theirs]]:
        """Yield what another tool's scorers said of imported trials, each with its trial's key.

        Of one trial, or of all.
        """
        if not has(self._database, "other_verdicts"):
            return
        where, values = ("WHERE key = ?", (key,)) if key else ("", ())
        asked = f"SELECT key, name, value, reading, whole FROM other_verdicts {where}"
        for of, name, value, reading, whole in self._database.execute(
            f"{asked} ORDER BY key, name", values
        ):
            yield of, Theirs(name, value, reading, bool(whole))

    @_whole
    def trial(self, key: str) -> Trial:
        """Return one trial with its turns and the verdict that counts."""
        row = self._database.execute("SELECT * FROM trials WHERE key = ?", (key,)).fetchone()
        verdicts = self.verdicts(key)
        facts = dict(row)
        del facts["key"]
        return Trial(**facts, turns=self.turns(key), verdict=verdicts[-1][1] if verdicts else None)

    @_each
    def ends(self) -> Iterator[Ends]:
        """Yield how the stored trials ended, those that ended alike together.

        It takes a fraction of the time that their rows take.
        """
        cursor = self._database.cursor()
        cursor.row_factory = None
        for trials, seconds, model, mode, failed, correct, *last in cursor.execute(_ENDS):
            failure = None if failed else _failure(*last)
            outcome = outcome_of(error=bool(failed), failure=failure, correct=correct)
            yield Ends(model, mode, outcome, trials, seconds)

    @_each
    def rows(self, *, problem_id: str | None = None) -> Iterator[Row]:
        """Yield each stored trial without its texts, of one problem or of all, by start time."""
        where, values = ("WHERE t.problem_id = ?", (problem_id,)) if problem_id else ("", ())
        query = with_thoughts(f"{_ROWS} {where} ORDER BY t.started", self._database)
        for row in self._database.execute(query, values):
            yield _row(row)


@lru_cache
def _failure(
    answered: bool, runs_code: int, has_program: int, exit: str | None, capped: int, cut: int
) -> Failure | None:
    """Call `failure_of` with columns, cached: thousands of turns share few combinations."""
    return failure_of(
        answered=answered,
        runs_code=bool(runs_code),
        has_program=bool(has_program),
        exit=Exit(exit) if exit else None,
        capped=bool(capped),
        prompt_cut=bool(cut),
    )


def _row(row: sqlite3.Row) -> Row:
    """Build a `Row` from a row of `_ROWS`."""
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
        repeat=int(row["repeat"]),
        error=row["error"],
        seconds=float(row["seconds"]),
        **counts,
        answer=row["answer"],
        failure=failure,
        detail=detail_of(
            failure=failure,
            prompt_cut=bool(row["last_cut"]),
            only_thoughts=bool(row["alone"]),
            boxed=bool(row["boxed"]),
        ),
        verdict=VERDICT.validate_json(row["verdict"]) if row["verdict"] else None,
        judge=row["judge"],
    )


def _moment(value: Any) -> float:
    """Return a Unix time that a calendar can show. Raises ValueError for another value."""
    moment = float(value)
    if not 0 <= moment < _YEAR_10000:
        raise ValueError(f"{moment:g} is no time")
    return moment
