"""Keys of stored trials in one sorted array: 16 bytes each, where a set of texts takes over 100."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, islice
from typing import Protocol, TypeVar

import numpy as np

from solver.store.columns import Array

_AT_ONCE = 10_000
"""Keys that are looked up together."""
_LONGEST = 64  # bytes of keys that are in one array; ours have 16


class HasKey(Protocol):
    """A trial, by its key."""

    @property
    def key(self) -> str:
        """Return the key under which the trial is stored."""


_Keyed = TypeVar("_Keyed", bound=HasKey)


class Keys:
    """Some keys, each once."""

    def __init__(self, parts: Iterable[Sequence[bytes]]) -> None:
        """Take the keys part by part, sorted as SQLite does."""
        arrays = [array_of(part) for part in parts if part]
        self._sorted = np.concatenate(arrays) if arrays else np.zeros(0, dtype="S1")

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._sorted)

    def __iter__(self) -> Iterator[str]:
        """Yield the keys, sorted."""
        for start in range(0, len(self), _AT_ONCE):
            for key in self._sorted[start : start + _AT_ONCE].tolist():
                yield key.decode()

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
        while left and (part := list(islice(trials, _AT_ONCE))):
            places = self._places([trial.key for trial in part])
            new = np.unique(places[places >= 0])
            left -= int(new.size - met[new].sum())
            met[new] = True
        return left

    def _places(self, keys: Sequence[str]) -> Array:
        return places_in(self._sorted, [key.encode() for key in keys])


def array_of(keys: Sequence[bytes]) -> Array:
    """Return keys as an array that compares as SQLite does."""
    long = max(map(len, keys)) > _LONGEST
    return np.array(keys, dtype=object if long else None)


def places_in(sorted_keys: Array, wanted: Sequence[bytes]) -> Array:
    """Return where in sorted keys others are; -1 where they are not.

    They are looked up in their order, which in an array larger than the processor's cache takes
    half the time.
    """
    asked = np.array(wanted, dtype=object if sorted_keys.dtype == object else None)
    found = np.full(asked.size, -1)
    if sorted_keys.size:
        order = np.argsort(asked)
        asked = asked[order]
        places = np.minimum(np.searchsorted(sorted_keys, asked), sorted_keys.size - 1)
        found[order] = np.where(sorted_keys[places] == asked, places, -1)
    return found
