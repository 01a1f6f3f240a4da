"""Put arms that are one model in several quantisations, or on several servers, on a ladder.

The rungs go from the most precise weights to the least, and each is compared with the first, on the
same problems. What is compared, and how, is decided in `compare.py`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from solver.analysis.comparable import Run
from solver.analysis.compare import Comparison, Side
from solver.analysis.published import model_words

FULL = 16.0
"""Bits of a weight where nothing says that it was quantised."""


@dataclass(frozen=True)
class Rung:
    """One arm of a ladder."""

    side: Side
    quantisation: str
    """As the server or the file says it; else as the model's name does; else empty."""
    bits: float
    """Of one weight, about."""
    server: str
    """The provider, and where it is reached if that is known."""


@dataclass(frozen=True)
class Ladder:
    """One model in one mode: the most precise rung, and each other one with its comparison."""

    top: Rung
    rungs: tuple[tuple[Rung, Comparison], ...]


def ladders(runs: Sequence[Run], found: Sequence[Comparison]) -> Iterator[Ladder]:
    """Yield the ladders among some comparisons: a model and mode with two rungs that differ.

    Rungs of equal precision keep the order of the runs, so the first run is the top where only the
    servers differ.
    """
    manifests = {run.name: run.manifest for run in runs}
    sides: dict[tuple[frozenset[str], str], dict[tuple[str, str], Side]] = defaultdict(dict)
    for each in found:
        for side in (each.a, each.b):
            sides[model_words(side.model), side.mode][side.run, side.model] = side
    for same in sides.values():
        rungs = [_rung(side, manifests[side.run]) for side in same.values()]
        rungs.sort(key=lambda rung: -rung.bits)
        if len({(rung.quantisation, rung.server, rung.side.model) for rung in rungs}) < 2:
            continue
        top, *others = rungs
        pairs = [(rung, _between(found, top.side, rung.side)) for rung in others]
        kept = tuple((rung, pair) for rung, pair in pairs if pair is not None)
        if kept:
            yield Ladder(top, kept)


def _between(found: Sequence[Comparison], one: Side, other: Side) -> Comparison | None:
    wanted = {(side.run, side.model, side.mode) for side in (one, other)}
    for each in found:
        if {(side.run, side.model, side.mode) for side in (each.a, each.b)} == wanted:
            return each
    return None


def _rung(side: Side, manifest: dict[str, Any] | Any) -> Rung:
    facts = manifest.get("models", {}).get(side.model, {})
    named = re.search(_QUANTISATION, side.model.lower())
    quantisation = str(facts.get("quantisation") or (named[0].upper() if named else ""))
    place = facts.get("base_url") or facts.get("server_url") or ""
    provider = side.model.partition("/")[0]
    return Rung(side, quantisation, bits_of(quantisation), f"{provider} {place}".strip())


_QUANTISATION = (
    r"\b(ud-)?i?q[2-8](_[a-z0-9]+)*\b|\b(bf|fp|f)(32|16|8)\b|\bint[48]\b|\bawq\b|\bgptq\b"
)


def bits_of(quantisation: str) -> float:
    """Return about how many bits a weight has: 4 of Q4_K_M and AWQ, 16 of F16 and where unknown.

    Of names with the same number, the larger variant counts a little more: Q4_K_M over Q4_K_S.
    """
    word = quantisation.lower()
    if word in ("awq", "gptq", "mxfp4", "nvfp4"):
        return 4.0
    number = re.search(r"(?:q|fp?|bf|int)(\d+)", word)
    if number is None:
        return FULL
    sizes = ("xxs", "xs", "s", "m", "l", "xl")
    size = next((place for place, s in enumerate(sizes) if word.endswith(f"_{s}")), 0)
    return float(number[1]) + size / 100
