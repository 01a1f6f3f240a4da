"""Keys of stored trials in one sorted array: 8 bytes each, where a set of texts takes over 100."""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, islice
from typing import Protocol, TypeVar

import numpy as np

from solver.store.columns import Array

_AT_ONCE = 10_000
"""Keys that are read, or looked up, together."""
_LONGEST = 64  # bytes of keys that are in one array; ours have 16
_DIGITS = 16
_OURS = re.compile(rb"[0-9a-f]{%d}" % _DIGITS)


class HasKey(Protocol):
    """A trial, by its key."""

    @property
    def key(self) -> str:
        """Return the key under which the trial is stored."""


_Keyed = TypeVar("_Keyed", bound=HasKey)


class Keys:
    """Some keys, each once."""

    def __init__(self, parts: Iterable[Sequence[bytes]]) -> None:
        """Take the keys, part by part; it is quickest where they are sorted.

        A key that the program made is 16 hexadecimal digits, and held as a number.
        """
        arrays, others = [np.zeros(0, dtype=np.uint64)], list[bytes]()
        for part in parts:
            numbers = _numbers(b"".join(part).decode("latin-1"), part)
            if numbers is None:
                ours = [key for key in part if _OURS.fullmatch(key)]
                others += [key for key in part if not _OURS.fullmatch(key)]
                numbers = _numbers(b"".join(ours).decode("latin-1"), ours)
                assert numbers is not None
            arrays.append(numbers)
        self._numbers = np.concatenate(arrays)
        self._numbers.sort(kind="stable")  # which passes over what is sorted
        self._others = {
            key: place for place, key in enumerate(dict.fromkeys(others), len(self._numbers))
        }

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._numbers) + len(self._others)

    def __iter__(self) -> Iterator[str]:
        """Yield the keys, those of the program sorted, then others."""
        for start in range(0, len(self._numbers), _AT_ONCE):
            for number in self._numbers[start : start + _AT_ONCE].tolist():
                yield f"{number:016x}"
        for key in self._others:
            yield key.decode(errors="replace")

    def lacking(self, trials: Iterable[_Keyed]) -> Iterator[_Keyed]:
        """Yield the trials, in their order, whose key is not among these."""
        if not len(self):
            yield from trials
            return
        trials = iter(trials)
        while part := list(islice(trials, _AT_ONCE)):
            yield from compress(part, self._places([trial.key for trial in part]) < 0)

    def besides(self, trials: Iterable[HasKey]) -> int:
        """Count the keys among these that belong to none of the trials."""
        met, left, trials = np.zeros(len(self), dtype=bool), len(self), iter(trials)
        while left and (part := [trial.key for trial in islice(trials, _AT_ONCE)]):
            places = self._places(part)
            met[places[places >= 0]] = True
            left = len(self) - int(np.count_nonzero(met))
        return left

    def _places(self, keys: Sequence[str]) -> Array:
        """Return where each key is among these; -1 where it is not."""
        if (numbers := _numbers("".join(keys), keys)) is not None:
            return places_in(self._numbers, numbers)
        return np.array([self._place(key) for key in keys])

    def _place(self, key: str) -> int:
        number = _numbers(key, [key])
        if number is None:
            return self._others.get(key.encode(), -1)
        return int(places_in(self._numbers, number)[0])


def _numbers(joined: str, keys: Sequence[str] | Sequence[bytes]) -> Array | None:
    """Return keys as numbers; None where one is not 16 lower-case hexadecimal digits."""
    try:
        read = bytes.fromhex(joined)
    except ValueError:
        return None
    if read.hex() != joined or {*map(len, keys)} - {_DIGITS}:
        return None
    return np.frombuffer(read, dtype=">u8").astype(np.uint64)


def finished_keys(database: sqlite3.Connection) -> Iterator[list[bytes]]:
    """Yield the keys of trials without an error of ours, sorted, some at a time.

    SQLite joins them to one text, since a row for each would take most of the time. Raises
    ValueError where a key holds a line break, which none of ours does.
    """
    last: bytes | None = b""
    while last is not None:
        joined, last, count = database.execute(
            "SELECT CAST(group_concat(key, char(10)) AS BLOB), CAST(max(key) AS BLOB), count(*)"
            " FROM (SELECT key FROM trials WHERE error IS NULL AND key > CAST(? AS TEXT)"
            " ORDER BY key LIMIT ?)",
            (last, _AT_ONCE),
        ).fetchone()
        if count:
            keys = joined.split(b"\n")
            if len(keys) != count:
                raise ValueError("a key of trials has a line break")
            yield keys


def array_of(keys: Sequence[bytes]) -> Array:
    """Return keys as an array that compares as SQLite does."""
    long = max(map(len, keys)) > _LONGEST
    return np.array(keys, dtype=object if long else None)


def places_in(sorted_keys: Array, wanted: Array | Sequence[bytes]) -> Array:
    """Return where in sorted keys others are; -1 where they are not.

    They are looked up in their order, which in an array larger than the processor's cache takes
    half the time.
    """
    asked = np.asarray(wanted, dtype=object if sorted_keys.dtype == object else None)
    found = np.full(asked.size, -1)
    if sorted_keys.size:
        order = np.argsort(asked)
        asked = asked[order]
        places = np.minimum(np.searchsorted(sorted_keys, asked), sorted_keys.size - 1)
        found[order] = np.where(sorted_keys[places] == asked, places, -1)
    return found
