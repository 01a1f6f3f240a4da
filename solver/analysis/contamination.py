"""Look for signs that a model remembers problems: completions, drops to variants, dates, verdicts.

Two signs are read. A model that completes questions exactly, more often than text that it cannot
have seen, has seen them. One that answers originals more often than their variants, most of all
without reasoning, has their answers. A verdict is never "clean": where no sign is found, it says
how great one would have to be to be seen.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from solver.analysis.arms import in_order, probing
from solver.analysis.completion import Completion, Continuation, completions
from solver.analysis.numbers import form
from solver.analysis.recited import Recited, recited
from solver.modes import stored_mode
from solver.records import Problem
from solver.stats.closeness import closeness
from solver.stats.exact import Excess, detectable_excess, excess
from solver.stats.metrics import Estimate, accuracy
from solver.stats.paired import Difference, holm, paired_difference
from solver.store import Reader, Row

LEAD = 0.6
"""The share of a question by which verdicts go: at 80 % clean sets are completed, too."""
LIKELY = 0.05
TOLERANCE = 1e-3
"""Relative error up to which a calculated number counts as right."""


@dataclass(frozen=True)
class Drop:
    """How much more often originals are answered than their variants, in one mode."""

    model: str
    set: str
    mode: str
    originals: Estimate
    variants: Estimate
    difference: Difference
    """Of originals minus variants, paired by original."""


@dataclass(frozen=True)
class Calculated:
    """Generated arithmetic of so many steps, in one mode."""

    model: str
    mode: str
    steps: str
    problems: int
    unread: int
    """Trials whose answer is no plain number, or that gave none; they count as wrong."""
    accuracy: Estimate
    """Within a relative error of 0.001."""
    closeness: float
    """Mean of Eq. 2 of arXiv 2507.10532, where an answer that cannot be read has 0."""


@dataclass(frozen=True)
class Dated:
    """Accuracy on the problems of one date, or before and after the date that the config gives."""

    model: str
    mode: str
    when: str
    accuracy: Estimate
    drop: Excess | None = None
    """Of the row "before": its accuracy minus that after; exact, for single repeats alone."""


@dataclass(frozen=True)
class Sign:
    """One test for memory, and what it found."""

    what: str
    size: float
    """A difference of shares; above 0 speaks for memory."""
    p_value: float
    """Two-sided, before adjustment."""
    detectable: float | None
    """The least true difference that it would show 4 times in 5."""


@dataclass(frozen=True)
class Verdict:
    """What the probes say of one model and one set."""

    model: str
    set: str
    signs: tuple[Sign, ...]
    """Signs of memory, by p after Holm over all tests of this model and set."""
    tests: tuple[Sign, ...]
    missing: str
    """Why there is no test at all; else empty."""


@dataclass(frozen=True)
class Contamination:
    """All that the probes of one run found."""

    completions: tuple[Completion, ...]
    cannot: Mapping[str, Mapping[str, str]]
    """Why a model was left out of a mode, by model and mode."""
    drops: tuple[Drop, ...]
    calculated: tuple[Calculated, ...]
    dated: tuple[Dated, ...]
    recited: tuple[Recited, ...]
    verdicts: tuple[Verdict, ...]


def contamination_of(store: Reader) -> Contamination | None:
    """Return what the probes of a stored run found; None where it has none."""
    manifest = store.manifest()
    probed = any(stored_mode(mode).shown is not None for mode in store.modes())
    if not (probed or manifest.get("probe") or manifest.get("cannot")):
        return None
    problems, rows = store.problems(), in_order(store.rows(), manifest.get("config", {}))
    facts: dict[str, Any] = manifest.get("probe") or {}
    sets: dict[str, list[Problem]] = {}
    for problem in problems.values():
        sets.setdefault(problem.set, []).append(problem)
    after = facts.get("after")
    controls = [*facts.get("control", ()), *(_later(sets, after) if after else ())]
    models = dict.fromkeys(row.model for row in rows)
    texts = _texts(store, rows)
    found = [
        done
        for model in models
        for done in completions(model, _continuations(model, rows, problems, texts), sets, controls)
    ]
    drops = [*_drops(rows, problems, sets, controls)]
    cannot = manifest.get("cannot") or {}
    return Contamination(
        completions=tuple(found),
        cannot=cannot,
        drops=tuple(drops),
        calculated=tuple(_calculated(rows, problems)),
        dated=tuple(_dated(rows, problems, probing(manifest, problems), after)),
        recited=tuple(
            each
            for model in models
            for each in recited(model, rows, problems, controls, texts, _leading(model, found))
        ),
        verdicts=tuple(
            _verdict(model, name, found, drops, cannot.get(model, {}), floor=bool(controls))
            for model in models
            for name in sets
            if name not in controls and not all(p.variant_of for p in sets[name])
        ),
    )


def _later(sets: Mapping[str, Sequence[Problem]], after: str) -> Iterator[str]:
    """Yield the sets all of whose problems were published then or later."""
    for name, problems in sets.items():
        if all(problem.published >= after for problem in problems):
            yield name


def _texts(store: Reader, rows: Iterable[Row]) -> dict[str, str]:
    """Return the continuations of the trials that show a part of a question, by key."""
    keys = [row.key for row in rows if stored_mode(row.mode).shown is not None and row.turns]
    return {text.key: text.reply for text in store.texts((key, 0) for key in keys)}


def _continuations(
    model: str, rows: Iterable[Row], problems: Mapping[str, Problem], texts: Mapping[str, str]
) -> Iterator[Continuation]:
    for row in rows:
        if row.model == model and row.key in texts and row.error is None:
            correct = row.correct if row.outcome.scored else None
            yield Continuation(problems[row.problem_id], row.mode, texts[row.key], correct)


def _drops(
    rows: Iterable[Row],
    problems: Mapping[str, Problem],
    sets: Mapping[str, Sequence[Problem]],
    controls: Sequence[str],
) -> Iterator[Drop]:
    """Compare originals with their variants, in every mode that shows the whole question."""
    arms: dict[tuple[str, str], dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if stored_mode(row.mode).shown is None and row.outcome.scored:
            arms[row.model, row.mode][row.problem_id].append(row.correct)
    variants: dict[str, list[str]] = defaultdict(list)
    for problem in problems.values():
        if problem.variant_of:
            variants[problem.variant_of].append(problem.id)
    for (model, mode), right in arms.items():
        for name in sets:
            originals = {p.id: right[p.id] for p in sets[name] if p.id in right}
            changed = {
                id_: [each for other in variants[id_] for each in right.get(other, ())]
                for id_ in originals
                if name not in controls
            }
            changed = {id_: each for id_, each in changed.items() if each}
            if changed:
                same = {id_: originals[id_] for id_ in changed}
                difference = paired_difference(same, changed)
                yield Drop(model, name, mode, accuracy(same), accuracy(changed), difference)


def _calculated(rows: Iterable[Row], problems: Mapping[str, Problem]) -> Iterator[Calculated]:
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        problem = problems[row.problem_id]
        if problem.set == "calculation" and stored_mode(row.mode).shown is None and not row.error:
            groups[row.model, row.mode, problem.domain.removesuffix("_steps")].append(row)
    for (model, mode, steps), each in groups.items():
        right: dict[str, list[bool]] = defaultdict(list)
        close, unread = 0.0, 0
        for row in each:
            truth, found = form(problems[row.problem_id].answer), form(row.answer or "")
            readable = not isinstance(found, str) and not isinstance(truth, str)
            unread += not readable
            if isinstance(found, str) or isinstance(truth, str):
                right[row.problem_id].append(row.correct)
                close += row.correct
                continue
            right[row.problem_id].append(
                abs(found - truth) <= TOLERANCE * max(abs(truth), Fraction(1))
            )
            close += closeness(found, truth)
        yield Calculated(model, mode, steps, len(right), unread, accuracy(right), close / len(each))


def _dated(
    rows: Iterable[Row], problems: Mapping[str, Problem], probes: Any, after: str | None
) -> Iterator[Dated]:
    """Group trials by the month in which their problems were published."""
    arms: dict[tuple[str, str], dict[str, dict[str, list[bool]]]] = defaultdict(dict)
    for row in rows:
        problem = problems[row.problem_id]
        if not problem.published or stored_mode(row.mode).shown is not None:
            continue
        if problem.variant_of or not row.outcome.scored:
            continue
        places = [problem.published[:7]]
        if after:
            places.append(f"after {after}" if problem.published >= after else f"before {after}")
        for place in places:
            group = arms[row.model, row.mode].setdefault(place, defaultdict(list))
            group[row.problem_id].append(row.correct)
    for (model, mode), by_date in arms.items():
        if len(by_date) < 2:
            continue
        for when in sorted(by_date, key=lambda place: (place[0].isalpha(), place)):
            drop = _before_minus_after(by_date, after) if when.startswith("before") else None
            yield Dated(model, mode, when, accuracy(by_date[when]), drop)


def _before_minus_after(
    by_date: Mapping[str, Mapping[str, Sequence[bool]]], after: str | None
) -> Excess | None:
    before, later = by_date.get(f"before {after}", {}), by_date.get(f"after {after}", {})
    if not before or not later or any(len(x) > 1 for g in (before, later) for x in g.values()):
        return None
    hits = [sum(map(any, group.values())) for group in (before, later)]
    return excess(hits[0], len(before), hits[1], len(later))


def _leading(model: str, found: Iterable[Completion]) -> str | None:
    """Return the mode by which a model's verdicts go: the raw one nearest to 60 %, else a chat."""
    own = {(not c.raw, abs(c.shown - LEAD), c.mode) for c in found if c.model == model}
    return min(own)[2] if own else None


