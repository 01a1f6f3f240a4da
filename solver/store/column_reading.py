"""Read a run's trials into arrays: one pass over each table, in the order of its keys."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sandbox import Exit
from solver.records import detail_of, failure_of, outcome_of
from solver.store.columns import (
    BY,
    DETAILS,
    FAILURES,
    OUTCOMES,
    RULES,
    Arm,
    Array,
    Ranked,
    Trials,
    TurnColumns,
    first_seen,
    smallest,
)
from solver.store.keys import array_of, places_in
from solver.store.schema import has

_AT_ONCE = 5_000
"""Rows that are Python objects at the same time."""
EXITS = ("", *Exit)
_ANSWERED, _RUNS, _PROGRAM, _CAPPED, _CUT, _EXIT = 1, 2, 4, 8, 16, 32
"""Bits of the number into which a turn's flags are packed, to read one value and not six."""

_TRIALS = """
SELECT CAST(key AS BLOB), CAST(problem_id AS BLOB), CAST(model AS BLOB), CAST(mode AS BLOB),
       repeat, CAST(error AS BLOB), started
FROM trials ORDER BY key
"""
_TURNS = f"""
SELECT CAST(key AS BLOB), number, CAST(answer AS BLOB), CAST(refused AS BLOB),
       (answer IS NOT NULL) * {_ANSWERED} + (runs_code <> 0) * {_RUNS}
       + (has_program <> 0) * {_PROGRAM} + (capped <> 0) * {_CAPPED} + (prompt_cut <> 0) * {_CUT}
       + CASE exit {
    " ".join(f"WHEN '{name}' THEN {place * _EXIT}" for place, name in enumerate(EXITS) if place)
}
         ELSE iif(exit IS NULL, 0, {len(EXITS) * _EXIT}) END,
       requests, input_tokens, output_tokens, model_seconds, sandbox_seconds
FROM turns ORDER BY key, number
"""
_THOUGHTS = "SELECT CAST(key AS BLOB), number, tokens, alone, boxed, capped FROM thoughts"
_VERDICTS = """
SELECT CAST(key AS BLOB), CAST(judge AS BLOB), coalesce(score, -1), score IS NULL,
       coalesce(score, -1) >= threshold, CAST(by AS BLOB),
       CAST(CASE instr(body, '"rules":') WHEN 0 THEN ''
            ELSE substr(body, instr(body, '"rules":') + 8, 12) END AS BLOB)
FROM verdicts ORDER BY id
"""


