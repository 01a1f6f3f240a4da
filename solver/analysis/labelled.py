"""Correct the accuracy of each arm for mistakes of the judge, by a person's labels.

The trials to label are drawn at random within strata: the arms, and in each what became of the
answer. A trial's place in the draw is a hash of its key, so more labels continue the same draw,
and where judging again moves trials to other strata, those of each still come in random order.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from solver.analysis.arms import ended_arms
from solver.records import Outcome
from solver.stats.audited import Labels, audited_accuracy
from solver.stats.metrics import Estimate
from solver.store import Row

Given = Mapping[str, bool | None]
"""Trial key to whether a person finds it right; None where the person cannot tell."""


class Stratum(StrEnum):
    """What became of a trial's answer."""

    RULES_ACCEPT = "accepted by rules"
    RULES_REJECT = "rejected by rules"
    MODEL_ACCEPTS = "accepted by model"
    MODEL_REJECTS = "rejected by model"
    UNDECIDED = "undecided"
    NO_ANSWER = "no answer found"
    """The reply may hold one that extraction missed."""
    FAILED = "failed"
    """Wrong without a judge, such as a program that crashed: nobody labels these."""


@dataclass(frozen=True)
class Checked:
    """The labels of one stratum of an arm."""

    stratum: Stratum
    trials: int
    labelled: int
    right: int
    """Of those labelled, how many the person finds right."""


@dataclass(frozen=True)
class Audited:
    """The accuracy of an arm as a person would find it, had they judged every trial."""

    model: str
    mode: str
    accuracy: Estimate | None
    """Over all trials that ended without an error of ours; None while `missing` is not empty."""
    strata: tuple[Checked, ...]
    untold: int
    """Labels by which the person cannot tell; they count as not drawn."""

    @property
    def labelled(self) -> int:
        """Count the labels that are used."""
        return sum(each.labelled for each in self.strata)

    @property
    def missing(self) -> tuple[Stratum, ...]:
        """Return the strata without a label."""
        return tuple(
            each.stratum
            for each in self.strata
            if not each.labelled and each.stratum is not Stratum.FAILED
        )


def audited_arms(rows: Sequence[Row], given: Given) -> tuple[Audited, ...]:
    """Compute every arm's accuracy by the labels; empty where nothing is labelled."""
    arms = ended_arms(rows) if given else {}
    return tuple(_audited(model, mode, of_arm, given) for (model, mode), of_arm in arms.items())


def to_label(rows: Sequence[Row], given: Given, number: int) -> Iterator[Row]:
    """Yield the trials to label, until `number` in all are labelled; earlier labels count.

    Half the labels are spread evenly over the strata, half by the strata's shares of the trials,
    and the strata take turns, so that a person may stop at any time.
    """
    draws = {
        (arm, stratum): drawn
        for arm, of_arm in ended_arms(rows).items()
        for stratum, drawn in _draws(of_arm).items()
        if stratum is not Stratum.FAILED
    }
    total = sum(map(len, draws.values()))
    wanted = {place: 0.5 / len(draws) + 0.5 * len(drawn) / total for place, drawn in draws.items()}
    taken: Counter[object] = Counter()
    for _ in range(min(number, total)):
        left = [place for place in draws if taken[place] < len(draws[place])]
        place = max(left, key=lambda each: wanted[each] / (taken[each] + 0.5))
        row = draws[place][taken[place]]
        taken[place] += 1
        if row.key not in given:
            yield row


def stratum_of(row: Row) -> Stratum:
    """Return the stratum of a trial that ended without an error of ours."""
    if row.failure is not None:
        unread = row.outcome in (Outcome.NO_ANSWER, Outcome.TRUNCATED) and not row.programs
        return Stratum.NO_ANSWER if unread else Stratum.FAILED
    if row.verdict is None or not row.verdict.valid:
        return Stratum.UNDECIDED
    if row.verdict.by == "model":
        return Stratum.MODEL_ACCEPTS if row.correct else Stratum.MODEL_REJECTS
    return Stratum.RULES_ACCEPT if row.correct else Stratum.RULES_REJECT


def _audited(model: str, mode: str, rows: Sequence[Row], given: Given) -> Audited:
    strata: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        strata[row.problem_id].append(stratum_of(row))
    draws = _draws(rows)
    checked = [_checked(stratum, draws[stratum], given) for stratum in Stratum if stratum in draws]
    labels = {each.stratum.value: Labels(each.right, each.labelled) for each in checked}
    labels[Stratum.FAILED] = _CERTAINLY_WRONG
    found = Audited(
        model=model,
        mode=mode,
        accuracy=None,
        strata=tuple(checked),
        untold=sum(given.get(row.key, True) is None for row in rows),
    )
    if found.missing:
        return found
    return Audited(**{**vars(found), "accuracy": audited_accuracy(strata, labels)})


_CERTAINLY_WRONG = Labels(0, 10**9)


def _draws(rows: Sequence[Row]) -> dict[Stratum, list[Row]]:
    """Return the trials of each stratum in the order in which they are drawn."""
    drawn: dict[Stratum, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=_place):
        drawn[stratum_of(row)].append(row)
    return drawn


def _place(row: Row) -> bytes:
    return hashlib.sha256(f"label {row.key}".encode()).digest()


def _checked(stratum: Stratum, drawn: Sequence[Row], given: Given) -> Checked:
    """Count labels up to the first trial without one: what comes after was not drawn at random."""
    labels: list[bool] = []
    for row in drawn:
        if row.key not in given:
            break
        label = given[row.key]
        labels += [label] if label is not None else []
    return Checked(stratum, len(drawn), len(labels), sum(labels))
