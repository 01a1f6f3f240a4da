"""Print what the checks found in a terminal."""

from collections.abc import Sequence

from sandbox import Exit
from solver.analysis.bounds import Bounds
from solver.analysis.labelled import Audited
from solver.checks.judge_audit import JudgeAudit
from solver.checks.rejudge import Change
from solver.checks.screen_audit import ScreenAudit
from solver.checks.timing import Timing
from solver.report.parts import Rows, Section, of, value_and_range
from solver.report.render.terminal import print_sections
from solver.report.runs import short_names
from solver.report.sections.labelled import labelled
from solver.report.tables import Column, Kind, Table
from solver.text import plain_name, say


def show_change(change: Change) -> None:
    """Print what judging again changed."""
    say(f"judged again: {change.judged} answers, {change.moved.total()} outcomes changed")
    for (before, after), count in change.moved.most_common():
        say(f"  {count}: {plain_name(before)} → {plain_name(after)}")


def show_screen_audit(audit: ScreenAudit) -> None:
    """Print how many programs the screen refused, and what they did when run."""
    refused = sum(rule.programs for rule in audit.rules.values())
    names = ("programs", "trials", "ran well", "right", "trials lost")
    columns = (Column("rule", Kind.TEXT), *map(Column, names))
    rows: Rows = [
        (
            *(name, rule.programs, len(rule.trials), rule.exits[Exit.OK]),
            *(rule.right, len(rule.lost)),
        )
        for name, rule in sorted(audit.rules.items(), key=lambda item: -item[1].programs)
    ]
    note = f"Run afterwards in the {audit.sandbox!r} sandbox; right as the judge's rules see it."
    table = Table("screen-audit", "Refused programs", columns, tuple(rows), note)
    words = f"{of(refused, audit.programs)} programs were refused by the screen."
    tables = (table,) if rows else ()
    print_sections([Section("screen-audit", "Screen audit", (words,), tables=tables)])


def show_timings(kind: str, timings: Sequence[Timing]) -> None:
    """Print how long programs take in the sandbox and in a bare Python."""
    columns = (
        Column("program", Kind.TEXT),
        Column("sandbox, ms", Kind.NUMBER),
        Column("bare python, ms", Kind.NUMBER),
        Column("times faster", Kind.NUMBER),
    )
    rows: Rows = [
        (timing.name, 1000 * timing.sandbox, 1000 * timing.bare, timing.bare / timing.sandbox)
        for timing in timings
    ]
    note = "Median of programs run one after the other."
    table = Table("timings", "Timings", columns, tuple(rows), note)
    print_sections([Section("timings", f"sandbox: {kind}", tables=(table,))])


def show_judge_audit(found: JudgeAudit) -> None:
    """Print how reliable the judge's model is."""
    say(found.report.to_text())
    if found.bounds:
        print_sections([_bounded(found.bounds)])


def _bounded(found: Sequence[Bounds]) -> Section:
    columns = (
        Column("arm", Kind.TEXT),
        Column("problems"),
        Column("trials"),
        Column("rules alone", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
        Column("as reported", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
        Column("at most", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
        Column("by model"),
    )
    names = short_names([("", each.model, each.mode) for each in found])
    rows: Rows = [
        (
            *(names["", each.model, each.mode], each.reported.n_problems, each.reported.n_trials),
            *value_and_range(each.rules_alone),
            *value_and_range(each.reported),
            *(*value_and_range(each.highest), each.by_model),
        )
        for each in found
    ]
    note = (
        "Over all trials without an error of ours; intervals are clustered by problem. “At most”"
        " counts as right what nobody decided, and what a model alone rejected."
    )
    table = Table("judge-bounds", "Accuracy", columns, tuple(rows), note)
    return Section("judge-bounds", "What depends on the judge", tables=(table,))


def show_labelled(found: Sequence[Audited]) -> None:
    """Print what a person's labels say of the judge, and of every arm's accuracy."""
    names = short_names([("", each.model, each.mode) for each in found])
    section = labelled([(names["", each.model, each.mode], each) for each in found])
    print_sections([section] if section else [])
