"""The commands: each parses, calls one function and prints. Heavy imports wait inside them."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="solver",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Measure how well language models solve mathematics by writing Python.\n\n"
    "Start with `solver run configs/quickstart.yaml`: no key, no GPU and no Docker needed.",
)
sandbox_app = typer.Typer(no_args_is_help=True, help="Build, check, clean and time the sandbox.")
app.add_typer(sandbox_app, name="sandbox")

judge_app = typer.Typer(no_args_is_help=True, help="Measure the judge's model.")
app.add_typer(judge_app, name="judge")

RunPath = Annotated[
    Path, typer.Argument(help="A run's folder, e.g. runs/quickstart.", metavar="RUN")
]
RunPaths = Annotated[
    list[Path], typer.Argument(help="Folders of runs, e.g. runs/quickstart.", metavar="RUN...")
]


def main() -> None:
    """Run the command line; the user's mistakes are one line on stderr and exit code 2."""
    try:
        app()
    except BrokenPipeError:
        sys.stderr.close()  # the reader, such as `head`, has seen enough
        sys.exit(141)
    except Exception as failure:
        if not isinstance(failure, _explained()):
            raise  # a bug keeps its traceback
        from solver.text import plain

        print(f"solver: {plain(str(failure))}", file=sys.stderr)
        sys.exit(2)


def _explained() -> tuple[type[Exception], ...]:
    """The failures whose message is for the user. Imported only now: `--help` must be quick."""
    from judge import JudgeError
    from sandbox import SandboxError
    from solver.errors import ConfigError, ModelError

    return ConfigError, ModelError, SandboxError, JudgeError


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="A YAML file, e.g. configs/quickstart.yaml.")],
    model: Annotated[
        list[str] | None,
        typer.Option(help="provider/name, instead of the config's; may be given more than once."),
    ] = None,
    problems: Annotated[
        str | None, typer.Option(help="A set's name, or a .jsonl or .csv file.")
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="One mode or several: code,cot compares the two.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="At most so many problems, spread over domains and levels.")
    ] = None,
    repeats: Annotated[int | None, typer.Option(help="Independent trials a problem.")] = None,
    sandbox: Annotated[
        str | None, typer.Option(help="auto, docker, docker-strict, native, or reduced.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="provider/name of the judge's model, or `rules`.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The run's name; by default from config and overrides.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Where runs are kept.")] = Path("runs"),
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the first prompt, the counts and what is missing."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print the run's log as it is written.")
    ] = False,
) -> None:
    """Run a benchmark; the same command again resumes it.

    Ctrl-C finishes the requests in flight, saves and prints the table so far (exit code 130);
    a second Ctrl-C stops at once.
    """
    from solver.run.start import dry, execute, prepare

    overrides: dict[str, Any] = {
        "model": model or None,
        "problems": problems,
        "mode": mode,
        "limit": limit,
        "repeats": repeats,
        "sandbox": sandbox,
        "judge": judge,
    }
    given = {key: value for key, value in overrides.items() if value is not None}
    job = prepare(config, given, name=name, runs=runs)
    raise typer.Exit(dry(job) if dry_run else execute(job, verbose=verbose))


@app.command()
def show(
    run: RunPath,
    problem: Annotated[
        str | None, typer.Option(help="Show the trials of this problem whole.")
    ] = None,
    mode: Annotated[str | None, typer.Option(help="With --problem: only this mode.")] = None,
    repeat: Annotated[int | None, typer.Option(help="With --problem: only this repeat.")] = None,
    greedy: Annotated[
        Path | None, typer.Option(help="A run at temperature 0, shown next to the repeats.")
    ] = None,
    every_k: Annotated[
        bool,
        typer.Option("--every-k", help="Pass@k and its kin at each k, not at powers of two alone."),
    ] = False,
) -> None:
    """Print a run's tables again, or one problem's trials whole."""
    from solver.report.show import show_run
    from solver.report.trial import show_problem
    from solver.store import Store

    store = Store.open(run)
    if problem is None:
        show_run(store, greedy=Store.open(greedy) if greedy else None, every_k=every_k)
    else:
        show_problem(store, problem, mode=mode, repeat=repeat)


@app.command()
def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="One run: its modes and models. More: each with each.")
    ],
) -> None:
    """Compare runs, models or modes, problem by problem.

    Runs whose problems or scoring differ are refused, with what differs.
    """
    from solver.analysis.compare import compare_runs, read_run, remarks
    from solver.report.show import show_comparisons
    from solver.store import Store
    from solver.view.addresses import beside_address

    alike = len({run.name for run in runs}) < len(runs)
    read = [read_run(Store.open(run), str(run) if alike else "") for run in runs]
    show_comparisons(compare_runs(read), remarks(read), address=beside_address)


