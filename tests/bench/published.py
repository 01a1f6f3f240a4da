"""Published tool-integrated outputs through our mode `tir` and our rules, against their own labels.

    python -m tests.bench.published

Needs `judge/transcripts_dev.jsonl.gz`: 500 outputs each of GPT-4 with ToRA's format,
of GPT-4 with PAL's and of rho-math-7b-interpreter, on the problems of MATH-500. Prints accuracy
beside what others count on the same outputs, and a cause for every verdict that is not theirs.
Exit code 1 where a difference has no cause in the table below.

Not covered: running the programs again. What the transcripts say they printed is taken as it is.
"""

import asyncio
import gzip
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from judge import Extracted, Verdict, open_judge
from judge.model.agreement import Rate
from sandbox import Execution, Exit
from solver.modes import Controller, Tools
from solver.modes.tir import solve as tir
from solver.records import Problem, Reply
from tests.fakes import config_of

SHARED = Path(os.environ.get("SOLVER_SHARED_DATA", "../shared/data")) / "judge"
TRANSCRIPTS = SHARED / "transcripts_dev.jsonl.gz"
PAIRS = SHARED / "pairs_dev.jsonl"

TORA, PAL, RHO = "gpt-4 (tora)", "gpt-4 (pal)", "rho-math-7b-interpreter-v0.1"


@dataclass(frozen=True)
class Others:
    """What is counted correct on one run's published predictions, in percent of 500."""

    adjudicated: float
    """By a reader of every pair; answers that a convention decides count as right."""
    strict: float
    """The same, where they count as wrong."""
    peers: dict[str, float]


OTHERS = {
    TORA: Others(63.6, 61.8, {
        "hendrycks": 58.8, "prm800k": 61.0, "math-verify": 61.8, "Qwen2.5": 61.0, "MARIO": 62.2,
    }),
    PAL: Others(61.4, 58.2, {
        "hendrycks": 49.0, "prm800k": 56.0, "math-verify": 58.4, "Qwen2.5": 55.4, "MARIO": 60.2,
    }),
    RHO: Others(51.8, 51.2, {
        "hendrycks": 47.6, "prm800k": 50.4, "math-verify": 51.6, "Qwen2.5": 51.8, "MARIO": 51.8,
    }),
}  # fmt: skip

BY_CONVENTION = frozenset({"base", "float"})
"""Tiers that accept what the strict count calls wrong: an omitted base, a float's last digits."""

LAST_OUTPUT = "convention: nothing is boxed, and the last output is the answer; published: none"
MANGLED = "published prediction mangled: it lost the row breaks, letters or braces of the answer"

CAUSES = {
    RHO: {
        25: "label wrong: it accepts one of two values; the reply itself ends without an answer",
        102: MANGLED,
        164: "label wrong: the unsimplified answer has the value of the reference",
        307: "label wrong: an interval without its endpoint, which the reference includes",
        456: "convention: both boxes of the last sentence are the answer; published: the last",
        467: "label wrong: the unit of the reference stands behind the box",
    },
    TORA: {
        **dict.fromkeys(
            (30, 36, 44, 54, 89, 107, 111, 127, 159, 439, 442, 450, 465, 469, 474, 488),
            LAST_OUTPUT,
        ),
        **dict.fromkeys((99, 379, 416, 420), MANGLED),
    },
    PAL: {},
}
"""Why our verdict is not the label's, or not the one we give the published prediction."""


@dataclass(frozen=True)
class Graded:
    """One published output, read and judged."""

    number: int
    """Its place in its run."""
    run: str
    problem: str
    """The problem's id in MATH."""
    reference: str
    found: Extracted
    verdict: Verdict
    prediction: str
    """The answer that was published with the output."""
    of_prediction: Verdict
    label: bool | None

    @property
    def differs(self) -> bool:
        """Whether our verdict is not the label's, or hangs on who extracted the answer."""
        correct = self.verdict.correct
        return correct != self.of_prediction.correct or self.label not in (None, correct)


NOTE = r"(?:<system>.*?</system>|Reach max function call limit\.)"
"""What the published programs wrote into the transcripts themselves."""

TOLD = re.compile(rf"(?:{NOTE}\s*)?```output\n(.*?)(?:```|\Z)(?:\s*{NOTE})?|{NOTE}", re.DOTALL)
"""What stands between two replies: mostly an output, its text the group."""

ERROR = re.compile(r"(?:\\boxed\{)?(?:[\w.]*(?:Error|Exception)\b|\w+(?:\.\w+)+: |Timeout)")
"""How the last line of a failed program's output begins. PAL's runner boxed every output."""


class Transcript:
    """A model and a sandbox that say again what a published transcript holds."""

    def __init__(self, text: str) -> None:
        parts = TOLD.split(text)
        self.outputs = len(parts) // 2
        self._replies, self._outputs = iter(parts[::2]), iter(parts[1::2])

    def tools(self) -> Tools:
        """What the mode is to work with."""
        return Tools(self._ask, self._control, self._run, self._run, lambda program: (), 10_000)

    async def _ask(self, chat: object, *, seed: int, stop: object = ()) -> Reply:
        return Reply(text=next(self._replies, ""))

    async def _control(self, controller: Controller) -> Reply:
        raise NotImplementedError("no controller made the published replies")

    async def _run(self, program: str) -> Execution:
        output = next(self._outputs, None)
        lines = (output or "").strip().splitlines()
        if output is None or (lines and ERROR.match(lines[-1])):
            return Execution(Exit.CRASHED, "", output or "", 0, 0, 0, False)
        return Execution(Exit.OK, output, "", 0, 0, 0, False)