class _Names(dict[Any, int]):
    """Texts that many rows share, numbered as they come."""

    def __init__(self) -> None:
        super().__init__({None: -1})

    def __missing__(self, value: Any) -> int:
        """Give a text that was not met before the next number."""
        return self.setdefault(value, len(self) - 1)

    def numbers(self, values: Sequence[Any]) -> Array:
        """Return the numbers of texts; -1 for None."""
        return np.fromiter(map(self.__getitem__, values), np.int32, len(values))

    def texts(self) -> tuple[str, ...]:
        """Return the texts in the order of their numbers."""
        return tuple(_text(value) for value in self if value is not None)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return pairs of texts in the order of their numbers."""
        found = (value for value in self if value is not None)
        return tuple((_text(first), _text(second)) for first, second in found)


def read_trials(database: sqlite3.Connection, ranked: Ranked | None = None) -> Trials:
    """Read the trials of a run in the order in which they started, or arm by arm as `ranked`."""
    problems, arms, errors = _Names(), _Names(), _Names()
    trials = _Read()
    for key, problem, model, mode, repeat, error, begun in parts(database, _TRIALS):
        trials.add(
            key=array_of(key),
            problem=problems.numbers(problem),
            arm=arms.numbers(list(zip(model, mode, strict=True))),
            repeat=smallest(np.array(repeat)),
            error=errors.numbers(error),
            started=np.array(begun, dtype=np.float64),
        )
    found = trials.arrays(_NO_TRIALS)
    keys, started = found["key"], found.pop("started")
    answers = _Names()
    turns, of_turns, last = _read_turns(database, keys, answers)
    thoughts = _read_thoughts(database, keys, last)
    judged, judges = _read_verdicts(database, keys)
    detail = _details(of_turns["failure"], of_turns["cut"], *thoughts[2:])
    outcome = _outcomes(found["error"], of_turns, judged)
    arrays = {name: smallest(of) if name != "key" else of for name, of in found.items()}
    arrays |= {name: of_turns[name] for name in ("answer", "failure", "first")}
    arrays |= {name: judged[name] for name in ("judge", "score", "passed", "by", "rules")}
    arrays |= {"outcome": outcome, "detail": detail}
    numbers = {**of_turns["numbers"], "thought_tokens": thoughts[0], "cut_thinking": thoughts[1]}
    order = _order(started, arrays["arm"], arms.pairs(), ranked)
    del found, of_turns, judged, thoughts, keys, started
    for sorted_ in (arrays, numbers):
        for name in sorted_:  # one at a time: all of them twice would be most of the memory
            sorted_[name] = sorted_[name][order]
    return Trials(
        problems=problems.texts(),
        arms=arms.pairs(),
        answers=answers.texts(),
        errors=errors.texts(),
        judges=judges,
        **arrays,
        numbers=numbers,
        turns=turns,
    )


def _order(started: Array, arm: Array, arms: Sequence[Arm], ranked: Ranked | None) -> Array:
    """Return the places of the trials in the order to show them."""
    order = np.argsort(started, kind="stable")
    if ranked is None or not order.size:
        return order
    arm = arm[order]
    sorted_ = {
        each: place
        for place, each in enumerate(ranked([arms[c] for c in first_seen(arm, len(arms))]))
    }
    rank = np.array([sorted_.get(each, 0) for each in arms])
    return order[np.argsort(rank[arm], kind="stable")]


class _Read:
    """Arrays that are read part by part."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Array]] = {}

    def add(self, **arrays: Array) -> None:
        """Add the next part of each array."""
        for name, values in arrays.items():
            self._parts.setdefault(name, []).append(values)

    def arrays(self, empty: Mapping[str, str]) -> dict[str, Array]:
        """Return the arrays whole; `empty` has the type of each where there is no row."""
        if not self._parts:
            return {name: np.zeros(0, dtype=kind) for name, kind in empty.items()}
        return {name: np.concatenate(self._parts.pop(name)) for name in list(self._parts)}


_NO_TRIALS = dict.fromkeys(("problem", "arm", "repeat", "error"), "i4") | {
    "key": "S1",
    "started": "f8",
}
_NO_TURNS = dict.fromkeys(
    ("trial", "number", "answer", "refused", "flags", "requests", "input", "output"), "i4"
)


