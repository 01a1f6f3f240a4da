"""Which arms are ahead of which: the places that each may have, from all comparisons together."""

from collections.abc import Sequence
from dataclasses import dataclass

from solver.analysis.compare import Comparison, Side
from solver.stats.ranks import Standing, standings


@dataclass(frozen=True)
class Ranked:
    """An arm, and the places it may truly have."""

    side: Side
    """As it stands in the comparison that holds the most problems."""
    standing: Standing


def ranking(found: Sequence[Comparison]) -> tuple[Ranked, ...]:
    """Order the arms of these comparisons, best first; empty where there are fewer than three.

    The p-values of `found` must be adjusted together, over all of them.
    """
    sides: dict[tuple[str, str, str], Side] = {}
    for each in found:
        for side in (each.a, each.b):
            known = sides.get(_key(side))
            if known is None or side.accuracy.n_problems > known.accuracy.n_problems:
                sides[_key(side)] = side
    if len(sides) < 3:
        return ()
    place = {key: number for number, key in enumerate(sides)}
    pairs = {
        (place[_key(each.a)], place[_key(each.b)]): (each.difference.value, each.adjusted)
        for each in found
    }
    ranked = map(Ranked, sides.values(), standings(len(sides), pairs))
    return tuple(
        sorted(
            ranked,
            key=lambda one: (one.standing.best, one.standing.worst, -one.side.accuracy.value),
        )
    )


def _key(side: Side) -> tuple[str, str, str]:
    return side.run, side.model, side.mode
