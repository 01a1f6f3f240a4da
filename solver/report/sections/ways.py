"""What the ways of solving beyond one program did: regeneration, rounds, self-verification."""

from collections.abc import Iterator, Sequence
from math import isnan
from typing import get_args

from solver.analysis.ways import Checks, Regrown, Rounds
from solver.records import Intervention, Verification
from solver.report.figures import Stack
from solver.report.parts import (
    Rows,
    Section,
    by_arm,
    of,
    share,
    table_or_none,
    value_and_range,
)
from solver.report.runs import Named, Run
from solver.report.tables import Column, Kind, Table, Value, text_of
from solver.stats.paired import MeanDifference

_REGENERATION = (
    "Regeneration: a controller looks at the reply of mode code while it grows. arXiv 2501.17084"
    " reports such an arm (+0.8 points, −36.7 % of execution time, for one model) and defines it"
    " nowhere; these definitions are ours."
)
_DEFINED = {
    "code+literal": "code+literal asks for one token a request, and does nothing else.",
    "code+guided": "code+guided ends the reply where its first program closes, and checks each"
    " line of it: one that does not parse, or that the screen refuses, is dropped and grown again.",
    "code+refine": "code+refine keeps a failed program up to its least certain token before the"
    " failing line, and grows it again from there.",
    "tir": "tir: reasoning and programs by turns; what a program prints goes back to the model,"
    " and a boxed answer ends it (arXiv 2309.17452, 2402.10176).",
    "csv": "csv: the model checks its answer with a second program, and solves again while the"
    " check says false (arXiv 2308.07921).",
}
_STATES = (Verification.TRUE, Verification.UNCERTAIN, Verification.FALSE)
_KINDS: tuple[str, ...] = get_args(Intervention.model_fields["kind"].annotation)
_Found = Sequence[tuple[str, Checks]]


def ways(runs: Sequence[Run], arms: Sequence[Named]) -> Section | None:
    """The section, where a run has such modes."""
    rounds = list(by_arm(runs, arms, lambda run: ((r.model, "tir", r) for r in run.ways.rounds)))
    checks = list(by_arm(runs, arms, lambda run: ((c.model, "csv", c) for c in run.ways.checks)))
    regrown = list(by_arm(runs, arms, _regrown))
    tables = (
        *table_or_none(_brought(regrown)),
        *table_or_none(_executed(regrown)),
        *table_or_none(_spent(regrown)),
        *table_or_none(_interventions(regrown)),
        *table_or_none(_rounds(rounds)),
        *table_or_none(_checks(checks)),
    )
    if not tables:
        return None
    figures = (_states(checks),) if any(each.found for _, each in checks) else ()
    words = (*_definitions(arms), *map(_precision, (c for c in checks if c[1].found)))
    return Section("ways", "Ways of solving", words, figures, tables)


def _regrown(run: Run) -> Iterator[tuple[str, str, Regrown]]:
    return ((arm.model, arm.mode, arm) for group in run.ways.regrown for arm in group)


def _definitions(arms: Sequence[Named]) -> Iterator[str]:
    modes = {arm.arm.mode for arm in arms}
    defined = {mode: words for mode, words in _DEFINED.items() if mode in modes}
    regrown = [words for mode, words in defined.items() if mode.startswith("code+")]
    if regrown:
        yield " ".join([_REGENERATION, *regrown])
    yield from (words for mode, words in defined.items() if not mode.startswith("code+"))


def _precision(found: tuple[str, Checks]) -> str:
    name, checks = found
    true = Verification.TRUE
    value, span = value_and_range(checks.accuracy.get(true))
    means = f"{text_of(value, Kind.SHARE)} (95 % interval {text_of(span, Kind.INTERVAL)})"
    precision = f"the precision of the check is {means}: " if span else ""
    return (
        f"{name}: {precision}{of(checks.right[true], checks.judged[true])} judged answers that it"
        f" found true are right. After a check found false, {checks.revised:,} trials were solved"
        " again."
    )


def _brought(found: Sequence[tuple[str, Regrown]]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("trials"),
        Column("accuracy", Kind.SHARE),
        Column("minus code, points", Kind.POINTS),
        Column("95 % interval", Kind.POINTS_INTERVAL),
        Column("p", Kind.CHANCE),
        Column("programs"),
        Column("unsafe"),
        Column("%", Kind.SHARE),
    )
    rows: Rows = [
        (
            *(name, arm.trials, arm.accuracy),
            *((points.value, (points.low, points.high)) if points else (None, None)),
            points.p_value if points else None,
            *(arm.programs, arm.refused, share(arm.refused, arm.programs)),
        )
        for name, arm, points in ((name, arm, arm.difference) for name, arm in found)
    ]
    note = (
        "Over the trials that all arms of a model have without an error of ours; one without a"
        " usable verdict counts as wrong. Paired by problem. “Side by side” has p after Holm."
    )
    return Table("regeneration", "Regeneration beside code", columns, tuple(rows), note)


