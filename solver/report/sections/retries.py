"""Show what retries after a failure gained."""

from collections.abc import Iterator, Sequence

from solver.analysis.failures import ArmFailures
from solver.analysis.retries import AfterAttempt, Budget, Retries
from solver.report.figures import Curves, Point
from solver.report.parts import Rows, Section, share, table_or_none, value_and_range
from solver.report.tables import Column, Kind, Table
from solver.text import plain_name

_Found = Sequence[tuple[str, Retries]]


def retried(arms: Sequence[tuple[str, ArmFailures]]) -> Section | None:
    """Show accuracy after each attempt, repairs by kind of failure, retries and fresh starts."""
    found = [
        (name, arm.retries)
        for name, arm in arms
        if arm.retries is not None and len(arm.retries.attempts) > 1
    ]
    if not found:
        return None
    words = (
        "A retry follows a program that failed, never a wrong answer, so attempts are not repeats.",
        *(
            f"{name}: at {arm.fresh.tokens:,.0f} tokens a trial, retries reach"
            f" {100 * arm.fresh.retry_accuracy:.1f} % and fresh starts"
            f" {100 * arm.fresh.fresh_accuracy:.1f} % (n = {arm.fresh.problems:,} problems,"
            f" {arm.fresh.repeats} repeats)."
            for name, arm in found
            if arm.fresh
        ),
    )
    tables = (_attempts(found), *table_or_none(_repairs(found)))
    return Section("retries", "Retries", words, tuple(_figures(found)), tables)


def _figures(found: _Found) -> Iterator[Curves]:
    yield Curves(
        "retries",
        "Accuracy after each attempt",
        "attempts",
        "accuracy",
        tuple((name, tuple(map(_point, arm.attempts))) for name, arm in found),
        note="Over scored trials, with the 95 % interval. A trial without an answer is wrong.",
        steps=True,
    )
    budgets = [
        (f"{name} · {how}", tuple(_spent(budget) for budget in spent))
        for name, arm in found
        if arm.fresh
        for how, spent in (("retries", arm.fresh.retries), ("fresh starts", arm.fresh.fresh))
    ]
    if budgets:
        yield Curves(
            "fresh",
            "Retries against fresh starts, for the same tokens",
            "tokens a trial",
            "accuracy",
            tuple(budgets),
            note="Fresh starts: ask again in a new conversation, until a program gives any answer.",
        )


def _point(after: AfterAttempt) -> Point:
    shown = after.of_scored or after.of_all
    return Point(after.attempt, shown.value, shown.low, shown.high)


def _spent(budget: Budget) -> Point:
    return Point(budget.tokens, budget.accuracy)


def _attempts(found: _Found) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("attempts"),
        Column("trials that reached it"),
        Column("correct by then"),
        Column("accuracy", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
        Column("of all", Kind.SHARE),
        Column("tokens so far"),
        Column("tokens per extra correct answer", Kind.NUMBER),
    )
    rows: Rows = [
        (
            name,
            after.attempt,
            after.reached,
            after.correct,
            *value_and_range(after.of_scored),
            after.of_all.value,
            after.input_tokens + after.output_tokens,
            after.tokens_per_extra_correct,
        )
        for name, arm in found
        for after in arm.attempts
    ]
    return Table("retries", "After each attempt", columns, tuple(rows))


def _repairs(found: _Found) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("failure", Kind.TEXT),
        Column("attempts"),
        Column("retried"),
        Column("answered in the next attempt"),
        Column("answered, %", Kind.SHARE),
        Column("right in the end"),
        Column("right, %", Kind.SHARE),
    )
    rows: Rows = [
        (
            name,
            plain_name(repair.failure),
            repair.attempts,
            repair.retried,
            repair.answered,
            share(repair.answered, repair.retried),
            repair.correct,
            share(repair.correct, repair.retried),
        )
        for name, arm in found
        for repair in arm.repairs
    ]
    return Table("repairs", "What a retry repairs, by kind of failure", columns, tuple(rows))
