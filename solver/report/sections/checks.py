"""Show what models found when they checked their own answers, and how often they were right."""

from collections.abc import Sequence

from solver.analysis.checks import Checks
from solver.records import Verification
from solver.report.figures import Stack
from solver.report.parts import Rows, Section, of, value_and_range
from solver.report.tables import Column, Kind, Table, text_of

_STATES = (Verification.TRUE, Verification.UNCERTAIN, Verification.FALSE)
_Found = Sequence[tuple[str, Checks]]


def checks(found: _Found) -> Section | None:
    """Show answers by what their check found."""
    if not found:
        return None
    answered = [each for each in found if each[1].found]
    figures = (_states(found),) if answered else ()
    words = tuple(map(_precision, answered))
    return Section("checks", "Self-verification", words, figures, (_checks(found),))


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
        "Rows are by what the last check of a trial found; “uncertain” is anything but a clear true"
        " or false. Precision and its interval are means over problems, as accuracy is."
    )
    return Table("checks", "Self-verification by state", columns, tuple(rows), note)


def _states(found: _Found) -> Stack:
    bars = tuple(
        (f"{name} · found {state}", counts)
        for name, each in found
        for state in _STATES
        if sum(counts := _counts(each, state))
    )
    parts = ("correct", "wrong", "undecided")
    seen = [any(counts[at] for _, counts in bars) for at in range(len(parts))]
    return Stack(
        "checks",
        "Whether answers were correct, by what their check found",
        tuple(part for part, occurs in zip(parts, seen, strict=True) if occurs),
        tuple(
            (name, tuple(n for n, occurs in zip(counts, seen, strict=True) if occurs))
            for name, counts in bars
        ),
        note="With a good check, answers found true are mostly correct, and answers found false"
        " mostly wrong.",
    )


def _counts(found: Checks, state: Verification) -> tuple[int, int, int]:
    right, judged = found.right[state], found.judged[state]
    return right, judged - right, found.found[state] - judged
