"""The commands that write reports and figures, and that serve the local page."""

from pathlib import Path
from typing import Annotated

import typer

from solver.cli_options import RunPaths

pages = typer.Typer()


@pages.command()
def report(
    runs: RunPaths,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A file, or with --tables a folder; see below."),
    ] = None,
    tables: Annotated[
        str | None, typer.Option(help="Write the tables instead, as md, latex or csv.")
    ] = None,
    with_trials: Annotated[
        bool,
        typer.Option(
            "--with-trials", help="Put whole trials on the page: failures, and where modes differ."
        ),
    ] = False,
) -> None:
    """Write a report of one or more runs, as one HTML page or as tables.

    By default it is written to report.html in the first run, with --tables to its folder tables.
    """
    from solver.report import write_report, write_tables

    if tables is None:
        print(write_report(runs, output, with_trials=with_trials))
    else:
        for path in write_tables(runs, tables, output):
            print(path)


@pages.command()
def view(
    runs: Annotated[
        Path, typer.Argument(help="A folder of runs, or one run.", metavar="[RUNS]")
    ] = Path("runs"),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes any free one.")
    ] = 8642,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Do not open a browser; only print the address.")
    ] = False,
    bundle: Annotated[
        Path | None,
        typer.Option(help="Write a folder of pages that anyone can open, and serve nothing."),
    ] = None,
    filter: Annotated[
        str, typer.Option(help="With --bundle: the trials, as in 'outcome:wrong level:>=4'.")
    ] = "",
) -> None:
    """Browse runs and their trials in a local page."""
    if bundle is not None:
        from solver.view.bundle import write_bundle

        found = write_bundle(runs, bundle, filter)
        print(f"{bundle / 'index.html'}: {found:,} trial{'s' * (found != 1)}")
        return
    from solver.view.server import serve

    serve(runs, port=port, open_browser=not no_open)


@pages.command()
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