async def replayed(row: dict[str, str]) -> Extracted:
    """The answer that the mode finds in a transcript.

    As many programs may run as there are outputs: one that the transcript ends in met the limit.
    """
    transcript = Transcript(row["output"])
    problem = Problem(id=row["uid"], question=row["problem"], answer=row["gold"])
    config = config_of(tir={"executions": transcript.outputs or 1})
    turns = [turn async for turn in tir(problem, transcript.tools(), config, seed=0)]
    return Extracted(turns[-1].answer, turns[-1].answer_rule or "none")


async def grade() -> list[Graded]:
    """Read and judge every output by the rules alone. Raises OSError where the data is absent."""
    with gzip.open(TRANSCRIPTS, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["model"] in OTHERS]
    found = [await replayed(row) for row in rows]
    judge = open_judge(workers=2)
    try:
        verdicts = await judge.grade_many(
            (row["problem"], row["gold"], one.answer or "")
            for row, one in zip(rows, found, strict=True)
        )
        of_predictions = await judge.grade_many(
            (row["problem"], row["gold"], row["published_pred"] or "") for row in rows
        )
    finally:
        await judge.close()
    return [
        Graded(
            number=int(row["id"].rpartition("-")[2]),
            run=row["model"],
            problem=row["uid"].removesuffix(".json"),
            reference=row["gold"],
            found=one,
            verdict=verdict,
            prediction=row["published_pred"] or "",
            of_prediction=of_prediction,
            label=row["published_label"],
        )
        for row, one, verdict, of_prediction in zip(
            rows, found, verdicts, of_predictions, strict=True
        )
    ]


def beyond_labels(graded: list[Graded]) -> list[Graded]:
    """What we accept though it reads otherwise than the reference, and no labelled pair settles."""
    with PAIRS.open(encoding="utf-8") as lines:
        pairs = [json.loads(line) for line in lines]
    labelled = {(pair.get("group") or "", _squeezed(pair["prediction"])) for pair in pairs}
    return [
        one
        for one in graded
        if one.verdict.correct
        and one.verdict.tier not in BY_CONVENTION
        and _squeezed(one.reference) != _squeezed(one.prediction)
        and (f"math500-real-outputs:{one.problem}.json", _squeezed(one.prediction)) not in labelled
    ]


def main() -> int:
    """Print the tables; 1 where a difference has no cause."""
    if not TRANSCRIPTS.is_file():
        print(f"{TRANSCRIPTS} is absent: this bench needs the published outputs", file=sys.stderr)
        return 2
    everything = asyncio.run(grade())
    unexplained = 0
    for run, others in OTHERS.items():
        graded = [one for one in everything if one.run == run]
        _print_counts(graded, others)
        unexplained += _print_differences(run, graded)
    return 1 if unexplained else 0


def _print_counts(graded: list[Graded], others: Others) -> None:
    n = len(graded)
    ours = [one.verdict.correct for one in graded]
    contested = sum(one.verdict.correct and one.verdict.tier in BY_CONVENTION for one in graded)
    undecided = sum(not one.verdict.valid for one in graded)
    print(f"\n{graded[0].run}, {n} outputs")
    print(f"  ours                {Rate(sum(ours), n)}, {undecided} undecided, counted as wrong")
    print(f"  ours, strict        {Rate(sum(ours) - contested, n)}")
    print(f"  on published preds  {Rate(sum(one.of_prediction.correct for one in graded), n)}")
    labels = [one for one in graded if one.label is not None]
    if labels:
        agree = sum(one.verdict.correct == one.label for one in labels)
        print(f"  published label     {Rate(sum(bool(one.label) for one in labels), n)}")
        print(f"  agreement           {Rate(agree, len(labels))}")
    print(f"  adjudicated         {others.adjudicated} %, strict {others.strict} %")
    print("  peers               " + ", ".join(f"{k} {v}" for k, v in others.peers.items()))
    rules = Counter(one.found.rule for one in graded)
    print("  extracted by        " + ", ".join(f"{k} {v}" for k, v in rules.most_common()))


def _print_differences(run: str, graded: list[Graded]) -> int:
    """Print each difference with its cause; how many have none."""
    causes = CAUSES[run]
    different = [one for one in graded if one.differs]
    for one in different:
        cause = causes.get(one.number, "NO CAUSE KNOWN")
        label = "none" if one.label is None else str(one.label).lower()
        print(
            f"  {one.number:4} {one.problem:34} ours {str(one.verdict.correct).lower():5}"
            f" label {label:5}  {cause}"
        )
    for line in _gap(run, graded):
        print(f"  {line}")
    return sum(one.number not in causes for one in different)


def _gap(run: str, graded: list[Graded]) -> Iterator[str]:
    """Why the rules count more or fewer of the published predictions than a reader did."""
    gap = sum(one.of_prediction.correct for one in graded) - round(
        OTHERS[run].adjudicated / 100 * len(graded)
    )
    if gap < 0:
        mangled = sum(cause == MANGLED for cause in CAUSES[run].values())
        yield f"{-gap} fewer predictions than adjudicated: a reader made out the {mangled} mangled"
    elif gap and PAIRS.is_file():
        unlabelled = beyond_labels(graded)
        tiers = Counter(one.verdict.tier for one in unlabelled)
        yield (
            f"{gap} more predictions than adjudicated, strictly too: some of the {len(unlabelled)}"
            " answers in other clothes that no labelled pair settles"
        )
        yield f"  by tier: {', '.join(f'{tier} {count}' for tier, count in tiers.most_common())}"
        yield f"  numbers: {', '.join(str(one.number) for one in unlabelled)}"


def _squeezed(text: str) -> str:
    for noise in ("\\left", "\\right", "\\!", "^\\circ", "\\$", "$", " "):
        text = text.replace(noise, "")
    return text.replace("dfrac", "frac").replace("tfrac", "frac")


if __name__ == "__main__":
    sys.exit(main())
