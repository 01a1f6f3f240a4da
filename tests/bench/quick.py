"""Times short work next to a yardstick on the same machine.

    python -m tests.bench.quick

`solver --help` against a bare `import typer`; the stability of 10,000 problems with 48 repeats
against sorting their results; extraction from long runs of one fragment against half as long ones,
which is about 2 where the time is linear and 4 where it is quadratic.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from judge import extract_answer, extract_output
from solver.stats.metrics import estimate, g_pass_at_k_each, mg_pass_at_k_each, tally

TIMES = 5
PIECES = (
    "\\boxed{", "\\boxed", "{", "}", "\\", "$", "$$", "\\[", "\\]", "\\(", "answer", "answer is ",
    "Final answer: ", "####", "\n", "```", "```output\n", "```python\n", "<answer>", "</answer>",
    "so ", "is ", "1", "x=", ",", "and", "or", "]", "(", "\x08oxed{", "\x1b[3", "é", "\ud800", " ",
)  # fmt: skip


def main() -> int:
    """Print each ratio next to the most it may be, and exit 1 where one is higher."""
    bars = [
        ("solver --help over import typer", *help_and_typer(), 2.5),
        ("stability of 10,000 problems over sorting them", *stability_and_sorting(), 1.0),
        ("extraction from twice the text over once", *twice_and_once(), 3.5),
    ]
    missed = 0
    for title, work, yardstick, most in bars:
        ratio = compare(work, yardstick)
        print(f"{title:50} {ratio:6.2f}, at most {most:.1f}", flush=True)
        missed += ratio > most
    return 1 if missed else 0


def compare(work: Callable[[], object], yardstick: Callable[[], object]) -> float:
    """Return the ratio of the fastest times, measured in turn so that load meets both."""
    times = [(_seconds(work), _seconds(yardstick)) for _ in range(TIMES)]
    ours, theirs = zip(*times, strict=True)
    return min(ours) / min(theirs)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def help_and_typer() -> tuple[Callable[[], object], Callable[[], object]]:
    """Return what starts the command line and what imports the library it is made with."""

    def started(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    return started("-m", "solver.cli", "--help"), started("-c", "import typer")


def stability_and_sorting() -> tuple[Callable[[], object], Callable[[], object]]:
    """Return the metrics of a large run and a sort of its 480,000 results."""
    draws = np.random.default_rng(0).random((10_000, 48))
    results = (draws < np.linspace(0, 1, 10_000)[:, None]).tolist()
    correct = {str(number): row for number, row in enumerate(results)}
    values = draws.ravel().tolist()

    def metrics() -> None:
        tallies = tally(correct)
        for k in (4, 8, 16):
            for quarter in range(5):
                estimate(g_pass_at_k_each(tallies, k, Fraction(quarter, 4)), 480_000)
            estimate(mg_pass_at_k_each(tallies, k), 480_000)

    return metrics, lambda: sorted(values)


def twice_and_once() -> tuple[Callable[[], object], Callable[[], object]]:
    """Return extraction from hostile text and from half of it: linear time gives about 2."""

    def extract(length: int) -> None:
        for piece in PIECES:
            extract_answer(piece * (length // len(piece)))
            extract_output(piece * (length // len(piece)))
        extract_answer("\\boxed{" * (length // 8) + "5" + "}" * (length // 8))

    return lambda: extract(200_000), lambda: extract(100_000)


if __name__ == "__main__":
    raise SystemExit(main())
