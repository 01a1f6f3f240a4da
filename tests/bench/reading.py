"""Seconds of processor and peak memory of each command that reads a run of a million trials.

    python -m tests.bench.reading [--trials N] [--problems P] [--folder FOLDER]

The run has programs and words, half of the trials each. A tenth of it or less is drawn, and stored
again and again under other keys and repeats, since drawing a million trials takes half an hour.
With --folder the run is kept there and used again.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from solver.store import FILE, Store
from tests.bench.report import write_run

DRAWN = 100_000
COMMANDS = {
    "show": (20.0, 300.0),
    "compare": (60.0, 500.0),
    "failures": (60.0, 500.0),
    "report": (60.0, 500.0),
}
"""The most seconds of processor, and MiB, of each."""


def main() -> int:
    """Print what each command takes, and exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--problems", type=int, default=105)
    parser.add_argument("--folder", type=Path, help="where the run is, or will be kept")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        run = chosen.folder or Path(made) / "many"
        if not (run / FILE).is_file():
            write_many(run, chosen.trials, chosen.problems, Path(made))
        print(f"{(run / FILE).stat().st_size / 2**20:,.0f} MiB in {run}", flush=True)
        met = [measured(command, run, Path(made), *bars) for command, bars in COMMANDS.items()]
    return 0 if all(met) else 1


def write_many(run: Path, trials: int, problems: int, scratch: Path) -> None:
    """Write a run of about so many trials."""
    repeats = max(1, round(trials / problems / 2))
    each = -(-repeats // max(1, round(trials / DRAWN)))
    times = -(-repeats // each)
    drawn = write_run(scratch / "drawn", problems=problems, repeats=each)
    Store.create_or_open(run).close()
    with closing(sqlite3.connect(run / FILE)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("ATTACH ? AS drawn", (str(drawn / FILE),))
        keys = database.execute("SELECT key FROM drawn.trials ORDER BY key").fetchall()
        place = {key: number for number, (key,) in enumerate(keys)}
        database.create_function("place", 1, lambda key: f"{place[key]:012x}", deterministic=True)
        for table in ("manifest", "problems", "sessions"):
            database.execute(f"INSERT INTO {table} SELECT * FROM drawn.{table}")
        for time in range(times):
            _store_again(database, f"{time:04x}", each * time)
        _leave_out(database, repeats)
        _amend(database, repeats)


def _store_again(database: sqlite3.Connection, key: str, repeat: int) -> None:
    """Store the drawn trials under other keys, which begin with `key`, and with later repeats."""
    database.execute(
        "INSERT INTO trials SELECT ? || place(key), problem_id, model, mode, repeat + ?, seed,"
        " error, started + ?, seconds FROM drawn.trials",
        (key, repeat, repeat),
    )
    database.execute(
        "INSERT INTO turns SELECT ? || place(key), number, answer, runs_code, has_program, refused,"
        " exit, capped, prompt_cut, requests, input_tokens, output_tokens, model_seconds,"
        " sandbox_seconds, body FROM drawn.turns",
        (key,),
    )
    database.execute(
        "INSERT INTO verdicts (key, made, judge, score, threshold, by, body)"
        " SELECT ? || place(key), made, judge, score, threshold, by, body FROM drawn.verdicts",
        (key,),
    )
    database.commit()


def _leave_out(database: sqlite3.Connection, repeats: int) -> None:
    """Delete the trials of later repeats, where the drawn ones do not divide them."""
    for table in ("turns", "verdicts", "trials"):
        database.execute(
            f"DELETE FROM {table} WHERE key IN (SELECT key FROM trials WHERE repeat >= ?)",
            (repeats,),
        )
    database.commit()


def _amend(database: sqlite3.Connection, repeats: int) -> None:
    """Let the manifest say how many trials there are."""
    (config,) = database.execute("SELECT value FROM manifest WHERE key = 'config'").fetchone()
    (count,) = database.execute("SELECT count(*) FROM trials").fetchone()
    for key, value in (("config", {**json.loads(config), "repeats": repeats}), ("trials", count)):
        database.execute("UPDATE manifest SET value = ? WHERE key = ?", (json.dumps(value), key))
    database.commit()


def measured(command: str, run: Path, scratch: Path, seconds: float, memory: float) -> bool:
    """Run a command in a process of its own; print what it took and whether the bars are met."""
    page = ["-o", str(scratch / "page.html")] if command == "report" else []
    asked = [sys.executable, "-m", "solver.cli", command, str(run), *page]
    with subprocess.Popen(asked, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    took, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    met = process.returncode == 0 and took <= seconds and peak <= memory
    print(
        f"{command:10} {took:7.1f} s of processor, at most {seconds:g}   {peak:6,.0f} MiB,"
        f" at most {memory:g}   {'met' if met else 'MISSED'}",
        flush=True,
    )
    return met


if __name__ == "__main__":
    raise SystemExit(main())
