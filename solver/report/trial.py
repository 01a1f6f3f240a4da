"""Print the whole trials of one problem: prompts, replies, programs, executions, verdicts."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from solver.analysis.other_judge import word_of
from solver.errors import ConfigError
from solver.modes import stored_mode
from solver.records import Failure, Message, Problem, Reply, Turn
from solver.store import Store
from solver.text import first_of, plain_name, say

_FOLDED_LINES = 3
MOST_NAMED = 5
"""So many problems of a run are named where the one asked for is not there."""


def show_problem(
    store: Store, problem_id: str, *, mode: str | None = None, repeat: int | None = None
) -> None:
    """Print the whole trials of one problem: prompts, replies, programs, executions, verdicts.

    Raises ConfigError where the run holds no such problem or trial.
    """
    problem = store.problems().get(problem_id)
    if problem is None:
        raise ConfigError(f"{store.folder}: no problem {problem_id!r}{_meant(problem_id, store)}")
    asked = {"in mode": mode, "with repeat": repeat}
    keys = [
        row.key
        for row in store.rows(problem_id=problem_id)
        if mode in (None, row.mode) and repeat in (None, row.repeat)
    ]
    if not keys:
        only = "".join(f" {name} {value}" for name, value in asked.items() if value is not None)
        raise ConfigError(f"{store.folder}: no trial of {problem_id!r}{only} has ended")
    for line in _problem_lines(problem):
        say(line)
    for key in keys:
        for line in _trial_lines(store, key):
            say(line)


def _meant(problem_id: str, store: Store) -> str:
    """Return the problems that may be meant by an unknown one, or the first ones of the run."""
    known = list(store.problems())
    if near := get_close_matches(problem_id, known, 3):
        return f". Did you mean {' or '.join(near)}?"
    return f"; its problems are {first_of(known, MOST_NAMED)}"


def show_chat(chat: Iterable[Message]) -> None:
    """Print messages, each under its role."""
    for line in _chat_lines(chat):
        say(line)


def _chat_lines(chat: Iterable[Message]) -> Iterator[str]:
    for message in chat:
        yield from _section(f"[{message.role}]", message.text)


def whole_trial(store: Store, key: str) -> str:
    """Return a stored trial as text, its question first."""
    problem = store.problems()[store.trial(key).problem_id]
    return "\n".join((*_problem_lines(problem), *_trial_lines(store, key)))


def _problem_lines(problem: Problem) -> Iterator[str]:
    level = f", level {problem.level}" if problem.level else ""
    yield f"══ {problem.id} ({problem.domain}{level})"
    yield from _section("[question]", problem.question)
    for reference in problem.references:
        yield from _section("[reference]", reference)


def _trial_lines(store: Store, key: str) -> Iterator[str]:
    """Yield the lines of a stored trial: every turn, how it ended, and all verdicts."""
    trial = store.trial(key)
    yield f"\n══ {trial.model} · {trial.mode} · repeat {trial.repeat} · seed {trial.seed}"
    mode = stored_mode(trial.mode)
    for number, turn in enumerate(trial.turns, start=1):
        yield from _turn_lines(
            mode.heading(turn, number), number, turn, last=turn is trial.turns[-1]
        )
    yield f"── outcome: {plain_name(trial.outcome)} in {trial.seconds:.1f} s"
    if trial.error:
        yield f"   {trial.error}"
    for judge, verdict in store.verdicts(key):
        score = "no usable verdict" if verdict.score is None else f"score {verdict.score} of 5"
        yield f"── verdict: {score} by {verdict.by} (judge {judge}): {verdict.reason}"
        if verdict.reference_form or verdict.answer_form:
            yield f"   compared {verdict.reference_form!r} with {verdict.answer_form!r}"
    for _, theirs in store.other_verdicts(key):
        reading = "" if theirs.reading is None else f", read by it as {theirs.reading!r}"
        yield f"── verdict of {theirs.name}: {word_of(theirs)}{reading}"


def _turn_lines(heading: str, number: int, turn: Turn, *, last: bool) -> Iterator[str]:
    yield (f"── {heading}" + (" (in a new conversation)" if turn.fresh and number > 1 else ""))
    yield from _chat_lines(turn.prompt)
    reply = turn.reply
    marks = [f"{reply.input_tokens} + {reply.output_tokens} tokens", f"{reply.seconds:.1f} s"]
    marks += ["hit the cap"] * reply.capped + ["PROMPT CUT BY THE SERVER"] * reply.prompt_cut
    if reply.thoughts or reply.thought_tokens:
        yield from _section(f"[thoughts: {_thoughts_counted(reply)}]", _folded(reply.thoughts))
    yield from _section(f"[reply: {', '.join(marks)}]", reply.text)
    if turn.program is not None:
        yield from _section("[program]", turn.program)
    for finding in turn.findings:
        yield f"   screen: {finding.level}: line {finding.line}: {finding.rule}: {finding.reason}"
    if turn.execution is not None:
        done = turn.execution
        yield (
            f"   execution: {done.exit}, {done.seconds:.2f} s, {done.cpu_seconds:.2f} s of CPU,"
            f" {done.peak_memory_mb:.0f} MiB" + (", output cut" if done.truncated else "")
        )
        yield from _section("[stdout]", done.stdout)
        if done.stderr.strip():
            yield from _section("[stderr]", done.stderr)
    for cut in reply.interventions:
        dropped = f", dropped {cut.dropped!r}" if cut.dropped else ""
        yield f"   {cut.kind} at character {cut.at}{dropped}"
    if turn.verification is not None:
        yield f"   check: {turn.verification}"
    if turn.answer is not None:
        yield f"   answer ({turn.answer_rule}): {turn.answer}"
    elif turn.failure is not None and (last or turn.failure is not Failure.NO_ANSWER):
        more = f", {turn.detail}" if turn.detail else ""
        yield f"   no answer: {plain_name(turn.failure)}{more}"


def _thoughts_counted(reply: Reply) -> str:
    """Say how many tokens thoughts took, and how that is known."""
    if reply.thought_tokens is None:
        return f"{len(reply.thoughts):,} characters"
    return f"{reply.thought_tokens:,} of these tokens, {reply.thoughts_counted}"


def _folded(thoughts: str) -> str:
    """Return the first and last lines of thoughts; the page and the export have all of them."""
    lines = thoughts.splitlines()
    if len(lines) <= 2 * _FOLDED_LINES:
        return thoughts
    between = f"… {len(lines) - 2 * _FOLDED_LINES:,} lines more: `solver view`, `solver export` …"
    return "\n".join((*lines[:_FOLDED_LINES], between, *lines[-_FOLDED_LINES:]))


def _section(title: str, text: str) -> Iterator[str]:
    yield f"   {title}"
    for line in text.rstrip().split("\n"):
        yield f"     {line}"
