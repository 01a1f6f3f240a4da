"""List the trials of a run, each with the key under which it is stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from solver.config import Config
from solver.models import provider_of_model, template_identity
from solver.modes import identity
from solver.records import Problem, Reply, Turn, digest_of_text, json_text


class Task(NamedTuple):
    """One trial to do; a tuple, since a run makes millions of them before its first request."""

    key: str
    problem: Problem
    model: str
    mode: str
    repeat: int
    seed: int
    max_tokens: int
    """The cap on one reply."""
    greedy: bool
    """The temperature is 0."""

    def __str__(self) -> str:
        """Name the trial as the log does."""
        return f"{self.problem.id} · {self.model} · {self.mode} · repeat {self.repeat}"


@dataclass(frozen=True)
class Todo:
    """One trial to do, and what an earlier start of the command stored of it."""

    task: Task
    turns: tuple[Turn, ...] = ()
    reply: Reply | None = None
    """The reply of the turn after these, where it arrived and its program has yet to run."""


Cannot = Mapping[str, Mapping[str, str]]
"""Why a model is left out of a mode, by model and mode."""


def tasks_of(
    config: Config,
    problems: Sequence[Problem],
    cannot: Cannot = MappingProxyType({}),
    *,
    only: str | None = None,
) -> Iterator[Task]:
    """Yield every trial of a run, in the order they are done: by model, repeat, problem, mode.

    All modes and models use the same seed for the same problem and repeat, since their results are
    compared pair by pair. Those that `cannot` names are left out, and all but those of the model
    `only`, if one is named.
    """
    for model in config.model:
        if only not in (None, model.name):
            continue
        sampling = config.sampling_of(model).measured()
        options = provider_of_model(model.name).decisive(config.provider_options(model))
        options |= template_identity(model.template)
        out = cannot.get(model.name, {})
        hashes = {m.name: identity(m, config) for m in config.running if m.name not in out}
        repeats = {mode.name: mode.repeats(config) for mode in config.running}
        most, greedy = sampling["max_tokens"], sampling["temperature"] == 0
        begun = [_begun(problem, config.seed, model.name, options) for problem in problems]
        of_mode = {mode: json_text([mode, hash_, sampling])[1:-1] for mode, hash_ in hashes.items()}
        for repeat in range(max(repeats.values(), default=0)):
            for problem, (of_seed, of_key) in zip(problems, begun, strict=True):
                seed = int(digest_of_text(f"{of_seed},{repeat}]")[:7], 16)
                for mode, settings in of_mode.items():
                    if repeat < repeats[mode]:
                        key = digest_of_text(f"{of_key},{settings},{repeat},{seed}]")
                        yield Task(key, problem, model.name, mode, repeat, seed, most, greedy)


def _begun(problem: Problem, seed: int, model: str, options: object) -> tuple[str, str]:
    """Return the JSON with which the seeds and the keys of a problem's trials begin.

    It is the same for all of them, and writing it anew for each took most of the time.
    """
    hash_ = problem.hash
    of_key = json_text([problem.id, hash_, model, options])
    return json_text([seed, hash_])[:-1], of_key[:-1]


def trials_of_arms(
    config: Config, problems: Sequence[Problem], cannot: Cannot = MappingProxyType({})
) -> dict[tuple[str, str], int]:
    """Count the trials of each model and mode of a run, without those that `cannot` names."""
    return {
        (model.name, mode.name): mode.repeats(config) * len(problems)
        for model in config.model
        for mode in config.running
        if mode.name not in cannot.get(model.name, {})
    }


def trials_of(
    config: Config, problems: Sequence[Problem], cannot: Cannot = MappingProxyType({})
) -> int:
    """Count the trials of a run, without those that `cannot` names."""
    return sum(trials_of_arms(config, problems, cannot).values())
