"""Write a script for Slurm that runs a config in shards. It is printed, never submitted."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from solver.errors import ConfigError

SAVE_BEFORE = 120
"""Seconds before the time limit at which Slurm tells the workers to stop and save."""
MOST_JOBS = 100_000


@dataclass(frozen=True)
class Request:
    """What is asked of Slurm."""

    array: int
    """How many workers."""
    time: str | None = None
    partition: str | None = None
    gpus: str | None = None
    """For each worker."""
    extra: tuple[str, ...] = ()
    """More options of sbatch, each as one line, such as `--account=math`."""


def script(request: Request, command: Sequence[str], folder: Path) -> str:
    """Return the script. `command` is `solver run` without --shard, `folder` that of the run.

    Raises ConfigError where an option cannot stand on a line of its own.
    """
    if not 1 <= request.array <= MOST_JOBS:
        raise ConfigError(f"--array {request.array}: should be from 1 to {MOST_JOBS:,} workers")
    if not str(folder).isprintable():
        raise ConfigError(f"--runs {str(folder)!r}: cannot stand in a script")
    name = re.sub(r"[^\w.-]+", "-", f"solver-{folder.name}")
    asked = {"--time": request.time, "--partition": request.partition, "--gpus": request.gpus}
    lines = [
        f"--job-name={name}",
        f"--array=0-{request.array - 1}",
        f"--output={name}-%A_%a.log",
        "--open-mode=append",
        f"--signal=TERM@{SAVE_BEFORE}",
        *(f"{option}={_word(option, value)}" for option, value in asked.items() if value),
        *map(_extra, request.extra),
    ]
    run = shlex.join(["solver", "run", *command, "--shard", "auto"])
    merge = shlex.join(["solver", "merge", str(folder)])
    return "\n".join(
        (
            "#!/bin/bash",
            f"# {request.array} workers, each of which does a part of {shlex.quote(str(folder))}.",
            "# Submit this file from the folder in which it was printed, then the merge:",
            "#   job=$(sbatch --parsable FILE)",
            f"#   sbatch --dependency=afterany:${{job%%;*}} --job-name={name}-merge \\",
            f"#     --output={name}-merge-%j.log --wrap={shlex.quote(merge)}",
            "# What is not done at the time limit is saved; submitting it again goes on.",
            *(f"#SBATCH {line}" for line in lines),
            "",
            "# Activate the environment that has `solver` here, if the login shell does not.",
            "# A worker writes on its node's own disk: $SOLVER_SCRATCH, $SLURM_TMPDIR or $TMPDIR.",
            f"srun {run}",
            "",
        )
    )


def _word(option: str, value: str) -> str:
    """Return a value that stays one word. Raises ConfigError for another."""
    if not re.fullmatch(r"[\w.:,@%=+/-]+", value, re.ASCII):
        raise ConfigError(f"{option} {value!r}: should be one word, as sbatch takes it")
    return value


def _extra(option: str) -> str:
    """Return an option of sbatch as it was given. Raises ConfigError where it is none."""
    if not re.match(r"--?[a-zA-Z]", option) or not option.isprintable():
        raise ConfigError(
            f"--sbatch {option!r}: should be an option of sbatch, e.g. --account=math"
        )
    return option
