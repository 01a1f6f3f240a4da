"""End a run once every difference between its arms is known well enough.

The run goes on by steps over its problems, whose order is drawn at random, and looks after each
step how wide the intervals of the differences are; it ends when they were narrow enough at two
looks in a row. What the differences are does not matter: a run that ended as soon as two arms were
told apart would tell equal arms apart in a quarter of cases, and one look alone ends too often on
problems that happen to agree: all three are in `tests/bench/statistics.py` (`until`, `peeking`).
With a judge model that waits for the trials, it is asked after each step.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import numpy as np

from solver.analysis.comparable import read_run
from solver.analysis.compare import apart, compare_runs
from solver.config import Config
from solver.errors import ConfigError
from solver.records import Problem
from solver.run.watch import Watch
from solver.store import Store
from solver.text import say_wrapped

STEP = 35
"""Problems between two looks."""
LOOKS = 2
"""So many looks in a row must find the intervals narrow enough."""


def check_until(config: Config, points: float | None) -> None:
    """Raise ConfigError where there will be no difference to look at."""
    if points is not None and len(config.model) * len(config.running) < 2:
        raise ConfigError(
            "--until: there is one model in one mode, so no difference to know;"
            " give two, such as --mode code,cot"
        )


async def run_until(
    points: float,
    do: Callable[[Sequence[Problem]], Awaitable[None]],
    problems: Sequence[Problem],
    store: Store,
    watch: Watch,
) -> None:
    """Do trials until all differences are known to ± `points` (from 0 to 1), or all are done.

    `do` does every trial of some problems that is not stored yet. Raises what it raises.
    """
    narrow = 0
    for tried in range(STEP, len(problems) + STEP, STEP):
        watch.errors.clear()  # each step tries them again
        await do(problems[:tried])
        if watch.stopping or tried >= len(problems):
            return
        widest = widest_difference(store, problems[:tried])
        narrow = narrow + 1 if widest is not None and widest <= points else 0
        if narrow == LOOKS:
            ended = {"points": points, "problems": tried, "of": len(problems)}
            store.write_manifest(until=ended, trials=watch.total)
            say_wrapped(
                f"ended after {tried} of {len(problems)} problems: ± {100 * points:g} points known"
            )
            return


def widest_difference(store: Store, problems: Sequence[Problem]) -> float | None:
    """Return half the width of the widest interval of a difference between two arms of a run.

    Only trials of `problems` count. None where some pair of arms has none of a problem that are
    scored on both sides.
    """
    tried, stored = {problem.id for problem in problems}, read_run(store)
    held = np.array([name in tried for name in stored.trials.problems], dtype=bool)
    stored = replace(stored, trials=stored.trials[held[stored.trials.problem]])
    try:
        found = compare_runs([stored])
    except ConfigError:
        return None
    if apart([stored]):
        return None
    return max((each.difference.high - each.difference.low) / 2 for each in found)
