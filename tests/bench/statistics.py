"""How often intervals hold the truth and tests are wrong, by simulation.

    python -m tests.bench.statistics [--quick] [TABLE …]

Each table draws worlds in which the truth is known, puts them through the functions of
`solver.stats` and prints the worst cell of each number of problems next to the bar: intervals hold
the truth in 93 % of worlds or more, tests are wrong in 5.5 % or fewer, all ranks are right in 95 %.
`--quick` draws a tenth of the worlds and allows for it. Exits 1 where a bar is missed.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, product
from math import sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from solver.stats.audited import Labels, audited_accuracy
from solver.stats.metrics import accuracy, estimate, g_pass_at_k
from solver.stats.noise import Noise, detectable, interval_for_these, paired_noise
from solver.stats.paired import holm, mean_interval, paired_difference, tallies_of
from solver.stats.power import detectable_g_pass
from solver.stats.ranks import standings

SIZES = (5, 20, 35, 105, 500)
RATES = (0.02, 0.1, 0.5, 0.9, 0.98)
REPEATS = (1, 4, 48)
PAIRED_REPEATS = ((1, 1), (1, 48), (2, 16), (4, 4), (48, 48))
Rates: TypeAlias = NDArray[np.float64]
Run: TypeAlias = dict[str, list[bool]]


@dataclass(frozen=True)
class Cell:
    """One kind of world, and in what share of its worlds something happened."""

    n: int
    share: float
    worlds: int
    what: str


def main() -> int:
    """Print the tables asked for, or all, and exit 1 where a bar is missed."""
    quick = "--quick" in sys.argv
    named = [each for each in sys.argv[1:] if not each.startswith("-")]
    missed = 0
    for name, (title, cells, bar, at_least) in TABLES.items():
        if not named or name in named:
            print(f"\n{name}: {title}", flush=True)
            missed += show(cells(10 if quick else 1), bar, at_least=at_least)
    return 1 if missed else 0


def show(cells: Iterator[Cell], bar: float, *, at_least: bool) -> int:
    """Print the worst cell of each number of problems; return how many miss the bar."""
    by_size: dict[int, list[Cell]] = {}
    for cell in cells:
        by_size.setdefault(cell.n, []).append(cell)
    missed = 0
    for n, found in by_size.items():
        pick: Callable[..., Cell] = min if at_least else max
        worst = pick(found, key=lambda cell: cell.share)
        # The worst of many cells lies some three standard errors from its own truth.
        slack = 3 * sqrt(bar * (1 - bar) / worst.worlds) if worst.worlds < 2_000 else 0
        wrong = worst.share < bar - slack if at_least else worst.share > bar + slack
        missed += wrong
        print(
            f"  n {n:4}  {100 * worst.share:5.1f} %  ({worst.what}, {worst.worlds:,} worlds)"
            f"  {'≥' if at_least else '≤'} {100 * bar:g} % in {len(found)} cells"
            f"{'  MISSED' if wrong else ''}",
            flush=True,
        )
    return missed


def hard(kind: str, p: float, shape: tuple[int, int], rng: np.random.Generator) -> Rates:
    """Draw how often each problem is solved; the mean over problems is `p`."""
    if kind == "alike":
        return np.full(shape, p)
    if kind == "spread":
        return rng.beta(0.4 * p, 0.4 * (1 - p), shape)
    if kind == "all or nothing":
        return (rng.random(shape) < p) * 1.0
    # Half the mean comes from problems that are always solved.
    always = p / 2
    return np.where(rng.random(shape) < always, 1.0, (p - always) / (1 - always))


KINDS = ("alike", "spread", "all or nothing", "some always")


def accuracy_cells(less: int) -> Iterator[Cell]:
    """Yield how often `estimate` holds the mean of all problems."""
    rng, worlds = np.random.default_rng(1), 2_000 // less
    for n, repeats, p, kind in product(SIZES, REPEATS, RATES, KINDS):
        values = rng.binomial(repeats, hard(kind, p, (worlds, n), rng)) / repeats
        found = [estimate(world, n * repeats) for world in values]
        held = np.mean([each.low <= p <= each.high for each in found])
        yield Cell(n, float(held), worlds, f"{repeats} repeats, p {p}, {kind}")


def these_cells(less: int) -> Iterator[Cell]:
    """Yield how often `interval_for_these` holds the mean of these problems."""
    rng, worlds = np.random.default_rng(2), 2_000 // less
    for n, repeats, p, kind in product((5, 35, 105), (2, 4, 48), RATES, KINDS):
        held = 0
        for _ in range(worlds):
            rates = hard(kind, p, (1, n), rng)[0]
            ends = interval_for_these(_run(rng, rates, repeats))
            held += ends is not None and ends[0] <= rates.mean() + 1e-12 <= ends[1] + 2e-12
        yield Cell(n, held / worlds, worlds, f"{repeats} repeats, p {p}, {kind}")


def both(
    kind: str, p: float, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[Rates, Rates, float]:
    """Draw how often two runs solve each problem, and return the true mean difference too."""
    if kind == "one side wins":
        return hard("all or nothing", p, shape, rng), np.zeros(shape), p
    if kind == "one side wins, noisy":
        base = np.full(shape, 0.3)
        return np.where(rng.random(shape) < p, 1.0, base), base, 0.7 * p
    if kind == "apart":  # alike on average, but on other problems
        return hard("all or nothing", p, shape, rng), hard("all or nothing", p, shape, rng), 0.0
    if kind == "independent":
        return hard("spread", p, shape, rng), hard("spread", p, shape, rng), 0.0
    rates = hard(kind, p, shape, rng)
    return rates, rates, 0.0


NULLS = ("alike", "spread")
PAIRED_KINDS = (*NULLS, "independent", "apart", "one side wins", "one side wins, noisy")


def paired_cells(less: int) -> Iterator[Cell]:
    """Yield how often `mean_interval` holds the true difference."""
    rng, worlds = np.random.default_rng(3), 2_000 // less
    for n, (k_a, k_b), p, kind in product(SIZES, PAIRED_REPEATS, RATES, PAIRED_KINDS):
        a, b, truth = both(kind, p, (worlds, n), rng)
        differences = rng.binomial(k_a, a) / k_a - rng.binomial(k_b, b) / k_b
        found = [mean_interval(world) for world in differences]
        held = np.mean([low - 1e-12 <= truth <= high + 1e-12 for low, high, _ in found])
        yield Cell(n, float(held), worlds, f"{k_a} and {k_b} repeats, p {p}, {kind}")


def null_cells(less: int) -> Iterator[Cell]:
    """Yield how often `paired_difference` tells runs apart that are alike, or are on average.

    Of so many cells the worst looks worse than it is, so what looks wrong is drawn again.
    """
    rng, worlds = np.random.default_rng(4), 1_000 // less
    for n, repeats, p, kind in product(SIZES, PAIRED_REPEATS, RATES, (*NULLS, "apart")):
        found, drawn = _told_apart(n, repeats, p, kind, worlds, rng), worlds
        if found > 0.045:
            drawn = 20_000 // less
            found = _told_apart(n, repeats, p, kind, drawn, rng)
        yield Cell(n, found, drawn, f"{repeats[0]} and {repeats[1]} repeats, p {p}, {kind}")


def _told_apart(
    n: int, repeats: tuple[int, int], p: float, kind: str, worlds: int, rng: np.random.Generator
) -> float:
    """Return the share of worlds in which p is 5 % or less."""
    found = 0
    for start in range(0, worlds, 1_000):
        size = min(1_000, worlds - start)
        a, b, _truth = both(kind, p, (size, n), rng)
        right_a, right_b = rng.binomial(repeats[0], a), rng.binomial(repeats[1], b)
        middles, errors = _bonett_price(right_a / repeats[0] - right_b / repeats[1])
        # p is never below that at which the interval meets 0.
        for world in np.flatnonzero(np.abs(middles) >= 0.999 * stdtrit(n + 1, 0.975) * errors):
            first, second = (
                _tallied(right_a[world], repeats[0]),
                _tallied(right_b[world], repeats[1]),
            )
            found += paired_difference(first, second).p_value <= 0.05
    return found / worlds


def _bonett_price(differences: Rates) -> tuple[Rates, Rates]:
    """Return middles and errors of the intervals of many worlds, as `noise.paired_mean` does."""
    size = differences.shape[1] + 2
    middles = differences.sum(axis=1) / size
    return middles, np.sqrt((((differences**2).sum(axis=1) + 2) / size - middles**2) / size)


def _tallied(right: NDArray[np.int_], repeats: int) -> Run:
    return {str(i): [True] * c + [False] * (repeats - c) for i, c in enumerate(right.tolist())}


WIDTHS = (0.05, 0.1)
MOST = 1_000
LOOKS = np.arange(35, MOST + 1, 35)
"""Numbers of problems after which someone looks at the interval."""


def until_cells(less: int) -> Iterator[Cell]:
    """Yield how often the interval holds the truth where a run ends once it is narrow enough."""
    rng, worlds = np.random.default_rng(9), 2_000 // less
    for width, (k_a, k_b), p, kind in product(WIDTHS, ((1, 1), (4, 4)), RATES, PAIRED_KINDS):
        a, b, truth = both(kind, p, (worlds, MOST), rng)
        middles, halves = _looked_at(rng.binomial(k_a, a) / k_a - rng.binomial(k_b, b) / k_b)
        narrow = halves <= width
        narrow[:, 1:] &= halves[:, :-1] <= width  # at two looks in a row, as `run/until.py` asks
        narrow[:, 0] = False
        stop = np.where(narrow.any(axis=1), narrow.argmax(axis=1), len(LOOKS) - 1)
        at = np.arange(worlds), stop
        held = np.abs(middles[at] - truth) <= halves[at] + 1e-12
        what = f"±{100 * width:g} points, {k_a} and {k_b} repeats, p {p}, {kind}"
        yield Cell(MOST, float(held.mean()), worlds, what)


def peeking_cells(less: int) -> Iterator[Cell]:
    """Yield how often equal runs are told apart where a run ends once 0 is outside the interval."""
    rng, worlds = np.random.default_rng(10), 2_000 // less
    for repeats, p in product((1, 4), (0.1, 0.5, 0.9)):
        a, b, _truth = both("alike", p, (worlds, MOST), rng)
        middles, halves = _looked_at(
            (rng.binomial(repeats, a) - rng.binomial(repeats, b)) / repeats
        )
        apart = (np.abs(middles) > halves).any(axis=1)
        yield Cell(MOST, float(apart.mean()), worlds, f"{repeats} repeats, p {p}")


def _looked_at(differences: Rates) -> tuple[Rates, Rates]:
    """Return the middles and half widths of Bonett and Price's intervals at every look."""
    totals, squares = (
        np.cumsum(each, axis=1)[:, LOOKS - 1] for each in (differences, differences**2)
    )
    middles = totals / (LOOKS + 2)
    errors = np.sqrt(((squares + 2) / (LOOKS + 2) - middles**2) / (LOOKS + 2))
    return middles, stdtrit(LOOKS + 1, 0.975) * errors


