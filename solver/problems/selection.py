"""Select a part of the problems: evenly over domains and levels, the same ones every time."""

from collections import defaultdict
from collections.abc import Collection, Iterable
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

    The result takes one problem of each domain and level in turn. So a run that is interrupted is
    balanced too, and a larger limit only adds problems at the end. The result depends on the ids
    and the seed, not on the order of `problems`.

    Raises ConfigError for a domain or level that no problem has.
    """
    problems = tuple(problems)
    _refuse_unknown("domains", domains, {problem.domain for problem in problems})
    _refuse_unknown("levels", levels, {problem.level for problem in problems})
    cells: dict[tuple[str, int], list[P]] = defaultdict(list)
    for problem in sorted(problems, key=lambda problem: _lot(problem.id, seed)):
        if (not domains or problem.domain in domains) and (not levels or problem.level in levels):
            cells[problem.domain, problem.level].append(problem)
    order = _diagonals(cells)
    rounds = zip_longest(*(cells[cell][:per_cell] for cell in order))
    drawn = (problem for turn in rounds for problem in turn if problem is not None)
    return tuple(islice(drawn, limit))


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
            )
