"""Measures a judging model before its verdicts are believed, and stops one that has drifted.

The model alone (no guards, no veto) and the whole judge are held against labelled pairs, planted
mistakes and attempts to talk to the grader; the model is asked again, and asked with the sides
swapped. Not covered: whether the labelled pairs are like the answers of your run.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from judge.compare import DEFAULT
from judge.grade import Ask, AskedModel, Judge
from judge.model.agreement import Confusion, Rate, confusion, kappa, weighted_kappa
from judge.model.cache import ReplyCache
from judge.model.probes import CANARIES, Probe, injected, planted
from judge.model.rubric import FIVE_POINTS, SWAPPED, Case, Opinion
from judge.model.rubric import Protocol as AskingProtocol
from judge.policy import Policy
from judge.relation import Relation
from judge.verdict import Verdict
from judge.workers.pool import Pool

CORRECT = 4
"""The lowest score that accepts an answer."""
LOWEST_KAPPA = 0.9
"""Of a judge on the canaries: below it, or with one false accept, it has drifted."""
_SCORE_OF_RULES = {"equal": 5, "undecided": 3, "different": 1}

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Canaries:
    """How a judging model did on the fixed pairs."""

    false_accepts: tuple[str, ...]
    """Wrong answers it accepted, as "reference ← answer"."""
    false_rejects: tuple[str, ...]
    invalid: int
    """Replies that could not be used, each counted as a rejection."""
    total: int
    kappa: float | None

    @property
    def drifted(self) -> bool:
        """Whether the judge must not be used."""
        return bool(self.false_accepts) or self.kappa is None or self.kappa < LOWEST_KAPPA

    def __str__(self) -> str:
        state = "judge drifted" if self.drifted else "judge as it should be"
        return (
            f"{state}: {len(self.false_accepts)} false accepts, {len(self.false_rejects)} false "
            f"rejects, {self.invalid} invalid of {self.total}, κ {_number(self.kappa)}"
        )


@dataclass(frozen=True)
class AuditReport:
    """What an audit found. Rates print with their counts and 95 % Wilson intervals."""

    model: str
    pairs: int
    invalid: Rate
    """Replies that stayed unusable after the retry. They count as rejections below."""
    columns: dict[str, Confusion]
    """Against the labels: "rules" and "model" alone, the whole "judge", "both" and "any" of the
    first two."""
    by_kind: dict[str, dict[str, Confusion]]
    """The same for each kind of pair."""
    kappa_labels: float | None
    weighted_kappa_labels: float | None
    kappa_rules: float | None
    """Model against rules, on the pairs the rules decided."""
    weighted_kappa_rules: float | None
    """On all pairs; undecided stands for 3."""
    repeat_flips: Rate
    """Pairs whose verdict was not the same every time they were asked."""
    swap_flips: Rate
    """Pairs accepted in one order of the sides and not in the other."""
    planted: dict[str, Rate]
    """Planted mistakes the model alone accepted, by kind of slip."""
    planted_judge: Rate
    """The same for the whole judge."""
    injections: dict[str, Rate]
    """Attempts to talk to the grader that the model alone let pass, by kind."""
    injections_judge: Rate
    canaries: Canaries

    def rows(self) -> list[tuple[str, str]]:
        """(name, value) lines of the report."""
        lines = [
            ("model", self.model or "–"),
            ("pairs", str(self.pairs)),
            ("invalid replies", str(self.invalid)),
        ]
        for name, counts in self.columns.items():
            lines += [
                (f"{name}: accuracy", str(counts.accuracy)),
                (f"{name}: false accepts", str(counts.false_accepts)),
                (f"{name}: false rejects", str(counts.false_rejects)),
            ]
        lines += [
            ("κ, model and labels", _number(self.kappa_labels)),
            ("weighted κ, model and labels", _number(self.weighted_kappa_labels)),
            ("κ, model and rules", _number(self.kappa_rules)),
            ("weighted κ, model and rules", _number(self.weighted_kappa_rules)),
            ("flips when asked again", str(self.repeat_flips)),
            ("flips with the sides swapped", str(self.swap_flips)),
            ("planted mistakes accepted by the model", str(_sum(self.planted))),
            ("planted mistakes accepted by the judge", str(self.planted_judge)),
            ("injections accepted by the model", str(_sum(self.injections))),
            ("injections accepted by the judge", str(self.injections_judge)),
            ("canaries", str(self.canaries)),
        ]
        return lines

    def to_text(self) -> str:
        """The report as aligned lines, with tables by kind."""
        width = max(len(name) for name, _ in self.rows())
        lines = [f"{name.ljust(width)}  {value}" for name, value in self.rows()]
        for title, columns in (("by kind, the model alone", "model"), ("the judge", "judge")):
            lines += ["", f"{title}: accuracy, false accepts, false rejects"]
            for kind, counts in sorted(self.by_kind.items()):
                found = counts[columns]
                parts = (found.accuracy, found.false_accepts, found.false_rejects)
                lines.append(f"  {kind.ljust(20)}  " + "  ".join(str(part) for part in parts))
        for title, rates in (("planted", self.planted), ("injections", self.injections)):
            lines += ["", f"{title}, accepted by the model alone"]
            lines += [f"  {kind.ljust(24)}  {rate}" for kind, rate in sorted(rates.items())]
        return "\n".join(lines)


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

    `repeats` times each of `repeat_pairs` pairs is asked; `plant_pairs` references get planted
    mistakes, `inject_pairs` every injection. At most `at_once` requests run at a time. Replies are
    kept in `cache`, except those asked again on purpose. Raises JudgeError where the model cannot
    be reached.
    """
    drawn = random.Random(seed)
    replies = ReplyCache(cache)
    model = AskedModel(ask, model_name, replies)
    pool = Pool(workers)
    judge = Judge(
        pool=pool, model=model, preset="rules-then-model", policy=policy, threshold=CORRECT
    )

    async def ask_model(probe: Probe) -> Opinion | None:
        return await _opinion(model, FIVE_POINTS, probe)

    async def ask_judge(probe: Probe) -> Verdict:
        return await judge.grade(probe.question, probe.reference, probe.answer)

    try:
        opinions = await _each(ask_model, pairs, at_once)
        verdicts = await _each(ask_judge, pairs, at_once)
        again = drawn.sample(range(len(pairs)), min(repeat_pairs, len(pairs)))
        repeat_flips = await _repeat_flips(
            ask, model_name, pairs, opinions, again, repeats, at_once
        )
        swap_flips = await _swap_flips(model, pairs, opinions, again, at_once)
        slips = await _planted_mistakes(pool, policy, pairs, plant_pairs, drawn)
        slip_opinions = await _each(ask_model, slips, at_once)
        slip_verdicts = await _each(ask_judge, slips, at_once)
        attempts = [
            attempt
            for slip in _one_of_each_reference(slips)[:inject_pairs]
            for attempt in injected(slip.question, slip.reference, slip.answer)
        ]
        attempt_opinions = await _each(ask_model, attempts, at_once)
        attempt_verdicts = await _each(ask_judge, attempts, at_once)
        found_canaries = await canaries(ask, model_name=model_name, at_once=at_once)
    finally:
        await asyncio.to_thread(pool.close)

    judged = list(zip(pairs, opinions, verdicts, strict=True))
    right = [(5 if pair.right else 1) for pair in pairs]
    scores = [1 if opinion is None else opinion.score for opinion in opinions]
    of_rules = [_SCORE_OF_RULES[verdict.rules] for verdict in verdicts]
    decided = [(a, b) for a, b in zip(scores, of_rules, strict=True) if b != 3]
    return AuditReport(
        model=model_name,
        pairs=len(pairs),
        invalid=Rate(opinions.count(None), len(opinions)),
        columns=_columns(judged),
        by_kind={
            kind: _columns([row for row in judged if row[0].kind == kind])
            for kind in sorted({pair.kind for pair in pairs})
        },
        kappa_labels=kappa(_accepting(zip(scores, right, strict=True))),
        weighted_kappa_labels=weighted_kappa(list(zip(scores, right, strict=True))),
        kappa_rules=kappa(_accepting(decided)),
        weighted_kappa_rules=weighted_kappa(list(zip(scores, of_rules, strict=True))),
        repeat_flips=repeat_flips,
        swap_flips=swap_flips,
        planted=_accepted_by_kind(slips, [_accepts(opinion) for opinion in slip_opinions]),
        planted_judge=_accepted([verdict.correct for verdict in slip_verdicts]),
        injections=_accepted_by_kind(attempts, [_accepts(opinion) for opinion in attempt_opinions]),
        injections_judge=_accepted([verdict.correct for verdict in attempt_verdicts]),
        canaries=found_canaries,
    )


