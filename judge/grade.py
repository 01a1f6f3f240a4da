"""Grade an answer: by the rules in worker processes, then by a model where the preset says so.

There are these presets:

- `rules-then-model`: the rules decide; only where they cannot is a model asked, with the five-point
  rubric, and the rules may still overrule it.
- `rules-then-short`: the same, but the model gives the relation alone, in few tokens.
- `rules-then-read`: a model copies the value out of an answer that the rules cannot read, without
  seeing the reference, and the rules compare it. For small models.
- `xverify`, `compass-verifier`, `general-verifier`: as `rules-then-model`, with a model that was
  trained to verify answers, in its own layout and labels.
- `yes-no`: the protocol of arXiv 2412.13147. The model decides every answer.
- `model-only`: arXiv 2501.17084 as far as it is known: the model scores every answer from 1 to 5.

Every verdict also records what the rules alone said. Not covered: choosing, reaching or paying the
model; the caller does that in the function it passes as `ask`.
"""

import asyncio
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from judge.compare import DEFAULT
from judge.extract import extract_answer
from judge.model import verdicts
from judge.model.asked import Ask, AskedModel, CutReply, ReplyCache
from judge.model.evidence import is_foreign, missing_evidence, single_number
from judge.model.guard import is_empty, refusal, rounding_settles
from judge.model.replies import Opinion
from judge.model.rubric import PROTOCOLS, READING, Case, Protocol
from judge.policy import Choice, Policy, rules_version
from judge.relation import Comparison, Relation
from judge.verdict import Verdict
from judge.workers.pool import Pool

__all__ = ["PRESETS", "PROTOCOLS", "Ask", "CutReply", "Judge", "open_judge"]

ASKING_ALWAYS = ("yes-no", "model-only")
"""Presets whose model is asked about every answer."""
DEFAULT_THRESHOLD = 4
PRESETS = tuple(PROTOCOLS)
_LONGEST_SHOWN = 2_000
"""Characters of an answer that the model sees in the presets that ask about every answer."""
_BATCH = 1_000
_LONGEST_KNOWN, _MOST_KNOWN = 500, 10_000
"""The characters of a pair whose comparison is kept, and how many are."""


def open_judge(
    *,
    ask: Ask | None = None,
    model_name: str = "",
    preset: str = "rules-then-model",
    policy: Policy = DEFAULT,
    workers: int = 1,
    cache: Path | None = None,
    offline: bool = False,
    threshold: int = DEFAULT_THRESHOLD,
    seconds: float = 5.0,
) -> "Judge":
    """Make a judge and start its worker processes; close it after use.

    Without `ask` only the rules grade, and what they cannot decide has no score. With `offline`, no
    model is asked and replies come from `cache`. `seconds` is the processor time the rules have
    for one pair. Raises ValueError for an unknown preset, a threshold that is no score, or a preset
    that needs a model and has none.
    """
    if preset not in PRESETS:
        raise ValueError(f"preset {preset!r}: no such preset. Presets: {', '.join(PRESETS)}")
    if not 1 <= threshold <= 5:
        raise ValueError(f"threshold: {threshold} is no score, it must be from 1 to 5")
    if offline and cache is None:
        raise ValueError("offline: there is no cache to replay, name one")
    has_model = ask is not None or offline
    if not has_model and preset in ASKING_ALWAYS:
        raise ValueError(f"preset {preset!r} needs a model to ask")
    if has_model and not model_name:
        raise ValueError("model_name: the judging model needs a name, it is part of every verdict")
    asked = AskedModel(None if offline else ask, model_name, ReplyCache(cache))
    pool, model = Pool(workers, seconds=seconds), asked if has_model else None
    return Judge(pool=pool, model=model, preset=preset, policy=policy, threshold=threshold)


