"""What `solver report` costs on a run of 100,000 trials, and a maker of such runs.

    python -m tests.bench.report [--trials N]

Two bars, taken in a process of its own: seconds and peak memory.
"""

import argparse
import json
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import zlib
from itertools import islice, product
from pathlib import Path

from sandbox import Execution, Exit
from solver.records import Message, Problem, Reply, Turn
from solver.store import FILE, Store

DOMAINS = (
    "algebra",
    "counting & probability",
    "geometry",
    "intermediate algebra",
    "number theory",
    "prealgebra",
    "precalculus",
)
MOST_SECONDS, MOST_MB = 10.0, 500.0


def main() -> int:
    """Write a run, report on it in a fresh process, print, and exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=100_000)
    trials = parser.parse_args().trials
    with tempfile.TemporaryDirectory() as folder:
        run, page = Path(folder) / "synthetic", Path(folder) / "report.html"
        start = time.perf_counter()
        write_run(run, problems=max(1, trials // 20), repeats=10)
        print(f"wrote {trials} trials in {time.perf_counter() - start:.1f} s", flush=True)
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "solver.cli", "report", str(run), "-o", str(page)], check=True
        )
        seconds = time.perf_counter() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        memory = used.ru_maxrss / 1024
        print(
            f"page of {page.stat().st_size / 1024:.0f} KiB,"
            f" {used.ru_utime + used.ru_stime:.1f} s of processor"
        )
    good = [
        _bar("report, s", seconds, MOST_SECONDS),
        _bar("report, peak MiB", memory, MOST_MB),
    ]
    return 0 if all(good) else 1


def write_run(
    folder: Path,
    *,
    problems: int = 100,
    repeats: int = 4,
    models: tuple[str, ...] = ("scripted/medium",),
    modes: tuple[str, ...] = ("code", "cot"),
    skill: float = 0.0,
    errors: float = 0.005,
    retries: int = 10,
    judge: str | None = "mistral/mistral-large-2411",
    seed: int = 0,
) -> Path:
    """Write a run drawn at random, without running anything, and return its folder.

    `skill` shifts every model's chance of solving a problem, in logits; `errors` is the share of
    trials that hold an error of ours.
    """
    draw = random.Random(seed)
    chosen = [_problem(number) for number in range(problems)]
    manifest = _manifest(models, modes, problems, repeats, retries, judge, seed)
    store = Store.create_or_open(folder)
    store.add_problems(chosen)
    store.write_manifest(**manifest)
    store.end_session(store.begin_session())
    store.close()
    hardness = {problem.id: draw.gauss(0.4 * (problem.level - 3), 1.5) for problem in chosen}
    cells = product(chosen, enumerate(models), modes, range(repeats))
    database = sqlite3.connect(folder / FILE)
    while part := list(islice(cells, 5_000)):
        trials, turns, verdicts = [], [], []
        for problem, (rank, model), mode, repeat in part:
            ease = skill + 0.8 * rank - hardness[problem.id] + (0.5 if mode == "code" else 0.0)
            key = f"{model}|{mode}|{problem.id}|{repeat}"
            error = "ModelError: the server is away" if draw.random() < errors else None
            trials.append((key, problem.id, model, mode, repeat, 7, error, 1.8e9, 3.5))
            if error is None:
                turns += (drawn := _turns(draw, key, mode, ease, 1 + retries))
                if drawn[-1][2] is not None:
                    verdicts.append(_verdict(draw, key, ease, judge))
        _insert(database, trials, turns, verdicts)
    database.close()
    return folder


def _manifest(models, modes, problems, repeats, retries, judge, seed) -> dict:
    return {
        "config": {
            "model": [{"name": model, "options": {}, "sampling": {}} for model in models],
            "problems": "synthetic",
            "mode": list(modes),
            "repeats": repeats,
            "seed": seed,
            "sampling": {"temperature": 0.7, "max_tokens": 2048},
            "code": {"retries": retries, "retry": "feedback", "examples": 0},
        },
        "identity": {"problems": "synthetic", "seed": seed},
        "problems": {"name": "synthetic", "problems": problems, "hash": "0123456789abcdef"},
        "models": {model: {"digest": "sha256:" + "0" * 64} for model in models},
        "judge": {"preset": "rules-then-model", "threshold": 4, "model": judge},
        "sandbox": {"kind": "docker", "image_id": "sha256:" + "1" * 64},
        "versions": {"solver": "0.1.0", "python": "3.11.7"},
        "trials": problems * repeats * len(models) * len(modes),
        "warnings": [],
    }


def _insert(database: sqlite3.Connection, trials: list, turns: list, verdicts: list) -> None:
    with database:
        database.executemany(f"INSERT INTO trials VALUES ({_marks(9)})", trials)
        database.executemany(f"INSERT INTO turns VALUES ({_marks(15)})", turns)
        database.executemany(
            "INSERT INTO verdicts (key, made, judge, score, threshold, by, body)"
            f" VALUES ({_marks(7)})",
            verdicts,
        )


def _problem(number: int) -> Problem:
    return Problem(
        id=f"synthetic/{number}",
        question=f"What is {number} + {number}?",
        answer=str(2 * number),
        domain=DOMAINS[number % len(DOMAINS)],
        level=1 + number // len(DOMAINS) % 5,
    )


def _turns(draw: random.Random, key: str, mode: str, ease: float, most: int) -> list[tuple]:
    """Draw the turns of one trial: failed programs, then one that printed an answer, or none."""
    fails = 1 / (1 + 2.718 ** (ease + 1))
    if mode != "code":
        failed = draw.random() < fails / 4
        return [_turn(draw, key, 0, mode, "cap" if failed else "answer")]
    rows = []
    for number in range(most):
        end = "answer"
        if draw.random() < (fails if number == 0 else 0.6 + 0.3 * fails):
            end = draw.choices(
                ("crashed", "timeout", "out_of_memory", "ok", "refused", "none", "cap"),
                (50, 15, 3, 12, 6, 9, 5),
            )[0]
        rows.append(_turn(draw, key, number, mode, end))
        if end == "answer":
            break
    return rows


def _turn(draw: random.Random, key: str, number: int, mode: str, end: str) -> tuple:
    runs = mode == "code"
    program = runs and end not in ("none", "cap")
    ran = program and end != "refused"
    exit_ = None if not ran else "ok" if end == "answer" else end
    answer = str(draw.randint(1, 1000)) if end == "answer" else None
    tokens_in, tokens_out = 180 + 240 * number, draw.randint(60, 500 if runs else 900)
    seconds = tokens_out / 55
    return (
        key, number, answer, runs, program, "os_import" if end == "refused" else None, exit_,
        end == "cap", False, 1, tokens_in, tokens_out, seconds, 0.4 if ran else 0.0,
        _body(runs, program, exit_, end),
    )  # fmt: skip


_BODIES: dict[tuple, bytes] = {}


def _body(runs: bool, program: bool, exit_: str | None, end: str) -> bytes:
    """Make a stored turn's texts: alike where the turns are alike, so that writing stays quick."""
    key, answer = (runs, program, exit_, end), "12" if end == "answer" else None
    if key not in _BODIES:
        error = "Traceback (most recent call last):\n  ...\nNameError: name 'x' is not defined"
        turn = Turn(
            prompt=(Message(role="user", text="What is the sum? " * 20),),
            reply=Reply(text="Let us write a program. " * 30, capped=end == "cap"),
            program="print(6 + 6)\n" * 20 if program else None,
            execution=Execution(
                Exit(exit_), "12\n" if answer else "", error if exit_ == "crashed" else "",
                0.4, 0.3, 30.0, False,
            ) if exit_ else None,
            answer=answer,
            answer_rule="last_line" if answer else None,
            runs_code=runs,
        )  # fmt: skip
        _BODIES[key] = zlib.compress(turn.model_dump_json(exclude_defaults=True).encode(), 3)
    return _BODIES[key]


def _verdict(draw: random.Random, key: str, ease: float, judge: str | None) -> tuple:
    correct = draw.random() < 1 / (1 + 2.718**-ease)
    rules = draw.choices(("equal" if correct else "different", "undecided"), (94, 6))[0]
    undecided = rules == "undecided"
    if undecided and judge is None:
        score, by = None, "none"
    else:
        score, by = (5 if correct else 1), "model" if undecided else "rules"
    body = {
        "score": score,
        "by": by,
        "reason": "compared",
        "relation": rules,
        "judge_model": judge if by == "model" else "",
        "rules": rules,
        "threshold": 4,
    }
    return key, 1.8e9, "synthetic", score, 4, by, json.dumps(body)


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _bar(what: str, value: float, most: float) -> bool:
    good = value <= most
    print(f"{what:40} {value:8.3f}   bar {most:g}   {'met' if good else 'MISSED'}", flush=True)
    return good


if __name__ == "__main__":
    sys.exit(main())
