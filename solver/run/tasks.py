"""List the trials of a run, each with the key under which it is stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from solver.config import Config
from solver.models import provider_of_model, template_identity
from solver.modes import identity
from solver.records import Problem, digest


@dataclass(frozen=True)
class Task:
    """One trial to do."""

    key: str
    problem: Problem
    model: str
    mode: str
    repeat: int
    seed: int
    max_tokens: int
    """The cap on one reply."""

    def __str__(self) -> str:
        """Name the trial as the log does."""
        return f"{self.problem.id} · {self.model} · {self.mode} · repeat {self.repeat}"


def tasks_of(config: Config, problems: Sequence[Problem]) -> Iterator[Task]:
    """Yield every trial of a run, in the order they are done: by model, repeat, problem, mode.

    All modes and models use the same seed for the same problem and repeat, since their results are
    compared pair by pair.
    """
    for model in config.model:
        sampling = config.sampling_of(model).measured()
        options = provider_of_model(model.name).decisive(config.provider_options(model))
        options |= template_identity(model.template)
        hashes = {mode.name: identity(mode, config) for mode in config.running}
        for repeat in range(config.repeats):
            for problem in problems:
                seed = int(digest([config.seed, problem.hash, repeat])[:7], 16)
                for mode, hash_ in hashes.items():
                    asked = [problem.id, problem.hash, model.name, options]
                    key = digest([*asked, mode, hash_, sampling, repeat, seed])
                    yield Task(key, problem, model.name, mode, repeat, seed, sampling["max_tokens"])


def trials_of(config: Config, problems: Sequence[Problem]) -> int:
    """Count the trials of a run."""
    return len(config.model) * config.repeats * len(problems) * len(config.running)