@app.command()
def failures(
    run: RunPath,
    domain: Annotated[str | None, typer.Option(help="Only this domain.")] = None,
    level: Annotated[int | None, typer.Option(help="Only this level.")] = None,
    model: Annotated[str | None, typer.Option(help="Only this model.")] = None,
    mode: Annotated[str | None, typer.Option(help="Only this mode.")] = None,
) -> None:
    """Show why trials failed, and what retries brought.

    Outcomes, exceptions, retries, caps, refusals, answers that were not extracted.
    """
    from solver.analysis.failures import failures_of
    from solver.report.show import show_failures
    from solver.store import Store

    show_failures(failures_of(Store.open(run), domain=domain, level=level, model=model, mode=mode))


@app.command()
def cost(
    run: RunPath,
    prices: Annotated[
        Path | None, typer.Option(help="A YAML file whose prices go over the shipped ones.")
    ] = None,
) -> None:
    """Show tokens, seconds and money, per correct answer."""
    from solver.analysis.arms import stored_rows
    from solver.analysis.cost import costs, load_prices
    from solver.report.show import show_costs
    from solver.store import Store

    show_costs(costs(stored_rows(Store.open(run)), load_prices(prices)))


@app.command()
def plan(
    config: Annotated[Path, typer.Argument(help="A YAML file, as for `solver run`.")],
    problems: Annotated[
        str | None, typer.Option(help="A set's name, or a .jsonl or .csv file.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many problems.")] = None,
    repeats: Annotated[int | None, typer.Option(help="Independent trials a problem.")] = None,
    like: Annotated[
        Path | None, typer.Option(help="An earlier run to go by, e.g. of a few problems.")
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(help="A YAML file whose prices go over the shipped ones.")
    ] = None,
) -> None:
    """Show what a run would take, and what it could show."""
    from solver.analysis.compare import read_run
    from solver.analysis.cost import load_prices
    from solver.analysis.plan import plan_run
    from solver.report.show import show_plan
    from solver.run.start import prepare
    from solver.store import Store

    overrides = {"problems": problems, "limit": limit, "repeats": repeats}
    given = {key: value for key, value in overrides.items() if value is not None}
    job = prepare(config, given, name=None, runs=Path("runs"))
    pilot = Store.open(like) if like else None
    found = plan_run(
        job.config,
        job.problems,
        load_prices(prices),
        pilot=read_run(pilot) if pilot else None,
        pilot_sessions=pilot.sessions() if pilot else (),
    )
    show_plan(found)


@app.command()
def rejudge(
    run: RunPath,
    judge: Annotated[
        str | None, typer.Option(help="provider/name of the judge's model, or `rules`.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="rules-then-model, yes-no, or model-only.")
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(help="name=value, a convention of judge/README.md; may be given again."),
    ] = None,
    threshold: Annotated[int | None, typer.Option(help="The lowest score that is correct.")] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Only replay stored judge replies.")
    ] = False,
) -> None:
    """Judge the stored answers again; no reply is requested."""
    from solver.checks.rejudge import rejudge as judge_again
    from solver.checks.shown import show_change
    from solver.report.show import show_run
    from solver.store import Store

    overrides: dict[str, Any] = {"preset": preset, "threshold": threshold}
    overrides = {key: value for key, value in overrides.items() if value is not None}
    if judge is not None:
        overrides["model"] = None if judge == "rules" else judge
    if offline:
        overrides["offline"] = True
    if policy:
        overrides["policy"] = dict(_setting(text) for text in policy)
    store = Store.create_or_open(_existing(run))
    change = judge_again(store, overrides)
    show_run(store)
    show_change(change)
    store.close()


@app.command()
def export(
    run: RunPath,
    format: Annotated[
        str,
        typer.Option(
            help="jsonl (all texts), csv or parquet (one row a trial), sft or rft (training data)."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; by default inside the run.")
    ] = None,
    per_problem: Annotated[
        int, typer.Option(help="With sft and rft: at most so many trials of a problem.")
    ] = 4,
) -> None:
    """Write a run's trials to one file.

    sft and rft keep correct trials alone, as chats: {"messages": [...], "metadata": {...}} a line.
    Left out are trials whose program did not end well, trials with the program of another one, up
    to comments, formatting and names, and of what is left of a problem the most alike.

    sft is the whole conversation, with feedback and outputs; a reply has weight 1 where it is to be
    trained on, 0 where its program failed or it was taken back. rft is the question, without worked
    examples, and the one reply that was right.
    """
    from solver.bridges import training
    from solver.bridges.tables import export_run
    from solver.store import Store

    if format not in training.FORMATS:
        print(export_run(Store.open(run), format, output))
        return
    made = training.write_training(Store.open(run), format, output, per_problem=per_problem)
    print(made)
    print(made.path)


@app.command("screen-audit")
def screen_audit(run: RunPath) -> None:
    """Show what the screen refused, and how much was right.

    By rule; the refused programs run now, in the sealed sandbox.
    """
    from solver.checks.screen_audit import audit_screen
    from solver.checks.shown import show_screen_audit
    from solver.store import Store

    show_screen_audit(audit_screen(Store.open(run)))


@app.command()
def report(
    runs: RunPaths,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A file, or with --tables a folder; see below."),
    ] = None,
    tables: Annotated[
        str | None, typer.Option(help="Write the tables instead, as md, latex or csv.")
    ] = None,
) -> None:
    """Write one page about runs, to read or to mail.

    By default it is report.html inside the first run, and with --tables the folder tables there.
    """
    from solver.report import write_report, write_tables

    if tables is None:
        print(write_report(runs, output))
    else:
        for path in write_tables(runs, tables, output):
            print(path)