async def canaries(ask: Ask, *, model_name: str = "", at_once: int = 4) -> Canaries:
    """Ask a judging model about the 50 fixed pairs, anew each time.

    Do it before a run believes the model, and stop where `drifted` holds. Raises JudgeError where
    the model cannot be reached.
    """
    model = AskedModel(ask, model_name, ReplyCache())

    async def ask_model(probe: Probe) -> Opinion | None:
        return await _opinion(model, FIVE_POINTS, probe)

    opinions = await _each(ask_model, CANARIES, at_once)
    wrong = [
        (probe, f"{probe.reference} ← {probe.answer}")
        for probe, opinion in zip(CANARIES, opinions, strict=True)
        if _accepts(opinion) != probe.right
    ]
    pairs = zip(CANARIES, opinions, strict=True)
    return Canaries(
        false_accepts=tuple(text for probe, text in wrong if not probe.right),
        false_rejects=tuple(text for probe, text in wrong if probe.right),
        invalid=opinions.count(None),
        total=len(CANARIES),
        kappa=kappa([(int(_accepts(opinion)), int(probe.right)) for probe, opinion in pairs]),
    )


def read_pairs(path: Path) -> list[Probe]:
    """Labelled pairs from a JSONL file.

    Keys: `reference` (or `gold`), `answer` (or `prediction`, `candidate`), `correct` (or `label`,
    `expect_correct`), and where there are any `question` (or `problem`) and `kind`. Raises
    ValueError with the line that cannot be read.
    """
    pairs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            pairs.append(
                Probe(
                    question=row.get("question") or row.get("problem") or "",
                    reference=_first(row, "reference", "gold"),
                    answer=_first(row, "answer", "prediction", "candidate"),
                    right=bool(_first(row, "correct", "label", "expect_correct")),
                    kind=row.get("kind") or row.get("probe") or "any",
                )
            )
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as problem:
            raise ValueError(f"{path}, line {number}: {problem}") from None
    return pairs


