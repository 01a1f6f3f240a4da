"""The commands: each parses its arguments, calls one function and prints the result.

Slow imports are inside the commands, so that `--help` is quick.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from solver import __version__
from solver.cli_bridges import bridges
from solver.cli_checks import checks, judge_app, sandbox_app
from solver.cli_configs import configs
from solver.cli_lab import lab
from solver.cli_options import (
    SANDBOXES,
    DryRunOption,
    JsonOption,
    JudgeOption,
    LimitOption,
    ModelsOption,
    NameOption,
    OnOption,
    ProblemsOption,
    RepeatsOption,
    RunPath,
    RunsOption,
    SetOption,
    ShardOption,
    VerboseOption,
    given_of,
)
from solver.cli_output import (
    UsageError,
    drawn,
    drop_output,
    is_of_output,
    is_of_pipe,
    take_any_encoding,
    told,
)
from solver.cli_pages import pages
from solver.cli_scale import scale
from solver.cli_sets import sets
from solver.cli_surroundings import forget_variables, open_streams, require_folder

app = typer.Typer(
    name="solver",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Measure how well language models solve mathematics by writing Python.\n\n"
    "Start with `solver run --model ollama/NAME`, or `solver demo`: no key, no GPU, no Docker.",
)
app.add_typer(pages)
app.add_typer(configs)
app.add_typer(checks)
app.add_typer(bridges)
app.add_typer(sets)
app.add_typer(lab)
app.add_typer(scale)
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(judge_app, name="judge")

Until = Annotated[
    float | None,
    typer.Option(
        min=1,
        max=100,
        help="End early: look every 35 problems whether all differences between two arms are known"
        " to ± so many points, at two looks in a row.",
    ),
]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"solver {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that stand before any command."""


def main() -> None:
    """Run the command line; the user's mistakes are one line on stderr and exit code 2."""
    open_streams()
    take_any_encoding()
    forget_variables()
    try:
        try:
            require_folder()
            code = app(prog_name="solver", standalone_mode=False)
        finally:
            sys.stdout.flush()  # here, where a full disk can still be told
    except (BrokenPipeError, SystemExit) as end:
        if not is_of_pipe(end):
            raise
        sys.stderr.close()  # the reader of a pipe, such as `head`, has closed it
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
    except UsageError as mistake:
        print(told(mistake), file=sys.stderr)
        sys.exit(2)
    except Exception as failure:
        if is_of_output(failure):
            failure = drop_output(failure)
        elif not isinstance(failure, _explained()):
            raise  # a bug keeps its traceback
        from solver.text import plain

        print(f"solver: {plain(str(failure))}", file=sys.stderr)
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


def _explained() -> tuple[type[Exception], ...]:
    """Return the failures whose message is for the user. Imported now: `--help` must be quick."""
    from judge import JudgeError
    from sandbox import SandboxError
    from solver.errors import ConfigError, ModelError, StoreError

    return ConfigError, StoreError, ModelError, SandboxError, JudgeError


