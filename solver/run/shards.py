"""Divide a run among workers: which shard a process is, and which trials that shard owns."""

import hashlib
import os
import re
import socket
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from solver.config import Config
from solver.errors import ConfigError
from solver.records import Problem
from solver.run.tasks import Cannot, Task, tasks_of, trials_of_arms


@dataclass(frozen=True)
class Shard:
    """One of so many equal parts of a run."""

    number: int
    """From 1."""
    of: int

    @property
    def name(self) -> str:
        """Return the name of its folder, such as `3-of-8`."""
        return f"{self.number}-of-{self.of}"

    def __str__(self) -> str:
        """Name it as `--shard` does."""
        return f"{self.number}/{self.of}"

    def owns(self, key: str) -> bool:
        """Tell whether a trial is one of its own: sha256(key) mod n is the number less 1."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        return int(digest, 16) % self.of == self.number - 1


@dataclass(frozen=True)
class Share:
    """The trials that this process does: all, or those of one shard that are done nowhere else."""

    shard: Shard | None = None
    elsewhere: frozenset[str] = field(default_factory=frozenset)
    """Keys of trials that other shards or the merged run have finished."""

    def facts(self) -> dict[str, Any]:
        """Return what a session of the run stores of it: nothing where it is all of the run."""
        return {"shard": str(self.shard), "host": socket.gethostname()} if self.shard else {}

    def of(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """Yield the tasks among these that are to be done here, or were."""
        shard = self.shard
        if shard is None:
            yield from tasks
            return
        for task in tasks:
            if task.key not in self.elsewhere and shard.owns(task.key):
                yield task

    def trials_of_arms(
        self, config: Config, problems: Sequence[Problem], cannot: Cannot
    ) -> Mapping[tuple[str, str], int]:
        """Count the trials of each model and mode that are to be done here, or were."""
        if self.shard is None:
            return trials_of_arms(config, problems, cannot)
        return Counter((t.model, t.mode) for t in self.of(tasks_of(config, problems, cannot)))


ALL = Share()
"""All trials of a run."""


def shard_of(text: str, environment: Mapping[str, str] = os.environ) -> Shard:
    """Return the shard that `--shard` names: `3/8`, or `auto` to read it from the environment.

    `auto` combines a Slurm array (SLURM_ARRAY_TASK_ID, _COUNT, _MIN, _MAX, _STEP) with the tasks of
    each of its jobs (SLURM_PROCID, SLURM_NTASKS); else it takes JOB_COMPLETION_INDEX of Kubernetes
    and, as the pod is not told how many there are, SOLVER_SHARDS. Raises ConfigError where neither
    is set, or what is set makes no shard.
    """
    if text != "auto":
        found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text.strip())
        return _checked(int(found[1]), int(found[2]), text) if found else _checked(0, 0, text)
    array, task = "SLURM_ARRAY_TASK_ID" in environment, "SLURM_PROCID" in environment
    if array or task:
        index, of = _of_array(environment) if array else (0, 1)
        if task:
            process, tasks = (
                _number(f"SLURM_{name}", environment) for name in ("PROCID", "NTASKS")
            )
            if process >= tasks:
                raise ConfigError(
                    f"--shard auto: SLURM_PROCID is {process} of SLURM_NTASKS {tasks}; give --shard"
                    " K/N"
                )
            index, of = index * tasks + process, of * tasks
        return _checked(index + 1, of, "auto")
    if "JOB_COMPLETION_INDEX" not in environment:
        raise ConfigError(
            "--shard auto: neither SLURM_ARRAY_TASK_ID, SLURM_PROCID nor JOB_COMPLETION_INDEX is"
            " set; give --shard K/N"
        )
    index = _number("JOB_COMPLETION_INDEX", environment)
    if "SOLVER_SHARDS" not in environment:
        raise ConfigError(
            f"--shard auto: JOB_COMPLETION_INDEX is {index}, but of how many? Set SOLVER_SHARDS to"
            f" the job's `completions` in the pod's env, or give --shard {index + 1}/N"
        )
    return _checked(index + 1, _number("SOLVER_SHARDS", environment), "auto")


def _of_array(environment: Mapping[str, str]) -> tuple[int, int]:
    """Return the index from 0 of a job in its Slurm array, and how many jobs the array has."""
    task = _number("SLURM_ARRAY_TASK_ID", environment)
    count = _number("SLURM_ARRAY_TASK_COUNT", environment)
    first = _number("SLURM_ARRAY_TASK_MIN", environment, "0")
    step = max(1, _number("SLURM_ARRAY_TASK_STEP", environment, "1"))
    last = _number("SLURM_ARRAY_TASK_MAX", environment, str(first + (count - 1) * step))
    index, rest = divmod(task - first, step)
    if rest or not 0 <= index < count or (last - first) // step + 1 != count:
        raise ConfigError(
            f"--shard auto: task {task} of the {count} from {first} to {last} of this Slurm array"
            f" is none of a range with steps of {step}; give --shard K/N, or submit a range"
        )
    return index, count


def _number(name: str, environment: Mapping[str, str], otherwise: str | None = None) -> int:
    """Return a number from the environment. Raises ConfigError where it is none."""
    text = environment.get(name, otherwise)
    if text is None or not re.fullmatch(r"\d{1,9}", text):
        found = "is not set" if text is None else f"is {text!r}, which is no number"
        raise ConfigError(f"--shard auto: {name} {found}; give --shard K/N")
    return int(text)


def _checked(number: int, of: int, text: str) -> Shard:
    """Return a shard. Raises ConfigError where there is none with that number."""
    if not 1 <= number <= of:
        what = f" is shard {number}/{of}" if text == "auto" else ""
        raise ConfigError(
            f"--shard {text}{what}: should be K/N with K from 1 to N, such as 3/8, or auto"
        )
    return Shard(number, of)
