"""The rules against other graders on the same labelled pairs, in one run: accuracy, speed, safety.

    python -m tests.bench.judge                                  # peers from this interpreter
    python -m tests.bench.judge --peers-python /path/to/python   # peers installed elsewhere

Needs `../shared/data/judge/pairs_dev.jsonl` or another file of the same form. The peers are
math-verify, lm-eval's Minerva grader and PRM800K's (mathruler); one that is not installed is
named as absent. Each grader runs in a process of its own under the same limits and is killed when
one pair takes too long. Exit code 1 when a bar is missed.

Not covered: model judges (`judge.audit` measures those), and pairs unlike these.
"""

import argparse
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from judge.model.agreement import Confusion, Rate, confusion
from judge.workers.pool import Pool
from solver.stats.paired import mcnemar

ROOT = Path(__file__).resolve().parents[2]
PAIRS = Path(os.environ.get("SOLVER_SHARED_DATA", "../shared/data")) / "judge/pairs_dev.jsonl"
OURS = "ours"
PEERS = ("math-verify", "lm-eval", "prm800k")
REAL = "math500-real-outputs"
PAIR_SECONDS = 12.0
HOSTILE_SECONDS = 15.0
PUBLISHED_MARIO = 0.853


@dataclass(frozen=True)
class Graded:
    """What one grader said about one pair."""

    found: str
    """equal, different, undecided, "hang", "died" or "raised …"."""
    seconds: float
    cpu: float
    """CPU seconds of the grader's own process: steady on a busy machine, blind to its children."""


