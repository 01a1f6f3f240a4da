"""The commands on problem sets and prompts, and on what was published with them."""

from pathlib import Path
from typing import Annotated

import typer

from solver.cli_options import JsonOption, RunPath
from solver.cli_output import drawn

sets = typer.Typer()


@sets.command()
def problems(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Sets or files to load and check; without any, all sets are listed."),
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", help="A local copy of the one set that is named.")
    ] = None,
) -> None:
    """List the problem sets, or load some and check them.

    A set that is named is fetched, or read from --file, and compared with what was published. Its
    domains and levels are counted, and every reference is graded against itself: those that the
    rules cannot read are named, with the reason.
    """
    from solver.checks.listed import show_checked_set, show_sets
    from solver.problems import load_sets
    from solver.problems.known import known_sets
    from solver.run.references import check_references

    if not names:
        show_sets([*known_sets().values()])
        return
    for name in names:
        found = load_sets([name], {name: file} if file is not None else {})
        show_checked_set(found, check_references(found.problems))


@sets.command()
def prompts(
    name: Annotated[
        str | None, typer.Argument(help="MODE or MODE@PROMPT, to see the texts.")
    ] = None,
) -> None:
    """List the prompts that ship, or show the texts of one.

    A run asks with one by `prompts: {cot: NAME}`, or beside the mode's own by `mode: cot,cot@NAME`.
    A .yaml file in the form shown is a prompt, too.
    """
    from solver.checks.listed import show_prompt, show_prompts
    from solver.modes import prompt_named

    if name is None:
        show_prompts()
    else:
        show_prompt(name, prompt_named(name))


@sets.command()
def against(
    run: RunPath,
    scores: Annotated[
        Path | None,
        typer.Option(help="A CSV file with model, set and score (percent), beside those shipped."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The model's published name, if the run's is another.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show published scores beside the run's, and which settings differ.

    For each model and set of the run: the difference with the interval of ours, whether the
    published score lies inside, and each setting that differs or may, with what it is worth where
    the run can tell: replies that were cut, answers that were overlooked, verdicts, wordings.
    """
    from solver.report.runs import stored_run
    from solver.report.show import show_against
    from solver.store import Store

    stored = stored_run(Store.open(run))
    show_against(stored, scores=scores, model=model, draw=drawn(json, stored))
