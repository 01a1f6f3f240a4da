"""Measure how reliable a judging model is before its verdicts are used.

The model alone (no guards, no veto) and the whole judge grade labelled pairs, planted mistakes and
answers that try to influence the grader. The model is also asked again, and with the two sides
swapped. Not covered: whether the labelled pairs are like the answers of your run.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from judge.compare import DEFAULT, compare
from judge.grade import PRESETS, PROTOCOLS, Judge
from judge.model.agreement import Confusion, Rate, confusion, kappa, weighted_kappa
from judge.model.asked import Ask, AskedModel, Look, ReplyCache
from judge.model.audit_report import AuditReport
from judge.model.canaries import CANARIES, Canaries
from judge.model.probes import Probe, injected, planted, read_pairs
from judge.model.replies import Opinion
from judge.model.rubric import FIVE_POINTS, READING, SWAPPED, Protocol
from judge.model.verdicts import opinion_of_value
from judge.policy import Policy
from judge.verdict import Verdict
from judge.workers.pool import Pool

__all__ = ["AuditReport", "Canaries", "audit", "canaries", "read_pairs"]

CORRECT = 4
"""The lowest score that accepts an answer."""
_SCORE_OF_RULES = {"equal": 5, "undecided": 3, "different": 1}

_Judged = tuple[Probe, Opinion | None, Verdict]
"""A probe, the opinion of the model alone (None: no usable reply), the verdict of the judge."""

Item = TypeVar("Item")
Result = TypeVar("Result")


async def audit(
    ask: Ask,
    pairs: Sequence[Probe],
    *,
    model_name: str = "",
    policy: Policy = DEFAULT,
    cache: Path | None = None,
    workers: int = 1,
    at_once: int = 4,
    repeats: int = 3,
    repeat_pairs: int = 200,
    plant_pairs: int = 50,
    inject_pairs: int = 10,
    seed: int = 0,
) -> AuditReport:
    """Measure a judging model on labelled pairs and on probes made from them.

    Each of `repeat_pairs` pairs is asked `repeats` times. Mistakes are planted in `plant_pairs`
    references, and each injection is tried on `inject_pairs` of them. At most `at_once` requests
    run at a time. Replies are kept in `cache`, except those that test repetition. Raises JudgeError
    where the model cannot be reached.
    """
    drawn = random.Random(seed)
    pool, model = Pool(workers), AskedModel(ask, model_name, ReplyCache(cache))
    judge = Judge(pool=pool, model=model, preset=PRESETS[0], policy=policy, threshold=CORRECT)
    asked = _Asked(ask, model, judge, at_once)
    try:
        judged = await asked.judged(pairs)
        again = [judged[i] for i in drawn.sample(range(len(pairs)), min(repeat_pairs, len(pairs)))]
        repeat_flips = await asked.repeat_flips(again, repeats)
        swap_flips = await asked.swap_flips(again)
        slips = await _planted_mistakes(pool, policy, pairs, plant_pairs, drawn)
        judged_slips = await asked.judged(slips)
        judged_attempts = await asked.judged(_injections(slips, inject_pairs))
        return AuditReport(
            model=model_name,
            **_agreement(judged),
            repeat_flips=repeat_flips,
            swap_flips=swap_flips,
            planted=_accepted_by_kind(judged_slips),
            planted_judge=_share([verdict.correct for _, _, verdict in judged_slips]),
            injections=_accepted_by_kind(judged_attempts),
            injections_judge=_share([verdict.correct for _, _, verdict in judged_attempts]),
            canaries=await canaries(ask, model_name=model_name, at_once=at_once),
        )
    finally:
        await asyncio.to_thread(pool.close)


async def canaries(
    ask: Ask,
    *,
    model_name: str = "",
    preset: str = PRESETS[0],
    at_once: int = 4,
    give_up: bool = False,
) -> Canaries:
    """Ask a judging model about the 50 fixed pairs in its preset's protocol, without a cache.

    A run does this before it uses the model, and stops where `drifted` is true. With `give_up` it
    ends as soon as that is certain. Raises JudgeError where the model cannot be reached.
    """
    protocol = PROTOCOLS[preset][0]
    model = AskedModel(ask, model_name, ReplyCache())
    looks: dict[Probe, Look] = {}

    async def look(probe: Probe) -> None:
        if not (give_up and _canaries(looks).drifted):
            found, case = await model.look(protocol, probe.case), probe.case
            if protocol is READING and found.opinion is not None:
                value = compare(case.reference, found.opinion.answer_form, symbolic=False)
                found = replace(found, opinion=opinion_of_value(case, found.opinion, value))
            looks[probe] = found

    await _each(look, CANARIES, at_once)
    return _canaries({probe: looks[probe] for probe in CANARIES if probe in looks})


def _canaries(looks: Mapping[Probe, Look]) -> Canaries:
    """Count what the model said of the fixed pairs."""
    unusable = [found for found in looks.values() if found.opinion is None]
    wrong = [probe for probe, found in looks.items()
             if found.opinion is not None and _accepts(found.opinion) != probe.right]  # fmt: skip
    decisions = [(int(_accepts(found.opinion)), int(p.right)) for p, found in looks.items()]
    return Canaries(
        false_accepts=tuple(f"{p.reference} ← {p.answer}" for p in wrong if not p.right),
        false_rejects=tuple(f"{p.reference} ← {p.answer}" for p in wrong if p.right),
        invalid=sum(not found.cut for found in unusable),
        cut=sum(found.cut for found in unusable),
        total=len(looks),
        kappa=kappa(decisions),
    )


# --- asking ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    """The model alone and the whole judge, asked about probes, a few at a time."""

    ask: Ask
    model: AskedModel
    judge: Judge
    at_once: int

    async def judged(self, probes: Sequence[Probe]) -> list[_Judged]:
        """Ask first the model alone, then the whole judge, about each probe."""

        async def opinion(probe: Probe) -> Opinion | None:
            return await _opinion(self.model, FIVE_POINTS, probe)

        async def verdict(probe: Probe) -> Verdict:
            return await self.judge.grade(probe.question, probe.reference, probe.answer)

        opinions = await _each(opinion, probes, self.at_once)
        verdicts = await _each(verdict, probes, self.at_once)
        return list(zip(probes, opinions, verdicts, strict=True))

    async def repeat_flips(self, judged: Sequence[_Judged], repeats: int) -> Rate:
        """Ask again without a cache, and count the probes whose acceptance ever changed."""
        flipped = [False] * len(judged)
        for _ in range(repeats - 1):
            fresh = AskedModel(self.ask, self.model.name, ReplyCache())
            changed = await self._changed(fresh, FIVE_POINTS, judged)
            flipped = [old or new for old, new in zip(flipped, changed, strict=True)]
        return _share(flipped if repeats > 1 else [])

    async def swap_flips(self, judged: Sequence[_Judged]) -> Rate:
        """Ask with the sides swapped, and count the probes whose acceptance changed."""
        return _share(await self._changed(self.model, SWAPPED, judged))

    async def _changed(
        self, model: AskedModel, protocol: Protocol, judged: Sequence[_Judged]
    ) -> list[bool]:
        """Tell for each probe whether this model accepts where the first opinion did not."""

        async def changes(row: _Judged) -> bool:
            probe, first, _ = row
            return _accepts(await _opinion(model, protocol, probe)) != _accepts(first)

        return await _each(changes, judged, self.at_once)


async def _each(
    function: Callable[[Item], Awaitable[Result]], items: Iterable[Item], at_once: int
) -> list[Result]:
    """Call the function for each item, so many at a time. Return the results in order."""
    slots = asyncio.Semaphore(at_once)

    async def one(item: Item) -> Result:
        async with slots:
            return await function(item)

    return list(await asyncio.gather(*(one(item) for item in items)))


async def _opinion(model: AskedModel, protocol: Protocol, probe: Probe) -> Opinion | None:
    return (await model.look(protocol, probe.case)).opinion


async def _planted_mistakes(
    pool: Pool, policy: Policy, pairs: Sequence[Probe], limit: int, drawn: random.Random
) -> list[Probe]:
    """Plant mistakes in some references, without those that the rules find to be right."""
    references = list({pair.reference: pair for pair in pairs}.values())
    chosen = drawn.sample(references, min(limit, len(references)))
    slips = [
        Probe(pair.question, pair.reference, answer, False, kind)
        for pair in chosen
        for kind, answer in planted(pair.reference)
    ]
    futures = [pool.submit(slip.reference, slip.answer, policy) for slip in slips]
    compared = await asyncio.gather(*(asyncio.wrap_future(future) for future in futures))
    return [slip for slip, found in zip(slips, compared, strict=True) if not found.is_equal]


# --- counting ----------------------------------------------------------------------------------


def _agreement(judged: Sequence[_Judged]) -> dict[str, Any]:
    """Compute the fields of the report that compare the model with the labels and the rules."""
    right = [5 if probe.right else 1 for probe, _, _ in judged]
    scores = [1 if opinion is None else opinion.score for _, opinion, _ in judged]
    of_rules = [_SCORE_OF_RULES[verdict.rules] for _, _, verdict in judged]
    with_labels = list(zip(scores, right, strict=True))
    with_rules = list(zip(scores, of_rules, strict=True))
    return {
        "pairs": len(judged),
        "invalid": _share([opinion is None for _, opinion, _ in judged]),
        "inconsistent": _share([o.inconsistent for _, o, _ in judged if o is not None]),
        "columns": _columns(judged),
        "by_kind": {
            kind: _columns([row for row in judged if row[0].kind == kind])
            for kind in sorted({probe.kind for probe, _, _ in judged})
        },
        "kappa_labels": kappa(_accepting(with_labels)),
        "weighted_kappa_labels": weighted_kappa(with_labels),
        "kappa_rules": kappa(_accepting(pair for pair in with_rules if pair[1] != 3)),
        "weighted_kappa_rules": weighted_kappa(with_rules),
    }


def _columns(judged: Sequence[_Judged]) -> dict[str, Confusion]:
    accepted = {
        "rules": [verdict.rules == "equal" for _, _, verdict in judged],
        "model": [_accepts(opinion) for _, opinion, _ in judged],
        "judge": [verdict.correct for _, _, verdict in judged],
    }
    of_both = list(zip(accepted["rules"], accepted["model"], strict=True))
    accepted |= {"both": list(map(all, of_both)), "any": list(map(any, of_both))}
    right = [probe.right for probe, _, _ in judged]
    return {name: confusion(zip(said, right, strict=True)) for name, said in accepted.items()}


def _accepts(opinion: Opinion | None) -> bool:
    return opinion is not None and opinion.score >= CORRECT


def _accepting(scores: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(int(left >= CORRECT), int(right >= CORRECT)) for left, right in scores]


def _share(flags: Sequence[bool]) -> Rate:
    """Return how many of some flags are set."""
    return Rate(sum(flags), len(flags))


def _accepted_by_kind(judged: Sequence[_Judged]) -> dict[str, Rate]:
    """Count for each kind of probe how many the model alone accepted."""
    return {
        kind: _share([_accepts(opinion) for probe, opinion, _ in judged if probe.kind == kind])
        for kind in dict.fromkeys(probe.kind for probe, _, _ in judged)
    }


def _injections(slips: Sequence[Probe], limit: int) -> list[Probe]:
    """Build every injection around the first slip of each of so many references."""
    first = {slip.reference: slip for slip in reversed(slips)}.values()
    return [
        attempt
        for slip in list(first)[::-1][:limit]
        for attempt in injected(slip.question, slip.reference, slip.answer)
    ]