@app.command()
def view(
    runs: Annotated[
        Path, typer.Argument(help="A folder of runs, or one run.", metavar="[RUNS]")
    ] = Path("runs"),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="On this machine alone; 0 takes any free one.")
    ] = 8642,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Do not open a browser; only print the address.")
    ] = False,
) -> None:
    """Browse runs and their trials in a local page."""
    from solver.view.server import serve

    serve(runs, port=port, open_browser=not no_open)


@app.command()
def plot(
    runs: RunPaths,
    format: Annotated[str, typer.Option(help="png, svg or pdf.")] = "png",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A folder; by default `figures` in the first run."),
    ] = None,
) -> None:
    """Write the report's figures as files."""
    from solver.report import write_figures

    for path in write_figures(runs, format, output):
        print(path)


@judge_app.command("audit")
def judge_audit(
    run: Annotated[
        Path | None, typer.Argument(help="A run whose answers to use; none: the starter set's.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="provider/name, instead of the run's judge.")
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="JSONL of labelled pairs: reference, answer, correct.")
    ] = None,
    sample: Annotated[int, typer.Option(help="At most so many pairs, drawn at random.")] = 400,
) -> None:
    """Show how a judging model errs.

    Agreement with rules and labels, flips, planted mistakes, injections, canaries.
    Exit code 1 where it errs on the canaries and should not be used.
    """
    from solver.checks.judge_audit import audit_judge
    from solver.checks.shown import show_judge_audit
    from solver.store import Store

    store = Store.open(run) if run is not None else None
    found = audit_judge(store, model=model, pairs=pairs, sample=sample)
    show_judge_audit(found)
    raise typer.Exit(1 if found.report.canaries.drifted else 0)


@judge_app.callback()
def _judge_commands() -> None:
    """Measure the judge's model."""


@sandbox_app.command("build")
def sandbox_build(
    base: Annotated[
        str | None,
        typer.Option(help="Base image with Python 3.11 or later; by default $SOLVER_BASE_IMAGE."),
    ] = None,
) -> None:
    """Build the Docker image that programs run in; once, and after an update."""
    from sandbox import build_image

    print(build_image(base))


@sandbox_app.command("check")
def sandbox_check() -> None:
    """Say which sandboxes work here; exit code 2 where `auto` would find none."""
    from solver.checks.doctor import print_findings, sandbox_findings

    raise typer.Exit(print_findings(sandbox_findings()))


@sandbox_app.command("bench")
def sandbox_bench(
    kind: Annotated[str, typer.Option(help="auto, docker, docker-strict, native, or reduced.")] = (
        "auto"
    ),
) -> None:
    """Time programs in the sandbox, next to a bare Python."""
    from solver.checks.shown import show_timings
    from solver.checks.timing import time_sandbox

    show_timings(*time_sandbox(kind))


@sandbox_app.command("gc")
def sandbox_gc() -> None:
    """Remove containers that a killed run left behind."""
    from sandbox import reap

    removed = reap()
    print(f"{len(removed)} containers removed")


@app.command()
def doctor(
    config: Annotated[
        Path | None, typer.Argument(help="Check for this config; by default for all providers.")
    ] = None,
) -> None:
    """Check what a run needs, and say how to fix it."""
    from solver.checks.doctor import examine, print_findings

    raise typer.Exit(print_findings(examine(config)))


def _setting(text: str) -> tuple[str, str]:
    from solver.errors import ConfigError

    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--policy {text}: should be name=value, e.g. missing_unit=refuse")
    return name.strip(), value.strip()


def _existing(run: Path) -> Path:
    """The folder of a run that is there: only `solver run` begins one."""
    from solver.store import Store

    Store.open(run).close()
    return run


if __name__ == "__main__":
    main()
