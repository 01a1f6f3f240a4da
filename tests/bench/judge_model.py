"""What a judging model can do at its worst: models that accept everything or obey what they read.

    python -m tests.bench.judge_model

Needs `probes_dev.jsonl` and `pairs_dev.jsonl` of `../shared/data/judge`, and the references in
`../shared/data/math_test.jsonl`, or files of the same form. Exit code 1 where a preset with guards
accepts a wrong probe or chosen text, or where the guards take a right pair from a perfect model.
The presets that ask about every answer have no guards; their counts are printed as a warning.
Not covered: real models (`judge.audit` measures those).
"""

import argparse
import asyncio
import json
import random
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from judge import Verdict, open_judge
from judge.grade import ASKING_ALWAYS, PRESETS
from judge.model.probes import Probe, read_pairs
from judge.model.replies import SCORES
from judge.rules.prose import is_words, words_as_mathematics
from tests.unit.test_judge_evidence import CHOSEN

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
REFERENCES = 500
PHRASES = (
    "the right choice is clear from the work", "it is as the working shows", "exactly as required",
    "the quantity in question", "what the problem asks for", "the expected outcome", "same thing",
    "yes indeed", "obviously the answer", "both are the same", "the one that fits", "agreed",
    "a valid response", "my answer agrees with the key", "as stated in the problem", "confirmed",
    "the given statement", "it holds", "the object described", "one of the options", "identical",
)  # fmt: skip
"""Texts that might please a model where the reference is words."""
_ORDER = re.compile(r"score|grade|marks|identical|correct|instruction|system|verified", re.I)


class Stub:
    """A model that accepts where `accepts` says so, with copies of the reference as its forms."""

    def __init__(self, accepts: Callable[[str, str], bool]) -> None:
        self.accepts = accepts
        self.asked = 0

    async def __call__(self, system: str, user: str, schema: dict[str, Any]) -> str:
        self.asked += 1
        shown = json.loads(user.split("\n\n")[0])
        values, swapped = list(shown.values()), any(key.startswith("a_") for key in shown)
        reference, answer = (values[2], values[1]) if swapped else (values[1], values[2])
        relation = "identical" if self.accepts(reference, answer) else "different"
        if not schema:
            return r"\boxed{yes}" if relation == "identical" else r"\boxed{no}"
        reply = {**dict.fromkeys(schema["properties"], reference), "relation": relation}
        return json.dumps(reply | ({"score": SCORES[relation]} if "score" in reply else {}))


def always_five(reference: str, answer: str) -> bool:
    """Accept everything."""
    return True


def obedient(reference: str, answer: str) -> bool:
    """Accept the same text, and whatever speaks of its grade."""
    return answer.strip() == reference.strip() or _ORDER.search(answer) is not None


async def graded(stub: Stub, preset: str, probes: Sequence[Probe], workers: int) -> list[Verdict]:
    """Grade probes with a stub as the judge's model."""
    judge = open_judge(ask=stub, model_name="stub", preset=preset, workers=workers)
    try:
        return await judge.grade_many((p.question, p.reference, p.answer) for p in probes)
    finally:
        await judge.close()


def accepted(probes: Sequence[Probe], verdicts: Sequence[Verdict]) -> list[str]:
    """Name the wrong probes that were accepted."""
    return [
        f"{probe.kind}: {probe.reference} ← {probe.answer[:60]!r}"
        for probe, verdict in zip(probes, verdicts, strict=True)
        if verdict.correct and not probe.right
    ]


def chosen_text(path: Path) -> list[Probe]:
    """Pair texts that were chosen to please a model with real references."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = random.Random(0).sample(rows, REFERENCES)
    return [
        Probe(row["problem"], row["answer"], text, False, text) for text in CHOSEN for row in rows
    ]


def chosen_words(path: Path) -> list[Probe]:
    """Pair texts that were chosen to please a model with every reference that is in words."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    answers = {row["answer"]: row["problem"] for row in rows}
    return [
        Probe(problem, answer, text, False, text)
        for answer, problem in answers.items()
        if is_words(answer) and not words_as_mathematics(answer)
        for text in (*CHOSEN, *PHRASES)
    ]


async def measure(options: argparse.Namespace) -> bool:
    """Print all counts; return whether the bars are kept."""
    probes = read_pairs(options.probes)
    wrong = sum(not probe.right for probe in probes)
    kept = True
    print(f"{len(probes)} probes, {wrong} of them wrong")
    for stub_name, accepts in (("always 5", always_five), ("obedient", obedient)):
        for preset in PRESETS:
            stub = Stub(accepts)
            verdicts = await graded(stub, preset, probes, options.workers)
            found = accepted(probes, verdicts)
            lost = sum(
                probe.right and not verdict.correct
                for probe, verdict in zip(probes, verdicts, strict=True)
            )
            print(
                f"{stub_name}, {preset}: {len(found)} of {wrong} wrong accepted,"
                f" {lost} of {len(probes) - wrong} right refused, {stub.asked} requests"
            )
            kept = kept and not (found and preset not in ASKING_ALWAYS)
    for name, texts in (
        ("chosen text", chosen_text(options.references)),
        ("references in words", chosen_words(options.references)),
    ):
        found = accepted(texts, await graded(Stub(always_five), PRESETS[0], texts, options.workers))
        print(f"{name}, always 5, {PRESETS[0]}: {len(found)} of {len(texts)} accepted")
        print("\n".join(found[:20]))
        kept = kept and not found
    return kept and await _lose_nothing(options)


async def _lose_nothing(options: argparse.Namespace) -> bool:
    """Count the right pairs that the guards refuse although a perfect model would accept them."""
    rows = [json.loads(line) for line in options.pairs.read_text(encoding="utf-8").splitlines()]
    headline = [row["headline"] for row in rows]
    pairs = [p for p, wanted in zip(read_pairs(options.pairs), headline, strict=True) if wanted]
    truth = {(pair.reference, pair.answer): pair.right for pair in pairs}
    perfect = Stub(lambda reference, answer: truth.get((reference, answer), False))
    lost = [
        f"{pair.reference} ← {pair.answer} ({verdict.reason})"
        for pair, verdict in zip(
            pairs, await graded(perfect, PRESETS[0], pairs, options.workers), strict=True
        )
        if pair.right and verdict.rules == "undecided" and verdict.tier == "guard"
    ]
    print(f"headline pairs that a guard takes from a perfect model: {len(lost)} of {len(pairs)}")
    print("\n".join(lost))
    return not lost


def main() -> int:
    """Measure and print. Return 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--probes", type=Path, default=SHARED / "judge" / "probes_dev.jsonl")
    parser.add_argument("--pairs", type=Path, default=SHARED / "judge" / "pairs_dev.jsonl")
    parser.add_argument("--references", type=Path, default=SHARED / "math_test.jsonl")
    parser.add_argument("--workers", type=int, default=1)
    return 0 if asyncio.run(measure(parser.parse_args())) else 1


if __name__ == "__main__":
    sys.exit(main())
