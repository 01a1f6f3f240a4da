"""What importing logs, rewarding programs and calling our sandbox from inspect_ai cost.

    python -m tests.bench.bridges

Times of processor are of this process and of what it started and has ended; walls stand beside a
baseline of the same minutes. The calls through inspect_ai need `pip install '.[inspect]'`.
"""

import asyncio
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sandbox import open_sandbox
from solver.bridges.imports import import_logs
from solver.problems import load

ROWS, PROGRAMS, CALLS = 10_000, 500, 20


def processor() -> float:
    """Seconds of processor of this process and of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)


def importing(folder: Path) -> None:
    """Import 10,000 replies, six in ten of them right."""
    problems, drawn = load("starter").problems, random.Random(0)
    path = folder / "samples_big_2026-11-28T07-35-24.798742.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(ROWS):
            one = problems[number % len(problems)]
            answer = one.answer if drawn.random() < 0.6 else str(drawn.randint(1, 999))
            row = {
                "doc": {"id": f"{one.id}#{number}", "question": one.question},
                "target": one.answer, "filter": "none", "metrics": [],
                "resps": [["Let me think. " * 100 + f" So \\boxed{{{answer}}}"]],
                "arguments": {"gen_args_0": {"arg_0": one.question}},
            }  # fmt: skip
            file.write(json.dumps(row) + "\n")
    started, used = time.perf_counter(), processor()
    import_logs([path], folder / "run")
    wall, used = time.perf_counter() - started, processor() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"import: {ROWS:,} replies in {wall:.1f} s, {used:.1f} s of processor, {peak:.0f} MiB")


def rewarding() -> None:
    """Run trivial programs as `code_reward` does, and once each in a Python of their own."""

    async def run(programs: int) -> float:
        before = processor()
        box = await open_sandbox("native", workers=2)
        await asyncio.gather(*(box.run("print(1)") for _ in range(programs)))
        await box.close()
        return processor() - before

    start = asyncio.run(run(50))
    each = (asyncio.run(run(50 + PROGRAMS)) - start) / PROGRAMS
    before = processor()
    for _ in range(CALLS):
        subprocess.run([sys.executable, "-c", "print(1)"], check=True, capture_output=True)
    bare = (processor() - before) / CALLS
    print(
        f"rewards: {1000 * each:.1f} ms of processor for a trivial program, {2 / each:.0f} a second"
        f" on two free cores; a Python started for it alone {1000 * bare:.1f} ms"
    )


def through_inspect(folder: Path) -> None:
    """Time a program in our sandbox through inspect_ai, and in inspect's own local one."""
    try:
        from inspect_ai import Task, eval
        from inspect_ai.dataset import Sample
        from inspect_ai.solver import solver
        from inspect_ai.util import sandbox
    except ImportError:
        print("inspect_ai is not installed")
        return
    found = {}

    @solver
    def calls(name):
        async def solve(state, generate):
            await sandbox().exec(["python3", "-c", "print(1)"])
            started = time.perf_counter()
            for _ in range(CALLS):
                await sandbox().exec(["python3", "-c", "print(1)"])
            found[name] = (time.perf_counter() - started) / CALLS
            return state

        return solve

    for name, box in (("solver native", ("solver", "native")), ("local", "local")):
        task = Task(dataset=[Sample("x", target="1")], solver=calls(name), sandbox=box)
        eval(task, model="none/none", display="none", log_dir=str(folder))
    for name, seconds in found.items():
        print(f"inspect_ai, sandbox {name}: {1000 * seconds:.0f} ms a call")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir="runs" if Path("runs").is_dir() else None) as place:
        importing(Path(place))
        rewarding()
        through_inspect(Path(place))