def parts(database: sqlite3.Connection, query: str) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the columns of some rows at a time."""
    cursor = database.cursor()
    cursor.row_factory = None
    database.execute("SELECT 1").fetchone()  # the next statement has all its steps before it
    cursor.execute(query)
    while rows := cursor.fetchmany(_AT_ONCE):
        yield list(zip(*rows, strict=True))


def _read_turns(
    database: sqlite3.Connection, keys: Array, answers: _Names
) -> tuple[TurnColumns, dict[str, Any], Array]:
    """Return the turns, what follows from them for each trial, and the number of its last turn."""
    rules, turns = _Names(), _Read()
    seconds = {name: np.zeros(len(keys)) for name in ("model_seconds", "sandbox_seconds")}
    for key, number, answer, refused, flags, requests, sent, got, *took in parts(database, _TURNS):
        trial = places_in(keys, key)
        held = trial >= 0
        low, high = (int(trial[held].min()), int(trial.max()) + 1) if held.any() else (0, 0)
        for name, values in zip(seconds, took, strict=True):
            spent = np.array(values, dtype=np.float64)[held]
            seconds[name][low:high] += np.bincount(trial[held] - low, spent, high - low)
        counts = {"number": number, "flags": flags, "requests": requests, "input": sent}
        turns.add(
            trial=trial[held].astype(np.int32),
            answer=answers.numbers(answer)[held],
            refused=rules.numbers(refused)[held],
            **{
                name: smallest(np.array(of))[held]
                for name, of in (counts | {"output": got}).items()
            },
        )
    found = turns.arrays(_NO_TURNS)
    failure = _decided(found["flags"], _failure)
    columns = TurnColumns(
        number=found["number"],
        failure=failure,
        exit=(found["flags"] // _EXIT).astype(np.uint8),
        refused=smallest(found["refused"]),
        input_tokens=found["input"],
        output_tokens=found["output"],
        attempt=found["flags"] & _RUNS > 0,
        rules=rules.texts(),
        exits=EXITS,
    )
    return columns, *_of_trials(found, failure, len(keys), seconds)


def _of_trials(
    turns: Mapping[str, Array], failure: Array, size: int, seconds: Mapping[str, Array]
) -> tuple[dict[str, Any], Array]:
    """Add up the turns of each trial, and take its last one."""
    trial, flags = turns["trial"], turns["flags"]
    counts = np.bincount(trial, minlength=size)
    first = np.cumsum(counts) - counts
    none = counts == 0

    def added(values: Array) -> Array:
        return smallest(np.bincount(trial, values, size).astype(np.int64))

    def last(values: Array, missing: int) -> Array:
        if not values.size:
            return np.full(size, missing)
        return smallest(np.where(none, missing, values[np.maximum(first + counts - 1, 0)]))

    numbers = {
        "turns": smallest(counts),
        "attempts": added(flags & _RUNS > 0),
        "requests": added(turns["requests"]),
        "input_tokens": added(turns["input"]),
        "output_tokens": added(turns["output"]),
        **seconds,
        "capped": added(flags & _CAPPED > 0),
        "prompt_cut": added(flags & _CUT > 0),
        "programs": added(flags & _PROGRAM > 0),
        "refused": added(turns["refused"] >= 0),
    }
    facts = {
        "numbers": numbers,
        "first": first.astype(np.int32 if trial.size < 2**31 else np.int64),
        "none": none,
        "failure": last(failure, 0),
        "cut": last(flags & _CUT, 0) > 0,
        "answer": last(turns["answer"], -1),
    }
    return facts, last(turns["number"], -1)


def _read_thoughts(
    database: sqlite3.Connection, keys: Array, last: Array
) -> tuple[Array, Array, Array, Array]:
    """Return for each trial the tokens of its thoughts, and the replies that were cut in them.

    Then whether the last reply held nothing but thoughts, and whether these hold a boxed answer.
    """
    tokens, cut = np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=np.int64)
    alone, boxed = np.zeros(len(keys), dtype=bool), np.zeros(len(keys), dtype=bool)
    found = parts(database, _THOUGHTS) if has(database, "thoughts") else ()
    for key, *facts in found:
        trial = places_in(keys, key)
        held = trial >= 0
        number, counted, only, box, capped = (np.array(each)[held] for each in facts)
        trial = trial[held]
        np.add.at(tokens, trial, counted)
        np.add.at(cut, trial, (only != 0) & (capped != 0))
        end = number == last[trial]
        alone[trial[end]], boxed[trial[end]] = only[end] != 0, box[end] != 0
    return smallest(tokens), smallest(cut), alone, boxed


def _read_verdicts(
    database: sqlite3.Connection, keys: Array
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Return each trial's last verdict, and the judges that gave them."""
    judges = _Names()
    found: dict[str, Array] = {
        "judge": np.full(len(keys), -1, dtype=np.int32),
        "score": np.full(len(keys), -1, dtype=np.int64),
        "by": np.zeros(len(keys), dtype=np.uint8),
        "rules": np.zeros(len(keys), dtype=np.uint8),
        "valid": np.zeros(len(keys), dtype=bool),
        "passed": np.zeros(len(keys), dtype=bool),
    }
    whose = _Places(BY, _text)
    said = _Places(RULES, _rules_in)
    for key, judge, score, missing, correct, by, rules in parts(database, _VERDICTS):
        trial = places_in(keys, key)
        held = trial >= 0
        trial = trial[held]  # where a trial is there twice, the later verdict is assigned last
        found["judge"][trial] = judges.numbers(judge)[held]
        found["score"][trial] = np.array(score)[held]
        found["by"][trial] = whose.of(by)[held]
        found["rules"][trial] = said.of(rules)[held]
        found["valid"][trial] = np.array(missing)[held] == 0
        found["passed"][trial] = np.array(correct)[held] != 0
    found |= {name: smallest(found[name]) for name in ("judge", "score")}
    return found, judges.texts()