def _executed(found: Sequence[tuple[str, Regrown]]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("execution s a trial", Kind.NUMBER),
        Column("minus code", Kind.CHANGE),
        Column("95 % range", Kind.CHANGE_INTERVAL),
        Column("change, %", Kind.POINTS),
        Column("attempts a trial", Kind.NUMBER),
        Column("minus code", Kind.CHANGE),
        Column("95 % range", Kind.CHANGE_INTERVAL),
    )
    rows: Rows = []
    for name, arm in found:
        mean, change = arm.spent.execution_seconds, arm.execution_seconds
        before = mean - change.value if change else 0.0
        rows.append(
            (
                *(name, mean, *_mean(change)),
                change.value / before if change and before > 0 else None,
                *(arm.spent.attempts, *_mean(arm.attempts)),
            )
        )
    note = "Means over the same trials; differences are means over problems, with Student’s range."
    title = "Executions and attempts with regeneration"
    return Table("regeneration-executions", title, columns, tuple(rows), note)


def _mean(found: MeanDifference | None) -> tuple[Value, Value]:
    if found is None:
        return None, None
    return found.value, None if isnan(found.low) else (found.low, found.high)


def _spent(found: Sequence[tuple[str, Regrown]]) -> Table:
    names = ("requests", "tokens in", "tokens out", "model s", "tokens out a second")
    columns = (Column("arm", Kind.TEXT), *(Column(name, Kind.NUMBER) for name in names))
    rows: Rows = [
        (
            name,
            *(spent.requests, spent.input_tokens, spent.output_tokens, spent.model_seconds),
            spent.output_tokens / spent.model_seconds if spent.model_seconds else None,
        )
        for name, spent in ((name, arm.spent) for name, arm in found)
    ]
    return Table(
        "regeneration-cost", "What regeneration costs, means a trial", columns, tuple(rows)
    )


def _interventions(found: Sequence[tuple[str, Regrown]]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        *(Column(kind) for kind in _KINDS),
        Column("same first reply"),
        Column("of"),
        Column("others part from character"),
    )
    rows: Rows = [
        (name, *(arm.interventions[kind] for kind in _KINDS), arm.same, arm.trials, arm.parted)
        for name, arm in found
        if arm.same is not None
    ]
    note = (
        "closed: ended at the first complete program. unparsable, refused: a line failed that check"
        " and was grown again. refined: grown again from the least certain token. A first reply is"
        " the same where it is code's, or the beginning of it that holds its program."
    )
    return Table("interventions", "Interventions and drift", columns, tuple(rows), note)


def _rounds(found: Sequence[tuple[str, Rounds]]) -> Table:
    rules = sorted({rule for _, each in found for rule in each.answers})
    columns = (
        Column("arm", Kind.TEXT),
        Column("trials"),
        Column("replies"),
        Column("replies a trial", Kind.NUMBER),
        Column("programs run"),
        Column("failed"),
        Column("%", Kind.SHARE),
        Column("refused"),
        *(Column(f"answers: {rule.replace('_', ' ')}") for rule in rules),
    )
    rows: Rows = [
        (
            *(name, each.trials, each.replies, each.replies / each.trials),
            *(each.executions, each.failed, share(each.failed, each.executions), each.refused),
            *(each.answers[rule] for rule in rules),
        )
        for name, each in found
    ]
    return Table("rounds", "Tool-integrated rounds", columns, tuple(rows))


def _checks(found: _Found) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("found", Kind.TEXT),
        Column("answers"),
        Column("judged"),
        Column("right"),
        Column("wrong"),
        Column("right, mean over problems", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
    )
    rows: Rows = [
        (
            *(name, state, each.found[state], each.judged[state], each.right[state]),
            each.judged[state] - each.right[state],
            *value_and_range(each.accuracy.get(state)),
        )
        for name, each in found
        for state in _STATES
    ]
    note = (
        "By what the last check of a trial found; uncertain is anything but a clear true or false."
        " Precision and its interval, like accuracy, are over problems, not over answers."
    )
    return Table("checks", "Self-verification by state", columns, tuple(rows), note)


def _states(found: _Found) -> Stack:
    bars = tuple(
        (f"{name} · found {state}", counts)
        for name, each in found
        for state in _STATES
        if sum(counts := _counts(each, state))
    )
    parts = ("correct", "wrong", "judge invalid")
    seen = [any(counts[at] for _, counts in bars) for at in range(len(parts))]
    return Stack(
        "checks",
        "What answers were worth, by what their check found",
        tuple(part for part, occurs in zip(parts, seen, strict=True) if occurs),
        tuple(
            (name, tuple(n for n, occurs in zip(counts, seen, strict=True) if occurs))
            for name, counts in bars
        ),
        note="The better the check, the more of what it found true is correct, and the less of what"
        " it found false.",
    )


def _counts(found: Checks, state: Verification) -> tuple[int, int, int]:
    right, judged = found.right[state], found.judged[state]
    return right, judged - right, found.found[state] - judged