def again_cells(less: int) -> Iterator[Cell]:
    """Yield how often the interval for the same problems holds their true difference."""
    rng, worlds = np.random.default_rng(5), 1_000 // less
    for n, (k_a, k_b), p, kind in product(
        (5, 35, 105), ((2, 2), (2, 16), (16, 16)), RATES, ("alike", "independent", "apart")
    ):
        held = 0
        for _ in range(worlds):
            a, b, _truth = both(kind, p, (1, n), rng)
            again = paired_difference(_run(rng, a[0], k_a), _run(rng, b[0], k_b)).again
            truth = float((a - b).mean())
            held += again is not None and again.low - 1e-12 <= truth <= again.high + 1e-12
        yield Cell(n, held / worlds, worlds, f"{k_a} and {k_b} repeats, p {p}, {kind}")


def rank_cells(less: int) -> Iterator[Cell]:
    """Yield how often the true ranks of all arms lie within their intervals."""
    rng, worlds = np.random.default_rng(6), 500 // less
    arms = {
        "10 equal arms": np.full(10, 0.6),
        "3 groups": np.repeat([0.4, 0.6, 0.8], 3),
        "a ladder": np.linspace(0.3, 0.9, 8),
    }
    for n, repeats, (name, rates) in product((20, 60), (1, 8), arms.items()):
        lowest = [1 + int((rates > rate + 1e-9).sum()) for rate in rates]
        highest = [int((rates > rate - 1e-9).sum()) for rate in rates]
        right = 0
        for _ in range(worlds):
            runs = [_run(rng, np.full(n, rate), repeats) for rate in rates]
            places = standings(len(rates), _all_pairs(runs))
            right += all(
                place.best <= low and high <= place.worst
                for place, low, high in zip(places, lowest, highest, strict=True)
            )
        yield Cell(n, right / worlds, worlds, f"{name}, {repeats} repeats")


