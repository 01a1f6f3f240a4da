"""How much the wording of the prompt matters: the spread between the wordings of a mode."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from solver.modes import WORDING
from solver.stats.spread import Spread, spread
from solver.store import Trials


@dataclass(frozen=True)
class Sensitivity:
    """The wordings of one mode, asked of one model about the same problems."""

    model: str
    mode: str
    wordings: tuple[str, ...]
    """Names of the arms, the mode's own first."""
    spread: Spread


def sensitivities(trials: Trials) -> Iterator[Sensitivity]:
    """Yield the sensitivity of each model and mode that ran under several wordings.

    Only scored trials count, of problems that every wording has.
    """
    arms: dict[tuple[str, str], dict[str, Trials]] = defaultdict(dict)
    for model, mode, of_arm in trials.by_arm():
        base, at, prompt = mode.partition("@")
        if not at or prompt.startswith(WORDING):
            arms[model, base][mode] = of_arm
    for (model, mode), found in arms.items():
        names = tuple(sorted(found))
        scored = [_scored(found[name]) for name in names] if len(names) > 1 else []
        if (apart := spread(scored)) is not None:
            yield Sensitivity(model, mode, names, apart)


def _scored(trials: Trials) -> dict[str, list[bool]]:
    """Return for each problem whether each scored trial was right."""
    right: dict[str, list[bool]] = defaultdict(list)
    for code, correct in zip(
        trials.problem[trials.scored].tolist(), trials.correct[trials.scored].tolist(), strict=True
    ):
        right[trials.problems[code]].append(correct)
    return right
