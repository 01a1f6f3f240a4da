"""A run as text in a terminal: its tables, or one problem's trials whole."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox import Exit
from solver.analysis.accuracy import Arm, Cell, Pair, Summary, summary_of
from solver.analysis.repeats import Reading, Stability, stability
from solver.analysis.ways import vote_weights, ways_of
from solver.errors import ConfigError
from solver.records import Failure, Message, Outcome, Problem, Trial, Turn
from solver.report.show_ways import show_pairs, show_ways
from solver.store import Store
from solver.text import (
    interval,
    numbers_table,
    one_line,
    open_console,
    percent,
    plain,
    plain_name,
    put,
    say,
    share_of,
)

if TYPE_CHECKING:
    from solver.checks.judge_audit import JudgeAudit
    from solver.checks.rejudge import Change
    from solver.checks.screen_audit import ScreenAudit
    from solver.checks.timing import Timing


def show_run(store: Store, *, greedy: Store | None = None, every_k: bool = False) -> None:
    """Print all tables of a run; with repeats also how stable it is, beside a greedy run's."""
    manifest = store.manifest()
    rows = list(store.rows())
    summary = summary_of(store, rows)
    console = open_console()
    if not summary.arms:
        say(f"{store.folder}: no trial has ended yet")
        return
    for arm in summary.arms:
        put(console, Text(f"\n{arm.model} · {arm.mode}", style="bold"))
        put(console, _accuracies(arm))
        for line in _details(arm):
            put(console, Text(line))
    _show_pairs(console, summary)
    show_ways(console, ways_of(store, rows))
    if (repeats := manifest.get("config", {}).get("repeats", 1)) > 1:
        ks = range(1, repeats + 1) if every_k else None
        for found in stability(
            rows,
            ks=ks,
            greedy=greedy.rows() if greedy else (),
            weights=vote_weights(store, rows),
        ):
            _show_stability(console, found)
    put(console, Text())
    for line in _whole_run(summary, manifest):
        put(console, Text(line))
    say(f"run: {store.folder}")


def _show_pairs(console: Console, summary: Summary) -> None:
    """Two modes in full; of more than two, each beside the first, in a table."""
    for model in dict.fromkeys(pair.model for pair in summary.pairs):
        pairs = [pair for pair in summary.pairs if pair.model == model]
        if len(pairs) > 1:
            show_pairs(console, [pair for pair in pairs if pair.first == pairs[0].first])
            continue
        put(console, Text(f"\n{model} · {pairs[0].first} against {pairs[0].second}", style="bold"))
        for line in _compared(pairs[0]):
            put(console, Text(line))


def _show_stability(console: Console, found: Stability) -> None:
    title = f"\n{one_line(found.model)} · {found.mode} · {found.repeats} repeats"
    put(console, Text(title, style="bold"))
    readings = [(found.of_scored, "scored trials alone")] if found.unscored else []
    for reading, what in (*readings, (found.of_all, "all trials")):
        if reading is not None:
            put(console, Text(f"over {reading.problems} problems, {what}:" if readings else ""))
            put(console, _stabilities(reading))
    if found.verified is not None:
        put(
            console,
            Text(
                f"verified   {percent(found.verified)} [{interval(found.verified)}] by the"
                f" verification-weighted vote of {found.repeats} repeats, over"
                f" {found.verified.n_problems} problems"
            ),
        )
    if found.greedy is not None:
        put(
            console,
            Text(
                f"greedy     {percent(found.greedy)} [{interval(found.greedy)}]"
                f" over {found.greedy.n_problems} problems"
            ),
        )


def _stabilities(reading: Reading) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    taus = list(reading.at[0].g_pass)
    g_pass = [f"G-Pass τ={tau}" for tau in taus]
    for column in ("k", "Pass@k", *g_pass, "mG-Pass@k", "maj@k"):
        table.add_column(column, justify="right", no_wrap=True)
    for at in reading.at:
        values = [at.pass_at, *(at.g_pass[tau] for tau in taus), at.mg_pass, at.majority]
        shown = [percent(value) for value in values]
        if at.k == 1:
            shown[-2] = "–"  # mG-Pass@1 is 0 by definition, and says nothing
        table.add_row(str(at.k), *shown)
    return table


