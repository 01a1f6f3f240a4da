"""The commands for runs on many machines."""

import typer

from solver.cli_options import RunPath

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