@app.command()
def run(
    config: Annotated[
        Path | None,
        typer.Argument(help="A YAML file, or the name of a shipped config; by default `first`."),
    ] = None,
    model: ModelsOption = None,
    problems: ProblemsOption = None,
    mode: Annotated[
        str | None, typer.Option(help="One mode or several: code,cot compares the two.")
    ] = None,
    limit: LimitOption = None,
    repeats: RepeatsOption = None,
    sandbox: Annotated[str | None, typer.Option(help=SANDBOXES)] = None,
    judge: JudgeOption = None,
    until: Until = None,
    set_: SetOption = None,
    name: NameOption = None,
    runs: RunsOption = Path("runs"),
    on: OnOption = None,
    shard: ShardOption = None,
    dry_run: DryRunOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Run a benchmark; the same command again resumes it.

    With a model alone, programs are compared with words on seven problems, in a minute or two.
    Ctrl-C finishes the requests in flight, also those of the nodes of --on, saves and prints the
    table so far (exit code 130); a second Ctrl-C stops at once. Exit code 0: no trial ended with an
    error of ours; 1: some did, and the same command tries them again; 2: something is to set right.
    """
    from solver.run.dry import dry
    from solver.run.shards import shard_of
    from solver.run.start import config_to_run, prepare
    from solver.scale.going import go

    given = given_of(
        model=model or None, problems=problems, mode=mode, limit=limit, repeats=repeats,
        sandbox=sandbox, judge=judge,
    )  # fmt: skip
    path = config_to_run(config, model)
    part = shard_of(shard) if shard is not None else None
    points = until and until / 100
    job = prepare(path, given, set_ or (), name=name, runs=runs, until=points, shard=part)
    raise typer.Exit(dry(job) if dry_run else go(job, on=on, verbose=verbose))


@app.command()
def show(
    run: RunPath,
    problem: Annotated[
        str | None, typer.Option(help="Show the whole trials of this problem.")
    ] = None,
    mode: Annotated[str | None, typer.Option(help="With --problem: only this mode.")] = None,
    repeat: Annotated[int | None, typer.Option(help="With --problem: only this repeat.")] = None,
    greedy: Annotated[
        Path | None, typer.Option(help="A run at temperature 0, shown next to the repeats.")
    ] = None,
    every_k: Annotated[
        bool,
        typer.Option("--every-k", help="Show Pass@k etc. for every k, not only powers of two."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Print a run's tables again, or the whole trials of one problem."""
    from solver.errors import ConfigError
    from solver.report.runs import runs_of
    from solver.report.show import show_run
    from solver.report.trial import show_problem
    from solver.store import Store

    store = Store.open(run)
    if problem is None:
        shown, *once = runs_of([store, *([Store.open(greedy)] if greedy else [])])
        draw = drawn(json, shown, *once)
        show_run(shown, greedy=once[0] if once else None, every_k=every_k, draw=draw)
    elif json:
        raise ConfigError(
            "--json is of tables; `solver export RUN --format jsonl` writes whole trials"
        )
    else:
        show_problem(store, problem, mode=mode, repeat=repeat)


@app.command()
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(help="One run, to compare its modes and models; or several runs."),
    ],
    json: JsonOption = False,
) -> None:
    """Compare runs, models or modes, problem by problem.

    Runs of one model in several quantisations or on several servers are also put on a ladder, each
    against the most precise. Runs whose problems or scoring differ are refused, with what differs.
    """
    from solver.analysis.comparable import remarks
    from solver.analysis.compare import apart, compare_runs
    from solver.analysis.ladder import ladders
    from solver.report.runs import runs_of
    from solver.report.show import show_comparisons
    from solver.store import Store
    from solver.store.reading import require_distinct

    require_distinct(runs)
    stored = runs_of([Store.open(run) for run in runs])
    read = [run.compared for run in stored]
    found = compare_runs(read)
    rungs, notes = [*ladders(read, found)], remarks(read)
    show_comparisons(
        found,
        notes,
        missing=apart(read),
        folders={each.name: run for each, run in zip(read, runs, strict=True)},
        rungs=rungs,
        draw=drawn(json, *stored),
    )


@app.command()
def failures(
    run: RunPath,
    domain: Annotated[str | None, typer.Option(help="Only this domain.")] = None,
    level: Annotated[int | None, typer.Option(help="Only this level.")] = None,
    model: Annotated[str | None, typer.Option(help="Only this model.")] = None,
    mode: Annotated[str | None, typer.Option(help="Only this mode.")] = None,
    json: JsonOption = False,
) -> None:
    """Show why trials failed, and what retries gained.

    Outcomes, exceptions, retries, truncated replies, refused programs, overlooked answers.
    """
    from solver.analysis.failures import failures_of
    from solver.report.runs import stored_run
    from solver.report.show import show_failures
    from solver.store import Store

    store = Store.open(run)
    stored = stored_run(store)
    found = failures_of(store, stored.trials, domain=domain, level=level, model=model, mode=mode)
    show_failures(found, folder=run, draw=drawn(json, stored))


@app.command()
def cost(
    run: RunPath,
    prices: Annotated[
        Path | None, typer.Option(help="A YAML file whose prices go over the shipped ones.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show tokens, seconds and money, per correct answer."""
    from solver.analysis.cost import costs, load_prices
    from solver.report.runs import stored_run
    from solver.report.show import show_costs
    from solver.store import Store

    stored = stored_run(Store.open(run))
    found = costs(stored.trials, load_prices(prices))
    show_costs(found, folder=run, draw=drawn(json, stored))


@app.command()
def plan(
    config: Annotated[Path, typer.Argument(help="A YAML file, as for `solver run`.")],
    problems: ProblemsOption = None,
    limit: LimitOption = None,
    repeats: RepeatsOption = None,
    set_: SetOption = None,
    like: Annotated[
        Path | None, typer.Option(help="An earlier, smaller run to estimate from.")
    ] = None,
    points: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=100,
            help="With --like: count the problems needed to see such a difference.",
        ),
    ] = 5,
    prices: Annotated[
        Path | None, typer.Option(help="A YAML file whose prices go over the shipped ones.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show what a run would take, and what it could show."""
    from solver.analysis.cost import load_prices
    from solver.analysis.plan import plan_run
    from solver.report.runs import stored_run
    from solver.report.show import show_plan
    from solver.run.start import prepare
    from solver.store import Store

    given = given_of(problems=problems, limit=limit, repeats=repeats)
    job = prepare(config, given, set_ or (), name=None, runs=Path("runs"))
    pilot = stored_run(Store.open(like)) if like else None
    found = plan_run(
        job.config,
        job.problems,
        load_prices(prices),
        pilot=pilot.compared if pilot else None,
        pilot_sessions=pilot.sessions if pilot else (),
        points=points / 100,
    )
    show_plan(found, draw=drawn(json, *([pilot] if pilot else [])))


if __name__ == "__main__":
    main()
