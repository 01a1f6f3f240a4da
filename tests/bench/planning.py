"""Seconds of processor and peak memory of planning and resuming a run of ten million trials.

    python -m tests.bench.planning [--trials N] [--stored N]

It does what `solver run` does before the first request: it counts the trials and those stored, then
passes over the ones that are left. No model is asked. The stored trials have a row each, without
turns, put straight into the file: they end in no outcome that counts, but their keys are looked up.
"""

import argparse
import resource
import sqlite3
import tempfile
from itertools import islice
from pathlib import Path

from solver.config import make_config
from solver.records import Problem
from solver.run.tasks import tasks_of
from solver.run.watch import Watch
from solver.store import FILE, Store

PROBLEMS = 20_000
MOST_SECONDS, MOST_MIB = 120.0, 300.0


def main() -> int:
    """Print what it takes, and exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=10_000_000)
    parser.add_argument("--stored", type=int, default=0)
    chosen = parser.parse_args()
    config = make_config(
        {
            "model": "scripted/any",
            "problems": "starter",
            "mode": "code",
            "repeats": max(1, chosen.trials // PROBLEMS),
            "sampling": {"temperature": 0.7},
        }
    )
    problems = [
        Problem(id=f"p/{n}", question=f"What is {n} + {n}?", answer=str(2 * n), domain="a", level=1)
        for n in range(PROBLEMS)
    ]
    with tempfile.TemporaryDirectory() as made:
        store = Store.create_or_open(Path(made) / "run")
        rows = (
            (task.key, task.problem.id, task.model, task.mode, task.repeat, task.seed, 1.8e9)
            for task in islice(tasks_of(config, problems), chosen.stored)
        )
        with sqlite3.connect(Path(made) / "run" / FILE) as database:
            database.executemany("INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, NULL, ?, 1.0)", rows)
        before = _spent()
        finished, unfinished = store.finished(), store.unfinished()
        watch = Watch()
        watch.begin(tasks_of(config, problems), store.rows())
        left = sum(
            task.key not in finished and task.key not in unfinished
            for task in tasks_of(config, problems)
        )
        store.close()
    seconds = _spent() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{watch.total:,} trials, {left:,} left")
    met = seconds <= MOST_SECONDS and memory <= MOST_MIB
    print(
        f"{seconds:.1f} s of processor, at most {MOST_SECONDS:g};"
        f" {memory:,.0f} MiB, at most {MOST_MIB:g}: {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    raise SystemExit(main())
