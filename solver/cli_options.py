"""The arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated, Any

import typer

RunPath = Annotated[
    Path, typer.Argument(help="A run's folder, e.g. runs/quickstart.", metavar="RUN")
]
RunPaths = Annotated[
    list[Path], typer.Argument(help="Folders of runs, e.g. runs/quickstart.", metavar="RUN...")
]
ProblemsOption = Annotated[str | None, typer.Option(help="A set's name, or a .jsonl or .csv file.")]
LimitOption = Annotated[
    int | None, typer.Option(help="At most so many problems, spread over domains and levels.")
]
RepeatsOption = Annotated[int | None, typer.Option(help="Independent trials a problem.")]
JudgeOption = Annotated[
    str | None, typer.Option(help="provider/name of the judge's model, or `rules`.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY.PATH=VALUE",
        help="Any key of the config, e.g. sampling.temperature=0.7; may be given more than once.",
    ),
]
ModelsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model", help="provider/name, instead of the config's; may be given more than once."
    ),
]
SANDBOXES = "auto, docker, docker-strict, native, or reduced."
NameOption = Annotated[
    str | None, typer.Option(help="The run's name; by default made of config and overrides.")
]
RunsOption = Annotated[Path, typer.Option(help="Where runs are kept.")]
OnOption = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="ray|ray://HOST:PORT",
        help="Do the trials on every node of a Ray cluster: ray is the one that runs here, or else"
        " this machine. Each node builds its own sandbox, judge and connections.",
    ),
]
DryRunOption = Annotated[
    bool,
    typer.Option("--dry-run", help="Show the first prompt, the counts and what is missing."),
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print the run's log as it is written.")
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        metavar="K/N",
        help="Do only this part of the trials, next to other workers, e.g. 3/8; auto takes it from"
        " a Slurm array, srun's tasks or Kubernetes. Then `solver merge RUN`.",
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option(
        "--json",
        help='Print JSON instead: {"solver": version, "runs": [{"name", "path", "state",'
        ' "solver", "trials": {"ended", "planned"}, "arms": [{"arm", "model", "mode", "problems",'
        ' "trials", "unscored", "correct", "accuracy", "interval", "accuracy_of_all",'
        ' "interval_of_all", "interval_on_these_problems", "run_to_run", "outcomes"}]}],'
        ' "sections": [{"name", "title", "words", "tables": [{"name", "title", "columns":'
        ' [{"title", "kind", "minor"}], "rows", "note"}], "items",'
        ' "facts": [{"name", "text"}], "to_read"}]}. Numbers have all digits; shares and chances'
        " are from 0 to 1, points are differences of shares, an interval is [low, high], null is"
        " missing; a narrow terminal leaves minor columns out.",
    ),
]


def given_of(**options: Any) -> dict[str, Any]:
    """Return the options that were given on the command line."""
    return {name: value for name, value in options.items() if value is not None}
