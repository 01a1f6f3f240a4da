"""Do `solver judge audit RUN --label N`: let a person judge trials in the terminal, blind.

Shown are the question, the reference and the answer, never what the judge made of it. Each label is
stored when it is given, and the same command goes on where the last one stopped.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

from solver.analysis.arms import stored_rows
from solver.analysis.labelled import to_label
from solver.errors import ConfigError
from solver.records import Problem, Trial
from solver.store import Row, Store
from solver.store.labels import Label, add_label, read_labels
from solver.text import command, plain, say

MOST_LINES, MOST_CHARACTERS = 40, 3_000
"""The most of a text that is shown: of a reply its end, where an answer would be."""
HELP = "y right · n wrong · ? cannot tell · u undo the last one · q stop"


class Said(StrEnum):
    """What a person can type."""

    RIGHT = "y"
    WRONG = "n"
    UNTOLD = "?"
    UNDO = "u"
    STOP = "q"


def label_run(store: Store, number: int, *, read: Callable[[str], str] = input) -> None:
    """Ask about trials until `number` are labelled, or the person stops.

    `read` shows a prompt and returns a line, as `input` does. Raises ConfigError where there is
    nothing to label, or a label cannot be stored.
    """
    rows, problems = stored_rows(store), store.problems()
    given = read_labels(store.folder)
    if not any(True for _ in to_label(rows, {}, 1)):
        raise ConfigError(f"{store.folder}: no trial has an answer to label yet")
    asked = list(to_label(rows, given, number))
    say(f"{len(asked):,} to label, {len(given):,} labelled before. {HELP}")
    try:
        _ask(store, problems, asked, read)
    except (EOFError, KeyboardInterrupt):
        say("")
    labelled = len(read_labels(store.folder))
    on = command("judge", "audit", store.folder, "--label", 2 * max(number, 1))
    say(f"{labelled:,} labelled; `{on}` goes on up to twice as many")


def _ask(
    store: Store, problems: dict[str, Problem], asked: Sequence[Row], read: Callable[[str], str]
) -> None:
    at = 0
    while at < len(asked):
        trial = store.trial(asked[at].key)
        _show(problems[trial.problem_id], trial, f"{at + 1} of {len(asked)}")
        match _said(read):
            case Said.STOP:
                return
            case Said.UNDO:
                at = max(0, at - 1)
            case said:
                right = None if said is Said.UNTOLD else said is Said.RIGHT
                add_label(store.folder, Label(key=asked[at].key, right=right, labelled=time.time()))
                at += 1


def _said(read: Callable[[str], str]) -> Said:
    """Read until something that can be understood is typed."""
    while True:
        typed = read("right? [y n ? u q] ").strip().lower()[:1]
        if typed in set(Said):
            return Said(typed)
        say(HELP)


def _show(problem: Problem, trial: Trial, place: str) -> None:
    level = f", level {problem.level}" if problem.level else ""
    say(f"\n── {place} · {trial.model} · {trial.mode} · {problem.id} ({problem.domain}{level})")
    for line in _cut(problem.question):
        say(f"   {line}")
    say(f"reference: {problem.answer}")
    if trial.answer is not None:
        say(f"answer:    {_shortened(trial.answer)}")
        return
    say("no answer was found; the end of the reply:")
    for line in _cut(trial.turns[-1].reply.text if trial.turns else "", end=True):
        say(f"   {line}")


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}… (cut here)"


def _cut(text: str, *, end: bool = False) -> Iterable[str]:
    """Return the lines of the start of a text, or of its end."""
    shown = text[-MOST_CHARACTERS:] if end else text[:MOST_CHARACTERS]
    lines = plain(shown).splitlines()
    kept = lines[-MOST_LINES:] if end else lines[:MOST_LINES]
    left_out = len(shown) < len(text) or len(kept) < len(lines)
    return [
        *["… (the start is left out)"] * (left_out and end),
        *kept,
        *["…"] * (left_out and not end),
    ]