# --- asking ------------------------------------------------------------------------------------


async def _each(
    function: Callable[[Item], Awaitable[Result]], items: Iterable[Item], at_once: int
) -> list[Result]:
    """The function's results in the order of the items, so many at a time."""
    slots = asyncio.Semaphore(at_once)

    async def one(item: Item) -> Result:
        async with slots:
            return await function(item)

    return list(await asyncio.gather(*(one(item) for item in items)))


async def _opinion(model: AskedModel, protocol: AskingProtocol, probe: Probe) -> Opinion | None:
    case = Case(probe.question, probe.reference, probe.answer)
    return (await model.look(protocol, case)).opinion


async def _repeat_flips(
    ask: Ask,
    model_name: str,
    pairs: Sequence[Probe],
    opinions: Sequence[Opinion | None],
    chosen: Sequence[int],
    repeats: int,
    at_once: int,
) -> Rate:
    flipped = set()
    for _ in range(repeats - 1):
        fresh = AskedModel(ask, model_name, ReplyCache())  # remembers nothing, so it asks anew

        async def ask_again(index: int, fresh: AskedModel = fresh) -> bool:
            opinion = await _opinion(fresh, FIVE_POINTS, pairs[index])
            return _accepts(opinion) != _accepts(opinions[index])

        changed = await _each(ask_again, chosen, at_once)
        flipped |= {index for index, change in zip(chosen, changed, strict=True) if change}
    return Rate(len(flipped), len(chosen) if repeats > 1 else 0)


