"""Pass@k, G-Pass@k and mG-Pass@k against published numbers, closed forms and brute force."""

import csv
import json
import random
import time
from fractions import Fraction
from itertools import combinations
from math import ceil, comb

import numpy as np
import pytest
from scipy.stats import hypergeom

from solver.stats.metrics import (
    accuracy,
    g_pass_at_k,
    g_pass_at_k_each,
    mg_pass_at_k,
    mg_pass_at_k_each,
    pass_at_k,
    pass_at_k_each,
    tally,
)
from tests.needs import shared_data

QUARTERS = [Fraction(i, 4) for i in range(5)]


@pytest.fixture
def published():
    return shared_data("gpassk")


def test_every_published_row_is_reproduced(published):
    with (published / "gpassk_expected_by_nck.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 468
    for row in rows:
        n, k, c = int(row["n"]), int(row["k"]), int(row["c"])
        for tau in ("0.0", "0.25", "0.5", "0.75", "1.0"):
            assert g_pass_at_k(n, c, k, tau) == float(Fraction(row[f"frac@{tau}"])), (row, tau)
            assert g_pass_at_k(n, c, k, tau) == pytest.approx(float(row[f"G@{tau}"]), abs=1e-12)
        assert mg_pass_at_k(n, c, k) == float(Fraction(row["frac_mG"])), row
        assert pass_at_k(n, c, k) == g_pass_at_k(n, c, k, 0)


@pytest.mark.parametrize("half", ["input", "output"])
def test_the_published_cruxeval_matrices_are_reproduced(published, half):
    text = (published / f"cruxeval_codellama7b_{half}_800x10.json").read_text(encoding="utf-8")
    data = json.loads(text)
    tallies = tally({str(i): row for i, row in enumerate(data["matrix"])})
    expected = data["expected"]
    for k in (1, 2, 5, 10):
        ours = 100 * pass_at_k_each(tallies, k).mean()
        assert ours == pytest.approx(expected[f"pass@{k}"], abs=1e-12)
    assert 100 * accuracy(data["matrix"]).value == pytest.approx(
        expected["published_pass_at_1"], abs=1e-12
    )
    for k in (4, 10):
        for tau in ("0.0", "0.25", "0.5", "0.75", "1.0"):
            ours = 100 * g_pass_at_k_each(tallies, k, tau).mean()
            assert ours == pytest.approx(expected[f"G-Pass@{k}_{tau}"], abs=1e-12)
        ours = 100 * mg_pass_at_k_each(tallies, k).mean()
        assert ours == pytest.approx(expected[f"mG-Pass@{k}"], abs=1e-12)


def test_tau_bench_pass_hat_k_is_g_pass_at_tau_one(published):
    text = (published / "taubench_gpt4o_airline_50x4.json").read_text(encoding="utf-8")
    data = json.loads(text)
    tallies = tally({str(i): row for i, row in enumerate(data["matrix"])})
    for k in (1, 2, 3, 4):
        ours = g_pass_at_k_each(tallies, k, 1).mean()
        assert ours == pytest.approx(data["computed"][f"pass^{k}"], abs=1e-12)


VECTORS = """
48 16  0 0        0        0        0        0        0
48 16  1 0.333333 0        0        0        0        0
48 16  8 0.972126 0.242384 0.000034 0        0        0
48 16 12 0.996759 0.630551 0.007516 0        0        0.000117
48 16 16 0.999733 0.884358 0.080751 0.000030 0        0.003101
48 16 24 1.000000 0.997505 0.619945 0.015238 0        0.079964
48 16 32 1        0.999999 0.979285 0.297890 0.000267 0.336434
48 16 36 1        1        0.999126 0.644226 0.003241 0.500117
48 16 40 1        1        1.000000 0.931055 0.027874 0.666667
48 16 44 1        1        1        1        0.184808 0.833333
48 16 46 1        1        1        1        0.439716 0.916667
48 16 47 1        1        1        1        0.666667 0.958333
48 16 48 1        1        1        1        1        1
48  4 36 0.997456 0.997456 0.956753 0.743062 0.302729 0.522895
48  8 36 0.999999 0.999923 0.983395 0.686332 0.080192 0.504576
16 16  8 1        1        1        0        0        0
16 16 12 1        1        1        1        0        0.5
16 16 15 1        1        1        1        0        0.875
"""


@pytest.mark.parametrize("line", VECTORS.strip().splitlines())
def test_protocol_vectors(line):
    n, k, c = map(int, line.split()[:3])
    ours = [*(g_pass_at_k(n, c, k, tau) for tau in QUARTERS), mg_pass_at_k(n, c, k)]
    assert ours == pytest.approx([float(word) for word in line.split()[3:]], abs=6e-7)


def test_figure_7_of_the_paper():
    assert pass_at_k(80, 8, 16) == pytest.approx(0.847308, abs=5e-7)


def test_a_perfect_model_reaches_mg_of_1_only_for_even_k():
    values = {k: mg_pass_at_k(k, k, k) for k in (1, 2, 3, 4, 5, 7, 15, 16)}
    odd = {1: 0, 3: 2 / 3, 5: 4 / 5, 7: 6 / 7, 15: 14 / 15}
    assert values == pytest.approx(odd | {2: 1, 4: 1, 16: 1}, abs=1e-15)


def test_metrics_equal_a_count_of_every_draw():
    for n in range(1, 8):
        for c in range(n + 1):
            for k in range(1, n + 1):
                hits = [sum(draw) for draw in combinations([1] * c + [0] * (n - c), k)]
                share = {i: np.mean([h >= max(1, i) for h in hits]) for i in range(k + 1)}
                for i in range(k + 1):
                    ours = g_pass_at_k(n, c, k, Fraction(i, k))
                    assert ours == pytest.approx(share[i], abs=1e-15)
                thresholds = range(ceil(k / 2) + 1, k + 1)
                stable = 2 / k * sum(share[i] for i in thresholds)
                assert mg_pass_at_k(n, c, k) == pytest.approx(stable, abs=1e-15)


def test_metrics_equal_the_hypergeometric_tail():
    for k in (4, 8, 16):
        for c in range(49):
            for tau in QUARTERS:
                tail = hypergeom.sf(max(1, ceil(k * tau)) - 1, 48, c, k)
                assert g_pass_at_k(48, c, k, tau) == pytest.approx(tail, abs=1e-12)


def test_g_pass_never_rises_with_tau_and_brackets_mg_for_even_k():
    for n, k in ((48, 16), (20, 6), (16, 16)):
        for c in range(n + 1):
            curve = [g_pass_at_k(n, c, k, Fraction(i, k)) for i in range(k + 1)]
            assert curve == sorted(curve, reverse=True)
            assert curve[-1] <= mg_pass_at_k(n, c, k) <= curve[k // 2]


def test_pass_at_1_is_accuracy():
    correct = {"a": [True, False, False], "b": [True, True, False], "c": [False] * 3}
    assert pass_at_k_each(tally(correct), 1).mean() == pytest.approx(accuracy(correct).value)


def test_tau_is_read_exactly():
    # ceil(0.14 * 50) is 8 in floating point, 7 in truth.
    assert g_pass_at_k(50, 7, 50, "0.14") == g_pass_at_k(50, 7, 50, Fraction(7, 50)) == 1


@pytest.mark.parametrize("tau", [0.14, 0.5, 1.0, np.float32(0.5), None])
def test_a_tau_that_is_not_exact_is_refused(tau):
    with pytest.raises(TypeError, match="tau must be a Fraction"):
        g_pass_at_k(50, 7, 50, tau)


@pytest.mark.parametrize("tau", ["1.1", -1, Fraction(-1, 50)])
def test_tau_outside_0_to_1_is_refused(tau):
    with pytest.raises(ValueError, match="tau must lie between 0 and 1"):
        g_pass_at_k(50, 7, 50, tau)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: pass_at_k(4, 1, 8),
            "Pass@8 needs at least 8 repeats per problem, but there are 4",
        ),
        (lambda: mg_pass_at_k(4, 1, 0), "mG-Pass@0 needs k of at least 1"),
        (lambda: g_pass_at_k(4, 5, 2, 1), "G-Pass@2 needs 0 <= c <= n, but 5 of 4 repeats are"),
    ],
)
def test_impossible_numbers_are_refused(call, message):
    with pytest.raises(ValueError) as refusal:
        call()
    assert str(refusal.value).startswith(message)


