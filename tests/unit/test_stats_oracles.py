"""Metrics over repeats equal those of scorio, an independent package of the field."""

from fractions import Fraction
from statistics import fmean

import numpy as np
import pytest

from solver.stats.metrics import (
    accuracy,
    g_pass_at_k,
    mg_pass_at_k,
    pass_at_k,
)
from solver.stats.votes import Ballots, majorities

scorio = pytest.importorskip("scorio.eval", reason="needs scorio: pip install '.[dev]'")


@pytest.fixture(params=range(6))
def rows(request):
    """Whether each repeat of each problem is right: 1 to 30 problems, 1 to 48 repeats."""
    rng = np.random.default_rng(request.param)
    n, repeats = rng.integers(1, 31), rng.integers(1, 49)
    found = rng.random((n, repeats)) < rng.beta(0.5, 0.5, (n, 1))
    found[0] = request.param % 2  # one problem that is always solved, or never
    return found.astype(int)


def ours(rows, k, metric):
    return fmean(metric(len(row), int(row.sum()), k) for row in rows)


def test_accuracy_is_scorio_s(rows):
    theirs, _ = scorio.avg(rows)
    assert accuracy([row.astype(bool).tolist() for row in rows]).value == pytest.approx(theirs)


def test_pass_at_k_is_scorio_s(rows):
    for k in range(1, rows.shape[1] + 1):
        assert ours(rows, k, pass_at_k) == pytest.approx(scorio.pass_at_k(rows, k))


@pytest.mark.parametrize("tau", ["0", "0.25", "0.5", "0.75", "1"])
def test_g_pass_at_k_is_scorio_s(rows, tau):
    for k in range(1, rows.shape[1] + 1):
        theirs = scorio.g_pass_at_k_tau(rows, k, float(tau))
        mine = ours(rows, k, lambda n, c, k: g_pass_at_k(n, c, k, Fraction(tau)))
        assert mine == pytest.approx(theirs)


def test_mg_pass_at_k_is_scorio_s(rows):
    for k in range(2, rows.shape[1] + 1):
        assert ours(rows, k, mg_pass_at_k) == pytest.approx(scorio.mg_pass_at_k(rows, k))


def test_a_vote_between_two_answers_is_scorio_s_where_k_is_odd(rows):
    for k in range(1, rows.shape[1] + 1, 2):
        right = [int(row.sum()) for row in rows]
        ballots = [
            Ballots((c, row.size - c), (1.0, 0.0), 0) for c, row in zip(right, rows, strict=True)
        ]
        assert majorities(ballots, [k]).mean() == pytest.approx(scorio.maj_at_k(rows, k))
