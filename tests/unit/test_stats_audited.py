"""Accuracy corrected by a person's labels: by hand, its limits, and coverage of the truth."""

import numpy as np
import pytest
from scipy.stats import binom

from solver.stats.audited import Labels, audited_accuracy
from solver.stats.metrics import accuracy


def test_each_stratum_counts_by_its_share_and_by_what_was_labelled_correct():
    strata = {"p0": ["accepted", "accepted"], "p1": ["accepted", "rejected"], "p2": ["rejected"]}
    labels = {"accepted": Labels(9, 10), "rejected": Labels(1, 5)}
    ours = audited_accuracy(strata, labels)
    assert ours.value == pytest.approx((0.9 + (0.9 + 0.2) / 2 + 0.2) / 3)
    assert (ours.n_problems, ours.n_trials) == (3, 5)
    assert 0 < ours.low < ours.value < ours.high < 1


def test_many_labels_of_a_judge_without_fault_give_the_plain_accuracy():
    rng = np.random.default_rng(0)
    rows = rng.random((300, 1)) < 0.7
    strata = {str(i): ["yes" if each else "no" for each in row] for i, row in enumerate(rows)}
    ours = audited_accuracy(strata, {"yes": Labels(100_000, 100_000), "no": Labels(0, 100_000)})
    plain = accuracy({str(i): row.tolist() for i, row in enumerate(rows)})
    assert ours.value == pytest.approx(plain.value)
    assert (ours.low, ours.high) == pytest.approx((plain.low, plain.high), abs=0.006)


def test_few_labels_leave_a_wide_interval():
    strata = {str(i): ["yes" if i % 2 else "no"] for i in range(500)}
    few = audited_accuracy(strata, {"yes": Labels(5, 5), "no": Labels(0, 5)})
    many = audited_accuracy(strata, {"yes": Labels(50, 50), "no": Labels(0, 50)})
    assert few.high - few.low > 2 * (many.high - many.low)


def test_a_stratum_without_labels_is_named():
    with pytest.raises(ValueError, match="no trial is labelled in: undecided"):
        audited_accuracy({"p0": ["yes", "undecided"]}, {"yes": Labels(1, 1)})


def test_a_problem_without_trials_is_named():
    with pytest.raises(ValueError, match="no trial of problem p0"):
        audited_accuracy({"p0": []}, {})


def test_the_same_seed_gives_the_same_interval():
    strata = {str(i): ["yes" if i % 3 else "no"] for i in range(30)}
    labels = {"yes": Labels(9, 10), "no": Labels(2, 10)}
    assert audited_accuracy(strata, labels) == audited_accuracy(strata, labels)
    assert audited_accuracy(strata, labels) != audited_accuracy(strata, labels, seed=1)


@pytest.mark.parametrize(("n", "repeats"), [(100, 8), (500, 1)])
def test_the_truth_is_covered_where_the_judges_figure_misses_it(n, repeats):
    rng = np.random.default_rng(3)
    covered = plain = 0
    for world in range(100):
        truth = rng.random((n, repeats)) < rng.beta(0.7, 0.7, (n, 1))
        # The judge rejects an eighth of what is right, and accepts a twentieth of what is wrong.
        accepted = np.where(truth, rng.random(truth.shape) > 0.125, rng.random(truth.shape) < 0.05)
        labels = {}
        for name, chosen in (("yes", accepted), ("no", ~accepted)):
            labelled = rng.choice(truth[chosen], 40, replace=False)
            labels[name] = Labels(int(labelled.sum()), 40)
        strata = {
            str(i): ["yes" if each else "no" for each in row] for i, row in enumerate(accepted)
        }
        ours = audited_accuracy(strata, labels, seed=world)
        theirs = accuracy({str(i): row.tolist() for i, row in enumerate(accepted)})
        covered += ours.low <= 0.5 <= ours.high
        plain += theirs.low <= 0.5 <= theirs.high
    assert covered >= binom.ppf(0.001, 100, 0.95)
    assert plain < 90
