"""Sort arms (one model in one mode) as the config lists them, not by which trial started first."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from pydantic import ValidationError

from solver.config import Config, make_config
from solver.errors import ConfigError
from solver.modes import stored_mode
from solver.records import Outcome, Problem
from solver.store import Reader, Row, Store, Trials


def stored_trials(store: Reader) -> Trials:
    """Do what `stored_rows` does, with arrays in place of records: for a million trials too."""
    manifest = store.manifest()
    trials = store.trials(lambda started: _ranked(started, manifest.get("config", {})))
    probes = probing(manifest, store.problems() if manifest.get("probe") else {})
    apart = np.array(
        [[probes(problem, mode) for problem in trials.problems] for _, mode in trials.arms],
        dtype=bool,
    )
    return trials[~apart[trials.arm, trials.problem]] if apart.any() else trials


def stored_rows(store: Store) -> list[Row]:
    """Read a run's trials arm by arm, in the config's order; within an arm, as they started.

    Trials that only probe for memory are left out: see `probing`.
    """
    manifest = store.manifest()
    probes = probing(manifest, store.problems() if manifest.get("probe") else {})
    rows = (row for row in store.rows() if not probes(row.problem_id, row.mode))
    return in_order(rows, manifest.get("config", {}))


def probing(
    manifest: Mapping[str, Any], problems: Mapping[str, Problem]
) -> Callable[[str, str], bool]:
    """Return a function of problem id and mode that tells which trials only probe for memory.

    They are those that show a part of the question, and in a run of `solver probe` those on
    variants and controls. They count in no table but those of the probes.
    """
    controls = set((manifest.get("probe") or {}).get("control", ()))
    apart = {p.id for p in problems.values() if p.variant_of or p.set in controls}

    def only_probes(problem_id: str, mode: str) -> bool:
        return problem_id in apart or stored_mode(mode).shown is not None

    return only_probes


def planned_trials(manifest: Mapping[str, Any], problems: Mapping[str, Problem]) -> int:
    """Return how many trials a run will have, those that only probe for memory left out."""
    typed = typed_config(manifest.get("config", {}))
    probed = typed is not None and any(mode.shown is not None for mode in typed.running)
    if typed is None or not (probed or manifest.get("probe")):
        return int(manifest.get("trials", 0))
    probes = probing(manifest, problems)
    return sum(
        mode.repeats(typed)
        for mode in typed.running
        for problem_id in problems
        for _ in typed.model
        if not probes(problem_id, mode.name)
    )


def in_order(rows: Iterable[Row], config: Mapping[str, Any]) -> list[Row]:
    """Sort trials by model, then by mode, as the config lists them; added modes follow theirs.

    Models and modes that the config does not list come last, in the order they appear.
    """
    rows = list(rows)
    arms = _ranked(dict.fromkeys((row.model, row.mode) for row in rows), config)
    rank = {arm: place for place, arm in enumerate(arms)}
    return sorted(rows, key=lambda row: rank[row.model, row.mode])


def _ranked(started: Iterable[tuple[str, str]], config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Sort arms, given in the order in which they started."""
    models = [each["name"] if isinstance(each, dict) else each for each in config.get("model", ())]
    modes = _modes(config)
    return sorted(started, key=lambda arm: (_place(arm[0], models), _place(arm[1], modes)))


def ended_arms(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    """Group the trials that did not end in an error of ours by model and mode."""
    arms: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.outcome is not Outcome.ERROR:
            arms[row.model, row.mode].append(row)
    return arms


def typed_config(config: Mapping[str, Any]) -> Config | None:
    """Return a stored config as a Config; None where it is not valid here.

    It may come from another version, or use a mode that is not installed on this machine.
    """
    try:
        return make_config(dict(config))
    except (ValidationError, ConfigError):
        return None


def _modes(config: Mapping[str, Any]) -> list[str]:
    typed = typed_config(config)
    return list(typed.modes if typed else config.get("mode", ()))


def _place(name: str, listed: list[str]) -> float:
    """Return a name's rank; `code+guided`, if not listed, ranks just after `code`."""
    if name in listed:
        return listed.index(name)
    base = name.partition("+")[0]
    return listed.index(base) + 0.5 if base in listed else len(listed)