@dataclass(eq=False, kw_only=True)
class Judge:
    """Grades answers against references. `open_judge` makes one."""

    pool: Pool
    model: AskedModel | None
    preset: str
    policy: Policy
    threshold: int
    _known: dict[tuple[str, str, Policy], Comparison] = field(
        init=False, repr=False, default_factory=dict
    )

    async def grade(self, question: str, reference: str, answer: str) -> Verdict:
        """Grade one answer.

        Raises JudgeError where a model or a worker could not be reached, so there is no verdict.
        """
        started = time.perf_counter()
        case = Case(question, reference, answer)
        rules = await self._compare(case)
        found = None if rules.is_equal else extract_answer(answer)
        if found is not None and found.rule in _MARKED and found.answer:
            case = replace(case, answer=found.answer)  # it is a reply, and this its answer
            rules = await self._compare(case)
        verdict = await self._decide(case, rules)
        return replace(
            verdict,
            rules=rules.relation.value,
            rules_reason=rules.reason,
            threshold=self.threshold,
            seconds=time.perf_counter() - started,
        )

    async def grade_any(self, question: str, references: Sequence[str], answer: str) -> Verdict:
        """Grade one answer against references of which any is right; return the best verdict.

        Where none accepts the answer and one could not be decided, the answer is not decided.
        Raises JudgeError as `grade` does, and ValueError without a reference.
        """
        if not references:
            raise ValueError("no reference to grade against")
        found = []
        for reference in dict.fromkeys(references):
            found.append(await self.grade(question, reference, answer))
            if found[-1].correct:
                return found[-1]
        return next((verdict for verdict in found if not verdict.valid), found[0])

    async def grade_many(self, cases: Iterable[tuple[str, str, str]]) -> list[Verdict]:
        """Grade (question, reference, answer) triples, many at a time, in their order.

        Raises JudgeError as `grade` does. All verdicts are lost then, but not the cached replies.
        """
        waiting = list(cases)
        graded: list[Verdict] = []
        for start in range(0, len(waiting), _BATCH):
            batch = waiting[start : start + _BATCH]
            graded += await asyncio.gather(*(self.grade(*case) for case in batch))
        return graded

    async def self_check(self, references: Iterable[str]) -> list[tuple[str, str]]:
        """List the references that the rules cannot grade answers against, each with the reason.

        Either they do not accept the reference itself between dollar signs, or they cannot parse
        it and accept only the same text. No model is asked. Meant for before a run.
        """

        async def complaint(text: str) -> str:
            itself, other = await asyncio.gather(
                self._compare(Case("", text, f"$ {text} $")),
                self._compare(Case("", text, _NO_ANSWER_TO_ANYTHING)),
            )
            if is_empty(text):
                return "it is empty"
            if not itself.is_equal:
                return f"not equal to itself: {itself.reason}"
            unread = other.tier == "unread"
            return f"only the same text is accepted: {other.reason}" if unread else ""

        texts = list(dict.fromkeys(references))
        complaints = await asyncio.gather(*map(complaint, texts))
        return [(text, why) for text, why in zip(texts, complaints, strict=True) if why]

    async def describe(self) -> dict[str, Any]:
        """Return all settings that decide a verdict, as JSON values for a run's manifest."""
        return {
            "rules": rules_version(),
            "preset": self.preset,
            "threshold": self.threshold,
            "policy": _plain(self.policy),
            "changed": self._changed(),
            "seconds_per_pair": self.pool.seconds,
            "memory_mb": self.pool.memory_mb,
            "workers": self.pool.workers,
            "workers_replaced": self.pool.replaced,
            "sympy": version("sympy"),
            "model": self.model.name if self.model else None,
            "offline": self.model is not None and self.model.ask is None,
            "prompts": protocols_of(self.preset) if self.model else {},
        }

    def _changed(self) -> dict[str, Any]:
        """Return the threshold, preset and conventions that are not the defaults."""
        chosen, defaults = _plain(self.policy), _plain(DEFAULT)
        policy = {name: value for name, value in chosen.items() if value != defaults[name]}
        found = {"threshold": self.threshold, "preset": self.preset, "policy": policy}
        unchanged = {"threshold": DEFAULT_THRESHOLD, "preset": PRESETS[0], "policy": {}}
        return {name: value for name, value in found.items() if value != unchanged[name]}

    async def close(self) -> None:
        """End the worker processes. Closing twice does nothing."""
        await asyncio.to_thread(self.pool.close)

    async def _compare(self, case: Case, policy: Policy | None = None) -> Comparison:
        """Compare by the rules; what they decided lately is known, since repeats answer alike."""
        pair = case.reference, case.answer, policy or self.policy
        if (known := self._known.get(pair)) is not None:
            return known
        found = await asyncio.wrap_future(self.pool.submit(*pair))
        if found.relation is not Relation.UNDECIDED and sum(map(len, pair[:2])) <= _LONGEST_KNOWN:
            self._known[pair] = found
            if len(self._known) > _MOST_KNOWN:
                del self._known[next(iter(self._known))]
        return found

    async def _decide(self, case: Case, rules: Comparison) -> Verdict:
        by_rules = verdicts.verdict_of_rules(rules)
        if is_empty(case.answer) and not is_empty(case.reference):
            return verdicts.refused(by_rules, "no_answer", "the answer says nothing")
        if self.model is None:
            return by_rules
        if self.preset in ASKING_ALWAYS:
            return await _ask_once(self.model, PROTOCOLS[self.preset][0], case, by_rules)
        if by_rules.valid:
            return by_rules
        return await self._ask_if_undecided(self.model, case, by_rules)

    async def _ask_if_undecided(self, model: AskedModel, case: Case, by_rules: Verdict) -> Verdict:
        """Ask with the five-point rubric, between the guards before and after it."""
        why_not = refusal(case.question, case.reference, case.answer)
        if why_not is not None:
            return verdicts.refused(by_rules, *why_not)
        if why := await self._lacks_evidence(case, by_rules):
            return verdicts.refused(by_rules, "different", why)
        protocol, *swapped = PROTOCOLS[self.preset]
        look = await model.look(protocol, case)
        if look.opinion is None:
            return verdicts.invalid(by_rules, model, look)
        opinion, verdict = look.opinion, verdicts.verdict_of_model(by_rules, model, look)
        if protocol is READING:
            value = replace(case, answer=opinion.answer_form)
            read = verdicts.opinion_of_value(case, opinion, await self._compare(value))
            return replace(verdict, score=read.score, relation=read.relation, reason=read.reason)
        if opinion.score > 2 and await self._vetoes(case, opinion):
            reason = f"the rules find other values: {opinion.reason}"
            return replace(verdict, score=2, flags=(*verdict.flags, "vetoed"), reason=reason)
        if opinion.score < 3 or not swapped or await self._supports(case, opinion):
            return verdict
        second = await model.look(swapped[0], case)
        cached = look.cached and second.cached
        if second.opinion is None:
            return replace(verdicts.invalid(by_rules, model, second), cached=cached)
        looked = replace(verdict, flags=(*verdict.flags, "second_look"), cached=cached)
        if _side(second.opinion) == _side(opinion):
            return looked
        reason = f"{opinion.relation}, but {second.opinion.relation} with the sides swapped"
        return replace(looked, score=3, relation="looks_disagree", reason=reason)

    async def _lacks_evidence(self, case: Case, by_rules: Verdict) -> str:
        """Say why no model's word can be enough to accept the answer; empty where it can be."""
        if is_foreign(case.question, case.reference, case.answer):
            return "in another script or language than the problem, and not with its numbers"
        known = await self._is_mathematics(case.reference)
        readable = await self._is_mathematics(case.answer)
        if known and readable and by_rules.tier not in _NOT_COMPUTED:
            return ""
        texts = case.question, case.reference, case.answer
        return missing_evidence(*texts, readable=readable and not known)

    async def _is_mathematics(self, text: str) -> bool:
        """Tell whether the rules can read a text as mathematics: then no number leaves it open."""
        found = await self._compare(Case("", _NO_ANSWER_TO_ANYTHING, text))
        return not found.is_undecided and found.tier not in _OF_WORDS

    async def _vetoes(self, case: Case, opinion: Opinion) -> bool:
        """Tell whether the rules can show that the values differ, whatever the model says."""
        strict = replace(self.policy, rounded_decimal=Choice.REFUSE)
        if not rounding_settles(case.question, case.answer):
            comparison = await self._compare(case, strict)
            if comparison.is_different:
                return True
        if opinion.relation != "identical" or is_empty(opinion.answer_form):
            return False  # under a convention the two forms may well differ
        comparison = await self._compare(replace(case, answer=opinion.answer_form), strict)
        return comparison.is_different and comparison.tier not in _ABOUT_WORDS

    async def _supports(self, case: Case, opinion: Opinion) -> bool:
        """Tell whether the rules accept the form that the model gave of the answer.

        A hostile answer can make the model give the reference as this form. So every number in the
        form must be in the answer, and a copy of the reference counts only where the answer holds
        that number and no other.
        """
        form = opinion.answer_form
        numbers, of_answer = set(_NUMBER.findall(form)), set(_NUMBER.findall(case.answer))
        if not numbers or not numbers <= of_answer:
            return False
        copied = _same_text(form, case.reference)
        if copied and (single_number(form) is None or numbers != of_answer):
            return False
        return (await self._compare(replace(case, answer=form))).is_equal


