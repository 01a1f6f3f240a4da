"""What a small local model adds to the rules, on pairs that the rules leave open.

    python -m tests.bench.judge_small [--model local/qwen2.5-coder-0.5b] [--pairs 40]

Needs `pairs_dev.jsonl` and `cases_dev.jsonl` of `../shared/data/judge`. The pairs are drawn from
the uncontested ones that the rules leave undecided, the same ones for every preset. Counted as a
run counts them: only an accepted answer is correct, and one without a usable reply has no score.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from judge import CutReply, JudgeError, Verdict, open_judge
from judge.grade import PRESETS
from judge.model.agreement import wilson
from judge.model.probes import Probe, read_pairs
from solver.models import Model, connect
from solver.records import Message, Sampling
from solver.run.judging import MAX_TOKENS

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "judge"
EXPECTED = {"equal|undecided": True, "different|undecided": False}
"""What is right for a model to say where the rules may also decide nothing."""


class Asked:
    """Asks a model for the judge, and counts requests and tokens."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.requests = self.tokens_in = self.tokens_out = 0

    async def __call__(self, system: str, user: str, schema: dict[str, Any]) -> str | CutReply:
        first = (Message(role="system", text=system),) if system else ()
        chat = (*first, Message(role="user", text=user))
        reply = await self.model.generate(chat, seed=0, schema=schema or None)
        if reply.prompt_cut:
            raise JudgeError(f"{self.model.name}: the prompt does not fit")
        self.requests += 1
        print(f"{self.requests} requests", file=sys.stderr)
        self.tokens_in += reply.input_tokens
        self.tokens_out += reply.output_tokens
        return CutReply(reply.text) if reply.capped else reply.text


def labelled(folder: Path) -> list[Probe]:
    """Return the uncontested pairs of both files."""
    path = folder / "pairs_dev.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    pairs = [p for p, row in zip(read_pairs(path), rows, strict=True) if row["headline"]]
    lines = (folder / "cases_dev.jsonl").read_text(encoding="utf-8").splitlines()
    for case in map(json.loads, lines):
        right = EXPECTED.get(case["expected"])
        if case["call"] == "compare" and not case["contested"] and right is not None:
            pairs.append(Probe("", case["reference"], case["text"], right, case["kind"]))
    return pairs


async def graded(pairs: Sequence[Probe], **how: Any) -> list[Verdict]:
    """Grade pairs by a judge of their own."""
    judge = open_judge(**how)
    try:
        return await judge.grade_many((p.question, p.reference, p.answer) for p in pairs)
    finally:
        await judge.close()


def row(preset: str, pairs: Sequence[Probe], verdicts: Sequence[Verdict], asked: Asked) -> str:
    """Write the line of the table for one preset."""
    judged = list(zip(pairs, verdicts, strict=True))
    right = [verdict for pair, verdict in judged if pair.right]
    wrong = [verdict for pair, verdict in judged if not pair.right]
    guarded = sum(verdict.tier == "guard" for verdict in verdicts)
    of_model = max(1, len(pairs) - guarded)
    return (
        f"| `{preset}` | {_share(sum(v.correct for v in right), len(right))}"
        f" | {_share(sum(v.correct for v in wrong), len(wrong))}"
        f" | {guarded} | {sum(not v.valid for v in verdicts)}"
        f" | {asked.requests / of_model:.1f} | {asked.tokens_out / of_model:.0f}"
        f" | {asked.tokens_in / of_model:.0f} |"
    )


def _share(count: int, total: int) -> str:
    low, high = wilson(count, total)
    return f"{count} of {total} [{100 * low:.0f}, {100 * high:.0f}] %"


async def measure(options: argparse.Namespace) -> None:
    """Print the table, a line for each preset as it is done."""
    known = labelled(options.folder)
    open_pairs = [
        pair
        for pair, verdict in zip(known, await graded(known), strict=True)
        if verdict.rules == "undecided"
    ]
    drawn = random.Random(0).sample(open_pairs, min(options.pairs, len(open_pairs)))
    print(f"{len(known)} pairs, {len(open_pairs)} undecided by the rules, {len(drawn)} drawn\n")
    print(
        "| preset | right accepted | wrong accepted | refused by a guard | no usable reply"
        " | requests a verdict | tokens out | tokens in |\n|---|---|---|---|---|---|---|---|"
    )
    sampling = Sampling(temperature=0.0, max_tokens=MAX_TOKENS)
    model = connect(options.model, sampling, options.options)
    try:
        for preset in options.presets.split(","):
            asked, started = Asked(model), time.monotonic()
            verdicts = await graded(drawn, ask=asked, model_name=model.name, preset=preset)
            print(row(preset, drawn, verdicts, asked), flush=True)
            print(f"{preset}: {time.monotonic() - started:.0f} s", file=sys.stderr)
            for pair, verdict in zip(drawn, verdicts, strict=True):
                if verdict.correct and not pair.right:
                    print(f"wrong: {pair.reference} ← {pair.answer}", file=sys.stderr)
    finally:
        await model.close()


def main() -> int:
    """Parse the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="local/qwen2.5-coder-0.5b")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--presets", default=",".join(PRESETS[:3]))
    parser.add_argument(
        "--options", type=json.loads, default={}, help="of the provider: '{\"threads\": 1}'"
    )
    parser.add_argument("--folder", type=Path, default=SHARED)
    asyncio.run(measure(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
