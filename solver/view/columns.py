"""The columns of a list of trials, which are also the words of its filter line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from solver.records import Problem
from solver.view.coded import Value
from solver.view.entry import Entry


@dataclass(frozen=True)
class Column:
    """One fact of a trial, or of its problem."""

    name: str
    """Its heading, and its word in a filter."""
    of_entry: Callable[[Entry], Value] | None = None
    of_problem: Callable[[Problem], Value] | None = None
    """One of the two is set. What depends on the problem alone is looked up once a problem."""
    number: bool = False
    measured: bool = False
    """Whether it is a number of which nearly each trial has one of its own, and none is missing."""
    shown: bool = True
    """Whether a list shows it where the address names no columns."""
    in_words: bool = False
    """Whether a word without a column's name is looked for in it."""


COLUMNS: Mapping[str, Column] = {
    column.name: column
    for column in (
        Column("problem", lambda entry: entry.problem_id, in_words=True),
        Column("question", of_problem=lambda problem: problem.question, in_words=True),
        Column("domain", of_problem=lambda problem: problem.domain, shown=False),
        Column("set", of_problem=lambda problem: problem.set or None, shown=False),
        Column("published", of_problem=lambda problem: problem.published or None, shown=False),
        Column("level", of_problem=lambda problem: problem.level or None, number=True),
        Column("model", lambda entry: entry.model),
        Column("mode", lambda entry: entry.mode),
        Column("repeat", lambda entry: entry.repeat, number=True),
        Column("reference", of_problem=lambda problem: problem.answer, in_words=True),
        Column("answer", lambda entry: entry.answer, in_words=True),
        Column("outcome", lambda entry: str(entry.outcome)),
        Column("theirs", lambda entry: entry.theirs),
        Column("score", lambda entry: entry.score, number=True, shown=False),
        Column("reason", lambda entry: entry.reason),
        Column("attempts", lambda entry: entry.attempts, number=True),
        Column("seconds", lambda entry: entry.model_seconds, number=True, measured=True),
        Column("waited", lambda entry: entry.waited, number=True, measured=True, shown=False),
        Column("started", lambda entry: entry.started, number=True, measured=True, shown=False),
    )
}
"""`theirs` is what the scorers of the tool said that a run was imported from. `seconds` are those
in which the model wrote, `waited` all others of the trial: its programs, the judge, and the queues
for them and for the model."""

ENDED = Column("ended", lambda entry: entry.ended, number=True, measured=True, shown=False)
"""Lists can be ordered by it, the latest first; it is no word of the filter line."""
