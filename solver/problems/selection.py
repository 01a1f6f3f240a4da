"""Select a part of the problems: evenly over sets, domains and levels, the same ones each time."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches
from hashlib import sha256
from itertools import islice, zip_longest
from typing import Protocol, TypeVar

from solver.errors import ConfigError

SEED = 2501
"""The default seed of a selection; math945 is drawn with it."""


class Placed(Protocol):
    """Anything with a domain and a level: a problem, or its pinned hashes."""

    @property
    def id(self) -> str:
        """Return the id, unique among the problems to select from."""
        ...

    @property
    def domain(self) -> str:
        """Return the domain."""
        ...

    @property
    def level(self) -> int:
        """Return the level."""
        ...

    @property
    def set(self) -> str:
        """Return the name of the set it belongs to."""
        ...


P = TypeVar("P", bound=Placed)


def select(
    problems: Iterable[P],
    *,
    domains: Collection[str] = (),
    levels: Collection[int] = (),
    per_cell: int | None = None,
    limit: int | None = None,
    seed: int = SEED,
) -> tuple[P, ...]:
    """Select at most `per_cell` problems of each domain and level, then at most `limit` in all.

    The result takes one problem of each domain and level in turn; of several sets, one of each set
    in turn, drawn so. So a run that is interrupted is balanced too, and a larger limit only adds
    problems at the end. The result depends on the ids and the seed, not on the order of `problems`.

    Raises ConfigError for a domain or level that no problem has.
    """
    problems = tuple(problems)
    _refuse_unknown("domains", domains, {problem.domain for problem in problems})
    _refuse_unknown("levels", levels, {problem.level for problem in problems})
    sets: dict[str, dict[tuple[str, int], list[P]]] = defaultdict(lambda: defaultdict(list))
    for problem in problems:
        sets[problem.set]  # in the order of the problems
    for problem in sorted(problems, key=lambda problem: _lot(problem.id, seed)):
        if (not domains or problem.domain in domains) and (not levels or problem.level in levels):
            sets[problem.set][problem.domain, problem.level].append(problem)
    drawn = (
        _in_turn([cells[cell][:per_cell] for cell in _diagonals(cells)]) for cells in sets.values()
    )
    return tuple(islice(_in_turn(list(drawn)), limit))


def _in_turn(parts: Sequence[Iterable[P]]) -> Iterator[P]:
    """Yield the first of each part, then the second of each that has one, and so on."""
    rounds = zip_longest(*parts)
    return (problem for turn in rounds for problem in turn if problem is not None)


def _lot(id: str, seed: int) -> bytes:
    """Return a pseudorandom sort key that is the same in every version of Python."""
    return sha256(f"{seed}:{id}".encode()).digest()


def _diagonals(cells: Collection[tuple[str, int]]) -> list[tuple[str, int]]:
    """Order the cells so that the first ones, however many are taken, vary domain and level."""
    domains = sorted({domain for domain, _ in cells})
    levels = sorted({level for _, level in cells})
    grid = [
        (domain, levels[(row + shift) % len(levels)])
        for shift in range(len(levels))
        for row, domain in enumerate(domains)
    ]
    return [cell for cell in grid if cell in cells]


def _refuse_unknown(what: str, wanted: Collection[object], present: Collection[object]) -> None:
    """Raise ConfigError for a wanted value that no problem has."""
    known = sorted(map(str, present))
    for value in map(str, wanted):
        if value not in known:
            close = get_close_matches(value, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ConfigError(
                f"{what}: no problem has {value!r}.{hint} There are: {', '.join(known)}."
                f" `--set {what}=[]` takes all."
            )