def test_too_few_repeats_name_the_problem():
    with pytest.raises(ValueError) as refusal:
        g_pass_at_k_each({"test/algebra/1": (8, 3), "test/algebra/12": (4, 3)}, 8, 1)
    assert str(refusal.value) == (
        "G-Pass@8 needs at least 8 repeats per problem, but problem test/algebra/12 has 4"
    )


@pytest.mark.parametrize("each", [pass_at_k_each, mg_pass_at_k_each])
def test_ragged_repeats_name_both_problems(each):
    with pytest.raises(ValueError, match=r"problem a has 8 and problem b has 9"):
        each({"a": (8, 3), "b": (9, 3)}, 4)


def test_array_forms_equal_the_scalar_forms_in_order():
    tallies = {str(c): (12, c) for c in random.Random(0).sample(range(13), 13)}
    for k in (1, 5, 12):
        assert list(pass_at_k_each(tallies, k)) == [pass_at_k(n, c, k) for n, c in tallies.values()]
        assert list(g_pass_at_k_each(tallies, k, "0.6")) == [
            g_pass_at_k(n, c, k, "0.6") for n, c in tallies.values()
        ]
        assert list(mg_pass_at_k_each(tallies, k)) == [
            mg_pass_at_k(n, c, k) for n, c in tallies.values()
        ]


@pytest.mark.parametrize(
    ("n", "c", "k"), [(300, 100, 50), (300, 3, 299), (1000, 900, 400), (300, 0, 8)]
)
def test_chances_among_many_repeats_are_those_counted_in_whole_numbers(n, c, k):
    def drawn(hits):
        return Fraction(comb(c, hits) * comb(n - c, k - hits), comb(n, k))

    chances = [drawn(hits) for hits in range(k + 1)]
    for tau in ("0", "0.25", "0.5", "0.75", "1"):
        expected = sum(chances[max(1, ceil(Fraction(tau) * k)) :])
        assert g_pass_at_k(n, c, k, tau) == pytest.approx(float(expected), abs=1e-10)
    stable = sum(sum(chances[least:]) for least in range(ceil(k / 2) + 1, k + 1))
    assert mg_pass_at_k(n, c, k) == pytest.approx(float(2 * stable / k), abs=1e-10)


def test_chances_among_ten_thousand_repeats_take_no_time():
    start = time.process_time()
    assert 0.99 < g_pass_at_k(10_000, 5_000, 4_096, "0.25") <= 1
    assert pass_at_k(10_000, 1, 5_000) == pytest.approx(0.5)
    assert time.process_time() - start < 1
