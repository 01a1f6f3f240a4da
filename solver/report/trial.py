"""Print the whole trials of one problem: prompts, replies, programs, executions, verdicts."""

from collections.abc import Iterable, Sequence

from judge import Verdict
from solver.errors import ConfigError
from solver.modes import stored_mode
from solver.records import Failure, Message, Problem, Reply, Trial, Turn
from solver.store import Store
from solver.text import plain_name, say

_FOLDED_LINES = 3


def show_problem(
    store: Store, problem_id: str, *, mode: str | None = None, repeat: int | None = None
) -> None:
    """Print the whole trials of one problem: prompts, replies, programs, executions, verdicts.

    Raises ConfigError where the run holds no such problem or trial.
    """
    problem = store.problems().get(problem_id)
    if problem is None:
        raise ConfigError(f"{store.folder}: no problem {problem_id!r}; `solver export` lists them")
    keys = [
        row.key
        for row in store.rows(problem_id=problem_id)
        if mode in (None, row.mode) and repeat in (None, row.repeat)
    ]
    if not keys:
        raise ConfigError(f"{store.folder}: no trial of {problem_id!r} has ended yet")
    _show_problem_text(problem)
    for key in keys:
        _show_trial(store.trial(key), store.verdicts(key))


def show_chat(chat: Iterable[Message]) -> None:
    """Print messages, each under its role."""
    for message in chat:
        _section(f"[{message.role}]", message.text)


def _show_problem_text(problem: Problem) -> None:
    level = f", level {problem.level}" if problem.level else ""
    say(f"══ {problem.id} ({problem.domain}{level})")
    _section("[question]", problem.question)
    _section("[reference]", problem.answer)


def _show_trial(trial: Trial, verdicts: Sequence[tuple[str, Verdict]]) -> None:
    say(f"\n══ {trial.model} · {trial.mode} · repeat {trial.repeat} · seed {trial.seed}")
    mode = stored_mode(trial.mode)
    for number, turn in enumerate(trial.turns, start=1):
        _show_turn(mode.heading(turn, number), number, turn, last=turn is trial.turns[-1])
    say(f"── outcome: {plain_name(trial.outcome)} in {trial.seconds:.1f} s")
    if trial.error:
        say(f"   {trial.error}")
    for judge, verdict in verdicts:
        score = "no usable verdict" if verdict.score is None else f"score {verdict.score} of 5"
        say(f"── verdict: {score} by {verdict.by} (judge {judge}): {verdict.reason}")
        if verdict.reference_form or verdict.answer_form:
            say(f"   compared {verdict.reference_form!r} with {verdict.answer_form!r}")


def _show_turn(heading: str, number: int, turn: Turn, *, last: bool) -> None:
    say(f"── {heading}" + (" (in a new conversation)" if turn.fresh and number > 1 else ""))
    show_chat(turn.prompt)
    reply = turn.reply
    marks = [f"{reply.input_tokens} + {reply.output_tokens} tokens", f"{reply.seconds:.1f} s"]
    marks += ["hit the cap"] * reply.capped + ["PROMPT CUT BY THE SERVER"] * reply.prompt_cut
    if reply.thoughts or reply.thought_tokens:
        _section(f"[thoughts: {_thoughts_counted(reply)}]", _folded(reply.thoughts))
    _section(f"[reply: {', '.join(marks)}]", reply.text)
    if turn.program is not None:
        _section("[program]", turn.program)
    for finding in turn.findings:
        say(f"   screen: {finding.level}: line {finding.line}: {finding.rule}: {finding.reason}")
    if turn.execution is not None:
        done = turn.execution
        say(
            f"   execution: {done.exit}, {done.seconds:.2f} s, {done.cpu_seconds:.2f} s of CPU,"
            f" {done.peak_memory_mb:.0f} MiB" + (", output cut" if done.truncated else "")
        )
        _section("[stdout]", done.stdout)
        if done.stderr.strip():
            _section("[stderr]", done.stderr)
    for cut in reply.interventions:
        dropped = f", dropped {cut.dropped!r}" if cut.dropped else ""
        say(f"   {cut.kind} at character {cut.at}{dropped}")
    if turn.verification is not None:
        say(f"   check: {turn.verification}")
    if turn.answer is not None:
        say(f"   answer ({turn.answer_rule}): {turn.answer}")
    elif turn.failure is not None and (last or turn.failure is not Failure.NO_ANSWER):
        more = f", {turn.detail}" if turn.detail else ""
        say(f"   no answer: {plain_name(turn.failure)}{more}")


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


def _section(title: str, text: str) -> None:
    say(f"   {title}")
    for line in text.rstrip().split("\n"):
        say(f"     {line}")
