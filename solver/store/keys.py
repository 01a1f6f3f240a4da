"""Keys of stored trials in one sorted array: 8 bytes each, where a set of texts takes over 100."""

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


class HasKey(Protocol):
    """A trial, by its key."""

    @property
    def key(self) -> str:
        """Return the key under which the trial is stored."""


_Keyed = TypeVar("_Keyed", bound=HasKey)


class Keys:
    """Some keys, each once."""

    def __init__(self, parts: Iterable[Sequence[str]]) -> None:
        """Take the keys, part by part; it is quickest where they are sorted.

        A key that the program made is 16 hexadecimal digits, and held as a number.
        """
        arrays, others = [np.zeros(0, dtype=np.uint64)], []
        for part in parts:
            if (numbers := _numbers(part)) is not None:
                arrays.append(numbers)
                continue
            for key in part:
                if (number := _numbers([key])) is None:
                    others.append(key)
                else:
                    arrays.append(number)
        self._numbers = np.concatenate(arrays)
        self._numbers.sort(kind="stable")  # which passes over what is sorted
        self._others = {key: place for place, key in enumerate(others, len(self._numbers))}

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._numbers) + len(self._others)

    def __iter__(self) -> Iterator[str]:
        """Yield the keys, those of the program sorted, then others."""
        for start in range(0, len(self._numbers), _AT_ONCE):
            for number in self._numbers[start : start + _AT_ONCE].tolist():
                yield f"{number:016x}"
        yield from self._others

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
        if (numbers := _numbers(keys)) is not None:
            return places_in(self._numbers, numbers)
        return np.array([self._place(key) for key in keys])

    def _place(self, key: str) -> int:
        number = _numbers([key])
        if number is None:
            return self._others.get(key, -1)
        return int(places_in(self._numbers, number)[0])


def _numbers(keys: Sequence[str]) -> Array | None:
    """Return keys as numbers; None where one is not 16 lower-case hexadecimal digits."""
    text = "".join(keys)
    try:
        read = bytes.fromhex(text)
    except ValueError:
        return None
    if read.hex() != text or {*map(len, keys)} != {_DIGITS}:
        return None
    return np.frombuffer(read, dtype=">u8").astype(np.uint64)


def finished_keys(database: sqlite3.Connection) -> Iterator[list[str]]:
    """Yield the keys of trials without an error of ours, sorted, some at a time.

    SQLite joins them to one text, since a row for each would take most of the time.
    """
    last: str | None = ""
    while last is not None:
        joined, last = database.execute(
            "SELECT group_concat(key, char(10)), max(key) FROM"
            " (SELECT key FROM trials WHERE error IS NULL AND key > ? ORDER BY key LIMIT ?)",
            (last, _AT_ONCE),
        ).fetchone()
        if joined is not None:
            yield joined.split("\n")


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
