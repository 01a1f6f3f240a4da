"""How much the wording of the prompt matters: the spread between the wordings of a mode."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from solver.analysis.accuracy import correct_by_problem
from solver.modes import WORDING
from solver.stats.spread import Spread, spread
from solver.store import Row


@dataclass(frozen=True)
class Sensitivity:
    """The wordings of one mode, asked of one model about the same problems."""

    model: str
    mode: str
    wordings: tuple[str, ...]
    """Names of the arms, the mode's own first."""
    spread: Spread


def sensitivities(rows: Sequence[Row]) -> Iterator[Sensitivity]:
    """Yield the sensitivity of each model and mode that ran under several wordings.

    Only scored trials count, of problems that every wording has.
    """
    arms: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(dict)
    for row in rows:
        base, at, prompt = row.mode.partition("@")
        if not at or prompt.startswith(WORDING):
            arms[row.model, base].setdefault(row.mode, []).append(row)
    for (model, mode), found in arms.items():
        names = tuple(sorted(found))
        scored = [correct_by_problem(_scored(found[name])) for name in names]
        if (apart := spread(scored)) is not None:
            yield Sensitivity(model, mode, names, apart)


def _scored(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.outcome.scored]