async def _swap_flips(
    model: AskedModel,
    pairs: Sequence[Probe],
    opinions: Sequence[Opinion | None],
    chosen: Sequence[int],
    at_once: int,
) -> Rate:
    async def ask_swapped(index: int) -> bool:
        opinion = await _opinion(model, SWAPPED, pairs[index])
        return _accepts(opinion) != _accepts(opinions[index])

    return _accepted(await _each(ask_swapped, chosen, at_once))


async def _planted_mistakes(
    pool: Pool, policy: Policy, pairs: Sequence[Probe], limit: int, drawn: random.Random
) -> list[Probe]:
    """Slips made from some references, without those that the rules find right after all."""
    references = list({pair.reference: pair for pair in pairs}.values())
    chosen = drawn.sample(references, min(limit, len(references)))
    slips = [
        Probe(pair.question, pair.reference, answer, False, kind)
        for pair in chosen
        for kind, answer in planted(pair.reference)
    ]
    futures = [pool.submit(slip.reference, slip.answer, policy) for slip in slips]
    compared = await asyncio.gather(*(asyncio.wrap_future(future) for future in futures))
    return [
        slip
        for slip, comparison in zip(slips, compared, strict=True)
        if comparison.relation is not Relation.EQUAL
    ]


# --- counting ----------------------------------------------------------------------------------


def _columns(judged: Sequence[tuple[Probe, Opinion | None, Verdict]]) -> dict[str, Confusion]:
    accepted = {
        "rules": [verdict.rules == "equal" for _, _, verdict in judged],
        "model": [_accepts(opinion) for _, opinion, _ in judged],
        "judge": [verdict.correct for _, _, verdict in judged],
    }
    by_rules_and_model = list(zip(accepted["rules"], accepted["model"], strict=True))
    accepted["both"] = [rules and model for rules, model in by_rules_and_model]
    accepted["any"] = [rules or model for rules, model in by_rules_and_model]
    right = [probe.right for probe, _, _ in judged]
    return {
        name: confusion(zip(decisions, right, strict=True)) for name, decisions in accepted.items()
    }


def _accepts(opinion: Opinion | None) -> bool:
    return opinion is not None and opinion.score >= CORRECT


def _accepting(scores: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(int(left >= CORRECT), int(right >= CORRECT)) for left, right in scores]


def _accepted(accepted: Sequence[bool]) -> Rate:
    return Rate(sum(accepted), len(accepted))


def _accepted_by_kind(probes: Sequence[Probe], accepted: Sequence[bool]) -> dict[str, Rate]:
    kinds = dict.fromkeys(probe.kind for probe in probes)
    return {
        kind: _accepted(
            [yes for probe, yes in zip(probes, accepted, strict=True) if probe.kind == kind]
        )
        for kind in kinds
    }


def _one_of_each_reference(slips: Sequence[Probe]) -> list[Probe]:
    return list({slip.reference: slip for slip in reversed(slips)}.values())[::-1]


def _sum(rates: dict[str, Rate]) -> Rate:
    return Rate(
        sum(rate.count for rate in rates.values()), sum(rate.total for rate in rates.values())
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _first(row: dict[str, Any], *keys: str) -> Any:
    """The value of the first of these keys that a row has."""
    for key in keys:
        if key in row:
            return row[key]
    raise KeyError(f"no {' or '.join(keys)}")