def _verdict(
    model: str,
    name: str,
    found: Iterable[Completion],
    drops: Iterable[Drop],
    cannot: Mapping[str, str],
    *,
    floor: bool,
) -> Verdict:
    lead = _leading(model, found)
    tests = []
    for done in found:
        if (done.model, done.set, done.mode) == (model, name, lead) and done.floor is not None:
            tests.append(_completion_sign(done))
    for drop in drops:
        if (drop.model, drop.set) == (model, name):
            change = drop.difference
            what = f"{drop.mode}: originals over variants"
            tests.append(Sign(what, change.value, change.p_value, change.detectable))
    adjusted = holm([test.p_value for test in tests])
    signs = [t for t, p in zip(tests, adjusted, strict=True) if p < LIKELY and t.size > 0]
    missing = "" if tests else _missing(lead, cannot, floor=floor)
    return Verdict(model, name, tuple(signs), tuple(tests), missing)


def _completion_sign(done: Completion) -> Sign:
    floor = done.floor
    assert floor is not None
    least = None
    if floor.excess is not None:
        least = detectable_excess(done.problems, floor.hits, floor.problems)
    what = f"{done.mode}: exact completions over {floor.name}"
    return Sign(what, floor.difference, min(1.0, 2 * floor.p_value), least)


def _missing(lead: str | None, cannot: Mapping[str, str], *, floor: bool) -> str:
    if lead is None and cannot:
        return next(iter(cannot.values()))
    if lead is not None and not floor:
        return "completions have no floor: give control, such as starter~7, or variants"
    return "neither completions nor variants were asked"
