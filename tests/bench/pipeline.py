"""What the pipeline itself costs, side by side with the work it schedules.

    python -m tests.bench.pipeline [--quick]

Four bars, each measured in a process of its own: the cost of a trial when model and sandbox answer
at once; 2,000 trials against a server that takes 200 ms a reply, 16 at a time, over the ideal time;
memory at 20,000 trials over 1,000; the time to resume 8,000 stored trials.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from judge import open_judge
from solver.models import connect
from solver.models.scripted import Scripted
from solver.records import Problem, Sampling
from solver.run.loop import run
from solver.run.schedule import Endpoint, Gate
from solver.run.watch import Watch
from solver.store import Store
from tests.fakes import config_of, parts_of, program
from tests.servers import serve_openai


def main() -> int:
    """Measure, print, and exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    share = 10 if parser.parse_args().quick else 1
    bars = [
        ("own cost of a trial, ms", own_cost, 5_000, 2.0),
        ("2,000 trials, time over ideal", server_ratio, 2_000, 1.05),
        ("memory at 20,000 trials over 1,000", memory_ratio, 20_000, 1.15),
        ("resume 8,000 trials, s", resume_seconds, 8_000, 2.0),
    ]
    good = [
        _bar(what, _alone(measure, trials // share), most) for what, measure, trials, most in bars
    ]
    return 0 if all(good) else 1


def own_cost(trials: int) -> float:
    """Milliseconds a trial costs with the real rules, store and loop, and nothing to wait for."""

    async def measure(folder: Path) -> float:
        judge = open_judge()
        await judge.grade("warm", "1", "1")
        start = time.perf_counter()
        await run_trials(folder, trials, Scripted(replies=[program("print(12)")]), judge=judge)
        await judge.close()
        return (time.perf_counter() - start) / trials * 1000

    return _in_folder(measure)


def server_ratio(trials: int, delay: float = 0.2, at_once: int = 16) -> float:
    """Wall time of trials against a slow server, over replies × delay / at_once."""

    async def measure(folder: Path) -> float:
        async with serve_openai(reply=program("print(12)"), delay=delay) as url:
            model = connect("openai/test", Sampling(), {"base_url": url, "parallel": at_once})
            judge = open_judge()
            await judge.grade("warm", "1", "1")
            start = time.perf_counter()
            await run_trials(folder, trials, model, judge=judge, at_once=at_once)
            took = time.perf_counter() - start
            await judge.close()
            await model.close()
        return took / (trials * delay / at_once)

    return _in_folder(measure)


def memory_ratio(trials: int) -> float:
    """Peak memory after `trials` over the peak after a twentieth of them, in this process."""

    async def measure(folder: Path) -> float:
        model = Scripted(replies=[program("print(12)\n# " + "x" * 4_000)])
        await run_trials(folder / "few", trials // 20, model)
        few = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await run_trials(folder / "many", trials // 20, model, repeats=20)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / few

    return _in_folder(measure)


def resume_seconds(trials: int) -> float:
    """Seconds to start a run again whose trials are all done."""

    async def measure(folder: Path) -> float:
        model = Scripted(replies=[program("print(12)")])
        await run_trials(folder, trials, model)
        start = time.perf_counter()
        await run_trials(folder, trials, model)
        return time.perf_counter() - start

    return _in_folder(measure)


async def run_trials(
    folder: Path, trials: int, model, *, judge=None, sandbox=None, at_once=64, **content
) -> None:
    """Run so many problems once in the real loop and store; all in `content` goes to the config."""
    problems = [
        Problem(id=f"p{n}", question=f"What is {n}?", answer="12", domain="algebra", level=1)
        for n in range(trials)
    ]
    config, watch = config_of(sampling={"temperature": 1}, **content), Watch()
    parts = parts_of(config, model, sandbox=sandbox, judge=judge, watch=watch)
    parts.endpoints = [Endpoint(model, config.patience, Gate(at_once), watch.traffic)]
    config = config.model_copy(
        update={"model": (config.model[0].model_copy(update={"name": model.name}),)}
    )
    store = Store.create_or_open(folder)
    store.add_problems(problems)
    await run(config, problems, parts, store, watch)
    assert len(store.finished()) == trials * config.repeats
    store.close()


def _alone(measure, trials: int) -> float:
    """Measure in a fresh process: peak memory counts from its start."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measure, trials).result()


def _in_folder(measure) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder)))


def _bar(what: str, value: float, most: float) -> bool:
    good = value <= most
    print(f"{what:40} {value:8.3f}   bar {most:g}   {'met' if good else 'MISSED'}", flush=True)
    return good


if __name__ == "__main__":
    sys.exit(main())
