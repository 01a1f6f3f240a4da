"""The commands that bring runs to other tools, and other tools' logs here."""

from pathlib import Path
from typing import Annotated, Any

import typer

from solver.cli_options import RunPath, RunsOption

bridges = typer.Typer()

NoFormulas = Annotated[
    bool,
    typer.Option(
        "--no-formulas", help="With csv: an apostrophe before texts a spreadsheet would run."
    ),
]
Light = Annotated[
    bool,
    typer.Option(
        "--light", help="With parquet: what tables are made of, in seconds for a million trials."
    ),
]


@bridges.command()
def export(
    run: RunPath,
    format: Annotated[
        str,
        typer.Option(
            help="jsonl (all texts), csv or parquet (a row per trial), sft or rft (training data),"
            " inspect or lm-eval (logs), eval-results (for the model's page on the hub)."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A file, or a folder for the last three."),
    ] = None,
    per_problem: Annotated[
        int, typer.Option(help="With sft and rft: at most so many trials of a problem.")
    ] = 4,
    no_formulas: NoFormulas = False,
    light: Light = False,
    source: Annotated[
        str | None, typer.Option(help="With eval-results: where the run can be read.")
    ] = None,
) -> None:
    """Write a run's trials to a file, or as logs of other tools; by default inside the run.

    sft and rft write correct trials only, as chats: {"messages": [...], "metadata": {...}} a line.
    They leave out a trial whose program failed, and one whose program equals that of another trial
    but for comments, formatting and names; of too many trials, those that differ most are kept.

    sft writes the whole conversation, with feedback and outputs. A reply has weight 1 to be trained
    on, or 0 if its program failed or its answer was given up. rft writes the question, without
    worked examples, and the one reply that was right.

    inspect writes .eval logs, one for each model and mode, for `inspect view`. lm-eval writes
    samples and results; they hold a trial's last reply, and the answer of a program in the filter
    `solver`. `solver import` reads both again, with every outcome.
    """
    from solver.bridges.formats import export
    from solver.store import Store

    given: dict[str, Any] = {
        "per_problem": per_problem,
        "source": source,
        "no_formulas": no_formulas,
        "light": light,
    }
    for line in export(Store.open(run), format, output, **given):
        print(line)


@bridges.command("import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(help="Logs of one or several tools.", metavar="FILE...")
    ],
    problems: Annotated[
        str | None,
        typer.Option(
            help="Take questions, references, domains and levels from this set or file, by id or by"
            " the question in the prompt."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The run's name; by default that of the first file.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The model, for logs that do not name it.")
    ] = None,
    runs: RunsOption = Path("runs"),
) -> None:
    """Make a run of other tools' logs, and judge their replies by our rules; nothing is run again.

    Known are lm-eval samples_*.jsonl (from --log_samples), inspect .eval and .json, lighteval
    details_*.parquet, OpenCompass predictions and results, NeMo-Skills output*.jsonl, and JSONL
    with question, reference and reply on each line.

    The tables show where our judge changes the verdict of the tool's own scorers. Every command for
    runs works on the result, but `solver run` does not go on with it. Use --problems to compare
    logs of different tools on one set.
    """
    from solver.bridges.imports import import_logs
    from solver.problems import load
    from solver.report.runs import stored_run
    from solver.report.show import show_run
    from solver.run.start import checked_name
    from solver.store import Store

    folder = runs / checked_name(name or files[0].stem)
    import_logs(files, folder, problems=load(problems) if problems else None, model=model)
    show_run(stored_run(Store.open(folder)))


@bridges.command("lm-eval-path")
def lm_eval_path() -> None:
    """Print the folder of our tasks for lm-evaluation-harness.

    lm_eval --include_path "$(solver lm-eval-path)" --tasks solver_math500 … asks for our problem
    sets and grades with our judge. There are solver_starter, solver_math500, solver_math945,
    solver_math and solver_gsm8k, and of the first three groups by part: solver_math500_by_domain,
    solver_math500_by_level.
    """
    from solver.bridges.lm_eval_tasks import FOLDER

    print(FOLDER)