def _all_pairs(runs: list[Run]) -> dict[tuple[int, int], tuple[float, float]]:
    pairs = list(combinations(range(len(runs)), 2))
    found = [paired_difference(runs[a], runs[b]) for a, b in pairs]
    adjusted = holm([each.p_value for each in found])
    values = [each.value for each in found]
    return dict(zip(pairs, zip(values, adjusted, strict=True), strict=True))


def audited_cells(less: int) -> Iterator[Cell]:
    """Yield how often the accuracy corrected by labels holds the truth."""
    return _audited(less, corrected=True)


def judged_cells(less: int) -> Iterator[Cell]:
    """Yield how often the accuracy that the judge gives holds the truth."""
    return _audited(less, corrected=False)


def _audited(less: int, *, corrected: bool) -> Iterator[Cell]:
    """Draw worlds with a judge that rejects 1 in 20 right and accepts 1 in 30 wrong answers.

    It leaves 1 in 20 undecided, more of the right ones, which the judge's figure drops.
    """
    rng, worlds = np.random.default_rng(7), 600 // less
    for n, repeats, p in product((50, 100, 500), (1, 4), (0.2, 0.5, 0.8)):
        held = 0
        for _ in range(worlds):
            truth = rng.random((n, repeats)) < rng.beta(2 * p, 2 - 2 * p, (n, 1))
            drawn = rng.random(truth.shape)
            names = np.where(np.where(truth, drawn > 0.05, drawn < 0.03), "accepted", "rejected")
            names[rng.random(truth.shape) < np.where(truth, 0.08, 0.03)] = "undecided"
            if corrected:
                strata = {str(i): row.tolist() for i, row in enumerate(names)}
                labels = {}
                for name in np.unique(names):
                    found = rng.permutation(truth[names == name])[:30]
                    labels[str(name)] = Labels(int(found.sum()), found.size)
                ours = audited_accuracy(strata, labels)
            else:
                kept = [(row[row != "undecided"] == "accepted").tolist() for row in names]
                ours = accuracy([row for row in kept if row])
            held += ours.low <= p <= ours.high
        yield Cell(n, held / worlds, worlds, f"{repeats} repeats, p {p}")


