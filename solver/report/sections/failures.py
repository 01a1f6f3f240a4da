"""Show why trials failed: wrong answers, exceptions, refused programs, caps, errors of ours."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from solver.analysis.failures import MANY_TEXTS, ArmFailures, OutcomeCell, SolvedBy
from solver.analysis.wrong import WrongAnswer
from solver.records import Detail, Outcome
from solver.report.parts import WHOLE_TRIALS, Rows, Section, answer, share, table_or_none
from solver.report.runs import MOST_TEXTS, Named, Run, names_by_arm
from solver.report.tables import Column, Kind, Table
from solver.text import command, plain_name, short

Solved = tuple[str, str, SolvedBy]
"""The names of two arms, and the problems that the first solves and the second never does."""

_ALL = frozenset({"all"})
MOST_ANSWERS = 60
LONGEST_QUESTION = 300
"""The most characters of a question that a table holds."""
MOST_KINDS = 12
"""The most types of exceptions, rules and errors that are listed for each arm."""


def failed(
    found: Sequence[tuple[str, ArmFailures]],
    solved: Sequence[Solved],
    *,
    folder: Path | None = None,
) -> Section | None:
    """Show wrong answers, exceptions, refusals, caps, our errors, what one mode alone solves.

    With the run's `folder`, commands follow that print the trials given as examples.
    """
    tables = (
        *table_or_none(_wrong(found, note=WHOLE_TRIALS * (folder is None))),
        *table_or_none(_crashes(found)),
        *table_or_none(_refusals(found)),
        *table_or_none(_caps(found)),
        *table_or_none(_thinking(found)),
        *table_or_none(_errors(found)),
        *table_or_none(_solved_by(solved)),
    )
    if not tables:
        return None
    words = []
    if any(_read_in_part(arm) for _, arm in found):
        words.append(
            f"Exceptions and overlooked answers are those of the first {MOST_TEXTS:,} crashes and"
            f" {MOST_TEXTS:,} failed trials of each arm; `solver failures RUN` reads"
            f" {MANY_TEXTS:,}."
        )
    answers = table_or_none(_wrong_answers(found))
    to_read = tuple(_to_read(found, folder)) if folder is not None else ()
    title = "Why trials failed"
    return Section("failures", title, tuple(words), (), tables, answers, to_read=to_read)


def _to_read(found: Sequence[tuple[str, ArmFailures]], folder: Path) -> list[str]:
    """Return commands that print an example of each kind of wrong answer and of each crash."""
    examples = [
        place
        for _, arm in found
        for place in (
            *(kind.examples[0].place for kind in arm.wrong),
            *(crash.example for crash in arm.crashes[:MOST_KINDS]),
        )
    ]
    commands = (
        command("show", folder, "--problem", each.problem_id, "--mode", each.mode,
                "--repeat", each.repeat)
        for each in examples
    )  # fmt: skip
    return list(dict.fromkeys(commands))


def outcomes_by_cell(found: Sequence[tuple[str, ArmFailures]]) -> Section:
    """Show how trials ended for each domain and level, in a table for each arm."""
    tables = tuple(_cells(name, arm) for name, arm in found)
    return Section("outcomes", "Outcomes", tables=tables)


def _cells(name: str, arm: ArmFailures) -> Table:
    seen = [outcome for outcome in Outcome if arm.outcomes.get(outcome)]
    cells = _added_up(arm.cells)
    several = any(cell.set for cell in cells)
    by_level = any(cell.level for cell in cells)
    columns = (
        *([Column("set", Kind.TEXT)] if several else []),
        Column("domain", Kind.TEXT),
        *([Column("level")] if by_level else []),
        Column("trials"),
        *(Column(plain_name(outcome)) for outcome in seen),
    )
    rows: Rows = [
        (
            *([short(cell.set, 40)] if several else []),
            short(cell.domain, 40),
            *([cell.level or None] if by_level else []),
            cell.trials,
            *(cell.outcomes.get(outcome, 0) for outcome in seen),
        )
        for cell in cells
    ]
    every = (*[""] * several, *[None] * by_level, arm.trials)
    rows.append(("all", *every, *(arm.outcomes[outcome] for outcome in seen)))
    parts = (len(rows) - 1,)
    note = "Domains and levels that hold one trial each are added up." * (cells is not arm.cells)
    return Table("cells", f"Trials by outcome: {name}", columns, tuple(rows), note, _ALL, parts)


def _added_up(cells: Sequence[OutcomeCell]) -> Sequence[OutcomeCell]:
    """Return cells that hold more than a trial: by domain and level, else by domain, else none."""
    if any(cell.trials > 1 for cell in cells):
        return cells
    domains: dict[tuple[str, str], Counter[Outcome]] = defaultdict(Counter)
    for cell in cells:
        domains[cell.set, cell.domain].update(cell.outcomes)
    found = [OutcomeCell(name, 0, counts, part) for (part, name), counts in domains.items()]
    return found if any(cell.trials > 1 for cell in found) else ()


def solved_in(runs: Sequence[Run], arms: Sequence[Named]) -> list[Solved]:
    """Return the problems that only one mode of a model solves, in every run."""
    names = names_by_arm(arms)
    return [
        (names[run.name, each.model, each.mode], names[run.name, each.model, each.never], each)
        for run in runs
        for each in run.failures.solved_by
    ]


def _wrong(found: Sequence[tuple[str, ArmFailures]], note: str) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("the answer is", Kind.TEXT),
        Column("trials"),
        Column("problems", minor=True),
        *_OF_ANSWERS,
    )
    rows: Rows = [
        (name, kind.name, kind.trials, kind.problems, *_cells_of(kind.examples[0]))
        for name, arm in found
        for kind in arm.wrong
    ]
    title = "Wrong answers, by how they differ"
    return _where_known(Table("wrong", title, columns, tuple(rows), note))


def _wrong_answers(found: Sequence[tuple[str, ArmFailures]]) -> Table:
    """List wrong answers; none where each kind has one, which the table of kinds shows."""
    columns = (Column("arm", Kind.TEXT), Column("the answer is", Kind.TEXT), *_OF_ANSWERS)
    several = any(len(kind.examples) > 1 for _, arm in found for kind in arm.wrong)
    answers = [
        (name, kind.name, *_cells_of(each))
        for name, arm in found
        for kind in (arm.wrong if several else ())
        for each in kind.examples
    ]
    rows: Rows = list(answers[:MOST_ANSWERS])
    note = f"The first {MOST_ANSWERS}." if len(answers) > MOST_ANSWERS else ""
    table = Table("wrong-answers", "Wrong answers, one by one", columns, tuple(rows), note)
    return _where_known(table)


_OF_ANSWERS = (
    Column("for example", Kind.TEXT),
    Column("question", Kind.PROSE, minor=True),
    Column("reference", Kind.FORMULA),
    Column("answer", Kind.FORMULA),
    Column("the judge says", Kind.TEXT, minor=True),
    Column("its tool says", Kind.TEXT),
)


def _where_known(table: Table) -> Table:
    """Return the table without what another tool says, its last column, where none says any."""
    if any(row[-1] for row in table.rows):
        return table
    rows = tuple(row[:-1] for row in table.rows)
    return replace(table, columns=table.columns[:-1], rows=rows)


def _cells_of(wrong: WrongAnswer) -> tuple[str, ...]:
    return (
        f"{short(wrong.place.problem_id, 40)}, repeat {wrong.place.repeat}",
        short(" ".join(wrong.question.split()), LONGEST_QUESTION),
        *(answer(wrong.reference), answer(wrong.answer), short(wrong.reason, 60)),
        wrong.theirs or "",
    )


def _crashes(found: Sequence[tuple[str, ArmFailures]]) -> Table:
    columns = (
        Column("arm", Kind.TEXT),
        Column("exception", Kind.TEXT),
        Column("programs"),
        Column("trials"),
        Column("most common line", Kind.TEXT),
        Column("programs with it"),
        Column("for example", Kind.TEXT),
    )
    rows: Rows = [
        (
            name,
            short(crash.name, 40),
            *(crash.turns, crash.trials, short(crash.line, 90), crash.line_turns),
            f"{short(crash.example.problem_id, 40)}, repeat {crash.example.repeat},"
            f" turn {crash.example.turn}",
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
        Column("at the cap, %", Kind.SHARE),
        Column("trials with one"),
        Column("of those, not right"),
        Column("prompts cut"),
        Column("trials with a prompt cut"),
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
    note = "A higher cap could gain at most the trials with a capped reply that are not right."
    return Table("caps", "Truncation", columns, tuple(rows), note)


def _thinking(found: Sequence[tuple[str, ArmFailures]]) -> Table:
    """Show what became of trials that ended in thoughts; nothing where no model showed any."""
    columns = (
        Column("arm", Kind.TEXT),
        *(Column(detail.value) for detail in Detail),
        Column("replies cut while thinking"),
    )
    rows: Rows = [
        (name, *(arm.details.get(detail, 0) for detail in Detail), arm.caps.thinking)
        for name, arm in found
        if arm.caps.thinking or set(arm.details) - {Detail.CUT_ANSWERING}
    ]
    note = "Trials by the last reply: thoughts are never graded or run, so none has an answer."
    return Table("thinking", "Trials that ended in thoughts", columns, tuple(rows), note)


def _errors(found: Sequence[tuple[str, ArmFailures]]) -> Table:
    columns = (Column("arm", Kind.TEXT), Column("error", Kind.TEXT), Column("trials"))
    rows: Rows = [
        (name, short(error, 120), trials)
        for name, arm in found
        for error, trials in arm.errors[:MOST_KINDS]
    ]
    return Table("errors", "Errors of ours, not scored", columns, tuple(rows))


def _solved_by(solved: Sequence[Solved]) -> Table:
    columns = (
        Column("solved at least once by", Kind.TEXT),
        Column("and never by", Kind.TEXT),
        Column("problems"),
        Column("for example", Kind.TEXT),
    )
    rows: Rows = [
        (
            *(name, never, len(each.problems)),
            ", ".join(short(problem, 40) for problem in each.problems[:3]),
        )
        for name, never, each in solved
        if each.problems
    ]
    return Table("solved-once", "Solved by one mode only", columns, tuple(rows))


def _read_in_part(arm: ArmFailures) -> bool:
    """Tell whether there may be more failed texts than the page reads."""
    crashed = sum(each.turns for each in arm.crashes)
    failed = arm.trials - arm.outcomes.get(Outcome.CORRECT, 0)
    return crashed >= MOST_TEXTS or failed > MOST_TEXTS
