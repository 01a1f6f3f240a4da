"""What making a reply token by token costs, on a real model in this process.

    python -m tests.bench.regenerate [--model local/smollm2] [--problems 8]

One-shot, `guided` and `literal` write the same greedy replies in turns; printed are tokens a second
against one-shot, replies that came out the same, and how much dearer a late token of a `literal`
reply is than an early one: 1 where the server keeps the prefix in its cache, growing with the
length where it reads it again.
"""

import argparse
import asyncio
import statistics
import time
from collections import defaultdict

from sandbox.screen import screen
from solver.config import make_config
from solver.models import connect
from solver.modes import Tools
from solver.modes.code import opening
from solver.modes.guided import guided
from solver.modes.literal import literal
from solver.problems import load
from solver.records import Reply, Sampling
from solver.run.schedule import Endpoint, Gate, Traffic

MOST_TOKENS = 300
WINDOW = 20
"""Tokens, at the beginning and at the end of a reply, whose cost is compared."""


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="local/smollm2")
    parser.add_argument("--problems", type=int, default=8)
    arguments = parser.parse_args()
    model = connect(
        arguments.model, Sampling(temperature=0, max_tokens=MOST_TOKENS), {"parallel": 1}
    )
    config = make_config({"model": arguments.model})
    endpoint = Endpoint(model, config.patience, Gate(1), Traffic())
    replies: dict[str, list[Reply]] = defaultdict(list)
    late_over_early = []
    for problem in load("starter").problems[: 9 * arguments.problems : 9]:
        chat = opening(problem, config)
        await endpoint.ask(chat, seed=0)  # the prompt is in the cache for all three alike
        replies["one-shot"].append(await endpoint.ask(chat, seed=0))
        async with endpoint.hold() as extend:
            tools = Tools(None, None, None, None, screen, MOST_TOKENS)
            replies["guided"].append(await guided(chat, 0, tools, 8, extend))
        async with endpoint.hold() as extend:
            clock = Clock(extend)
            replies["literal"].append(await literal(chat, 0, MOST_TOKENS, clock))
        if len(clock.seconds) >= 4 * WINDOW:
            early, late = clock.seconds[1 : 1 + WINDOW], clock.seconds[-WINDOW:]
            late_over_early.append(statistics.median(late) / statistics.median(early))
    await model.close()
    show(replies, late_over_early)
    return 0


class Clock:
    """An `extend` that notes what each request took."""

    def __init__(self, extend) -> None:
        self._extend = extend
        self.seconds: list[float] = []

    async def __call__(self, *arguments, **how) -> Reply:
        started = time.perf_counter()
        reply = await self._extend(*arguments, **how)
        self.seconds.append(time.perf_counter() - started)
        return reply


def show(replies: dict[str, list[Reply]], late_over_early: list[float]) -> None:
    def speed(way: str) -> float:
        found = replies[way]
        return sum(r.output_tokens for r in found) / sum(r.seconds for r in found)

    plain = replies["one-shot"]
    print(f"{'':10} {'tokens/s':>9} {'of one-shot':>12} {'requests':>9} {'same reply':>11}")
    for way, found in replies.items():
        same = sum(
            other.text.startswith(reply.text) for reply, other in zip(found, plain, strict=True)
        )
        print(
            f"{way:10} {speed(way):9.1f} {speed(way) / speed('one-shot'):12.2f}"
            f" {sum(r.requests for r in found):9} {f'{same}/{len(found)}':>11}"
        )
    if late_over_early:
        ratio = statistics.median(late_over_early)
        print(f"a late token of a literal reply costs {ratio:.2f} × an early one")


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
