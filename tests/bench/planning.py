"""Seconds of processor and peak memory of planning and resuming a run of ten million trials.

    python -m tests.bench.planning [--trials N] [--stored N]

It does what `solver run` does before the first request: it counts the trials and those stored, then
passes over the ones that are left, the check that the run is the same included. No model is asked.
The stored trials are put straight into the file, each with one turn without texts and a verdict.
"""

import argparse
import resource
import sqlite3
import tempfile
from itertools import islice
from pathlib import Path

from solver.config import make_config
from solver.records import Problem
from solver.run.tasks import Task, tasks_of, trials_of_arms
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
        with sqlite3.connect(Path(made) / "run" / FILE) as database:
            for task in islice(tasks_of(config, problems), chosen.stored):
                insert(database, task)
        before = _spent()
        strange = store.begun().besides(tasks_of(config, problems))
        finished, unfinished = store.finished(), store.unfinished()
        watch = Watch()
        watch.begin(trials_of_arms(config, problems), store.ends())
        left = sum(
            task.key not in unfinished for task in finished.lacking(tasks_of(config, problems))
        )
        assert (strange, watch.before) == (0, chosen.stored)
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


def insert(database: sqlite3.Connection, task: Task) -> None:
    """Store a trial that was judged right."""
    key = task.key
    database.execute(
        "INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, NULL, 1.8e9, 1.0)",
        (key, task.problem.id, task.model, task.mode, task.repeat, task.seed),
    )
    database.execute(
        "INSERT INTO turns VALUES (?, 0, '12', 1, 1, NULL, 'ok', 0, 0, 1, 180, 90, 1.0, 0.1, '')",
        (key,),
    )
    database.execute(
        "INSERT INTO verdicts (key, made, judge, score, threshold, by, body)"
        " VALUES (?, 1.8e9, 'rules', 5, 4, 'rules', '{}')",
        (key,),
    )


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    raise SystemExit(main())
