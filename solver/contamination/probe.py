"""Prepare `solver probe`: a run of the originals, their variants and the controls.

It is run, stored, limited and resumed as any other run; what differs is which problems there are,
and that some modes show only a part of them.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from solver.config import Config
from solver.config_file import check_config
from solver.contamination.plan import Plan, read_plan
from solver.errors import ConfigError
from solver.problems import ProblemSet, calculations, join, load, load_sets, select
from solver.records import Problem
from solver.run.judging import policy_of
from solver.run.start import Job, copies_of, run_folder


def prepare_probe(path: Path, overrides: dict[str, Any], *, name: str | None, runs: Path) -> Job:
    """Read the config and the problems. Raises ConfigError for any mistake in them."""
    read = read_plan(path, overrides)
    config = check_config(read.content, source=str(path))
    policy_of(config.judge)
    folder = run_folder(path, overrides, name=name, runs=runs)
    originals = _part(config, load_sets(config.sets, copies_of(config)))
    if not originals.problems:
        raise ConfigError(f"{path}: no problem of {', '.join(config.sets)} is left")
    parts = [originals]
    chosen = {problem.id for problem in originals.problems}
    if read.plan.probes.variants is not None:
        parts.append(_variants(read.plan.probes.variants, chosen))
    controls = _controls(config, read.plan, chosen, also=parts)
    source = join([part for part in (*parts, *controls) if part.problems])
    after = read.plan.control.after if read.plan.control else None
    control = dict.fromkeys(problem.set for part in controls for problem in part.problems)
    facts = {"control": [*control], "after": after}
    return Job(config, source, _in_turn(source), folder, probe=facts)


def _part(config: Config, source: ProblemSet, share: int = 1) -> ProblemSet:
    """Return the selected problems of a set; with `share`, that part of the limit."""
    limit = None if config.limit is None else -(-config.limit // share)
    problems = [
        problem
        for problem in source.problems
        if not config.domains or problem.domain in config.domains
        if not config.levels or problem.level in config.levels
    ]
    chosen = select(problems, per_cell=config.per_cell, limit=limit)
    return ProblemSet(source.name, chosen, source.source)


def _variants(file: str, chosen: Collection[str]) -> ProblemSet:
    """Load variants, without those of problems that are not asked. Raises ConfigError."""
    found = load(file)
    if strange := next((p.id for p in found.problems if not p.variant_of), None):
        raise ConfigError(f"{file}: {strange} is a variant of no problem; give variant_of in each")
    kept = tuple(p for p in found.problems if p.variant_of in chosen)
    if not kept:
        raise ConfigError(
            f"{file}: holds no variant of the problems that are asked; make some of that set with"
            " `solver vary`"
        )
    return ProblemSet(found.name, kept, found.source)


def _controls(
    config: Config, plan: Plan, chosen: Collection[str], also: Collection[ProblemSet]
) -> list[ProblemSet]:
    """Load the controls: of a variant set the variants of what is asked, else as many problems.

    What is asked as an original or a variant already is left out, since it would count twice.
    """
    asked = {problem.words for part in also for problem in part.problems}
    names = list(plan.control.problems if plan.control else ())
    if plan.calculation is not None and "calculation" not in names:
        names.append("calculation")
    found = []
    for name in names:
        if name in config.sets or name in {part.name for part in also}:
            raise ConfigError(f"control.problems: {name} is asked already, so it is no control")
        if name == "calculation" and plan.calculation is not None:
            found.append(calculations(plan.calculation))
            continue
        loaded = load(name)
        unasked = tuple(p for p in loaded.problems if p.words not in asked)
        loaded = ProblemSet(loaded.name, unasked, loaded.source)
        paired = tuple(p for p in unasked if p.variant_of in chosen)
        found.append(
            ProblemSet(loaded.name, paired, loaded.source)
            if paired
            else _part(config, loaded, share=len(config.sets))
        )
    return found


def _in_turn(source: ProblemSet) -> tuple[Problem, ...]:
    """Order the problems so that an interrupted run holds as much of each set."""
    sets: Mapping[str, list[Problem]] = {}
    sets = {problem.set: [] for problem in source.problems}
    for problem in source.problems:
        sets[problem.set].append(problem)
    longest = max(map(len, sets.values()))
    return tuple(each[n] for n in range(longest) for each in sets.values() if n < len(each))