def show_change(change: "Change") -> None:
    """Print what judging again changed."""
    say(f"judged again: {change.judged} answers, {change.moved.total()} outcomes changed")
    for (before, after), count in change.moved.most_common():
        say(f"  {count}: {plain_name(before)} → {plain_name(after)}")


def show_screen_audit(audit: "ScreenAudit") -> None:
    """Print what the screen refused and what would have become of it."""
    refused = sum(rule.programs for rule in audit.rules.values())
    say(f"{share_of(refused, audit.programs)} of programs refused by the screen")
    if not refused:
        return
    columns = ("programs", "trials", "ran well", "right", "trials lost")
    table = numbers_table("rule", *columns)
    for name, rule in sorted(audit.rules.items(), key=lambda item: -item[1].programs):
        counts = (rule.programs, len(rule.trials), rule.exits[Exit.OK], rule.right, len(rule.lost))
        table.add_row(plain(name), *map(str, counts))
    put(open_console(), table)
    say(f"Run afterwards in the {audit.sandbox!r} sandbox; right as the judge's rules see it.")


def show_timings(kind: str, timings: Sequence["Timing"]) -> None:
    """Print what programs cost, side by side."""
    say(f"sandbox: {kind}; median of programs run one after the other, in milliseconds")
    table = numbers_table("program", "sandbox", "bare python", "ratio")
    for timing in timings:
        ours, bare = 1000 * timing.sandbox, 1000 * timing.bare
        table.add_row(timing.name, f"{ours:.1f}", f"{bare:.1f}", f"{bare / ours:.1f} ×")
    put(open_console(), table)


def show_judge_audit(found: "JudgeAudit") -> None:
    """Print how far the judge's model can be believed."""
    say(found.report.to_text())
    if found.bounds is not None:
        bounds = found.bounds
        say(f"\nrun's accuracy over judged answers: rules alone {bounds.rules_only}")
        say(f"  as reported {bounds.reported} · at most {bounds.highest}")
        say(f"  verdicts that rest on the model: {bounds.by_model}")


