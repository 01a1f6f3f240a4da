"""A failure analysis as text in a terminal."""

from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from solver.analysis.failures import ArmFailures, Failures, FreshOrRetry, Place
from solver.records import Outcome
from solver.text import (
    interval,
    one_line,
    open_console,
    percent,
    plain_name,
    put,
    put_uncut,
    share_of,
)

MOST_LISTED = 10
"""Problems or examples listed of each kind; the rest is counted."""


def show_failures(found: Failures) -> None:
    """Print the analysis of every arm, then what they have in common."""
    console = open_console()
    for arm in found.arms:
        put(console, Text(f"\n{one_line(arm.model)} · {arm.mode}", style="bold"))
        put_uncut(console, _outcomes(arm))
        if arm.crashes:
            put(console, _crashes(arm))
        if len(arm.attempts) > 1:
            put(console, _attempts(arm))
            put(console, _repairs(arm))
        for line in _lines(arm):
            put(console, Text(line))
    put(console, Text())
    for line in _problems(found):
        put(console, Text(line))


def _outcomes(arm: ArmFailures) -> Table:
    shown = [outcome for outcome in Outcome if arm.outcomes.get(outcome)]
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("domain · level", no_wrap=True, min_width=22)
    for column in ("trials", *map(plain_name, shown)):
        table.add_column(column, justify="right", no_wrap=True)

    def row(name: str, counts: Mapping[Outcome, int], style: str = "") -> None:
        numbers = (counts.get(outcome, 0) for outcome in shown)
        table.add_row(
            name, str(sum(counts.values())), *(str(n or "·") for n in numbers), style=style
        )

    for cell in arm.cells:
        row(f"{one_line(cell.domain, 40)} · {cell.level}", cell.outcomes)
    table.add_section()
    row("all", arm.outcomes, style="bold")
    return table


def _crashes(arm: ArmFailures) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("exception", no_wrap=True)
    table.add_column("turns", justify="right")
    table.add_column("trials", justify="right")
    table.add_column("commonest line, and where", overflow="fold")
    for crash in arm.crashes[:MOST_LISTED]:
        line = f"{crash.line_turns} × {one_line(crash.line)}\n{_where(crash.example)}"
        table.add_row(one_line(crash.name, 40), str(crash.turns), str(crash.trials), line)
    return table


def _attempts(arm: ArmFailures) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in (
        "attempt", "trials", "correct by now", "accuracy", "95 % range", "of all", "tokens",
        "per extra correct",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for after in arm.attempts:
        extra = after.tokens_per_extra_correct
        table.add_row(
            str(after.attempt),
            str(after.reached),
            str(after.correct),
            percent(after.of_scored),
            interval(after.of_scored),
            percent(after.of_all),
            f"{after.input_tokens + after.output_tokens:,}",
            "–" if extra is None else f"{extra:,.0f}",
        )
    return table


def _repairs(arm: ArmFailures) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("attempt failed by", no_wrap=True)
    for column in ("times", "retried", "mended at once", "right in the end"):
        table.add_column(column, justify="right")
    for repair in arm.repairs:
        table.add_row(
            plain_name(repair.failure),
            str(repair.attempts),
            str(repair.retried),
            share_of(repair.answered, repair.retried),
            share_of(repair.correct, repair.retried),
        )
    return table


def _lines(arm: ArmFailures) -> Iterator[str]:
    if arm.fresh is not None:
        yield _fresh(arm.fresh)
    caps = arm.caps
    yield (
        f"caps       {share_of(caps.capped, caps.replies)} of replies reached the cap,"
        f" in {caps.capped_trials} trials, {caps.capped_not_correct} of them not right in the end"
    )
    if caps.cut:
        yield f"cut        {caps.cut} prompts cut by the server, in {caps.cut_trials} trials"
    for refusal in arm.refusals:
        yield (
            f"refused    {one_line(refusal.rule)}: {refusal.programs} programs in"
            f" {refusal.trials} trials, {refusal.correct} of them right in the end"
        )
    if arm.missed_trials:
        yield f"missed     {arm.missed_trials} trials hold an answer that looks right:"
    for missed in arm.missed[:MOST_LISTED]:
        yield f"  {one_line(missed.answer, 40)} ({missed.where}): {_where(missed.place)}"
    for line, count in arm.errors[:MOST_LISTED]:
        yield f"error      {count} trials: {one_line(line, 160)}"


def _fresh(fresh: FreshOrRetry) -> str:
    return (
        f"retries    at {fresh.tokens:,.0f} tokens a trial: {100 * fresh.retry_accuracy:.1f} %"
        f" by retries, {100 * fresh.fresh_accuracy:.1f} % by starting afresh"
        f" ({fresh.problems} problems, {fresh.repeats} repeats)"
    )


def _problems(found: Failures) -> Iterator[str]:
    yield from _listed("unsolved", "solved by no model in any mode", found.unsolved)
    for by in found.solved_by:
        what = f"solved by {one_line(by.model)} in {by.mode} and never in {by.never}"
        yield from _listed("one way", what, by.problems)


def _listed(label: str, what: str, problems: Sequence[str]) -> Iterator[str]:
    yield f"{label:<10} {len(problems)} problems {what}" + (":" if problems else "")
    if problems:
        some = ", ".join(map(one_line, problems[:MOST_LISTED]))
        yield f"  {some}" + (
            f" and {len(problems) - MOST_LISTED} more" * (len(problems) > MOST_LISTED)
        )


def _where(place: Place) -> str:
    return f"{one_line(place.problem_id)}, repeat {place.repeat}, turn {place.turn}"