class _Places(dict[Any, int]):
    """Places of texts in a list of few, the first for any other."""

    def __init__(self, listed: Sequence[str], read: Callable[[Any], str]) -> None:
        super().__init__()
        self._listed, self._read = listed, read

    def __missing__(self, value: Any) -> int:
        """Look up a text that was not met before."""
        text = self._read(value)
        return self.setdefault(value, self._listed.index(text) if text in self._listed else 0)

    def of(self, values: Sequence[Any]) -> Array:
        """Return the places of texts."""
        return np.fromiter(map(self.__getitem__, values), np.uint8, len(values))


def _rules_in(value: Any) -> str:
    """Return what the rules said, from the beginning of the JSON value."""
    found = re.match(r'\s*"(\w+)"', _text(value))
    return found[1] if found else ""


def _decided(packed: Array, decide: Callable[[int], int]) -> Array:
    """Decide once for each combination of facts that occurs, packed into a number."""
    different, places = np.unique(packed, return_inverse=True)
    return np.array([decide(each) for each in different.tolist()], dtype=np.uint8)[places]


def _failure(flags: int) -> int:
    exit_ = flags // _EXIT
    if exit_ >= len(EXITS):
        raise ValueError("a program ended in no way that is known")
    found = failure_of(
        answered=bool(flags & _ANSWERED),
        runs_code=bool(flags & _RUNS),
        has_program=bool(flags & _PROGRAM),
        exit=Exit(EXITS[exit_]) if exit_ else None,
        capped=bool(flags & _CAPPED),
        prompt_cut=bool(flags & _CUT),
    )
    return FAILURES.index(found)


def _details(failure: Array, cut: Array, alone: Array, boxed: Array) -> Array:
    """Return the place in `DETAILS` of what explains each trial's failure."""

    def detail(facts: int) -> int:
        found = detail_of(
            failure=FAILURES[facts // 8],
            prompt_cut=bool(facts & 4),
            only_thoughts=bool(facts & 2),
            boxed=bool(facts & 1),
        )
        return DETAILS.index(found)

    return _decided(failure.astype(np.int16) * 8 + cut * 4 + alone * 2 + boxed, detail)


def _outcomes(error: Array, turns: Mapping[str, Any], judged: Mapping[str, Array]) -> Array:
    """Return the place in `OUTCOMES` of how each trial ended."""

    def outcome(facts: int) -> int:
        found = outcome_of(
            error=bool(facts & 4),
            failure=FAILURES[facts // 8],
            correct=bool(facts & 1) if facts & 2 else None,
        )
        return OUTCOMES.index(found)

    failed = (error >= 0) | turns["none"]
    packed = turns["failure"].astype(np.int16) * 8 + failed * 4
    return _decided(packed + judged["valid"] * 2 + judged["passed"], outcome)


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
