"""How fast the model in this process writes, beside llama.cpp's threads under either wait policy.

    python -m tests.bench.threads [--model local/smollm2] [--seconds 4] [--first]

Measured twice: with nothing else running, and with one core taken by another process. Each policy
is a process of its own, since OpenMP reads it once. `--first` (root) gives measured and burning
processes the highest priority, for a machine that is not quiet. The load is printed; the policies
take turns, and the means of their rounds are compared, which differ by a fifth on a shared machine.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from statistics import fmean

from solver.models._llama_cpp import LlamaCpp
from solver.models._weights import find_weights
from tests.bench.bars import Bar

OURS = "ours"
POLICIES = (OURS, "active", "passive")
TOGETHER = 2
"""Requests at a time, as the provider has by default."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="local/smollm2")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--first", action="store_true")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(asyncio.run(tokens_a_second(options.model, options.seconds)), flush=True)
        os._exit(0)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| state | policy | tokens/s, each round |\n|---|---|---|")
    bars = []
    for state in ("quiet", "a core taken"):
        with burning(state != "quiet", options.first):
            rounds: dict[str, list[float]] = {policy: [] for policy in POLICIES}
            for _ in range(options.rounds):
                for policy in POLICIES:
                    rounds[policy].append(measured(policy, options))
        rates = {policy: fmean(all_rates) for policy, all_rates in rounds.items()}
        for policy, all_rates in rounds.items():
            print(f"| {state} | {policy} | {' · '.join(f'{one:.0f}' for one in all_rates)} |")
        best = max(rates["active"], rates["passive"])
        bars.append(Bar(f"{state}: ours over the better policy", rates[OURS] / best, at_least=0.9))
    print("\n| bar | ratio | wanted | |\n|---|---|---|---|", *bars, sep="\n")
    return 0 if all(bar.met for bar in bars) else 1


def measured(policy: str, options: argparse.Namespace) -> float:
    """Measure one policy in a process of its own."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    }
    if policy != OURS:
        environment["OMP_WAIT_POLICY"] = policy
    command = [sys.executable, "-m", "tests.bench.threads", "--measure"]
    command += ["--model", options.model, "--seconds", str(options.seconds)]
    done = subprocess.run(
        [*first(options.first), *command],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    return float(done.stdout)


async def tokens_a_second(model: str, seconds: float) -> float:
    """Return how many tokens a second `TOGETHER` requests write."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    llama = LlamaCpp(
        model,
        find_weights(model.partition("/")[2])(),
        context=2048, parallel=TOGETHER, threads=cores or 1, gpu_layers=0,
    )  # fmt: skip
    written = await write(llama, 1.0)
    assert written, "the model wrote nothing"
    return sum(await asyncio.gather(*(write(llama, seconds) for _ in range(TOGETHER)))) / seconds


async def write(llama: LlamaCpp, seconds: float) -> int:
    """Count the tokens of one reply in so many seconds, from its first token on."""
    request = {
        "prompt": "The history of numbers begins", "max_tokens": 1500, "temperature": 0,
        "ignore_eos": True, "stream": True,
    }  # fmt: skip
    count, deadline = 0, None
    async for _ in llama.events(request):
        deadline = deadline or time.monotonic() + seconds
        if time.monotonic() > deadline:
            break
        count += 1
    return count


@contextmanager
def burning(wanted: bool, before_others: bool):
    """Keep one core busy in another process while the block runs."""
    if not wanted:
        yield
        return
    burner = subprocess.Popen([*first(before_others), sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        burner.kill()
        burner.wait()


def first(wanted: bool) -> list[str]:
    """Return what starts a command before all other processes of the machine."""
    return ["nice", "--adjustment=-20"] if wanted else []


if __name__ == "__main__":
    sys.exit(main())