class Grader:
    """A grader in its own process, which is started again whenever it had to be killed."""

    def __init__(self, name: str, python: str) -> None:
        self.name = name
        self.python = python
        self.peak_mb = 0.0
        self.absent = ""
        self._process: subprocess.Popen[str] | None = None
        self._start()

    def grade(self, reference: str, answer: str, seconds: float) -> Graded:
        """Grade one pair within so many seconds."""
        if self._process is None:
            self._start()
        self._process.stdin.write(json.dumps([reference, answer]) + "\n")
        started = time.perf_counter()
        try:
            self._process.stdin.flush()
            line = self._line(seconds)
        except BrokenPipeError:
            line = {}
        if line is None or not line:
            self.stop()
            return Graded("hang" if line is None else "died", time.perf_counter() - started, 0.0)
        self.peak_mb = max(self.peak_mb, line["peak_mb"])
        return Graded(line["found"], line["seconds"], line["cpu"])

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [self.python, "-P", str(ROOT / "tests" / "bench" / "judge_peers.py"), self.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
            env=os.environ | {"PYTHONPATH": str(ROOT) if self.name == OURS else ""},
        )
        first = self._line(120.0) or {"absent": "did not start"}
        self.absent = first.get("absent", "")

    def _line(self, seconds: float) -> dict | None:
        """Read the next line: {} at the end of the output, None where it takes too long."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                return None
        line = self._process.stdout.readline()
        return json.loads(line) if line else {}


# --- hostile answers ---------------------------------------------------------------------------

HOSTILE = (
    "9^{9^{9^9}}",
    "9**9**9**9",
    "10^10^10^10",
    r"2^{2^{2^{2^{2^{2}}}}}",
    "99999999!",
    "9!!!!!!!!",
    "factorial(10**9)",
    r"\binom{10^9}{5\cdot10^8}",
    "binomial(10**9, 5*10**8)",
    r"\sum_{k=1}^{10^9} \frac{1}{k}",
    "Sum(1/k, (k, 1, 10**12))",
    r"\prod_{k=1}^{10^9} k",
    r"\int_0^1 e^{e^{e^x}} dx",
    "fibonacci(10**9)",
    "gamma(10**12)",
    "prime(10**15)",
    "primepi(10**18)",
    "9" * 20_000,
    "0." + "3" * 50_000,
    "1e999999999",
    "1e-999999999",
    "1/" * 5_000 + "1",
    "(" * 20_000,
    "(" * 5_000 + "1" + ")" * 5_000,
    "[" * 1_000 + "]" * 1_000,
    "-" * 20_000 + "1",
    "+".join(["x"] * 5_000),
    "1," * 20_000,
    r"\frac{" * 3_000,
    r"\boxed{" * 5_000,
    r"\text{}" * 5_000,
    r"\sqrt{" * 1_000 + "2" + "}" * 1_000,
    "\\" * 20_000,
    "x^" * 3_000 + "2",
    r"\sin(" * 800 + "x" + ")" * 800,
    "(x+y+z+w)^{500}",
    "*".join(f"(x+{k})" for k in range(400)),
    r"\begin{pmatrix}" + "&".join(["1"] * 5_000) + r"\end{pmatrix}",
    "\x00" * 1_000,
    "\u202e" + "1" * 100,
    "a" * 100_000,
    "{" * 3_000 + "1" + "}" * 3_000,
    "|" * 2_001,
    "$" * 5_000,
    "1" + " " * 50_000 + "2",
    "3:" * 5_000 + "1",
    "True and " * 2_000 + "True",
    "lambda: 1",
)
_CALLS = (
    "__import__('os').system('touch {mark}')",
    "exec(\"open('{mark}', 'w')\")",
    "open('{mark}', 'w')",
    "eval(\"open('{mark}', 'w')\")",
)
_WRAPPERS = (
    "{call}",
    "(1, {call})",
    "[{call}]",
    r"\pi + {call}",
    "2 + {call}",
    r"\text{{{call}}}",
    r"\frac{{{call}}}{{1}}",
    "Matrix([[{call}]])",
    "Symbol('x').__class__({call})",
    "{{{call}}}",
)


def hostile(grader: Grader) -> dict[str, object]:
    """Grade hostile answers, and count hangs, deaths, code that ran and the memory it took."""
    counts: Counter[str] = Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        marks = []
        answers = list(HOSTILE)
        for number, call in enumerate(_CALLS):
            for place, wrapper in enumerate(_WRAPPERS):
                mark = Path(folder) / f"{number}-{place}"
                marks.append(mark)
                answers.append(wrapper.format(call=call.format(mark=mark)))
        for answer in answers:
            for reference in (r"\frac{1}{2}", "x^2 + 1"):
                graded = grader.grade(reference, answer, HOSTILE_SECONDS)
                slowest = max(slowest, graded.seconds)
                counts[graded.found.split()[0]] += 1
                if graded.found in ("hang", "died"):
                    print(f"  {grader.name}: {graded.found}: {reference} ← {answer[:60]!r}")
        executed = sum(mark.exists() for mark in marks)
    return {
        "answers": len(answers),
        "hangs": counts["hang"],
        "died": counts["died"],
        "raised": counts["raised"],
        "accepted": counts["equal"],
        "executed": executed,
        "slowest": slowest,
        "peak_mb": grader.peak_mb,
    }


# --- tables ------------------------------------------------------------------------------------


def counted(rows: list[dict], results: list[Graded]) -> Confusion:
    """Count decisions against labels; every result but "equal" is a rejection."""
    return confusion(
        (result.found == "equal", row["label"]) for row, result in zip(rows, results, strict=True)
    )


def shown(counts: Confusion) -> str:
    """Format accuracy, false accepts and false rejects."""
    return (
        f"{_percent(counts.accuracy)} (FA {_percent(counts.false_accepts)}"
        f" · FR {_percent(counts.false_rejects)})"
    )


def by_group(rows: list[dict], results: dict[str, list[Graded]], key: str) -> None:
    """Print one line for each kind or source."""
    groups: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        groups[row[key]].append(number)
    print(f"\n## By {key}: accuracy % (FA · FR)\n")
    print("| " + " | ".join([key, "n", *results]) + " |")
    print("|---" * (2 + len(results)) + "|")
    for group, numbers in sorted(groups.items(), key=lambda item: -len(item[1])):
        cells = [
            shown(counted([rows[i] for i in numbers], [found[i] for i in numbers]))
            for found in results.values()
        ]
        print("| " + " | ".join([group, str(len(numbers)), *cells]) + " |")


def main() -> int:
    """Measure and print. Return 1 where a bar is missed."""
    options = _parse()
    rows = [json.loads(line) for line in options.pairs.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["headline"]][: options.limit]
    graders = [Grader(OURS, sys.executable)]
    graders += [Grader(name, options.peers_python) for name in options.peers]
    for grader in graders:
        if grader.absent:
            print(f"{grader.name}: absent ({grader.absent})")
    graders = [grader for grader in graders if not grader.absent]
    results = graded(graders, rows)
    print(f"\n## {len(rows)} headline pairs\n")
    overall(rows, results)
    by_group(rows, results, "kind")
    by_group(rows, results, "source")
    bars = accuracy_bars(rows, results) + speed_bars(rows, results)
    if options.hostile:
        bars += hostile_bars(graders if options.hostile == "all" else graders[:1])
    for grader in graders:
        grader.stop()
    print("\n## Bars\n")
    for name, reached, value in bars:
        print(f"{'ok  ' if reached else 'MISS'}  {name}  {value}")
    return 0 if all(reached for _, reached, _ in bars) else 1


def graded(graders: list[Grader], rows: list[dict]) -> dict[str, list[Graded]]:
    """Grade pair by pair with all graders in turn, so that they share the load on the machine."""
    results: dict[str, list[Graded]] = {grader.name: [] for grader in graders}
    for row in rows:
        for grader in graders:
            found = grader.grade(row["gold"], row["prediction"], PAIR_SECONDS)
            results[grader.name].append(found)
    return results


def overall(rows: list[dict], results: dict[str, list[Graded]]) -> None:
    """Print one line for each grader: rates, failures, speed."""
    columns = "accuracy|FA|FR|hangs|raised|pairs/s|pairs per CPU s|median ms|p99 ms"
    print("| grader | " + columns.replace("|", " | ") + " |")
    print("|---" * 10 + "|")
    for name, found in results.items():
        counts = counted(rows, found)
        times = sorted(result.seconds for result in found)
        words = Counter(result.found.split()[0] for result in found)
        cells = [
            name,
            *(str(rate) for rate in (counts.accuracy, counts.false_accepts, counts.false_rejects)),
            str(words["hang"] + words["died"]),
            str(words["raised"]),
            f"{len(times) / sum(times):,.0f}",
            f"{len(times) / sum(result.cpu for result in found):,.0f}",
            f"{1000 * times[len(times) // 2]:.2f}",
            f"{1000 * _p99(times):.1f}",
        ]
        print("| " + " | ".join(cells) + " |")


def hostile_bars(graders: list[Grader]) -> list[tuple[str, bool, str]]:
    """Print how graders take hostile answers, and return the bars on our own."""
    bars = []
    print("\n## Hostile answers\n")
    for grader in graders:
        found = hostile(grader)
        print(f"{grader.name}: " + ", ".join(f"{k} {_short(v)}" for k, v in found.items()))
        if grader.name == OURS:
            calm = not (found["hangs"] or found["died"] or found["raised"] or found["executed"])
            bars.append(("hostile: no hang, death, exception or execution", calm, ""))
            bars.append(("hostile: memory under 1 GiB", found["peak_mb"] < 1024, ""))
    return bars


def accuracy_bars(
    rows: list[dict], results: dict[str, list[Graded]]
) -> list[tuple[str, bool, str]]:
    """Return the bars on being right."""
    ours = results[OURS]
    counts = counted(rows, ours)
    decided = [i for i, result in enumerate(ours) if result.found in ("equal", "different")]
    on_decided = counted([rows[i] for i in decided], [ours[i] for i in decided])
    share = Rate(len(decided), len(rows))
    real = [i for i, row in enumerate(rows) if row["source"] == REAL]
    of_real = counted([rows[i] for i in real], [ours[i] for i in real])
    bars = [
        ("accuracy ≥ 95 %", counts.accuracy.value >= 0.95, str(counts.accuracy)),
        ("false accepts ≤ 0.3 %", counts.false_accepts.value <= 0.003, str(counts.false_accepts)),
        ("decided ≥ 92 %", share.value >= 0.92, str(share)),
        (
            "accuracy on the decided ≥ 99 %",
            on_decided.accuracy.value >= 0.99,
            str(on_decided.accuracy),
        ),
        ("above MARIO_EVAL's 85.3 %", counts.accuracy.value > PUBLISHED_MARIO, ""),
    ]
    if real:
        accepts, rejects = of_real.false_accepts, of_real.false_rejects
        bars.append(("real outputs: no false accept", accepts.count == 0, str(accepts)))
        bars.append(("real outputs: false rejects ≤ 4 %", rejects.value <= 0.04, str(rejects)))
    theirs = {name: found for name, found in results.items() if name != OURS}
    return bars + [more_accurate(name, rows, ours, found) for name, found in theirs.items()]


def more_accurate(
    name: str, rows: list[dict], ours: list[Graded], theirs: list[Graded]
) -> tuple[str, bool, str]:
    """Return the bar on being right more often than one other grader."""
    right, right_theirs = (
        [(one.found == "equal") == row["label"] for one, row in zip(found, rows, strict=True)]
        for found in (ours, theirs)
    )
    wins = sum(mine and not other for mine, other in zip(right, right_theirs, strict=True))
    losses = sum(other and not mine for mine, other in zip(right, right_theirs, strict=True))
    p = mcnemar(wins, losses)
    better = wins > losses and p < 0.001
    return f"more accurate than {name}", better, f"{wins} : {losses}, p = {p:.1g}"


def speed_bars(rows: list[dict], results: dict[str, list[Graded]]) -> list[tuple[str, bool, str]]:
    """Return the bars on speed: in the grader's own process, and through the pool as in a run."""
    times = sorted(result.seconds for result in results[OURS])
    p99 = _p99(times)
    speed = len(times) / sum(times)
    with Pool(1) as pool:
        pool.compare("1", "2")  # the start of the worker is measured below
        started = time.perf_counter()
        futures = [pool.submit(row["gold"], row["prediction"]) for row in rows]
        for future in futures:
            future.result()
        pooled = len(rows) / (time.perf_counter() - started)
    started = time.perf_counter()
    with Pool(1) as pool:
        pool.compare("1", "2")
        warm_up = time.perf_counter() - started
    bars = [
        ("p99 < 100 ms", p99 < 0.1, f"{1000 * p99:.1f} ms"),
        ("≥ 500 pairs/s, one worker of the pool", pooled >= 500, f"{pooled:,.0f}/s"),
        ("worker ready in under 1 s", warm_up < 1, f"{warm_up:.2f} s"),
    ]
    if "math-verify" in results:
        theirs = results["math-verify"]
        ratio = speed * sum(result.seconds for result in theirs) / len(theirs)
        bars.append(("≥ 20 × math-verify's pairs per second", ratio >= 20, f"{ratio:.0f} ×"))
    return bars


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=Path, default=PAIRS)
    parser.add_argument("--peers-python", default=sys.executable, help="has the peers installed")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    parser.add_argument("--limit", type=int, default=None, help="only the first so many pairs")
    parser.add_argument(
        "--hostile", choices=("ours", "all", ""), default="ours", help="who gets hostile answers"
    )
    options = parser.parse_args()
    if not options.pairs.exists():
        parser.error(f"{options.pairs} is not here: give --pairs")
    return options


def _p99(times: list[float]) -> float:
    """Return the time that 99 % of the sorted times stay under."""
    return times[min(len(times) - 1, int(0.99 * len(times)))]


def _percent(rate: Rate) -> str:
    return "–" if rate.value is None else f"{100 * rate.value:.1f}"


def _short(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
