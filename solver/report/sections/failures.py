"""Why trials failed, and what trying again brought."""

from collections.abc import Iterator, Sequence

from solver.analysis.failures import AfterAttempt, ArmFailures, Budget
from solver.records import Failure, Outcome
from solver.report.figures import Curves, Point
from solver.report.parts import Rows, Section, by_arm, share, table_or_none, value_and_range
from solver.report.runs import MOST_TEXTS, Named, Run, names_by_arm
from solver.report.tables import Column, Kind, Table, short
from solver.text import plain_name

MOST_KINDS = 12
"""Types of exceptions, rules and errors listed for each arm."""


def retried(runs: Sequence[Run], arms: Sequence[Named]) -> Section | None:
    """Accuracy after each attempt, repairs by kind of failure, retries against fresh starts."""
    found = [(name, arm) for name, arm in _arms(runs, arms) if len(arm.attempts) > 1]
    if not found:
        return None
    curve = Curves(
        "retries",
        "Accuracy after each attempt",
        "attempts",
        "accuracy",
        tuple((name, tuple(map(_point, arm.attempts))) for name, arm in found),
        note="Over scored trials, with the 95 % interval. A trial not repaired counts as wrong.",
        steps=True,
    )
    budgets = [
        (f"{name} · {how}", tuple(_spent(budget) for budget in spent))
        for name, arm in found
        if arm.fresh
        for how, spent in (("retries", arm.fresh.retries), ("fresh starts", arm.fresh.fresh))
    ]
    fresh = Curves(
        "fresh",
        "Retries against fresh starts, for the same tokens",
        "tokens a trial",
        "accuracy",
        tuple(budgets),
        note="Fresh starts: ask again from nothing until a program answers, right or wrong.",
    )
    words = (
        "A retry fires when a program fails, never on a wrong answer, so attempts are no repeats.",
        *(
            f"{name}: at {arm.fresh.tokens:,.0f} tokens a trial, retries reach"
            f" {100 * arm.fresh.retry_accuracy:.1f} % and fresh starts"
            f" {100 * arm.fresh.fresh_accuracy:.1f} % (n = {arm.fresh.problems:,} problems,"
            f" {arm.fresh.repeats} repeats)."
            for name, arm in found
            if arm.fresh
        ),
    )
    figures = (curve, fresh) if budgets else (curve,)
    tables = (_attempts(found), *table_or_none(_repairs(found)))
    return Section("retries", "Retries", words, figures, tables)


def failed(runs: Sequence[Run], arms: Sequence[Named]) -> Section | None:
    """Exceptions, refusals, caps, answers overlooked, errors of ours."""
    found = list(_arms(runs, arms))
    tables = (
        *table_or_none(_crashes(found)),
        *table_or_none(_refusals(found)),
        *table_or_none(_caps(found)),
        *table_or_none(_errors(found)),
        *table_or_none(_solved_by(runs, arms)),
    )
    folded = table_or_none(_missed(found))
    if not tables and not folded:
        return None
    words = []
    if any(_read_in_part(arm) for _, arm in found):
        words.append(
            f"Exceptions and overlooked answers are those of the first {MOST_TEXTS:,} crashes and"
            f" {MOST_TEXTS:,} failed trials of each arm; `solver failures` reads them all."
        )
    return Section("failures", "Why trials failed", tuple(words), (), tables, folded)


def _arms(runs: Sequence[Run], arms: Sequence[Named]) -> Iterator[tuple[str, ArmFailures]]:
    return by_arm(runs, arms, lambda run: ((a.model, a.mode, a) for a in run.failures.arms))


def _point(after: AfterAttempt) -> Point:
    shown = after.of_scored or after.of_all
    return Point(after.attempt, shown.value, shown.low, shown.high)


def _spent(budget: Budget) -> Point:
    return Point(budget.tokens, budget.accuracy)


