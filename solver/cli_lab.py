"""The commands of the contamination lab: variants, probes and what they found."""

from pathlib import Path
from typing import Annotated

import typer

from solver.cli_options import (
    SANDBOXES,
    DryRunOption,
    JsonOption,
    ModelsOption,
    NameOption,
    RunPath,
    RunsOption,
    VerboseOption,
    given_of,
)
from solver.cli_output import drawn

lab = typer.Typer()


@lab.command()
def probe(
    config: Annotated[Path, typer.Argument(help="A YAML file, e.g. configs/probe.yaml.")],
    model: ModelsOption = None,
    limit: Annotated[
        int | None, typer.Option(help="At most so many originals; controls are as many a set.")
    ] = None,
    name: NameOption = None,
    runs: RunsOption = Path("runs"),
    dry_run: DryRunOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Probe whether a model remembers problems instead of solving them.

    The config is that of a run, with `probes` and `control`. The same command resumes, as with
    `solver run`, and the exit codes are the same; `solver contamination` prints what was found.
    """
    from solver.contamination.probe import prepare_probe
    from solver.run.dry import dry
    from solver.run.start import execute

    given = given_of(model=model or None, limit=limit)
    job = prepare_probe(config, given, name=name, runs=runs)
    raise typer.Exit(dry(job) if dry_run else execute(job, verbose=verbose))


@lab.command()
def contamination(run: RunPath, json: JsonOption = False) -> None:
    """Show whether a probed model remembers problems, with the floor beside each number.

    The run is one of `solver probe`. The page of `solver report` has the same tables.
    """
    from solver.report.runs import stored_run
    from solver.report.show import show_contamination
    from solver.store import Store

    stored = stored_run(Store.open(run))
    show_contamination(stored, draw=drawn(json, stored))


@lab.command()
def vary(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="starter, or folders of runs whose programs to use.", metavar="SOURCE..."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A .jsonl file for the variants.")
    ] = Path("variants.jsonl"),
    draws: Annotated[int, typer.Option(min=1, help="Variants of each problem, at most.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other numbers.")] = 0,
    agree: Annotated[
        int, typer.Option(min=1, help="From runs: so many programs of a problem must agree.")
    ] = 2,
    sandbox: Annotated[str, typer.Option(help=SANDBOXES)] = "auto",
) -> None:
    """Make variants of problems: the same words with other numbers, and their exact answers.

    `starter` draws from hand-written templates. Runs give the programs of their correct trials; the
    steps that problems pass, and why others are left out, are printed, and each rejected problem is
    written to OUTPUT.rejected.jsonl. Read the printed sample before you rely on a file: a variant
    that is badly posed looks like a sign of memory.
    """
    from solver.contamination.shown import show_funnel, show_templates
    from solver.contamination.vary import solved_in, vary, write_rejections, write_variants
    from solver.problems import starter_variants

    if sources == ["starter"]:
        found = starter_variants(seed, draws)
        write_variants(output, found.problems)
        show_templates(found.problems, output)
        return
    solved = solved_in([Path(source) for source in sources])
    funnel = vary(solved, wanted=draws, seed=seed, agree=agree, sandbox=sandbox)
    write_variants(output, funnel.variants)
    rejected = output.with_suffix(".rejected.jsonl")
    write_rejections(rejected, funnel.rejections)
    show_funnel(funnel, output, rejected)
    raise typer.Exit(0 if funnel.variants else 1)
