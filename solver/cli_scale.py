"""The commands for runs on many machines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from solver.cli_options import RunPath, given_of

scale = typer.Typer()


@scale.command()
def merge(run: RunPath) -> None:
    """Merge the shards of a run into its own file; doing it again changes nothing.

    Shards are made by `solver run CONFIG --shard K/N`. Refused, with the difference, is a shard of
    another config, other prompts, problems or weights. The shards stay, so their workers can go on
    and be merged again; when all is done, the run's folder `shards` may be deleted. Every command
    that reads a run also reads it before the merge.
    """
    from solver.scale.merge import merge as merge_shards
    from solver.scale.merge import told
    from solver.text import say

    for line in told(run, merge_shards(run)):
        say(line)


@scale.command(context_settings={"ignore_unknown_options": True})
def sbatch(
    ctx: typer.Context,
    array: Annotated[int, typer.Option(help="How many workers share the run.")],
    config: Annotated[Path, typer.Argument(help="A YAML file, as for `solver run`.")],
    run_options: Annotated[
        list[str] | None,
        typer.Argument(help="Options of `solver run`, e.g. --model ollama/NAME.", metavar="[...]"),
    ] = None,
    time: Annotated[str | None, typer.Option(help="Time limit of a worker, e.g. 04:00:00.")] = None,
    partition: Annotated[str | None, typer.Option(help="Slurm's partition.")] = None,
    gpus: Annotated[str | None, typer.Option(help="GPUs of each worker, e.g. 1 or a100:2.")] = None,
    extra: Annotated[
        list[str] | None,
        typer.Option(
            "--sbatch", metavar="OPTION", help="More for sbatch, e.g. --sbatch=--account=math."
        ),
    ] = None,
) -> None:
    """Print a script for Slurm that does a run in an array of jobs; nothing is submitted.

    solver sbatch CONFIG --array 8 --time 04:00:00 --partition gpu --gpus 1 > run.sbatch. Read it,
    then `sbatch run.sbatch`; its first lines say how to submit the merge after it. Options that are
    not listed here are passed to `solver run`. Two minutes before the time limit the workers stop
    and save; submitting the script again goes on.
    """
    from solver.scale.sbatch import Request, script
    from solver.text import say

    given = [str(config), *(run_options or ())]
    folder = _folder_of_run(ctx, given)
    request = Request(array, time, partition, gpus, tuple(extra or ()))
    print(script(request, given, folder), end="")
    say(f"to read first; the run will be in {folder}", error=True)


def _folder_of_run(ctx: typer.Context, given: Sequence[str]) -> Path:
    """Return the folder of the run that `solver run` makes of these arguments, and check them."""
    from solver.errors import ConfigError
    from solver.run.start import config_to_run, prepare

    root = ctx.find_root()
    asked = root.command.commands["run"].make_context("run", list(given), parent=root).params  # type: ignore[attr-defined]
    for name in ("shard", "until", "dry_run"):
        if asked.pop(name):
            raise ConfigError(f"--{name.replace('_', '-')} does not go with `solver sbatch`")
    config, run, runs = asked.pop("config"), asked.pop("name"), asked.pop("runs")
    changes, _ = asked.pop("set_"), asked.pop("verbose")
    asked["model"] = asked["model"] or None
    path = config_to_run(config and Path(config), asked["model"])
    return prepare(path, given_of(**asked), changes or (), name=run, runs=Path(runs)).folder
