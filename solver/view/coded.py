"""Hold a column of a million trials in a few megabytes, quick to filter and to order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Value = str | float | None
Mask = NDArray[np.bool_]
"""Says of each trial whether it passes."""
Places = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Coded:
    """The values of a column, and for each trial the place of its own among them."""

    values: Sequence[Value]
    codes: Places

    @cached_property
    def ranks(self) -> Places:
        """Return the place of each value in their order; equal ones share it, and None has -1."""
        folded = (each.casefold() if isinstance(each, str) else each for each in self.values)
        pairs = zip(self.values, folded, strict=True)
        keys: list[Any] = [old if old == new else new for old, new in pairs]  # to save memory
        order = sorted((n for n, key in enumerate(keys) if key is not None), key=keys.__getitem__)
        steps = (keys[one] != keys[other] for one, other in pairwise(order))
        ranks = np.full(len(keys), -1, np.int32)
        ranks[order] = np.cumsum(np.fromiter(chain([False], steps), np.int32))[: len(order)]
        return ranks

    def where(self, passes: Callable[[Value], bool]) -> Mask:
        """Return the trials whose value passes a test, which is asked once for each value."""
        return self._of_trials(map(passes, self.values))

    def compared(self, compare: Callable[[Any, float], Any], limit: float) -> Mask:
        """Return the trials whose value is a number and compares so with a limit."""
        return self.where(lambda value: isinstance(value, int | float) and compare(value, limit))

    def reading(self, text: str) -> Mask:
        """Return the trials whose value is written so, by the rules of `loose`."""
        return self._of_trials(each == text for each in self._loosened())

    def holding(self, text: str) -> Mask:
        """Return the trials that have a value, and one that holds a text, by the same rules."""
        pairs = zip(self.values, self._loosened(), strict=True)
        return self._of_trials(value is not None and text in each for value, each in pairs)

    def _loosened(self) -> Iterator[str]:
        """Yield each value as it is written, as `loose` would: calls would take twice as long."""
        return (
            (value if isinstance(value, str) else written(value)).casefold().replace("_", " ")
            for value in self.values
        )

    def _of_trials(self, passing: Iterable[bool]) -> Mask:
        """Return for each trial whether its value is one that passes."""
        found: Mask = np.fromiter(passing, bool, len(self.values))[self.codes]
        return found

    def among(self, other: "Coded") -> Places:
        """Return for each trial the place of its value among those of another column, or -1."""
        place = {value: number for number, value in enumerate(other.values)}
        return np.array([place.get(value, -1) for value in self.values], np.int64)[self.codes]

    def sorted(self, rows: Places, *, largest: bool) -> Places:
        """Return some trials by their values, or the largest first; those without one come last.

        Trials with equal values keep their order.
        """
        ranks = self.ranks[self.codes[rows]].astype(np.int64)
        keys = len(self.values) - ranks if largest else ranks
        keys[ranks < 0] = len(self.values) + 1
        keys = keys * len(rows) + np.arange(len(rows))
        keys.sort()  # several times as fast as a stable sort, and no two are equal
        return rows[keys % len(rows)] if len(rows) else rows


@dataclass(frozen=True)
class Measured(Coded):
    """A column of numbers: its values are an array, in order, for they can be as many as trials."""

    @property
    def ranks(self) -> Places:
        """Return the place of each number in their order."""
        return np.arange(len(self.values))

    def compared(self, compare: Callable[[Any, float], Any], limit: float) -> Mask:
        """Return the trials whose number compares so with a limit."""
        return cast(Mask, compare(self._numbers, limit)[self.codes])

    def reading(self, text: str) -> Mask:
        """Return the trials whose number is written so."""
        return self._written_with(text, lambda texts, wanted: texts == wanted)

    def holding(self, text: str) -> Mask:
        """Return the trials whose number holds a text as it is written."""
        return self._written_with(text, lambda texts, part: np.strings.find(texts, part) >= 0)

    def _written_with(self, text: str, test: Callable[[NDArray[np.bytes_], bytes], Mask]) -> Mask:
        """Return the trials whose number, as it is written, passes a test with a text."""
        if not set(text) <= _IN_NUMBERS:  # numpy would pass over a zero byte at the end
            return np.zeros(len(self.codes), bool)
        return test(self._texts, text.encode())[self.codes]

    @property
    def _numbers(self) -> NDArray[np.float64]:
        """Return the array."""
        return np.asarray(self.values, np.float64)

    @cached_property
    def _texts(self) -> NDArray[np.bytes_]:
        """Return each number as `written` writes it, all of them in one go."""
        numbers = self._numbers.tolist()
        return np.array((b"%g " * len(numbers) % tuple(numbers)).split(), np.bytes_)


_IN_NUMBERS = frozenset("0123456789.e+-infa")


def coded(values: Sequence[Value], known: Iterable[Value] = ()) -> Coded:
    """Return a column from the value of each trial; `known` ones have the first places."""
    place = {value: number for number, value in enumerate(dict.fromkeys(chain(known, values)))}
    codes = np.fromiter(map(place.__getitem__, values), np.int64, len(values))
    return Coded([*place], _small(codes, len(place)))


def measured(numbers: Iterable[Value]) -> Measured:
    """Return a column from the number of each trial."""
    values, codes = np.unique(np.fromiter(numbers, np.float64), return_inverse=True)
    return Measured(cast(Sequence[Value], values), _small(codes, len(values)))


def joined(parts: Sequence[Coded]) -> Coded:
    """Return a column of the trials of several runs, one run after the other."""
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], Measured):
        return measured(chain.from_iterable(np.asarray(each.values)[each.codes] for each in parts))
    starts = np.cumsum([0, *(len(part.values) for part in parts)])[:-1]
    codes = [part.codes + start for part, start in zip(parts, starts, strict=True)]
    values = list(chain.from_iterable(part.values for part in parts))
    return Coded(values, np.concatenate(codes))


def written(value: Value) -> str:
    """Return a value as it is written in a filter."""
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def loose(text: str) -> str:
    """Return a text without regard to case, and to how its words are joined."""
    return text.casefold().replace("_", " ")


def _small(codes: Places, count: int) -> Places:
    """Return places among so many in as few bytes as hold them."""
    return codes.astype(np.min_scalar_type(count))
