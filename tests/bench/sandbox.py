"""What a program costs in the sandbox next to other ways to run it: ratios, measured together.

    python -m tests.bench.sandbox            every table, about ten minutes
    python -m tests.bench.sandbox --quick    fewer repetitions
    python -m tests.bench.sandbox --programs 10000     is anything left after so many?

The candidates take turns program by program, so that a busy moment affects all of them; trust the
ratios, not the milliseconds. While the others have their turn our next process is forked, as it is
while a model thinks; the throughput shows what programs cost that follow each other without a
pause. Nothing here is a test: a bar that is missed is printed, and the exit status is 1.
"""

import argparse
import asyncio
import os
import platform
import statistics
import subprocess
import sys
import time

from sandbox import open_sandbox
from sandbox.screen import screen
from tests.bench.bars import Bar
from tests.bench.sandbox_candidates import (
    EXEC,
    FORK,
    LIMITS,
    OWNER,
    PEER_POOL,
    PROCESSES,
    START,
    TRIVIAL,
    WORKERS,
    Candidate,
    candidates,
)
from tests.bench.sandbox_footprint import flatness

IMPORTS = "import numpy, sympy, scipy.optimize\nprint(42)"
TYPICAL = [
    TRIVIAL,
    "from sympy import symbols, solve\nx = symbols('x')\nprint(solve(x**2 - 5*x + 6, x))",
    "from sympy import factorint\nprint(factorint(2**64 - 1))",
    "from sympy import symbols, integrate, sin\nx = symbols('x')\nprint(integrate(x*sin(x), x))",
    "import numpy as np\nprint(round(np.linalg.det(np.vander(range(1, 7))), 3))",
    "print(sum(n for n in range(200_000) if n % 3 == 0 or n % 5 == 0))",
    "from scipy.optimize import brentq\nprint(round(brentq(lambda x: x**3 - x - 2, 1, 2), 6))",
    "from itertools import permutations\nprint(sum(p[0] < p[-1] for p in permutations(range(8))))",
    "from mpmath import mp, zeta\nmp.dps = 30\nprint(zeta(3))",
    "ways = [1] + [0] * 1000\nfor c in (1, 5, 10, 25, 50):\n"
    "    for n in range(c, 1001):\n        ways[n] += ways[n - c]\nprint(ways[1000])",
]


async def main() -> int:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--kind", default="docker", help="docker or native")
    parser.add_argument("--programs", type=int, metavar="N", help="run N programs and compare")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}", end=", ")
    print(f"Python {platform.python_version()}, load at start {load:.1f}, {WORKERS} workers")
    if arguments.programs:
        bars = await flatness(arguments.kind, arguments.programs)
    else:
        bars = await speed(arguments.kind, quick=arguments.quick)
    print("\n| bar | measured | wanted | |\n|---|---:|---:|---|")
    print(*bars, sep="\n")
    print(f"\nload at end {os.getloadavg()[0]:.1f}")
    return 0 if all(bar.met for bar in bars) else 1


async def speed(kind: str, *, quick: bool) -> list[Bar]:
    """Measure latency, throughput, the start of a pool, and the screen."""
    rounds, slow_rounds, blocks = (15, 3, 2) if quick else (60, 8, 6)
    async with candidates(kind) as found:
        for program in (TRIVIAL, IMPORTS):
            for number in range(rounds):
                for name, candidate in found.items():
                    slow = name in (START, PEER_POOL, PROCESSES)
                    if (slow and number >= slow_rounds) or (name == FORK and program == IMPORTS):
                        continue
                    await candidate.time(program)
        print_latency(found, kind)
        competitors = [found[name] for name in (kind, EXEC, PEER_POOL, PROCESSES) if name in found]
        rates = await throughput(competitors, blocks)

    def ratio(slow: str, fast: str, program: str) -> float:
        return found[slow].median(program) / found[fast].median(program)

    return [
        Bar("trivial program: docker run / ours", ratio(START, kind, TRIVIAL), at_least=20),
        Bar("program with imports: docker run / ours", ratio(START, kind, IMPORTS), at_least=60),
        Bar("trivial program: ours / bare fork", ratio(kind, FORK, TRIVIAL), at_most=3),
        *(
            Bar(f"throughput: ours / {name}", rates[kind] / rate, at_least=1)
            for name, rate in rates.items()
            if name != kind
        ),
        await start_of_a_pool(kind, 2 if quick else 4),
        screening(rounds),
    ]


def print_latency(found: dict[str, Candidate], kind: str) -> None:
    """Print the middle and the slowest of every candidate."""
    for label, program in (
        ("print(42)", TRIVIAL),
        ("import numpy, sympy, scipy.optimize", IMPORTS),
    ):
        print(f"\n| {label} | n | p50 ms | max ms | p50 / ours |\n|---|---:|---:|---:|---:|")
        for name, candidate in found.items():
            if program in candidate.seconds:
                times = candidate.seconds[program]
                ratio = candidate.median(program) / found[kind].median(program)
                middle, slowest = candidate.median(program) * 1e3, max(times) * 1e3
                print(f"| {name} | {len(times)} | {middle:.1f} | {slowest:.1f} | {ratio:.2f} |")


async def throughput(competitors: list[Candidate], blocks: int) -> dict[str, float]:
    """Run the ten typical programs, two at a time, block by block in turns; programs a second."""
    seconds = dict.fromkeys((competitor.name for competitor in competitors), 0.0)
    for block in range(blocks):
        first = block % len(competitors)
        for competitor in competitors[first:] + competitors[:first]:
            started = time.perf_counter()
            await competitor.run_all(TYPICAL)
            seconds[competitor.name] += time.perf_counter() - started
    rates = {name: blocks * len(TYPICAL) / spent for name, spent in seconds.items()}
    print(f"\n| ten typical programs, {blocks} times | a second |\n|---|---:|")
    for name, rate in sorted(rates.items(), key=lambda item: -item[1]):
        print(f"| {name} | {rate:.2f} |")
    return rates


async def start_of_a_pool(kind: str, rounds: int) -> Bar:
    """Compare the start of a pool of two with the imports alone in a bare Python."""
    starts, imports = [], []
    for _ in range(rounds):
        started = time.perf_counter()
        command = [sys.executable, "-c", "import numpy, sympy, scipy.optimize"]
        subprocess.run(command, check=True)
        imports.append(time.perf_counter() - started)
        started = time.perf_counter()
        sandbox = await open_sandbox(kind, limits=LIMITS, workers=WORKERS, owner=OWNER)
        # Open means that one worker is warm. Only programs on both at once show that both are.
        await asyncio.gather(*(sandbox.run("import time\ntime.sleep(0.3)") for _ in range(WORKERS)))
        starts.append(time.perf_counter() - started - 0.3)
        await sandbox.close()
    ours, bare = statistics.median(starts), statistics.median(imports)
    print(f"\nstart of a pool of two: {ours:.2f} s; the imports in a bare Python: {bare:.2f} s")
    return Bar("start of a pool of two / bare imports", ours / bare, at_most=4)


def screening(rounds: int) -> Bar:
    """Compare screening a typical program with compiling it, in turns."""
    ratios = []
    for program in TYPICAL * rounds:
        started = time.perf_counter()
        compile(program, "solution.py", "exec")
        compiled = time.perf_counter()
        screen(program)
        ratios.append((time.perf_counter() - compiled) / (compiled - started))
    return Bar("typical program: screen / compile", statistics.median(ratios), at_most=6)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
