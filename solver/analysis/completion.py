"""Measure how well continuations of a question's beginning match the rest of it, beside floors.

Method: arXiv 2507.10532, with a floor beside each number: what the same model makes of text that it
cannot have seen. Style alone moves ROUGE-L by more than 0.1 between sets, so no sign of memory is
read from it; exact completion of the rest is one, where it is more frequent than on the floor.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from solver.modes import stored_mode
from solver.modes.prefix import cut
from solver.records import Problem
from solver.stats.exact import Excess, excess
from solver.stats.metrics import Estimate, estimate
from solver.stats.paired import mcnemar
from solver.stats.rouge import rouge_l
from solver.stats.rouge import words as rouge_words


@dataclass(frozen=True)
class Continuation:
    """What a model made of one question's beginning."""

    problem: Problem
    mode: str
    text: str
    correct: bool | None
    """Whether the answer that it states is right; None without a usable verdict."""


@dataclass(frozen=True)
class Match:
    """How well one problem's continuations match the rest of a question; means over samples."""

    rouge: float
    exact: float
    """Share with ROUGE-L 1, the paper's exact match: other punctuation may stand between words."""
    strict: float
    """Share with the very same words and signs."""

    @property
    def hit(self) -> bool:
        """Tell whether at least half of the samples match exactly."""
        return self.exact >= 0.5


@dataclass(frozen=True)
class Floor:
    """What is expected without memory, and the excess over it."""

    name: str
    paired: bool
    """It is on variants of the same problems, scored against the rest of the original."""
    problems: int
    hits: int
    rouge: float
    excess: Excess | None
    """Of exact completions; None for a paired floor, which `p_value` and `difference` describe."""
    difference: float
    p_value: float
    """One-sided: the chance of such an excess without memory."""


@dataclass(frozen=True)
class Completion:
    """One model, one share of the question and template, one set."""

    model: str
    set: str
    mode: str
    shown: float
    raw: bool
    problems: int
    hits: int
    """Problems completed exactly."""
    rouge: Estimate
    exact: Estimate
    strict: Estimate
    accuracy: Estimate | None
    """Of the stated answers; None where none has a verdict."""
    floors: tuple[Floor, ...]

    @property
    def floor(self) -> Floor | None:
        """Return the floor to hold it against: the highest of the fresh ones, else a paired one."""
        fresh = [floor for floor in self.floors if not floor.paired]
        return max(fresh or self.floors, key=lambda f: f.hits / f.problems, default=None)


def match(question: str, shown: float, continuation: str) -> Match | None:
    """Compare one continuation with the rest of a question.

    As many words of the continuation count as the rest has. None where the rest has no word that
    ROUGE-L knows (of letters a-z and digits), as in a question that ends there or is in Chinese.
    """
    rest = question[len(cut(question, shown)) :].strip()
    if not rouge_words(rest):
        return None
    words = " ".join(continuation.split()[: len(rest.split())])
    rouge = rouge_l(rest, words)
    return Match(rouge, float(round(rouge, 4) == 1.0), float(words == " ".join(rest.split())))


def completions(
    model: str,
    continuations: Iterable[Continuation],
    sets: Mapping[str, Sequence[Problem]],
    controls: Sequence[str],
) -> list[Completion]:
    """Measure every mode and set of originals of one model. `sets` holds all problems by set."""
    by_mode: dict[str, dict[str, list[Continuation]]] = defaultdict(lambda: defaultdict(list))
    for each in continuations:
        by_mode[each.mode][each.problem.id].append(each)
    return [
        found
        for mode, by_problem in by_mode.items()
        for name in sets
        if name not in controls
        if (found := _completion(model, name, mode, by_problem, sets, controls)) is not None
    ]


def matches(
    problems: Iterable[Problem], shown: float, found: Mapping[str, Sequence[Continuation]]
) -> dict[str, Match]:
    """Return how well each problem is completed, by id, where it was asked."""
    rated = {
        p.id: [m for each in found.get(p.id, ()) if (m := match(p.question, shown, each.text))]
        for p in problems
    }
    return {name: _mean(each) for name, each in rated.items() if each}


def _completion(
    model: str,
    name: str,
    mode: str,
    found: Mapping[str, Sequence[Continuation]],
    sets: Mapping[str, Sequence[Problem]],
    controls: Sequence[str],
) -> Completion | None:
    kind = stored_mode(mode)
    shown = kind.shown or 1.0
    own = [problem for problem in sets[name] if not problem.variant_of]
    rated = matches(own, shown, found)
    if not rated:
        return None
    hits = sum(each.hit for each in rated.values())
    floors = [
        _fresh(control, sets.get(control, ()), shown, found, hits, len(rated))
        for control in controls
    ]
    floors.append(_paired(own, sets, shown, found, rated))
    right = [
        [each.correct for each in found[p.id] if each.correct is not None]
        for p in own
        if p.id in found
    ]
    shares = [sum(each) / len(each) for each in right if each]
    trials = sum(len(found[problem_id]) for problem_id in rated)

    def mean(values: Iterable[float]) -> Estimate:
        return estimate(list(values), trials)

    return Completion(
        model=model,
        set=name,
        mode=mode,
        shown=shown,
        raw=kind.raw,
        problems=len(rated),
        hits=hits,
        rouge=mean(each.rouge for each in rated.values()),
        exact=mean(each.exact for each in rated.values()),
        strict=mean(each.strict for each in rated.values()),
        accuracy=estimate(shares, sum(map(len, right))) if shares else None,
        floors=tuple(floor for floor in floors if floor is not None),
    )


def _fresh(
    name: str,
    problems: Iterable[Problem],
    shown: float,
    found: Mapping[str, Sequence[Continuation]],
    hits: int,
    n: int,
) -> Floor | None:
    """Return the floor of text that the model cannot have seen, scored against its own rest."""
    rated = matches(problems, shown, found)
    if not rated:
        return None
    there = sum(each.hit for each in rated.values())
    over = excess(hits, n, there, len(rated))
    rouge = float(np.mean([each.rouge for each in rated.values()]))
    return Floor(name, False, len(rated), there, rouge, over, over.value, over.p_value)


def _paired(
    originals: Iterable[Problem],
    sets: Mapping[str, Sequence[Problem]],
    shown: float,
    found: Mapping[str, Sequence[Continuation]],
    rated: Mapping[str, Match],
) -> Floor | None:
    """Return the floor of variants: their beginning is shown, the original's rest expected.

    It tells what the words around the numbers give away.
    """
    by_original: dict[str, list[Match]] = defaultdict(list)
    question = {problem.id: problem.question for problem in originals}
    for problem in (p for each in sets.values() for p in each if p.variant_of in rated):
        for each in found.get(problem.id, ()):
            if (one := match(question[problem.variant_of], shown, each.text)) is not None:
                by_original[problem.variant_of].append(one)
    pairs = [(rated[name], _mean(each)) for name, each in by_original.items()]
    if not pairs:
        return None
    lost = sum(original.hit and not variant.hit for original, variant in pairs)
    gained = sum(variant.hit and not original.hit for original, variant in pairs)
    return Floor(
        name="variants, against the original",
        paired=True,
        problems=len(pairs),
        hits=sum(variant.hit for _, variant in pairs),
        rouge=float(np.mean([variant.rouge for _, variant in pairs])),
        excess=None,
        difference=(lost - gained) / len(pairs),
        p_value=mcnemar(lost, gained) / 2 if lost > gained else 1.0,
    )


def _mean(each: Sequence[Match]) -> Match:
    return Match(
        *(float(np.mean([getattr(m, name) for m in each])) for name in ("rouge", "exact", "strict"))
    )