_MARKED = frozenset({"boxed", "boxes", "declared"})
"""Rules of extraction that need a mark, which tells a whole reply from its final answer."""
_NUMBER = re.compile(r"\d+")
_ABOUT_WORDS = frozenset({"text", "prose", "no-answer", "hedge", "choice", "kind"})
"""Tiers that compare texts, not values: they cannot overrule a model."""
_NOT_COMPUTED = frozenset(
    {"limit", "sampling", "sampling-names", "digits", "length", "deadline", "crashed", "memory"}
)
"""Tiers that give up before they have compared any value."""
_OF_WORDS = frozenset({"prose", "text", "no-answer", "hedge"})
"""Tiers of a comparison with a number where the other side is words."""
_NO_ANSWER_TO_ANYTHING = "123456.789"


def _plain(policy: Policy) -> dict[str, Any]:
    """Return a policy as JSON values."""
    return {name: v if isinstance(v, int) else str(v) for name, v in asdict(policy).items()}


def _same_text(left: str, right: str) -> bool:
    return "".join(left.split()).strip("$") == "".join(right.split()).strip("$")


def protocols_of(preset: str) -> dict[str, str]:
    """Return the version of each protocol by which a preset asks, by its name."""
    return {protocol.name: protocol.version for protocol in PROTOCOLS[preset]}


def _side(opinion: Opinion) -> int:
    """Return 1 for right, 0 for undecidable, -1 for wrong: what both replies must agree on."""
    return (opinion.score > 3) - (opinion.score < 3)


async def _ask_once(
    model: AskedModel, protocol: Protocol, case: Case, by_rules: Verdict
) -> Verdict:
    """Return the model's verdict, without guards."""
    shown = replace(case, answer=case.answer[:_LONGEST_SHOWN])
    look = await model.look(protocol, shown)
    if look.opinion is None:
        return verdicts.invalid(by_rules, model, look)
    verdict = verdicts.verdict_of_model(by_rules, model, look)
    return replace(verdict, flags=(*verdict.flags, "cut")) if shown != case else verdict
