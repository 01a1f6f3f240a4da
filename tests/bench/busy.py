"""How busy a run keeps a model server, beside a bare client that asks as many requests at a time.

    python -m tests.bench.busy [--seconds 7.5] [--waves 4] [--mode code]

A local server answers 16, 64 or 256 requests at a time, each in half to one and a half times
`seconds`: 7.5 s are 300 tokens at 40 tokens a second. All replies have as many tokens, so tokens a
second over tokens a second is time over time, from the first request to the last reply. The bare
client is `openai`'s own, which sends and parses and does nothing else; the run has the loop, the
store and the rules, and with `--mode code` a native sandbox. Also printed: the processor time of a
request on either side, without that of boxes and of the judge's workers.

Not covered: the server's own processor time, which a model on a GPU hardly needs.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from openai import AsyncOpenAI

from judge import open_judge
from sandbox import open_sandbox
from solver.models import connect
from solver.records import Sampling
from tests.bench.bars import Bar
from tests.bench.pipeline import run_trials
from tests.fakes import EchoSandbox, program
from tests.servers import serve_openai

AT_ONCE = (16, 64, 256)
WORDS = " word" * 300
REPLIES = {"cot": f"so it is \\boxed{{12}}.{WORDS}", "code": program(f"print(12)  #{WORDS}")}


class Cost(NamedTuple):
    """What some requests took, in seconds."""

    wall: float
    processor: float


def main() -> int:
    """Measure, print, and exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=7.5, help="seconds of a reply")
    parser.add_argument("--waves", type=int, default=4, help="requests for each place")
    parser.add_argument("--mode", choices=sorted(REPLIES), default="cot")
    chosen = parser.parse_args()
    print("| requests at a time | tokens/s of a run over a bare client's | bar | |")
    print("|---|---|---|---|", flush=True)
    met = []
    for at_once in AT_ONCE:
        requests = at_once * chosen.waves
        bare = asyncio.run(ask_bare(chosen.mode, requests, at_once, chosen.seconds))
        ours = asyncio.run(ask_in_a_run(chosen.mode, requests, at_once, chosen.seconds))
        bar = Bar(str(at_once), bare.wall / ours.wall, at_least=0.98)
        met.append(bar.met)
        each = (f"{1000 * cost.processor / requests:.1f} ms" for cost in (bare, ours))
        print(bar, "processor a request: bare {}, run {}".format(*each), flush=True)
    return 0 if all(met) else 1


async def ask_bare(mode: str, requests: int, at_once: int, seconds: float) -> Cost:
    """Ask with the client library alone."""
    places = asyncio.Semaphore(at_once)
    async with serve_openai(reply=REPLIES[mode], delay=seconds, spread=0.5) as url:
        client = AsyncOpenAI(base_url=url, api_key="none", timeout=600, max_retries=0)

        async def ask(number: int) -> None:
            async with places:
                await client.chat.completions.create(
                    model="test", messages=[{"role": "user", "content": f"What is {number}?"}]
                )

        start = Cost(time.perf_counter(), time.process_time())
        async with asyncio.TaskGroup() as group:
            for number in range(requests):
                group.create_task(ask(number))
        found = _since(start)
        await client.close()
    return found


async def ask_in_a_run(mode: str, requests: int, at_once: int, seconds: float) -> Cost:
    """Ask in a run, one trial for each request."""
    async with serve_openai(reply=REPLIES[mode], delay=seconds, spread=0.5) as url:
        model = connect("openai/test", Sampling(), {"base_url": url, "parallel": at_once})
        judge = open_judge()
        sandbox = await open_sandbox("native") if mode == "code" else EchoSandbox()
        await judge.grade("warm", "1", "1")
        parts = {"judge": judge, "sandbox": sandbox}
        with tempfile.TemporaryDirectory() as folder:
            start = Cost(time.perf_counter(), time.process_time())
            await run_trials(Path(folder), requests, model, **parts, at_once=at_once, mode=mode)
            found = _since(start)
        for part in (*parts.values(), model):
            await part.close()
    return found


def _since(start: Cost) -> Cost:
    return Cost(time.perf_counter() - start.wall, time.process_time() - start.processor)


if __name__ == "__main__":
    sys.exit(main())