def power_cells(less: int) -> Iterator[Cell]:
    """Yield how often `paired_difference` finds the difference that `detectable` names."""
    rng, worlds = np.random.default_rng(8), 1_000 // less
    for n, repeats in product((35, 105, 300), (1, 4, 16, 48)):
        difference = detectable(n, repeats, Noise(between=0.0, within=0.5)) or 1.0
        found = 0
        for _ in range(worlds):
            a, b = (_run(rng, np.full(n, 0.5 + side * difference / 2), repeats) for side in (1, -1))
            found += paired_difference(a, b).p_value <= 0.05
        yield Cell(n, found / worlds, worlds, f"{repeats} repeats, {100 * difference:.1f} points")


def g_pass_cells(less: int) -> Iterator[Cell]:
    """Yield how often the interval finds the difference that `detectable_g_pass` names.

    It is planned from an earlier run of 100 problems, whose own chance is in the result.
    """
    rng, plans = np.random.default_rng(11), 40 // less
    for n, repeats, tau in product((60, 200), (4, 16), ("0.5", "1")):
        values = np.array([g_pass_at_k(repeats, c, repeats, tau) for c in range(repeats + 1)])
        found = 0.0
        for seed in range(plans):
            rates = rng.beta(1, 0.8, 100)
            earlier = [_run(rng, rates, 8) for _ in "ab"]
            split = paired_noise(*earlier)
            named = split and detectable_g_pass(
                tallies_of(*earlier), split.cautious(100), n, repeats, repeats, tau, seed=seed
            )
            found += _found(rng, rates, named or 1.0, n, values) / plans
        yield Cell(n, found, plans * 100, f"{repeats} repeats, τ {tau}")


def _found(rng: np.random.Generator, rates: Rates, named: float, n: int, values: Rates) -> float:
    """Return how often 100 runs show an arm better by `named`: one that fails less often."""
    repeats = values.size - 1

    def better(by: float) -> float:
        drawn = (values[rng.binomial(repeats, each, (400, 100))] for each in (rates**by, rates))
        return float(np.subtract(*drawn).mean())

    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if better(middle) > named else (low, middle)
    chosen = rates[rng.integers(rates.size, size=(100, n))]
    differences = (
        values[rng.binomial(repeats, chosen**high)] - values[rng.binomial(repeats, chosen)]
    )
    middles, errors = _bonett_price(differences)
    return float((middles > stdtrit(n + 1, 0.975) * errors).mean())


def _run(rng: np.random.Generator, rates: Rates, repeats: int) -> Run:
    rows = rng.random((rates.size, repeats)) < rates[:, None]
    return {str(i): row for i, row in enumerate(rows.tolist())}


TABLES: dict[str, tuple[str, Callable[[int], Iterator[Cell]], float, bool]] = {
    "accuracy": ("interval of an accuracy, for problems like these", accuracy_cells, 0.93, True),
    "these": ("interval of an accuracy, for these problems", these_cells, 0.93, True),
    "paired": ("interval of a difference, for problems like these", paired_cells, 0.93, True),
    "again": ("interval of a difference, for these problems", again_cells, 0.93, True),
    "null": ("runs told apart that are alike on average", null_cells, 0.055, False),
    "until": ("interval at which a run is ended once it is narrow", until_cells, 0.93, True),
    "peeking": ("equal runs told apart where a run ends once they are", peeking_cells, 1.0, False),
    "ranks": ("all ranks within their intervals", rank_cells, 0.95, True),
    "audited": ("accuracy corrected by 30 labels a stratum", audited_cells, 0.93, True),
    "judged": ("the same worlds, as the judge counts", judged_cells, 0.0, True),
    "g-pass": ("differences in G-Pass@k that are found as planned", g_pass_cells, 0.7, True),
    "power": ("detectable differences that are found (80 % is the aim)", power_cells, 0.74, True),
}


if __name__ == "__main__":
    sys.exit(main())