def show_problem(
    store: Store, problem_id: str, *, mode: str | None = None, repeat: int | None = None
) -> None:
    """Print one problem's trials whole: prompts, replies, programs, executions, verdicts.

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


def _accuracies(arm: Arm) -> Table:
    columns = ["problems", "trials", "correct", "accuracy", "95 % range"]
    both = arm.overall.unscored > 0
    columns += ["unscored", "of all"] * both
    table = numbers_table("domain or level", *columns, width=22)
    named = [*arm.domains.items(), *((f"level {n}", cell) for n, cell in arm.levels.items())]
    for name, cell in named:
        table.add_row(plain(name), *_numbers(cell, both), end_section=cell is _last(arm.domains))
    table.add_section()
    table.add_row("all", *_numbers(arm.overall, both), style="bold")
    return table


def _numbers(cell: Cell, both: bool) -> list[str]:
    columns = [str(cell.problems), str(cell.trials), str(cell.correct)]
    columns += [percent(cell.of_scored), interval(cell.of_scored)]
    return [*columns, str(cell.unscored), percent(cell.of_all)] if both else columns


def _details(arm: Arm) -> Iterable[str]:
    counted = " · ".join(f"{plain_name(o)} {arm.outcomes[o]}" for o in Outcome if arm.outcomes[o])
    yield f"outcomes   {counted}"
    if arm.mode != "cot":
        used = " · ".join(f"{number}: {count}" for number, count in sorted(arm.attempts.items()))
        attempts = "attempts" if arm.mode.startswith("code") else "replies"
        yield f"{attempts:<10} {used}  ({attempts} used: trials)"
        yield (
            f"unsafe     {share_of(arm.refused, arm.programs)} of programs refused by the screen,"
            f" in {arm.unsafe_trials} trials"
        )
    if arm.mode.startswith("code"):
        spent = share_of(arm.exhausted, arm.overall.trials)
        yield f"unresolved {spent} of trials spent every attempt, no answer"
    yield f"judge      rules {arm.by_rules} · model {arm.by_model} · undecided {arm.undecided}"
    if arm.by_model:
        yield (
            f"columns    rules {percent(arm.rules_alone)} · judge {percent(arm.overall.of_all)}"
            f" · both {percent(arm.rules_and_judge)} · any {percent(arm.rules_or_judge)}"
        )
    yield (
        f"tokens     {arm.input_tokens:,} in · {arm.output_tokens:,} out"
        f" · {arm.requests:,} requests · cap hit by {share_of(arm.capped, arm.replies)} of replies"
    )
    if arm.prompt_cut:
        yield f"WARNING    {arm.prompt_cut} prompts were cut by the server: raise its context size"
    if arm.capped > 0.01 * arm.replies:
        yield "WARNING    more than 1 % of replies hit the cap: raise sampling.max_tokens"
    yield f"seconds    model {arm.model_seconds:,.1f} · sandbox {arm.sandbox_seconds:,.1f}"


def _compared(pair: Pair) -> Iterable[str]:
    found, counts = pair.difference, pair.difference.counts
    yield (
        f"difference {100 * found.value:+.1f} points"
        f" [{100 * found.low:+.1f}, {100 * found.high:+.1f}] over {found.n_problems} problems"
        f" · {found.test} p = {found.p_value:.3g}"
    )
    if found.detectable is not None:
        least = 100 * found.detectable
        yield f"power      a true difference of {least:.0f} points would show 4 times in 5"
    yield (
        f"problems   both {counts.both:g} · only {pair.first} {counts.only_a:g}"
        f" · only {pair.second} {counts.only_b:g} · neither {counts.neither:g}"
    )


def _whole_run(summary: Summary, manifest: dict[str, Any]) -> Iterable[str]:
    share = share_of(len(summary.unsolved), summary.problems)
    yield f"unresolved {share} of problems solved by no model in any mode"
    if summary.trials < summary.planned:
        yield f"partial    {summary.trials} of {summary.planned} trials; the same command goes on"
    box_kind = manifest.get("sandbox", {}).get("kind", "none")
    judge = manifest.get("judge", {}).get("model") or "rules alone"
    yield f"sandbox    {box_kind} · judge {judge}"
    if summary.judges > 1:
        yield f"WARNING    verdicts of {summary.judges} judges are mixed: run `solver rejudge`"
    for warning in manifest.get("warnings", []):
        yield f"note       {plain(warning)}"


def _show_problem_text(problem: Problem) -> None:
    level = f", level {problem.level}" if problem.level else ""
    say(f"══ {problem.id} ({problem.domain}{level})")
    _section("[question]", problem.question)
    _section("[reference]", problem.answer)


def _show_trial(trial: Trial, verdicts: Sequence[tuple[str, Any]]) -> None:
    say(f"\n══ {trial.model} · {trial.mode} · repeat {trial.repeat} · seed {trial.seed}")
    for number, turn in enumerate(trial.turns, start=1):
        _show_turn(number, turn, last=turn is trial.turns[-1])
    say(f"── outcome: {plain_name(trial.outcome)} in {trial.seconds:.1f} s")
    if trial.error:
        say(f"   {trial.error}")
    for judge, verdict in verdicts:
        score = "no usable verdict" if verdict.score is None else f"score {verdict.score} of 5"
        say(f"── verdict: {score} by {verdict.by} (judge {judge}): {verdict.reason}")
        if verdict.reference_form or verdict.answer_form:
            say(f"   compared {verdict.reference_form!r} with {verdict.answer_form!r}")


def _show_turn(number: int, turn: Turn, *, last: bool) -> None:
    say(f"── turn {number}" + (" (asked afresh)" if turn.fresh and number > 1 else ""))
    show_chat(turn.prompt)
    reply = turn.reply
    marks = [f"{reply.input_tokens} + {reply.output_tokens} tokens", f"{reply.seconds:.1f} s"]
    marks += ["hit the cap"] * reply.capped + ["PROMPT CUT BY THE SERVER"] * reply.prompt_cut
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
        say(f"   no answer: {plain_name(turn.failure)}")


def _section(title: str, text: str) -> None:
    say(f"   {title}")
    for line in text.rstrip().split("\n"):
        say(f"     {line}")


def _last(cells: dict[str, Cell]) -> Cell | None:
    return list(cells.values())[-1] if cells else None