def _attempts(found: Sequence[tuple[str, ArmFailures]]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("attempts"),
        Column("trials that made it"),
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


def _repairs(found: Sequence[tuple[str, ArmFailures]]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("failure", Kind.TEXT),
        Column("attempts"),
        Column("retried"),
        Column("answered next"),
        Column("%", Kind.SHARE),
        Column("right in the end"),
        Column("%", Kind.SHARE),
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


def _crashes(found: Sequence[tuple[str, ArmFailures]]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("exception", Kind.TEXT),
        Column("programs"),
        Column("trials"),
        Column("commonest line", Kind.TEXT),
        Column("programs with it"),
        Column("for example", Kind.TEXT),
    )
    rows: Rows = [
        (
            name,
            short(crash.name, 40),
            *(crash.turns, crash.trials, short(crash.line, 90), crash.line_turns),
            f"{short(crash.example.problem_id, 40)}, repeat {crash.example.repeat}",
        )
        for name, arm in found
        for crash in arm.crashes[:MOST_KINDS]
    ]
    return Table("crashes", "Programs that crashed", columns, tuple(rows))


def _refusals(found: Sequence[tuple[str, ArmFailures]]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("rule", Kind.TEXT),
        Column("programs"),
        Column("trials"),
        Column("of those, right in the end"),
    )
    rows: Rows = [
        (name, short(refusal.rule, 60), refusal.programs, refusal.trials, refusal.correct)
        for name, arm in found
        for refusal in arm.refusals[:MOST_KINDS]
    ]
    return Table("refusals", "Programs the screen refused, by rule", columns, tuple(rows))


def _caps(found: Sequence[tuple[str, ArmFailures]]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("replies"),
        Column("at the cap"),
        Column("%", Kind.SHARE),
        Column("trials with one"),
        Column("of those, not right"),
        Column("prompts cut"),
        Column("trials with one"),
    )
    rows: Rows = [
        (
            name,
            *(arm.caps.replies, arm.caps.capped, share(arm.caps.capped, arm.caps.replies)),
            *(arm.caps.capped_trials, arm.caps.capped_not_correct),
            *(arm.caps.cut, arm.caps.cut_trials),
        )
        for name, arm in found
    ]
    note = "A higher cap could at most win the trials with a capped reply that are not right."
    return Table("caps", "Truncation", columns, tuple(rows), note)


def _errors(found: Sequence[tuple[str, ArmFailures]]) -> Table:
    columns = (Column("arm", Kind.TEXT), Column("error", Kind.TEXT), Column("trials"))
    rows: Rows = [
        (name, short(error, 120), trials)
        for name, arm in found
        for error, trials in arm.errors[:MOST_KINDS]
    ]
    return Table("errors", "Errors of ours, not scored", columns, tuple(rows))


def _missed(found: Sequence[tuple[str, ArmFailures]]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("problem", Kind.TEXT),
        Column("repeat"),
        Column("outcome", Kind.TEXT),
        Column("where", Kind.TEXT),
        Column("what looks right", Kind.TEXT),
    )
    rows: Rows = [
        (
            name,
            short(missed.place.problem_id, 60),
            missed.place.repeat,
            plain_name(missed.outcome),
            missed.where,
            short(missed.answer, 80),
        )
        for name, arm in found
        for missed in arm.missed
    ]
    title = "Answers that look right but were not the ones extracted"
    return Table("overlooked", title, columns, tuple(rows))


def _solved_by(runs: Sequence[Run], arms: Sequence[Named]) -> Table:
    names = names_by_arm(arms)
    columns = (
        Column("solved at least once by", Kind.TEXT),
        Column("and never by", Kind.TEXT),
        Column("problems"),
        Column("for example", Kind.TEXT),
    )
    rows: Rows = [
        (
            names[run.name, solved.model, solved.mode],
            names[run.name, solved.model, solved.never],
            len(solved.problems),
            ", ".join(short(problem, 40) for problem in solved.problems[:3]),
        )
        for run in runs
        for solved in run.failures.solved_by
        if solved.problems
    ]
    return Table("solved-once", "Solved by one mode only", columns, tuple(rows))


def _read_in_part(arm: ArmFailures) -> bool:
    """Whether there were more failed texts than a page waits for."""
    crashed = sum(each.attempts for each in arm.repairs if each.failure is Failure.CRASHED)
    return max(crashed, arm.trials - arm.outcomes.get(Outcome.CORRECT, 0)) > MOST_TEXTS
