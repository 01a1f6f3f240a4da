"""A million trials through `solver run`, then every command that reads them.

    python -m tests.bench.scale [--trials N] [--folder FOLDER]

Two scripted models answer 105 problems in words, right in one of five repeats; the loop, the store
and the rules of the judge are real, and no program runs. Memory is the peak of the run's process:
at the last look before its last trial over that at the first look after 100,000. The tables that it
prints at the end take more, as `show` does. With --folder the run is kept there, and one that was
cut goes on.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.bars import Bar
from tests.bench.ray import asked, peak_of
from tests.bench.reading import COMMANDS, measured

PROBLEMS, FLAT_FROM, LOOK_EVERY = 105, 100_000, 5.0
CONFIG = """
model: [scripted/a, scripted/b]
providers: {scripted: {replies: [[%s]]}}
problems: problems.jsonl
repeats: %d
mode: cot
judge: rules
sampling: {temperature: 1}
"""


def main() -> int:
    """Run, measure, print, and exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the run is, or will be kept")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = chosen.folder or Path(made)
        repeats = max(1, round(chosen.trials / 2 / PROBLEMS))
        write_config(folder, repeats)
        flat = run(folder, repeats)
        print(flat, flush=True)
        met = [
            measured(command, folder / "runs" / "bench", Path(made), *bars)
            for command, bars in COMMANDS.items()
        ]
    return 0 if flat.met and all(met) else 1


def write_config(folder: Path, repeats: int) -> None:
    """Write the problems and the config of the run."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = (
        {"id": f"p{n}", "question": f"What is {n} - {n - n % 5}?", "answer": f"{n % 5}"}
        | {"domain": ("algebra", "geometry", "number theory")[n % 3], "level": 1 + n % 5}
        for n in range(PROBLEMS)
    )
    (folder / "problems.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    replies = ", ".join(f"'So the result is \\boxed{{{n}}}.'" for n in range(5))
    (folder / "bench.yaml").write_text(CONFIG % (replies, repeats))


def run(folder: Path, repeats: int) -> Bar:
    """Run the config in a process of its own and return how its memory grew."""
    command = [sys.executable, "-m", "solver.cli", "run", "bench.yaml"]
    wanted = 2 * PROBLEMS * repeats
    start, early, trials, peak = time.monotonic(), 0.0, 0, 0.0
    with (folder / "run.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        while process.poll() is None:
            time.sleep(LOOK_EVERY)
            before = peak_of(process.pid)
            (trials,) = asked(folder, "SELECT count(*) FROM trials")
            if trials < wanted:
                peak = before or peak
            if not early and trials >= FLAT_FROM:
                early = peak
    seconds = time.monotonic() - start
    used = os.times()
    if process.returncode:
        raise SystemExit(f"solver run ended with {process.returncode}: see {folder / 'run.log'}")
    (trials,) = asked(folder, "SELECT count(*) FROM trials")
    print(
        f"{trials:,} trials in {seconds:,.0f} s ({trials / seconds:,.0f} a second),"
        f" {used.children_user + used.children_system:,.0f} s of processor;"
        f" {early:,.0f} MB at {FLAT_FROM:,} trials or soon after, {peak:,.0f} before the last",
        flush=True,
    )
    return Bar(
        "memory before the last trial over that at 100,000", peak / (early or peak), at_most=1.1
    )


if __name__ == "__main__":
    raise SystemExit(main())
