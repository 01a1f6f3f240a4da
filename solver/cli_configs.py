"""The commands around configs: write one, look keys up, and the demo."""

from pathlib import Path
from typing import Annotated

import typer

from solver.cli_options import RunsOption

configs = typer.Typer()


@configs.command()
def demo(
    runs: RunsOption = Path("runs"),
) -> None:
    """Run a small model on a few easy problems: no key, no GPU, no Docker.

    Programs against words, in two or three minutes on two cores; the same command resumes it.
    """
    from solver.checks.demo import run_demo

    raise typer.Exit(run_demo(runs))


@configs.command()
def init(
    purpose: Annotated[
        str, typer.Argument(help="first, compare, stability, paper, or a shipped config's name.")
    ] = "first",
    model: Annotated[
        str | None, typer.Option(help="provider/name of the model to put into it.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file; by default PURPOSE.yaml here.")
    ] = None,
) -> None:
    """Write a config with comments, for you to change.

    first: a first look at a model. compare: programs against words on MATH-500. stability: 48
    repeats and G-Pass@k. paper: the ten models of arXiv 2501.17084.
    """
    from solver.config_start import start_config
    from solver.text import command

    path = start_config(purpose, model, output)
    print(f"{path}: change what you like (`solver config` explains every key), then:")
    print(f"  {command('run', path, '--dry-run')}   # what it would ask")
    print(f"  {command('run', path)}")


@configs.command()
def config(
    part: Annotated[
        str, typer.Argument(help="A key or the beginning of keys, e.g. sampling; or `outcomes`.")
    ] = "",
) -> None:
    """Explain every key of a config: type, default, meaning and an example."""
    from solver.errors import ConfigError
    from solver.reference import WIDTH, reference
    from solver.text import width_of_output

    text = reference(part, min(WIDTH, width_of_output() or WIDTH))
    if not text:
        raise ConfigError(f"no key begins with {part!r}; `solver config` lists them all")
    print(text.rstrip("\n"))
